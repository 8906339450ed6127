"""Who takes part: data, and the little that differs in installing and starting each.

Peers are installed below .bench/peers, once, by the package manager of their language. One that cannot be had on this
machine (no Java, no cargo, no registry) is named as left out, with the reason.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

INSTALL_TIMEOUT_S = 1800

_POM = """<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>bench</groupId><artifactId>bench</artifactId><version>1</version>
<dependencies><dependency><groupId>software.amazon.dynamodb</groupId><artifactId>DynamoDBLocal</artifactId>
<version>[3.0,4)</version></dependency></dependencies></project>
"""


class LeftOut(Exception):
    """A peer that cannot be had here, and why."""


@dataclass(frozen=True, slots=True)
class Peer:
    """``install`` fills the folder; ``command`` starts the server at a port, its data in memory."""

    name: str
    needs: tuple[str, ...]
    """Programs that must be on the machine."""
    install: Callable[[Path], list[list[str]]]
    """The commands that install it."""
    command: Callable[[Path, int], list[str]]
    environment: Callable[[int], dict[str, str]] = field(default=lambda port: {})


def _venv(package: str) -> Callable[[Path], list[list[str]]]:
    def commands(folder: Path) -> list[list[str]]:
        return [
            [sys.executable, "-m", "venv", str(folder / "venv")],
            [str(folder / "venv/bin/python"), "-m", "pip", "install", "--quiet", package],
        ]

    return commands


def _maven(folder: Path) -> list[list[str]]:
    (folder / "pom.xml").write_text(_POM)
    goal = ["dependency:copy-dependencies", f"-DoutputDirectory={folder / 'lib'}"]
    return [["mvn", "-q", "-B", "-f", str(folder / "pom.xml"), *goal]]


PEERS = (
    Peer(
        "dynalite",
        ("node", "npm"),
        lambda folder: [["npm", "install", "--silent", "--prefix", str(folder), "dynalite"]],
        lambda folder, port: ["node", str(folder / "node_modules/dynalite/cli.js"), "--port", str(port)],
    ),
    Peer(
        "DynamoDB Local",
        ("java", "mvn"),
        _maven,
        lambda folder, port: [
            "java",
            f"-Djava.library.path={folder / 'lib'}",
            "-cp",
            f"{folder / 'lib'}/*",
            "software.amazon.dynamodb.services.local.main.ServerRunner",
            "-inMemory",
            "-port",
            str(port),
        ],
    ),
    Peer(
        "dynoxide",
        ("cargo",),
        lambda folder: [["cargo", "install", "--quiet", "dynoxide-rs", "--root", str(folder)]],
        lambda folder, port: [str(folder / "bin/dynoxide"), "--port", str(port)],
    ),
    Peer(
        "ministack",
        (),
        _venv("ministack"),
        lambda folder, port: [str(folder / "venv/bin/ministack")],
        lambda port: {"GATEWAY_PORT": str(port), "EDGE_PORT": str(port)},
    ),
    Peer(
        "moto",
        (),
        _venv("moto[server,dynamodb]"),
        lambda folder, port: [str(folder / "venv/bin/moto_server"), "--port", str(port)],
    ),
)


def install(peer: Peer, root: Path) -> Path:
    """The peer's folder, filled. Raises LeftOut."""
    folder = root / peer.name.lower().replace(" ", "-")
    done = folder / ".installed"
    if done.exists():
        return folder
    for program in peer.needs:
        if shutil.which(program) is None:
            raise LeftOut(f"{program} is not on this machine")
    folder.mkdir(parents=True, exist_ok=True)
    for command in peer.install(folder):
        try:
            ended = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_TIMEOUT_S, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise LeftOut(f"{command[0]}: {error}") from error
        if ended.returncode != 0:
            last = (ended.stderr or ended.stdout).strip().splitlines()[-1:]
            raise LeftOut(f"{' '.join(command[:3])} failed: {''.join(last)[:200]}")
    done.touch()
    return folder


def start(peer: Peer, folder: Path, port: int, cores: list[int]) -> subprocess.Popen[bytes]:
    """The peer's server, on the given cores, saying nothing; its working directory is a scratch folder of its own."""
    scratch = folder / "run"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    command = peer.command(folder, port)
    if cores and shutil.which("taskset"):
        command = ["taskset", "-c", ",".join(map(str, cores)), *command]
    environment = {**os.environ, **peer.environment(port), "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    return subprocess.Popen(
        command,
        cwd=scratch,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
