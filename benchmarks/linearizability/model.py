"""The rules of the items that the clients share: what each operation may answer in a state, and the state after it.

A state is a tuple with the value of each cell, or None where there is no item. Cells are items of two tables.
"""

from __future__ import annotations

from benchmarks.linearizability.histories import Operation

State = tuple[int | None, ...]

CELLS = 4
INITIAL: State = (None,) * CELLS

REFUSED = "refused"
"""The answer of a condition that did not hold, or of a cancelled transaction."""


def step(state: State, operation: Operation) -> list[State]:
    after = _effect(state, operation)
    if operation.is_open:
        # It may have been refused, or never have arrived: then nothing changed.
        return [state] if after in (None, state) else [after, state]
    answer, changed = _answer(state, operation), after if after is not None else state
    return [changed] if answer == operation.answer else []


def _replaced(state: State, changes: dict[int, int | None]) -> State:
    return tuple(changes.get(cell, value) for cell, value in enumerate(state))


def _effect(state: State, operation: Operation) -> State | None:
    """The state after it; None where it is refused."""
    action, arguments = operation.action, operation.arguments
    if action == "put":
        cell, value = arguments
        return _replaced(state, {cell: value})
    if action == "put-if":
        cell, expected, value = arguments
        return _replaced(state, {cell: value}) if state[cell] == expected else None
    if action == "add":
        cell, amount = arguments
        return _replaced(state, {cell: (state[cell] or 0) + amount})
    if action == "delete":
        (cell,) = arguments
        return _replaced(state, {cell: None})
    if action == "transfer":
        # Both must exist; the amount leaves one and enters the other.
        source, target, amount = arguments
        here, there = state[source], state[target]
        if here is None or there is None:
            return None
        return _replaced(state, {source: here - amount, target: there + amount})
    assert action in ("get", "get-all")
    return state


def _answer(state: State, operation: Operation) -> object:
    action, arguments = operation.action, operation.arguments
    if action == "get":
        return state[arguments[0]]
    if action == "get-all":
        return state
    if action == "add":
        return (state[arguments[0]] or 0) + arguments[1]
    if action == "delete":
        return state[arguments[0]]
    return REFUSED if _effect(state, operation) is None else "done"
