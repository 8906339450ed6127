"""`python -m benchmarks.differential [--requests N] [--seed N]`: exit status 1 if a difference is not explained."""

from __future__ import annotations

import argparse
import sys
import time

from benchmarks.differential.chapters import Tally, run
from benchmarks.differential.known import KNOWN
from benchmarks.differential.servers import DYNALITE


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.differential", description=(__doc__ or "").strip())
    parser.add_argument("--requests", type=int, default=10_000, help="how many requests both get (default 10000)")
    parser.add_argument("--seed", type=int, default=1, help="another seed, other requests (default 1)")
    parser.add_argument("--examples", action="store_true", help="an example of each explained difference, too")
    given = parser.parse_args()
    if not DYNALITE.exists():
        print("dynalite is not installed: npm install --prefix .bench/dynalite dynalite")
        return 2
    began = time.monotonic()

    def said(tally: Tally) -> None:
        if tally.chapters % 50 == 0:
            print(
                f"{tally.requests:,} requests, {sum(tally.unexplained.values()):,} unexplained",
                file=sys.stderr,
                flush=True,
            )

    tally = run(given.requests, given.seed, said)
    print(_summary(tally, time.monotonic() - began, given.seed))
    for known in KNOWN:
        if tally.explained[known]:
            print(f"| {known.title} | {known.right} | {tally.explained[known]:,} | {known.why} |")
            if given.examples:
                found = tally.examples[known.title]
                print(
                    f"    {found.operation} {found.example()}\n    Tabletop: {found.ours}\n    dynalite: {found.theirs}"
                )
    for signature, count in tally.unexplained.most_common():
        found = tally.examples[signature]
        print(f"\nUNEXPLAINED {count} x {found.operation} {found.example()[:600]}")
        print(f"    Tabletop: {found.ours}\n    dynalite: {found.theirs}")
    return 1 if tally.unexplained else 0


def _summary(tally: Tally, seconds: float, seed: int) -> str:
    return (
        f"Seed {seed}: {tally.requests:,} requests in {tally.chapters:,} chapters, {seconds:.0f} s. Refused by both with the "
        f"same words: {tally.refused:,}. Differences: {tally.differences:,}, unexplained {sum(tally.unexplained.values()):,} in "
        f"{len(tally.unexplained)} groups. dynalite ended {tally.crashes} times."
    )


if __name__ == "__main__":
    sys.exit(main())
