"""Wing and Gong's search for an order of operations that explains a history, with Lowe's memory of visited states.

The history is a list of calls and returns in order of time. The search takes the first call that may be next: one whose
operation begins before the first return that is left. If the model allows its answer, it is lifted out of the list and
the search goes on; when a return comes first, the last choice was wrong and is undone. (Set of lifted operations,
state) pairs that were seen before are not tried again, which keeps histories of hundreds of operations cheap.

Source: J. Wing, C. Gong, "Testing and Verifying Concurrent Objects", 1993; G. Lowe, "Testing for Linearizability", 2016.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TypeVar

from benchmarks.linearizability.histories import Operation

State = TypeVar("State", bound=Hashable)

Step = Callable[[State, Operation], list[State]]
"""The states that an operation may lead to with the answer that it got; none: impossible here."""

STEPS_MAX = 5_000_000


class TooHard(Exception):
    """The search was given up: the history neither holds nor fails within the bound."""


class _Event:
    """A call or a return in the list; a call knows its return."""

    __slots__ = ("after", "before", "number", "operation", "returns")

    def __init__(self, operation: Operation, number: int, returns: _Event | None) -> None:
        self.operation = operation
        self.number = number
        self.returns = returns
        self.before: _Event | None = None
        self.after: _Event | None = None


def _linked(history: list[Operation]) -> _Event:
    """The head, an empty event, of the list of all calls and returns."""
    points: list[tuple[float, int, _Event]] = []
    for number, operation in enumerate(history):
        returns = _Event(operation, number, None)
        call = _Event(operation, number, returns)
        points.append((operation.sent, 0, call))
        points.append((operation.answered, 1, returns))
    # At the same instant calls come before returns: that allows more orders, and never a wrong alarm.
    points.sort(key=lambda point: (point[0], point[1]))
    head = previous = _Event(history[0], -1, None)
    for _, _, event in points:
        previous.after = event
        event.before = previous
        previous = event
    return head


def _lift(call: _Event) -> None:
    for event in (call, call.returns):
        assert event is not None
        assert event.before is not None
        event.before.after = event.after
        if event.after is not None:
            event.after.before = event.before


def _put_back(call: _Event) -> None:
    for event in (call.returns, call):
        assert event is not None
        assert event.before is not None
        event.before.after = event
        if event.after is not None:
            event.after.before = event


def is_linearizable(history: list[Operation], initial: State, step: Step[State]) -> bool:
    """Whether some order explains the history. Raises TooHard beyond the bound of steps.

    An open operation has its return at the end of all time: it may be last of all, and then nobody can tell whether it
    took effect; ``step`` may also answer the unchanged state for it.
    """
    if not history:
        return True
    head = _linked(history)
    lifted = 0
    state = initial
    seen: set[tuple[int, State]] = {(0, initial)}
    choices: list[tuple[_Event, State, list[State]]] = []
    event = head.after
    steps = 0
    while head.after is not None:
        steps += 1
        if steps > STEPS_MAX:
            raise TooHard
        assert event is not None
        if event.returns is not None:
            fresh = [each for each in step(state, event.operation) if (lifted | 1 << event.number, each) not in seen]
            if fresh:
                chosen, *rest = fresh
                choices.append((event, state, rest))
                lifted |= 1 << event.number
                state = chosen
                seen.add((lifted, state))
                _lift(event)
                event = head.after
            else:
                event = event.after
            continue
        # A return is reached whose operation was not placed: undo the last choice, or take its other outcome.
        while True:
            if not choices:
                return False
            call, before, rest = choices.pop()
            if rest:
                chosen, *rest = rest
                choices.append((call, before, rest))
                state = chosen
                seen.add((lifted, state))
                event = head.after
                break
            state = before
            lifted &= ~(1 << call.number)
            _put_back(call)
            event = call.after
            break
    return True
