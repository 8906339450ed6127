"""One sandbox: a process of one function version, its Runtime API, its log and its bounds.

Its life: ``open`` starts the process and waits for its initialisation; ``invoke`` runs one event at a time; ``close``
ends it and takes back everything it had. What happens to the process in between (answer, error, exit, time limit,
memory limit) ends the current wait with an ``Ending``; the first one counts.
"""

from __future__ import annotations

import asyncio
import inspect
import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from tabletop.functions import enclosures, limits, processes
from tabletop.functions.extensions_api import ExtensionsApi, Reason
from tabletop.functions.journal import Journal, Output
from tabletop.functions.limits import Settings
from tabletop.functions.ports import Listen, Listener
from tabletop.functions.runtime_api import Answer, Event, RuntimeApi

EXTENSION_CRASH = b'{"errorType":"Extension.Crash","errorMessage":"An extension ended"}'
"""Inferred: AWS has this type; the text is ours."""
_SHUTDOWN_LOOK_S = 0.02
_WRAPPERS = 3
"""Processes of an enclosed function that has started none itself."""
_FATAL = frozenset(
    {
        signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT, signal.SIGTERM, signal.SIGBUS, signal.SIGFPE, signal.SIGILL,
        signal.SIGTRAP, signal.SIGSYS,
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ending:
    """How an initialisation or an invocation ended.

    ``ready``: initialised. ``undelivered``: the process was gone before it got the event. ``exit``: it ended by itself,
    or for its memory (``exit_status`` as ``subprocess`` has it).
    """

    kind: Literal["ready", "response", "error", "init-error", "exit", "timeout", "undelivered"]
    payload: bytes = b""
    error_type: str = ""
    exit_status: int = 0


@dataclass(frozen=True, slots=True)
class Launch:
    """What a sandbox is started with. ``environment`` gets the address of the Runtime API when that is known."""

    arguments: tuple[str, ...]
    environment: Callable[[str], dict[str, str]]
    code: Path
    home: Path
    """The sandbox's own folder: its temporary files (unless it is enclosed), and the note about its process."""
    memory_bytes: int
    ephemeral_bytes: int
    enclosed: bool = False
    """It runs below a program that makes its view of the system, and has its /tmp in memory (``enclosures``)."""
    entry: Path | None = None
    """The function's own program, which must be executable."""
    extensions: tuple[str, ...] = ()
    """External extensions, by the paths at which they run."""
    function: dict[str, str] = field(default_factory=dict)
    """What extensions are told of the function."""


class Sandbox:
    def __init__(
        self, launch: Launch, journal: Journal, listen: Listen, clock: Callable[[], float], settings: Settings
    ) -> None:
        self.journal = journal
        self.expires = 0.0
        """When its credentials end; seconds since the epoch."""
        self.idle_since = 0.0
        self.retired = False
        """No further invocation: the function changed, or the sandbox is spent."""
        self.peak_bytes = 0
        self.code_hash = launch.code.name
        self._launch = launch
        self._listen = listen
        self._settings = settings
        self._clock = clock
        names = [path.rpartition("/")[2] for path in launch.extensions]
        self._extensions = ExtensionsApi(launch.function, names, self._on_extension, self._on_extension_failure)
        self._api = RuntimeApi(clock, self._on_ready, self._on_answer, self._extensions)
        self._settled: asyncio.Future[None] | None = None
        self._reason: Reason = "spindown"
        self._closing = False
        self._listener: Listener | None = None
        self._process: processes.Process | None = None
        self._output: Output | None = None
        self._ending: asyncio.Future[Ending] | None = None
        self._deadline = 0.0
        self._out_of_memory = False
        self._runtime_pid = 0
        self._exited = asyncio.Event()

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.exit_status is None

    @property
    def pid(self) -> int:
        return self._process.pid if self._process is not None else 0

    async def open(self, timeout_s: float) -> Ending:
        """Start and initialise: "ready", "init-error", "exit" or "timeout". Raises OSError where it cannot start."""
        loop = asyncio.get_running_loop()
        self._listener = await self._listen(self._api.handle, "127.0.0.1", 0, sinks=self._api.open_body)
        environment = self._launch.environment(f"127.0.0.1:{self._listener.port}")
        reading, writing = os.pipe()
        self._ending = loop.create_future()
        try:
            popen = await asyncio.to_thread(self._start, environment, writing)
        except BaseException:
            os.close(reading)
            raise
        finally:
            os.close(writing)
        self._output = Output(loop, reading, self.journal)
        self._process = processes.Process(popen, self._on_exit)
        if self.retired:
            # Closed while the process was being started: nobody else will end it.
            self._process.kill()
        return await self._wait(timeout_s)

    async def invoke(self, event: Event, timeout_s: float) -> Ending:
        """Run one event. After any ending but "response" and "error" the sandbox is of no further use."""
        if not self.alive:
            return Ending("undelivered")
        self._ending = asyncio.get_running_loop().create_future()
        self._deadline = self._clock() + timeout_s
        self._api.offer(event, timeout_s)
        ending = await self._wait(timeout_s)
        if ending.kind == "exit" and not self._api.delivered:
            return Ending("undelivered")
        return ending

    async def close(self) -> None:
        """End the process and everything that belongs to it; safe to call twice."""
        self.retired = True
        await self._shut_down()
        if self._process is not None and self.alive:
            self._process.kill()
            await self._exited.wait()
        if self._output is not None:
            self._output.close()
        self._api.close()
        self._extensions.close()
        if self._listener is not None:
            listener, self._listener = self._listener, None
            closing = listener.close()
            if inspect.isawaitable(closing):
                await closing
        self.journal.flush()
        await asyncio.to_thread(shutil.rmtree, self._launch.home, True)

    @property
    def settled(self) -> bool:
        """No extension is still at work on the last event."""
        return self._extensions.settled

    async def settle(self) -> None:
        """Return when extensions are done with the last event, or its time is over: then the sandbox is spent."""
        self._settled = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(max(0.0, self._deadline - self._clock())):
                while not self.settled and self.alive and not self.retired:
                    await self._settled
                    self._settled = asyncio.get_running_loop().create_future()
        except TimeoutError:
            self._spend("timeout")
        finally:
            self._settled = None

    async def _shut_down(self) -> None:
        """Tell extensions of the end, and give them their time."""
        if self._closing or self._process is None or not self.alive or not self._extensions.wait_for_shutdown:
            return
        self._closing = True
        until = self._clock() + limits.SHUTDOWN_S
        self._extensions.shutdown(self._reason, until)
        programs = tuple(
            path for path in self._launch.extensions if path.rpartition("/")[2] in self._extensions.wait_for_shutdown
        )
        for _ in range(int(limits.SHUTDOWN_S / _SHUTDOWN_LOOK_S)):
            if not self.alive or not await asyncio.to_thread(processes.running_of, self.pid, programs):
                return
            await asyncio.sleep(_SHUTDOWN_LOOK_S)

    def _spend(self, reason: Reason) -> None:
        self.retired = True
        if not self._closing:
            self._reason = reason

    def _start(self, environment: dict[str, str], output: int) -> subprocess.Popen[bytes]:
        launch = self._launch
        if launch.entry is not None:
            processes.check_entry(launch.entry)
        (launch.home / "tmp").mkdir(parents=True, exist_ok=True)
        bounds = processes.Bounds(
            launch.memory_bytes + self._settings.memory_slack_bytes, 0 if launch.enclosed else launch.ephemeral_bytes
        )
        if not launch.enclosed:
            return processes.start(launch.arguments, environment, launch.code, output, launch.home, bounds)
        outside, given = enclosures.OUTSIDE_ENVIRONMENT, enclosures.given_environment(environment)
        return processes.start(launch.arguments, outside, launch.home, output, launch.home, bounds, given)

    async def _wait(self, timeout_s: float) -> Ending:
        assert self._ending is not None
        loop = asyncio.get_running_loop()
        limit = loop.call_later(timeout_s, self._end, Ending("timeout"))
        look = loop.call_later(self._settings.memory_check_s, self._look)
        self._look_again = look
        try:
            ending = await self._ending
        except asyncio.CancelledError:
            # Still at work on an event that nobody waits for: it may not get another.
            self.retired = True
            raise
        finally:
            limit.cancel()
            self._look_again.cancel()
        if not self._runtime_pid and self.alive:
            self._runtime_pid = processes.largest(self.pid) if self._launch.enclosed else self.pid
        self.peak_bytes = max(self.peak_bytes, processes.peak_bytes(self._runtime_pid))
        if ending.kind not in ("response", "error", "ready"):
            self._spend("timeout" if ending.kind == "timeout" else "failure")
            await self._shut_down()
            if self._process is not None and self.alive:
                self._process.kill()
                await self._exited.wait()
        if self._output is not None:
            self._output.drain()
        return ending

    def _end(self, ending: Ending) -> None:
        if self._ending is not None and not self._ending.done():
            self._ending.set_result(ending)

    def _look(self) -> None:
        resident, members = processes.usage(self.pid)
        self.peak_bytes = max(self.peak_bytes, resident)
        limit = self._launch.memory_bytes
        # Forked processes share pages, which the quick sum counts for each of them.
        outgrown = resident > limit and (members <= _WRAPPERS or processes.proportional(self.pid) > limit)
        if (outgrown or members > limits.PROCESSES_MAX) and self._process is not None:
            self._out_of_memory = True
            self._process.kill()
            return
        if self._launch.extensions and not self._closing and self._crashed_extension():
            self._end(Ending("init-error", EXTENSION_CRASH, "Extension.Crash"))
            return
        self._look_again = asyncio.get_running_loop().call_later(self._settings.memory_check_s, self._look)

    def _crashed_extension(self) -> bool:
        registered = {extension.name for extension in self._extensions.registered.values() if extension.external}
        programs = {path for path in self._launch.extensions if path.rpartition("/")[2] in registered}
        return bool(programs) and processes.running_of(self.pid, tuple(programs)) != programs

    def _on_extension(self) -> None:
        self._api.look_whether_ready()
        if self._settled is not None and not self._settled.done():
            self._settled.set_result(None)

    def _on_extension_failure(self, error_type: str, payload: bytes) -> None:
        self._end(Ending("init-error", payload or EXTENSION_CRASH, error_type))
        self._spend("failure")
        self._on_extension()

    def _on_ready(self) -> None:
        self._end(Ending("ready"))

    def _on_answer(self, answer: Answer) -> None:
        self._end(Ending(answer.kind, answer.payload, answer.error_type))

    def _on_exit(self, status: int) -> None:
        self._exited.set()
        if self._settled is not None and not self._settled.done():
            self._settled.set_result(None)
        if self._out_of_memory:
            status = -signal.SIGKILL
        elif self._launch.enclosed and status - 128 in _FATAL:
            # What encloses a process tells its signal as a shell does.
            status = 128 - status
        self._end(Ending("exit", exit_status=status))
