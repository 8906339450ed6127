"""Far more clients than a server can serve: a short form of ``python -m benchmarks.overload``."""

from __future__ import annotations

from pathlib import Path

import pytest
from benchmarks.overload import overload

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="reads memory in /proc")


# Idle, greedy and slow clients get answers and nothing but those, in bounded memory. How fast is not a test's to say.
@pytest.mark.timeout(90)
def test_overload(tmp_path: Path) -> None:
    result = overload(tmp_path, connections=800, seconds=0.5)
    assert [problem for problem in result.problems if not problem.startswith("afterwards")] == []
    assert len(result.phases) == 6
    assert all(phase.answers["ok"] > 0 for phase in result.phases)
