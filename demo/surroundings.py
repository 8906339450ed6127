"""What the walk stands on: a server with a new data directory, and AWS settings of its own, all inside .demo/."""

from __future__ import annotations

import http.client
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
HOME = REPOSITORY / ".demo"
EXAMPLE = REPOSITORY / "examples" / "user_manager"
READY_WITHIN_S = 10.0
STOPPED_WITHIN_S = 10.0
INSTALLED_WITHIN_S = 120.0

CONFIG = """\
[profile localstack]
region = us-east-1
output = json
cli_binary_format = raw-in-base64-out
"""

CREDENTIALS = """\
[localstack]
aws_access_key_id = test
aws_secret_access_key = test
"""

# Debian's minimal installation has no zip; Python packs the same archive.
ZIP = """\
#!/bin/sh
exec "{python}" -m zipfile -c "$@"
"""

OVERREACH = '''\
"""Tries what the role does not allow, to show that it is refused."""
import boto3

def handler(event, context):
    return boto3.client("dynamodb").delete_table(TableName="Users")
'''


class CannotStart(Exception):
    """One clear line for the user."""


@dataclass(frozen=True)
class Surroundings:
    """``work`` is where the commands run; ``environment`` is theirs."""

    run: Path
    work: Path
    environment: dict[str, str]


def prepare() -> Surroundings:
    """A new directory .demo/run-XXXX with the example's files, an AWS profile, and room for the server's data."""
    HOME.mkdir(exist_ok=True)
    run = Path(tempfile.mkdtemp(prefix="run-", dir=HOME))
    work = run / "work"
    work.mkdir()
    for source in EXAMPLE.iterdir():
        if source.suffix in (".py", ".json"):
            shutil.copy(source, work)
    (work / "overreach.py").write_text(OVERREACH)
    (run / "config").write_text(CONFIG)
    (run / "credentials").write_text(CREDENTIALS)
    return Surroundings(run, work, command_environment(run))


def command_environment(run: Path) -> dict[str, str]:
    """The user's environment without any AWS setting or proxy: both would change what the commands talk to."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("AWS_") and not name.lower().endswith("_proxy")
    }
    path = [str(Path(sys.executable).parent), environment.get("PATH", os.defpath)]
    if shutil.which("zip") is None:
        substitute = run / "bin" / "zip"
        substitute.parent.mkdir()
        substitute.write_text(ZIP.format(python=sys.executable))
        substitute.chmod(0o755)
        path.insert(0, str(substitute.parent))
    return environment | {
        "PATH": os.pathsep.join(path),
        "AWS_CONFIG_FILE": str(run / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(run / "credentials"),
        "AWS_PAGER": "",
        "AWS_EC2_METADATA_DISABLED": "true",
        "PYTHONUTF8": "1",
        # Kept from run to run, and out of the user's own folders.
        "TABLETOP_RUNTIMES": str(HOME / "runtimes"),
    }


def prepare_runtime(surroundings: Surroundings, runtime: str) -> str:
    """Have the tutorial's functions run with their own Python, where this machine has it; what came of it, in a line.

    An old Python needs an older boto3, which takes a network the first time: without one, another Python runs instead.
    """
    tabletop = str(Path(sys.executable).with_name("tabletop"))
    # With the user's own environment: pip may need its proxy.
    environment = {**os.environ, "TABLETOP_RUNTIMES": surroundings.environment["TABLETOP_RUNTIMES"]}
    try:
        done = subprocess.run(
            [tabletop, "lambda", "runtimes", "--install", runtime],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=INSTALLED_WITHIN_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"{runtime} could not be prepared in time: another Python runs its functions."
    if done.returncode == 0:
        return done.stdout.strip().splitlines()[-1]
    reason = done.stderr.strip().splitlines()[-1:] or [""]
    return f"Another Python runs the functions of {runtime}: {reason[0].removeprefix('Error: ')}"


def refuse_port_in_use(port: int) -> None:
    with socket.socket() as probe:
        # A port that was closed a moment ago is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise CannotStart(
                f"Port {port} is in use. Stop what listens there, or choose another: make demo PORT={port + 1}"
            ) from error


def start_server(surroundings: Surroundings, port: int) -> tuple[subprocess.Popen[bytes], float]:
    """Starts ``tabletop`` and gives its process and the seconds until its first answer."""
    tabletop = Path(sys.executable).with_name("tabletop")
    command = [str(tabletop), "start", "--port", str(port), "--data", str(surroundings.run / "data")]
    started = time.monotonic()
    with (surroundings.run / "server.log").open("wb") as log:
        # In its own process group: Ctrl-C in the terminal is for the walk, which then stops the server in order.
        server = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=surroundings.environment,
            start_new_session=True,
        )
    while time.monotonic() - started < READY_WITHIN_S:
        if server.poll() is not None:
            break
        if answers_http(port):
            return server, time.monotonic() - started
        time.sleep(0.02)
    stop_server(server)
    last = (surroundings.run / "server.log").read_text(errors="replace").strip().splitlines()[-1:]
    raise CannotStart("Tabletop did not start: " + (last[0] if last else f"no answer within {READY_WITHIN_S:.0f} s."))


def answers_http(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
    try:
        connection.request("GET", "/")
        connection.getresponse().read()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return True


def stop_server(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    try:
        server.wait(STOPPED_WITHIN_S)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
