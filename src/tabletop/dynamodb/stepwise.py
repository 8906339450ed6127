"""Reads that take long, in steps: between two of them the event loop serves other requests.

A read in steps is a generator that yields after each bounded amount of work, and returns the answer. It keeps one view, so
what it sees is one moment; a view holds a place among the store's readers and keeps old pages from being used again, so
no more than ``RUNNING_MAX`` go on at once, turn by turn, and ``WAITING_MAX`` wait.

A thread would gain nothing: the work holds the interpreter's lock, and each request would wait for the lock's switch
interval (5 ms) rather than for the end of a step (about 2).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Generator
from typing import Any

from tabletop.base.errors import ApiError
from tabletop.base.log import Log
from tabletop.storage.store import Store, View

RUNNING_MAX = 16
WAITING_MAX = 1024

Steps = Callable[[View], Generator[None, None, Any]]
Done = Callable[[Any], None]

_log = Log("dynamodb")


class StepwiseReads:
    """The reads in steps of one process."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._running = 0
        self._waiting: deque[tuple[Steps, Done]] = deque()

    def run(self, steps: Steps, done: Done) -> None:
        """``done`` gets the answer or the error, once: at once if the first step is the last, or there is no event loop to go
        on in.
        """
        if self._running >= RUNNING_MAX:
            if len(self._waiting) >= WAITING_MAX:
                done(ApiError("ThrottlingException", "Too many searches are waiting; try again later."))
            else:
                self._waiting.append((steps, done))
            return
        self._running += 1
        self._begin(steps, done)

    def _begin(self, steps: Steps, done: Done) -> None:
        generator = self._steps_in_a_view(steps)
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            while not self._finished(generator, done):
                pass
            return
        self._go_on(loop, generator, done)

    def _steps_in_a_view(self, steps: Steps) -> Generator[None, None, Any]:
        with self._store.view() as view:
            return (yield from steps(view))

    def _go_on(self, loop: asyncio.AbstractEventLoop, generator: Generator[None, None, Any], done: Done) -> None:
        if not self._finished(generator, done):
            loop.call_soon(self._go_on, loop, generator, done)
        elif self._waiting:
            # Its place is taken at once, lest a newcomer gets it first.
            self._running += 1
            loop.call_soon(self._begin, *self._waiting.popleft())

    def _finished(self, generator: Generator[None, None, Any], done: Done) -> bool:
        try:
            next(generator)
        except StopIteration as end:
            answer = end.value
        except Exception as error:
            answer = error
        else:
            return False
        self._running -= 1
        try:
            done(answer)
        except Exception as error:  # one receiver's fault must not keep the waiting from their turn
            _log.error("an answer could not be handed out", fault=repr(error))
        return True
