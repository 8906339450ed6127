"""The differences that are explained: who is right, and how that is known."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from benchmarks.differential.answers import Difference

Right = Literal["Tabletop", "dynalite", "both", "open"]
"""Both: the API leaves it open. Open: not decided by any source we may use."""


@dataclass(frozen=True, slots=True)
class Known:
    """Patterns are searched, in the lines and in the JSON of the request; the first entry that fits explains."""

    title: str
    right: Right
    why: str
    ours: str = ""
    theirs: str = ""
    operation: str = ""
    request: str = ""

    def explains(self, difference: Difference) -> bool:
        return (
            re.search(self.ours, difference.ours) is not None
            and re.search(self.theirs, difference.theirs) is not None
            and re.search(self.operation, difference.operation) is not None
            and (not self.request or re.search(self.request, difference.example()) is not None)
        )


KNOWN: tuple[Known, ...] = ()


def explanation(difference: Difference) -> Known | None:
    return next((known for known in KNOWN if known.explains(difference)), None)
