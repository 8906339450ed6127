"""`python -m benchmarks.slow_disk start ...`: tabletop on a disk that takes a fifth of a second for each sync."""

from __future__ import annotations

import time
from typing import Any

from tabletop.cli import main
from tabletop.storage import committer

SYNC_S = 0.2

_commit_group = committer.commit_group


def _slow_commit_group(transaction: Any, clock: Any, group: Any) -> Any:
    time.sleep(SYNC_S)
    return _commit_group(transaction, clock, group)


if __name__ == "__main__":
    committer.commit_group = _slow_commit_group
    main()
