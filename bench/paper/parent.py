"""CPU time of the parent process of the local runner, from two runs of different numbers of small files."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from typing import Any

from bench.paper import inputs
from bench.paper.computers import run_ways
from bench.paper.pages import format_number, format_table
from bench.paper.plan import Plan


def measure(plan: Plan) -> dict[str, Any]:
    """Run both numbers of small files with two workers."""
    small = inputs.make_files(plan.folder / "small", plan.small_files[1], inputs.SMALL)
    work = plan.folder / "parent"
    shutil.rmtree(work, ignore_errors=True)
    runs = []
    for number in plan.small_files:
        folder = inputs.link(small[:number], work / str(number))
        runs += run_ways(("two",), folder, work / "out")["two"]
    shutil.rmtree(work)
    return {"files": plan.small_files, "runs": runs}


def fit(runs: Sequence[dict[str, float]], files: Sequence[int]) -> tuple[float, float]:
    """Return the CPU time of the parent process for each file, in ms, and that of a run without files, in s."""
    first, last = (run["parent_s"] for run in runs)
    slope_s = (last - first) / (files[1] - files[0])
    return 1000 * slope_s, first - slope_s * files[0]


def describe(results: dict[str, Any]) -> str:
    """Return the table, with what is required."""
    slope_ms, fixed_s = fit(results["runs"], results["files"])
    few, many = results["files"]
    rows = [
        [f"CPU of each file, ms, from {few:,} to {many:,} small files", format_number(slope_ms), "at most 3"],
        ["CPU of a run without files, s", format_number(fixed_s), "at most 1.5"],
    ]
    walls = " and ".join(f"{format_number(run['wall_s'])} s" for run in results["runs"])
    return (
        f"{format_table(('parent process', 'measured', 'required'), rows)}\n\nDistinct simulated files of a coarse "
        f"instrument, two workers; the runs took {walls}."
    )
