"""A server for the tests that speak to one: in this process's neighbour, in memory, on a free port of loopback."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

ENDPOINT_VARIABLE = "TABLETOP_TEST_ENDPOINT"


@pytest.fixture(scope="session")
def tabletop_endpoint() -> Iterator[str]:
    """The address of a running server; TABLETOP_TEST_ENDPOINT names another (a durable one, or AWS itself)."""
    given = os.environ.get(ENDPOINT_VARIABLE)
    if given:
        yield given
        return
    server = subprocess.Popen(
        [sys.executable, "-m", "tabletop", "start", "--in-memory", "--port", "0"], stdout=subprocess.PIPE, text=True
    )
    assert server.stdout is not None
    line = server.stdout.readline()
    assert "Ready at " in line, f"the server did not start: {line!r}"
    yield line.rsplit("Ready at ", 1)[1].strip()
    server.terminate()
    server.wait(timeout=20)
    server.stdout.close()
