"""Real server processes, started, asked and stopped through the command line; every wait is bounded."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

WAIT_S = 60.0
needs_proc = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds child processes in /proc")


@pytest.fixture
def home(tmp_path: Path) -> Iterator[dict[str, str]]:
    """An environment of its own; what still runs on its data directory in the end is killed."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("TABLETOP_", "AWS_"))}
    environment |= {"HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path)}
    yield environment
    text = (tmp_path / "db" / "lock").read_text() if (tmp_path / "db" / "lock").exists() else ""
    if text:
        os.kill(json.loads(text)["pid"], signal.SIGKILL)


def tabletop(home: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tabletop", *arguments]
    return subprocess.run(command, env=home, capture_output=True, text=True, timeout=WAIT_S, check=False)


def start(home: dict[str, str], *arguments: str) -> dict[str, Any]:
    """Start in the background on HOME/db; its status."""
    done = tabletop(home, "start", "--port", "0", "--data", data(home), "--detach", *arguments)
    assert done.returncode == 0, done.stderr
    state = json.loads(tabletop(home, "status", "--data", data(home), "--json").stdout)
    assert isinstance(state, dict)
    return state


def data(home: dict[str, str]) -> str:
    return home["HOME"] + "/db"


def status_of(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code


# The whole life of a server: ready when start returns, told by status, pointed at by env, gone when stop returns.
def test_start_status_stop(home: dict[str, str]) -> None:
    server = start(home)
    assert status_of(server["address"]) < 500
    assert server["directory"] == data(home)
    assert str(server["pid"]) in tabletop(home, "status", "--data", data(home)).stdout
    assert f"AWS_ENDPOINT_URL={server['address']}" in tabletop(home, "env", "--data", data(home)).stdout
    # The variable that names the port to `start` names the server to the other commands, whatever else runs here.
    for port, code in ((server["port"], 0), (1, 3)):
        assert tabletop(home | {"TABLETOP_PORT": str(port)}, "status").returncode == code
    assert tabletop(home, "check", "--data", data(home)).returncode == 0
    # A second server on the same data is refused in one line that names the first.
    second = tabletop(home, "start", "--port", "0", "--data", data(home))
    assert second.returncode == 1
    assert second.stderr == (
        f"tabletop: the data directory {data(home)} is in use by process {server['pid']}, "
        f"which serves at {server['address']}; choose another directory with --data\n"
    )
    # The port too; and --detach passes on what the server said.
    other = tabletop(home, "start", "--port", str(server["port"]), "--data", data(home) + "2", "--detach")
    assert other.returncode == 1
    assert other.stderr == (
        f"tabletop: port {server['port']} of localhost is in use by Tabletop (process {server['pid']}, data in "
        f"{data(home)}); `tabletop stop --port {server['port']}`, or choose another with --port\n"
    )
    assert tabletop(home, "stop", "--data", data(home)).returncode == 0
    assert tabletop(home, "status", "--data", data(home)).returncode == 3
    with pytest.raises(OSError), socket.create_connection(("127.0.0.1", server["port"]), 1):
        pass


# Two workers on one port: both paths answer, a killed one is replaced, a reload drops nobody, stop ends all.
@needs_proc
def test_workers(home: dict[str, str]) -> None:
    server = start(home, "--workers", "2", "--log-level", "off")
    before = children(server["pid"])
    assert len(before) == 2
    assert status_of(server["address"] + "/relayed") < 500
    os.kill(before[0], signal.SIGKILL)
    wait_for(lambda: len(children(server["pid"])) == 2 and before[0] not in children(server["pid"]))
    assert status_of(server["address"]) < 500
    # Each request on a new connection, so that each could meet a worker on its way out.
    kept = children(server["pid"])
    os.kill(server["pid"], signal.SIGHUP)
    statuses = set()

    def reloaded() -> bool:
        statuses.add(status_of(server["address"]))
        return not set(kept) & set(children(server["pid"]))

    wait_for(reloaded)
    assert max(statuses) < 500
    after = children(server["pid"])
    assert tabletop(home, "stop", "--data", data(home)).returncode == 0
    for pid in after:
        assert not alive(pid)


# Workers do not outlive a killed parent: else the port would be taken by nobody's processes.
@needs_proc
def test_workers_end_with_their_parent(home: dict[str, str]) -> None:
    server = start(home, "--workers", "2", "--log-level", "off")
    workers = children(server["pid"])
    os.kill(server["pid"], signal.SIGKILL)
    wait_for(lambda: not any(alive(pid) for pid in workers))


# In the foreground: one line says where all is, SIGTERM ends it with status 0, and what was in memory is gone.
def test_foreground_in_memory(home: dict[str, str]) -> None:
    command = [sys.executable, "-m", "tabletop", "start", "--port", "0", "--in-memory"]
    with subprocess.Popen(command, env=home, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert "in memory" in line
            port = line.rstrip().rpartition(":")[2]
            state = json.loads(tabletop(home, "status", "--port", port, "--json").stdout)
            assert state["pid"] == process.pid
            process.send_signal(signal.SIGTERM)
            assert process.wait(WAIT_S) == 0
            assert not Path(state["directory"]).exists()
        finally:
            process.kill()


def children(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(each) for each in text.split() if alive(int(each))]


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_for(condition: Any) -> None:
    deadline = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.01)


# What lies in the directory where the command is given is not imported in place of a library, in no process.
def test_files_of_the_present_directory_are_not_imported(home: dict[str, str], tmp_path: Path) -> None:
    for name in ("http", "queue", "random"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit(9)\n")
    command = [sys.executable, "-P", "-m", "tabletop", "start", "--port", "0", "--data", data(home), "--detach"]
    for more in ([], ["--workers", "2"]):
        done = subprocess.run(
            [*command, *more], env=home, capture_output=True, text=True, timeout=WAIT_S, check=False, cwd=tmp_path
        )
        assert done.returncode == 0, done.stderr
        assert tabletop(home, "stop", "--data", data(home)).returncode == 0


# Strict: the first start shows a root key, once; test/test and what was shown before another one was made open nothing.
def test_a_strict_server_shows_its_root_key(home: dict[str, str]) -> None:
    first = tabletop(home, "start", "--port", "0", "--data", data(home), "--detach", "--auth", "strict")
    shown = keys_in(first.stdout)
    assert set(shown) == {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}
    assert not keys_in(tabletop(home, "env", "--data", data(home)).stdout)
    assert keys_in(tabletop(home | shown, "env", "--data", data(home)).stdout) == shown
    assert whoami(home, shown) == "arn:aws:iam::000000000000:root"
    assert whoami(home, dict.fromkeys(shown, "test")) == "InvalidClientTokenId"
    another = keys_in(tabletop(home, "root-key", "--data", data(home)).stdout)
    assert whoami(home, shown) == "InvalidClientTokenId"
    assert whoami(home, another) == "arn:aws:iam::000000000000:root"
    assert tabletop(home, "stop", "--data", data(home)).returncode == 0
    # The user's own choice, which a test set-up needs: not on any command line of the server.
    chosen = home | {"TABLETOP_ROOT_KEY": "test:test"}
    again = tabletop(chosen, "start", "--port", "0", "--data", data(home), "--detach", "--auth", "strict")
    assert (again.returncode, keys_in(again.stdout)) == (0, {})
    assert whoami(home, dict.fromkeys(shown, "test")) == "arn:aws:iam::000000000000:root"
    assert whoami(home, another) == "InvalidClientTokenId"
    assert tabletop(home, "stop", "--data", data(home)).returncode == 0


def keys_in(text: str) -> dict[str, str]:
    lines = (line.removeprefix("export ").split("=", 1) for line in text.splitlines() if "export AWS_" in line)
    return {name: value for name, value in lines if name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}


def whoami(home: dict[str, str], keys: dict[str, str]) -> str:
    """The ARN of these keys, or the error's name."""
    sts = boto3.client(
        "sts",
        endpoint_url=json.loads(tabletop(home, "status", "--data", data(home), "--json").stdout)["address"],
        region_name="us-east-1",
        aws_access_key_id=keys["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=keys["AWS_SECRET_ACCESS_KEY"],
    )
    try:
        return str(sts.get_caller_identity()["Arn"])
    except ClientError as error:
        return str(error.response["Error"]["Code"])


def client(server: dict[str, Any], service: str, **credentials: str) -> Any:
    usual = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    return boto3.client(
        service,
        endpoint_url=server["address"],
        region_name="us-east-1",
        config=Config(retries={"max_attempts": 0}),
        **(credentials or usual),
    )


# A user is refused what his policy does not name; the owner is told why, and gets the policy for what was done.
def test_explain_and_generate(home: dict[str, str]) -> None:
    server = start(home, "--workers", "2")
    try:
        root, iam = client(server, "dynamodb"), client(server, "iam")
        root.create_table(
            TableName="Users",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
        )
        arn = "arn:aws:dynamodb:us-east-1:000000000000:table/Users"
        statement = {"Effect": "Allow", "Action": ["dynamodb:PutItem", "dynamodb:GetItem"], "Resource": arn}
        iam.create_user(UserName="alice")
        iam.put_user_policy(
            UserName="alice",
            PolicyName="own",
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
        )
        issued = iam.create_access_key(UserName="alice")["AccessKey"]
        keys = {
            "aws_access_key_id": issued["AccessKeyId"],
            "aws_secret_access_key": issued["SecretAccessKey"],
        }
        own = client(server, "dynamodb", **keys)
        own.put_item(TableName="Users", Item={"p": {"S": "1"}})
        with pytest.raises(ClientError) as caught:
            own.delete_item(TableName="Users", Key={"p": {"S": "1"}})
        with pytest.raises(ClientError) as by_control:
            client(server, "iam", **keys).list_users()
        for error, action in ((caught, "dynamodb:DeleteItem"), (by_control, "iam:ListUsers")):
            request_id = error.value.response["ResponseMetadata"]["RequestId"]
            told = tabletop(home, "iam", "explain", request_id, "--data", data(home), "--json")
            assert told.returncode == 0, told.stderr
            (denial,) = json.loads(told.stdout)
            assert (denial["action"], denial["principal"]) == (action, "arn:aws:iam::000000000000:user/alice")
        shown = tabletop(home, "iam", "explain", "--data", data(home)).stdout
        assert f"Needed     a statement that allows dynamodb:DeleteItem on {arn}" in shown
        assert tabletop(home, "iam", "explain", "0" * 52, "--data", data(home)).returncode == 4
        made = tabletop(home, "iam", "generate", "--user", "alice", "--data", data(home))
        assert json.loads(made.stdout)["Statement"] == [
            {"Effect": "Allow", "Action": ["dynamodb:PutItem"], "Resource": [arn]}
        ]
        assert tabletop(home, "iam", "generate", "--role", "nobody", "--data", data(home)).returncode == 4
    finally:
        tabletop(home, "stop", "--data", data(home))
