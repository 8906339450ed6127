"""Want of file descriptors: said once, bounded, and over when it ends."""

from __future__ import annotations

import json
import resource
import socket
import time
from pathlib import Path

import pytest
from fault_server import dynamodb, dynamodb_head, read_answer, running


def open_files_at_most(number: int):
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (number, number))

    return limit


# A process that may open few files has so many connections the less: more are answered 503, said in the log once, those that are
# there are served, and when they end others are.
def test_few_open_files(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with running("--in-memory", log=log, preexec_fn=open_files_at_most(180)) as (_, port):
        opened = [socket.create_connection(("127.0.0.1", port), 10) for _ in range(90)]
        refused = [read_answer(each).status for each in opened[-5:]]
        assert refused == [503] * 5
        opened[0].sendall(dynamodb_head("ListTables", 2) + b"{}")
        assert read_answer(opened[0]).status == 200
        for each in opened:
            each.close()
        for _ in range(200):
            if dynamodb(port, "ListTables", {}).status == 200:
                break
            time.sleep(0.01)
        else:
            raise AssertionError("it serves no new connection")
    said = log.read_text().splitlines()
    assert [line.split(" ", 1)[1] for line in said] == [
        "warning server.http connections are refused: there are too many connections_max=52"
    ]


# The usual soft limit of open files is no limit of ours: a server raises it as far as the system lets it.
def test_the_soft_limit_is_raised() -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard < 512:
        pytest.skip("the hard limit is low")
    with running("--in-memory", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))) as (pid, _):
        assert resource.prlimit(pid, resource.RLIMIT_NOFILE) == (hard, hard)


# Every descriptor is taken behind the server's back: the log says so once, and what is connected is served on.
def test_no_descriptor_left(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with running("--in-memory", log=log) as (pid, port), socket.create_connection(("127.0.0.1", port), 10) as there:
        there.sendall(dynamodb_head("ListTables", 2) + b"{}")
        assert read_answer(there).status == 200
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, 3))
        time.sleep(2.5)
        there.sendall(dynamodb_head("ListTables", 2) + b"{}")
        assert json.loads(read_answer(there).body) == {"TableNames": []}
    assert log.read_text().count("no file can be opened") == 1
    assert "Traceback" not in log.read_text()
