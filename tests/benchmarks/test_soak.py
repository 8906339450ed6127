"""Mixed load while days pass: a short form of ``python -m benchmarks.soak``."""

from __future__ import annotations

from pathlib import Path

import pytest
from benchmarks.soak import Sample, _growth, soak

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="reads memory in /proc")


# Ten days in some seconds: shards roll, records, events and items expire beside the load, nothing fails, and the data is whole.
# Whether it grows is for the long form to say.
@pytest.mark.timeout(90)
def test_soak(tmp_path: Path) -> None:
    result = soak(tmp_path, seconds=5)
    assert [problem for problem in result.problems if " grew from " not in problem] == []
    assert result.samples[-1].operations > 100
    assert result.stream_records > 0


# What grows is found, and what wavers is not taken for it.
def test_growth_is_found() -> None:
    def samples(*sizes: float) -> list[Sample]:
        return [Sample(at_s, 100.0, size, 0) for at_s, size in enumerate(sizes)]

    assert _growth(samples(1, 5, 50, 52, 51, 53)) == []
    assert _growth(samples(1, 5, 50, 52, 61, 70)) == ["file_mb grew from 52 to 70"]
