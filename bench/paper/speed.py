"""Speed of the local runner from end to end, against scripts and joblib, and on one and two cores."""

from __future__ import annotations

import shutil
from statistics import median
from typing import Any

from bench.paper import inputs
from bench.paper.computers import WAYS, run_ways
from bench.paper.pages import format_number, format_table
from bench.paper.plan import Plan

ROUNDS = 3
LARGE = 600  # files, 5 GB
RATIOS = ("paper", "plain", "isal", "one", "two", "joblib")


def measure(plan: Plan) -> dict[str, Any]:
    """Measure files of real size from end to end, and more of them on one and two cores; then delete them."""
    files = inputs.make_files(plan.folder / "files", plan.files)
    work = plan.folder / "speed"
    shutil.rmtree(work, ignore_errors=True)
    many = inputs.link(files, work / "many")
    few = inputs.link(files[: plan.ratio_files], work / "few")
    found = {
        "few": run_ways(RATIOS, few, work / "out", ROUNDS if plan.name == "full" else 1),
        "many": run_ways(("one", "two"), many, work / "out"),
        "few_files": plan.ratio_files,
        "many_files": plan.files,
    }
    shutil.rmtree(work)
    inputs.forget(plan.folder / "files")
    return found


def measure_large(plan: Plan) -> dict[str, Any]:
    """Measure `LARGE` files of real size on one and two cores; then delete them."""
    files = inputs.make_files(plan.folder / "large", LARGE)
    work = plan.folder / "efficiency"
    shutil.rmtree(work, ignore_errors=True)
    found = {"used": run_ways(("two", "one"), inputs.link(files, work / "files"), work / "out", 2)}
    shutil.rmtree(work)
    inputs.forget(plan.folder / "large")
    return found


def find_efficiency(used: dict[str, list[dict[str, float]]]) -> float:
    """Return the wall time of one worker over twice that of two, as the median of the rounds."""
    return median(list_efficiencies(used))


def list_efficiencies(used: dict[str, list[dict[str, float]]]) -> list[float]:
    """Return the wall time of one worker over twice that of two, by round."""
    return [one["wall_s"] / (2 * two["wall_s"]) for one, two in zip(used["one"], used["two"], strict=True)]


def find_wall(used: dict[str, list[dict[str, float]]], name: str) -> float:
    """Return the wall time of a way in s, as the median of the rounds."""
    return median(run["wall_s"] for run in used[name])


def find_ratio(used: dict[str, list[dict[str, float]]], other: str) -> float:
    """Return the wall time of another way over that of the pipeline with two workers, as the median of the rounds."""
    return median(slow["wall_s"] / two["wall_s"] for slow, two in zip(used[other], used["two"], strict=True))


def describe(results: dict[str, Any]) -> str:
    """Return the table of ratios, with what is required."""
    few, many, number = results["few"], results["many"], results["few_files"]
    rows = [
        [
            f"the paper's way over two workers, {number} files, wall",
            format_number(find_ratio(few, "paper")),
            "at least 5",
        ],
        ["the plain script over two workers, the same", format_number(find_ratio(few, "plain")), "at least 2.5"],
        ["the plain script with isal over two workers, the same", format_number(find_ratio(few, "isal")), ""],
        [f"efficiency of two workers, {number} files", format_number(find_efficiency(few)), "at least 0.75"],
        [
            f"efficiency of two workers, {results['many_files']} files",
            format_number(find_efficiency(many)),
            "at least 0.9 for 600",
        ],
    ]
    if "joblib" in few:
        rows.insert(
            3, ["joblib over two workers, the same steps", format_number(find_ratio(few, "joblib")), "at least 1"]
        )
    walls = ", ".join(f"{WAYS[name].label} {format_number(find_wall(few, name))} s" for name in few)
    return (
        f"{format_table(('quantity', 'measured', 'required'), rows)}\n\nFrom the files to the catalogue, detection and "
        "measurement included; the scripts only count objects. Ratios of one run on distinct files, medians where the "
        f"ways take turns in several rounds (here {len(few['two'])}). Wall times of {number} files: {walls}."
    )


def describe_large(results: dict[str, Any], commit: str) -> str:
    """Return a sentence on the efficiency of two workers on many files."""
    used = results["used"]
    walls = ", ".join(f"{WAYS[name].label} {format_number(find_wall(used, name))} s" for name in used)
    rounds = " and ".join(f"{efficiency:.2f}" for efficiency in list_efficiencies(used))
    return (
        f"Efficiency of two workers on {LARGE} files of real size, 5 GB, in {len(used['two'])} rounds: {rounds}; at "
        f"least 0.9 is required. Wall times, medians: {walls}. `python -m bench.paper efficiency`, which nothing else "
        f"runs, at commit {commit}."
    )
