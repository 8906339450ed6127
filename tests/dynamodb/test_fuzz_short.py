"""The fuzzer's short form: a seeded block of each target, and proof that it finds what it is for."""

from __future__ import annotations

from random import Random

import pytest
from benchmarks.fuzz.__main__ import TARGETS
from benchmarks.fuzz.run import Input, run

INPUTS = {"expressions": 2_000, "partiql": 800, "bodies": 1_500, "http": 1_500}


# Whatever arrives, a result or an error of the API, and data that the checker finds whole. Long runs: docs/FUZZING.md.
@pytest.mark.parametrize("name", TARGETS)
def test_nothing_is_found(name: str) -> None:
    report = run(TARGETS[name](), inputs=INPUTS[name], seed=7)
    assert [finding.text() for finding in report.findings] == []
    assert report.inputs == INPUTS[name]
    # Inputs that are all refused at the door would prove little.
    assert len(report.answers) > 2


# The same seed makes the same inputs, or no finding could be made again.
@pytest.mark.parametrize("name", TARGETS)
def test_inputs_follow_from_the_seed(name: str) -> None:
    made = []
    for _ in range(2):
        target, random = TARGETS[name](), Random("seed")
        target.begin()
        inputs = [target.make(random) for _ in range(50)]
        target.end()
        made.append([each for each in inputs if not _names_the_stream(each)])
    assert made[0] == made[1]


def _names_the_stream(given: Input) -> bool:
    """Iterators hold what was drawn at random by the server."""
    return "Shard" in str(given) or "Stream" in str(given)


class _Faulty:
    """Fails on every text with a question mark."""

    name = "faulty"

    def begin(self) -> None:
        """No world."""

    def make(self, random: Random) -> Input:
        return ("".join(random.choice("abc?") for _ in range(20)),)

    def judge(self, given: Input) -> str:
        if "?" in given[0]:
            raise LookupError("a question")
        return "result"

    def end(self) -> None:
        """No world."""


# An exception is a finding, said once however often it comes, with its seed and the shortest input that makes it.
def test_faults_are_found_and_shrunk() -> None:
    report = run(_Faulty(), inputs=200, seed=3)
    (finding,) = report.findings
    assert finding.given == ("?",)
    assert "LookupError" in finding.text()
    assert "--seed 3 --block 0" in finding.text()
