"""The log of one sandbox: lines gathered, bounded, and appended to its log stream in the background.

An invocation's lines reach the store in order and soon, but its answer does not wait for them (as on AWS).
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

from tabletop.base.clock import Clock
from tabletop.base.log import Log
from tabletop.functions import limits
from tabletop.functions.ports import Logs

_log = Log("functions")


class Journal:
    def __init__(self, logs: Logs, account: str, region: str, group: str, stream: str, clock: Clock) -> None:
        self._logs = logs
        self._where = (account, region, group, stream)
        self._clock = clock
        self._pending: list[tuple[int, str]] = []
        self._pending_bytes = 0
        self._taken_bytes = 0
        self._tail = bytearray()
        self._writer: asyncio.Task[None] | None = None
        self.when_room: Callable[[], None] | None = None
        """Called when waiting output has shrunk below the bound again."""

    @property
    def full(self) -> bool:
        return self._pending_bytes >= limits.LOG_PENDING_BYTES_MAX

    def begin(self) -> None:
        """A new invocation: its own tail, its own allowance."""
        self._taken_bytes = 0
        self._tail.clear()

    def line(self, text: str) -> None:
        """A line of the platform: always kept, unless it is "". ``text`` without line end."""
        if text:
            self._keep(text)

    def _keep(self, text: str) -> None:
        message = text + "\n"
        self._pending.append((int(self._clock() * 1000), message))
        self._pending_bytes += len(message)
        self._tail += message.encode()
        del self._tail[: -limits.LOG_TAIL_BYTES]

    def output(self, raw: bytes) -> None:
        """A line that the function wrote; dropped when the invocation has used up its allowance."""
        if self._taken_bytes > limits.LOG_INVOCATION_BYTES_MAX:
            return
        self._taken_bytes += len(raw) + 1
        if self._taken_bytes > limits.LOG_INVOCATION_BYTES_MAX:
            self.line("TABLETOP log output of this invocation beyond 16 MiB is dropped")
            return
        # A carriage return within a line is a line end of one longer message: see bootstraps/python.py.
        self._keep(raw.decode("utf-8", "replace").rstrip("\r").replace("\r", "\n"))

    def tail(self) -> bytes:
        """The last 4 KB since ``begin``."""
        return bytes(self._tail)

    def flush(self) -> None:
        """Begin to append what is pending, unless that is under way."""
        if self._writer is None and self._pending:
            self._writer = asyncio.get_running_loop().create_task(self._write())

    async def settle(self) -> None:
        """Return when everything so far is in the store."""
        self.flush()
        while self._writer is not None:
            await asyncio.wait([self._writer])

    async def _write(self) -> None:
        try:
            while self._pending:
                events, self._pending, self._pending_bytes = self._pending, [], 0
                await self._logs.append(*self._where, events)
                if self.when_room is not None:
                    self.when_room()
        except Exception as error:
            _log.error("could not append to a function's log", error=error, group=self._where[2])
        finally:
            self._writer = None


class Output:
    """The reading end of a sandbox's standard output and error (one pipe, so that their order is kept)."""

    def __init__(self, loop: asyncio.AbstractEventLoop, descriptor: int, journal: Journal) -> None:
        os.set_blocking(descriptor, False)
        self._loop = loop
        self._descriptor = descriptor
        self._journal = journal
        self._partial = b""
        self._watching = False
        journal.when_room = self._watch
        self._watch()

    def drain(self) -> None:
        """Take what is in the pipe now: so that a handler's output is logged before its END line."""
        for _ in range(8):
            if not self._read():
                return

    def close(self) -> None:
        """Take the rest and close the descriptor."""
        if self._descriptor < 0:
            return
        self.drain()
        if self._partial:
            self._journal.output(self._partial)
        self._unwatch()
        self._journal.when_room = None
        os.close(self._descriptor)
        self._descriptor = -1

    def _watch(self) -> None:
        if not self._watching and self._descriptor >= 0 and not self._journal.full:
            self._watching = True
            self._loop.add_reader(self._descriptor, self._readable)

    def _unwatch(self) -> None:
        if self._watching:
            self._watching = False
            self._loop.remove_reader(self._descriptor)

    def _readable(self) -> None:
        self._read()
        self._journal.flush()
        if self._journal.full:
            # The function waits in its next write until the store has caught up.
            self._unwatch()

    def _read(self) -> bool:
        try:
            chunk = os.read(self._descriptor, 65536)
        except BlockingIOError:
            return False
        except OSError:
            chunk = b""
        if not chunk:
            self._unwatch()
            return False
        *lines, partial = (self._partial + chunk).split(b"\n")
        while len(partial) > limits.LOG_LINE_BYTES_MAX:
            lines.append(partial[: limits.LOG_LINE_BYTES_MAX])
            partial = partial[limits.LOG_LINE_BYTES_MAX :]
        self._partial = partial
        for line in lines:
            self._journal.output(line)
        return True
