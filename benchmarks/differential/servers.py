"""The two servers on loopback, and a client that asks both at the same time."""

from __future__ import annotations

import http.client
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.load import HEADERS

DYNALITE = Path(".bench/dynalite/node_modules/dynalite")
TIMEOUT_S = 20.0
_DYNALITE_SCRIPT = """
const server = require(process.argv[1])({createTableMs: 0, deleteTableMs: 0, updateTableMs: 0})
server.listen(0, '127.0.0.1', () => console.log('Ready at :' + server.address().port))
"""
COMMANDS = {
    "tabletop": [sys.executable, "-m", "tabletop", "start", "--in-memory", "--port", "0", "--auth", "off"],
    "dynalite": ["node", "-e", _DYNALITE_SCRIPT, str(DYNALITE.resolve())],
}

Answer = tuple[int, dict[str, Any]]
"""HTTP status and the body."""


class ServerEnded(Exception):
    """It gave no answer: the process died, or hung."""


class Server:
    def __init__(self, name: str) -> None:
        self.name = name
        self._process = subprocess.Popen(COMMANDS[name], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert self._process.stdout is not None
        found = re.search(r"Ready at .*:(\d+)", self._process.stdout.readline())
        if found is None:
            raise SystemExit(f"{name} did not start")
        self._connection = http.client.HTTPConnection("127.0.0.1", int(found[1]), timeout=TIMEOUT_S)

    def send(self, operation: str, body: bytes) -> None:
        headers = HEADERS | {"X-Amz-Target": f"DynamoDB_20120810.{operation}"}
        try:
            self._connection.request("POST", "/", body, headers)
        except (OSError, http.client.HTTPException) as error:
            raise ServerEnded(self.name) from error

    def receive(self) -> Answer:
        try:
            answer = self._connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise ServerEnded(self.name) from error
        try:
            return answer.status, json.loads(content)
        except ValueError:
            return answer.status, {"__type": "NoJson", "message": content[:200].decode(errors="replace")}

    def end(self) -> None:
        self._connection.close()
        self._process.kill()
        self._process.wait(timeout=30)


class Pair:
    """Tabletop and dynalite. ``ask`` answers with (ours, theirs)."""

    def __init__(self) -> None:
        self.ours, self.theirs = Server("tabletop"), Server("dynalite")

    def ask(self, operation: str, body: dict[str, Any]) -> tuple[Answer, Answer]:
        """Raises ``ServerEnded`` if dynalite ends, after it was started anew, and empty."""
        content = json.dumps(body).encode()
        self.ours.send(operation, content)
        try:
            self.theirs.send(operation, content)
            ours = self.ours.receive()
            return ours, self.theirs.receive()
        except ServerEnded as error:
            if error.args[0] == "tabletop":
                raise SystemExit(f"Tabletop gave no answer to {operation} {content.decode()}") from error
            self.end()
            self.__init__()  # type: ignore[misc]
            raise

    def end(self) -> None:
        self.ours.end()
        self.theirs.end()
