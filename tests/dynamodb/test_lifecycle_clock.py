"""Moments that delays have set, under a clock that is put back: nothing waits for hours."""

from __future__ import annotations

from tabletop.dynamodb.lifecycle import is_to_come, shown_status

NOW = 1_700_000_000.0


# A moment ahead is waited for as long as a delay explains it; one that lies hours ahead was set before the clock was put back.
def test_a_moment_beyond_every_delay_has_passed() -> None:
    assert is_to_come(NOW + 0.5, NOW)
    assert not is_to_come(NOW, NOW)
    assert not is_to_come(NOW - 1, NOW)
    assert not is_to_come(NOW + 6 * 3600, NOW)


# A table is what it is, and not CREATING again for as many hours as the clock was put back.
def test_a_table_does_not_become_young_again() -> None:
    record = {"status": "ACTIVE", "indexes": [], "transition": {"status": "CREATING", "until": NOW + 0.2}}
    assert shown_status(record, NOW) == "CREATING"
    assert shown_status(record, NOW + 1) == "ACTIVE"
    assert shown_status(record, NOW - 6 * 3600) == "ACTIVE"
