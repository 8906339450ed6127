"""What an explanation of a difference is: a pattern, who is right, and how that is known."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from benchmarks.differential.answers import Difference

Right = Literal["Tabletop", "dynalite", "either", "open"]
"""Either: the API leaves it open. Open: no source that we may use decides it."""


@dataclass(frozen=True, slots=True)
class Known:
    """Patterns are searched in the two lines and in the JSON of the request; the first entry that fits explains."""

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
