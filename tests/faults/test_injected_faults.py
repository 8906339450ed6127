"""The world fails a server under load: a short form of ``python -m benchmarks.torture --faults``."""

from __future__ import annotations

from pathlib import Path

import pytest
from benchmarks.torture_faults import FAULTS, Fault, run

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="looks into /proc")

SHORT = [fault for fault in FAULTS if fault.name.startswith(("every write", "one sync", "no file may", "the clock"))]


# Reads go on and nothing else than clear refusals comes to clients; afterwards writes are taken without a restart, nothing
# that was acknowledged is lost, and the streams match. Where strace is missing or not permitted its faults are left out.
@pytest.mark.timeout(120)
@pytest.mark.parametrize("fault", SHORT, ids=lambda fault: fault.name.partition(" (")[0])
def test_fault(tmp_path: Path, fault: Fault) -> None:
    (outcome,) = run(tmp_path, seed=21, faults=(fault,), fault_s=1.0)
    if outcome.skipped:
        pytest.skip(outcome.skipped)
    assert outcome.problems == []
    assert outcome.reads > 10
    assert outcome.writes > 10
