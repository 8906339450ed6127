"""The nouns of storage: View, Batch, Plan, Store.

A *plan* is a pure function ``plan(view, request, now) -> (answer, batch)``. It reads the view, decides, and lists
what to write; it has no clock, socket, disk or ``await``, and may be run more than once (an engine with optimistic
transactions retries). It raises ``ApiError`` to refuse: then nothing of it is written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Protocol, TypeVar

COUNTER_WIDTH_MAX = 4
"""Members of a counter's row."""

Request = TypeVar("Request")
RequestIn = TypeVar("RequestIn", contravariant=True)
Answer = TypeVar("Answer")
AnswerOut = TypeVar("AnswerOut", covariant=True)


class View(Protocol):
    """A consistent picture of the whole store. Not to be kept beyond the call that was given it."""

    @property
    def version(self) -> int | None:
        """In this process and for a second, two views of the same version are the same picture; None: of a write in progress.

        Not for longer: what follows a commit that failed may get its number.
        """
        ...

    def get(self, key: bytes) -> bytes | None: ...

    def range(self, start: bytes, stop: bytes, *, reverse: bool = False) -> Iterator[tuple[bytes, bytes]]:
        """Keys in [start, stop) with their values, ascending; with ``reverse`` the same keys descending."""
        ...


class Batch:
    """What one plan writes: puts and deletes by key, and amounts to add to counters.

    A counter is a key whose value is a row of 8-byte big-endian signed integers; ``add`` is for totals that plans
    only ever change by an amount (item counts, sizes): the committer sums a whole group's amounts and writes each
    counter once, so that counting costs a group one write and not each plan one. A plan does not see the amounts of
    other plans of its own group; a view opened after the commit sees all of them.
    """

    __slots__ = ("amounts", "writes")

    def __init__(self) -> None:
        self.writes: dict[bytes, bytes | None] = {}
        self.amounts: dict[bytes, tuple[int, ...]] = {}

    def put(self, key: bytes, value: bytes) -> None:
        self.writes[key] = value

    def delete(self, key: bytes) -> None:
        """Deleting what is not there is no error."""
        self.writes[key] = None

    def add(self, counter: bytes, *amounts: int) -> None:
        """Add ``amounts`` to the counter's row, member by member; a counter that is not there is all zeros."""
        before = self.amounts.get(counter)
        self.amounts[counter] = amounts if before is None else tuple(map(int.__add__, before, amounts))

    def __bool__(self) -> bool:
        return bool(self.writes or self.amounts)


class Plan(Protocol[RequestIn, AnswerOut]):
    def __call__(self, view: View, request: RequestIn, now: float, /) -> tuple[AnswerOut, Batch | None]: ...


class Store(Protocol):
    """The engine as the services see it."""

    durable: bool
    """False when the user chose speed over durability at start (in-memory)."""

    def view(self) -> AbstractContextManager[View]:
        """``with store.view() as view:`` a picture of everything committed so far; costs about a microsecond."""
        ...

    def submit(
        self, plan: Plan[Request, Answer], request: Request, done: Callable[[Answer | BaseException], None]
    ) -> None:
        """Queue a plan; ``done`` is called on the event loop, once, with the answer when it is durable, or with the error.

        May call ``done`` before it returns. The cheapest form, for the data path; others use ``commit``.
        """
        ...

    async def commit(self, plan: Plan[Request, Answer], request: Request) -> Answer:
        """Run the plan and answer when its batch is durable. Raises what the plan raised, or StorageUnavailable."""
        ...


def read_counter(view: View, counter: bytes, width: int) -> tuple[int, ...]:
    """The counter's row of ``width`` integers; zeros when nothing was ever added."""
    raw = view.get(counter)
    if raw is None:
        return (0,) * width
    return tuple(int.from_bytes(raw[at : at + 8], "big", signed=True) for at in range(0, 8 * width, 8))


def after_prefix(prefix: bytes) -> bytes:
    """The smallest key that is greater than every key with this prefix (which must not be all 0xFF)."""
    stripped = prefix.rstrip(b"\xff")
    return stripped[:-1] + bytes([stripped[-1] + 1])
