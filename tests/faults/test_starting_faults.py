"""What keeps a server from starting is one clear line on stderr and status 1; what befalls it later is an answer."""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from fault_server import dynamodb, run_start, running

from tabletop.cli.check import check_directory

TABLE = {
    "TableName": "things",
    "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "S"}],
    "BillingMode": "PAY_PER_REQUEST",
}


def file_bytes_at_most(size_bytes: int) -> Callable[[], None]:
    """For a child: no file may grow beyond this, as on a disk that is full. The write fails instead of a signal."""

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, resource.RLIM_INFINITY))

    return limit


def the_line(result: object) -> str:
    """The only line on stderr of a start that failed."""
    returncode, stderr, stdout = (getattr(result, name) for name in ("returncode", "stderr", "stdout"))
    assert returncode == 1, (stdout, stderr)
    assert stdout == ""
    lines = str(stderr).splitlines()
    assert len(lines) == 1, stderr
    assert lines[0].startswith("tabletop: ")
    return lines[0].removeprefix("tabletop: ")


# The port is somebody else's: named, whatever the number of workers.
@pytest.mark.parametrize("workers", ["1", "2"])
def test_port_in_use(tmp_path: Path, workers: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        result = run_start("--port", str(port), "--data", str(tmp_path), "--workers", workers)
    assert the_line(result).startswith(f"port {port} of localhost is in use")


# A second server on a data directory is told by whom it is used, and the first does not notice.
def test_data_directory_in_use(tmp_path: Path) -> None:
    with running("--data", str(tmp_path)) as (pid, port):
        line = the_line(run_start("--data", str(tmp_path)))
        assert line == (
            f"the data directory {tmp_path} is in use by process {pid}, which serves at http://localhost:{port}; "
            "choose another directory with --data"
        )
        assert dynamodb(port, "ListTables", {}).status == 200


# Data of a newer format is left alone, and so is what is no data directory of ours.
@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize(
    ("marker", "words"),
    [
        ({"format": 2, "created": 1.0}, "has data format 2; this version of Tabletop reads format 1: use a newer"),
        ({"format": 0, "created": 1.0}, "it is too old to be opened"),
        ({}, "is damaged: it does not tell the format"),
    ],
)
def test_other_format(tmp_path: Path, marker: dict[str, float], words: str, workers: str) -> None:
    (tmp_path / "tabletop.json").write_text(json.dumps(marker))
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "data.mdb").write_bytes(b"of the future")
    assert words in the_line(run_start("--data", str(tmp_path), "--workers", workers))
    assert (tmp_path / "store" / "data.mdb").read_bytes() == b"of the future"


# A damaged store is said so: neither a traceback nor an empty database in its place.
@pytest.mark.parametrize("content", [b"of another program", b"\0" * 65536, os.urandom(65536)])
def test_damaged_store(tmp_path: Path, content: bytes) -> None:
    with running("--data", str(tmp_path)) as (_, port):
        assert dynamodb(port, "CreateTable", TABLE).status == 200
    (tmp_path / "store" / "data.mdb").write_bytes(content)
    assert str(tmp_path) in the_line(run_start("--data", str(tmp_path)))
    assert (tmp_path / "store" / "data.mdb").read_bytes() == content


# The place for the data is a file, or lies below one.
@pytest.mark.parametrize("below", ["file", "file/below"])
def test_directory_that_cannot_be(tmp_path: Path, below: str) -> None:
    (tmp_path / "file").write_text("")
    assert str(tmp_path / below) in the_line(run_start("--data", str(tmp_path / below)))


# On a full disk nothing starts, whichever write is the first to fail; a new directory, and one with data.
@pytest.mark.parametrize("size_bytes", [0, 20, 300, 4096, 9000])
def test_full_disk_at_start(tmp_path: Path, size_bytes: int) -> None:
    result = run_start("--data", str(tmp_path / "db"), preexec_fn=file_bytes_at_most(size_bytes))
    assert "tabletop: " in result.stderr
    line = the_line(result)
    assert "No space left" in line or "File too large" in line, line
    # With space again the directory that was begun is a good one.
    with running("--data", str(tmp_path / "db")) as (_, port):
        assert dynamodb(port, "CreateTable", TABLE).status == 200


# A wrong option is the user's: named, with the usage's status 2.
@pytest.mark.parametrize(
    "arguments", [("--port", "x"), ("--port", "70000"), ("--workers", "0"), ("--nonsense",), ("--auth", "x")]
)
def test_wrong_options(arguments: tuple[str, ...]) -> None:
    result = run_start(*arguments)
    assert result.returncode == 2
    assert arguments[0] in result.stderr
    assert "Traceback" not in result.stderr


# The disk fills while serving: writes are refused as AWS's server error, which says why; reads go on, and with space again
# so do writes, without a restart. Nothing acknowledged is lost, also for the server that is started next.
def test_disk_that_fills(tmp_path: Path) -> None:
    log = tmp_path / "stderr"
    data = tmp_path / "db"
    acknowledged = []
    with running("--data", str(data), log=log, preexec_fn=file_bytes_at_most(1 << 20)) as (pid, port):
        assert dynamodb(port, "CreateTable", TABLE).status == 200
        refusals = 0
        for number in range(60):
            item = {"p": {"S": f"{number}"}, "blob": {"S": "x" * 50_000}}
            answer = dynamodb(port, "PutItem", {"TableName": "things", "Item": item})
            if answer.status == 200:
                acknowledged.append(f"{number}")
            else:
                refusals += 1
                assert (answer.status, answer.code) == (500, "InternalServerError")
                assert answer.message == "The server could not store the change: the disk is full"
        assert acknowledged
        assert refusals
        for key in (acknowledged[0], acknowledged[-1]):
            answer = dynamodb(port, "GetItem", {"TableName": "things", "Key": {"p": {"S": key}}})
            assert json.loads(answer.body)["Item"]["p"] == {"S": key}
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        put = {"TableName": "things", "Item": {"p": {"S": "with space"}, "blob": {"S": "x" * 50_000}}}
        assert dynamodb(port, "PutItem", put).status == 200
        acknowledged.append("with space")
    assert "Traceback" not in log.read_text()
    assert check_directory(data) == []
    with running("--data", str(data)) as (_, port):
        for key in acknowledged:
            answer = dynamodb(port, "GetItem", {"TableName": "things", "Key": {"p": {"S": key}}})
            assert json.loads(answer.body)["Item"]["p"] == {"S": key}
        put = {"TableName": "things", "Item": {"p": {"S": "after"}}}
        assert dynamodb(port, "PutItem", put).status == 200
