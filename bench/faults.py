"""Count the files of the corpus that are lost, wrong or slow: python -m bench.faults [KIND ...] [--every N].

*Lost*: no outcome, ``failed``, an error that is not one of the package, or missing in a table. *Wrong*: another outcome
than the right ones, or another result. *Slow*: reading takes over 5 s of CPU or 400 MB and the reason does not say so.
Runs that are killed or disturbed count too: repeated, they must end as an undisturbed one. The goal is 0, 0, 0.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from bench.corpus import kinds
from bench.corpus.case import Case, Found
from bench.corpus.judging import REFERENCE, judge, write_cases

VERDICTS = ("lost", "wrong", "slow")


def run_kind(cases: list[Case], folder: Path) -> list[Found]:
    """Write, run and judge the cases of a kind in a folder, which is removed."""
    try:
        written = write_cases(cases, folder / "in")
        return list(judge(written, folder / "in", folder / "out"))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def describe(kind: str, found: list[Found]) -> str:
    """Format the counts of a kind as a line."""
    counts = Counter(item.verdict for item in found)
    own = [item for item in found if item.kind != REFERENCE]
    return f"{kind:<14} {len(own):>5} " + " ".join(f"{counts[verdict]:>5}" for verdict in VERDICTS)


def _select(cases: Iterable[Case], every: int) -> list[Case]:
    """Select one case of so many, and all that belong to a group."""
    return [case for number, case in enumerate(cases) if case.observation or number % every == 0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kinds", nargs="*", choices=[[], *kinds.KINDS, *kinds.DISTURBANCES], metavar="KIND")
    parser.add_argument("--every", type=int, default=1, help="run one case of so many")
    options = parser.parse_args()
    print(f"{'kind':<14} {'cases':>5} " + " ".join(f"{verdict:>5}" for verdict in VERDICTS), flush=True)
    everything: list[Found] = []
    for name in options.kinds or [*kinds.KINDS, *kinds.DISTURBANCES]:
        with tempfile.TemporaryDirectory() as folder:
            if name in kinds.DISTURBANCES:
                found = list(kinds.disturb(name, Path(folder)))
            else:
                found = run_kind(_select(kinds.KINDS[name](), options.every), Path(folder) / "run")
        everything += found
        print(describe(name, found), flush=True)
        for item in found:
            if item.verdict:
                print(f"    {item.verdict}: {item.what!r}: {item.detail}", flush=True)
    print(describe("total", everything))
    sys.exit(1 if any(item.verdict for item in everything) else 0)


if __name__ == "__main__":
    main()
