"""The differences that are explained, and the search in them."""

from __future__ import annotations

import re
from dataclasses import replace

from benchmarks.differential.answers import Difference
from benchmarks.differential.explanation import Known
from benchmarks.differential.known_refusals import REFUSALS
from benchmarks.differential.known_results import RESULTS

ENVELOPE = Known(
    '"1 validation error detected: " before the message',
    "Tabletop",
    "AWS's words since 2026 for PutItem, UpdateItem, DeleteItem, and for Select of Query and Scan; dynalite has those of before",
    operation="PutItem|UpdateItem|DeleteItem|Query|Scan",
)

KNOWN: tuple[Known, ...] = (ENVELOPE, *RESULTS, *REFUSALS)


def explanations(difference: Difference) -> list[Known]:
    """All that is needed to explain it; empty if it is not explained. The envelope is taken off before the rest is judged."""
    bare = difference
    found: list[Known] = []
    if re.search(ENVELOPE.operation, difference.operation) and difference.ours.count(
        _ENVELOPE
    ) > difference.theirs.count(_ENVELOPE):
        bare = replace(difference, ours=difference.ours.replace(_ENVELOPE, "", 1))
        found.append(ENVELOPE)
        if bare.ours == bare.theirs:
            return found
    known = next((known for known in KNOWN if known is not ENVELOPE and known.explains(bare)), None)
    return [*found, known] if known is not None else []


_ENVELOPE = "1 validation error detected: "
