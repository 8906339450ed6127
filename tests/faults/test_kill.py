"""kill -9 at any moment, start again: every acknowledged write is there, and the data is whole.

The long form is ``make torture``.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from benchmarks.torture import torture

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds child processes in /proc")


# Clients write to every kind of table, and roles, functions and logs; the server is killed in the midst of it. What was
# acknowledged is there after the restart, no transaction is half there, the streams tell each change once and in order, and
# the checker finds nothing.
@pytest.mark.timeout(90)
@pytest.mark.parametrize(("seed", "kills", "workers"), [(11, 4, 1), (12, 2, 2)])
def test_kills(tmp_path: Path, seed: int, kills: int, workers: int) -> None:
    tally = torture(tmp_path / "data", kills=kills, workers=workers, clients=4, seed=seed, life_s=(0.1, 0.8))
    assert tally.problems == [], f"seed {seed}"
    assert tally.kills == kills
    assert tally.writes > 50
    assert tally.checked > 50
    assert tally.records > 50
