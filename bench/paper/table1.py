"""Table 1 of the paper: time and cost of 1,000 images on one computer and on AWS."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from bench.paper import aws, inputs, sources
from bench.paper.aws import Estimate, Job
from bench.paper.computers import WAYS, run_ways
from bench.paper.functions import Calls
from bench.paper.pages import format_duration, format_number, format_table
from bench.paper.plan import Plan
from mars_aurora.run import costs

IMAGES = 1000
PARALLEL = (1, 10, 100, 1000)
RENTED = "ml.m5.large"  # whose price the computer is given: it has two virtual CPUs


def measure(plan: Plan) -> dict[str, Any]:
    """Process the files of the plan in each way."""
    files = inputs.make_files(plan.folder / "files", plan.files)
    work = plan.folder / "table1"
    shutil.rmtree(work, ignore_errors=True)
    used = run_ways(tuple(WAYS), inputs.link(files, work / "input"), work / "out")
    shutil.rmtree(work)
    return {
        "files": len(files),
        "megabytes": sum(path.stat().st_size for path in files) / len(files) / 1e6,
        "ways": used,
    }


def list_estimates(files: int, candidates: float, megabytes: float, calls: Mapping[str, Calls]) -> dict[str, Estimate]:
    """Return the estimates of the table by label; ``candidates`` is the fraction of the files."""
    chosen, most, prices = round(candidates * files), PARALLEL[-1], aws.today()
    found = {
        f"Lambda, {parallel} in parallel": aws.estimate(Job(files, chosen, megabytes, parallel), calls, prices)
        for parallel in PARALLEL
    }
    job = Job(files, chosen, megabytes, most)
    found["the same, prices of the paper"] = aws.estimate(job, calls, aws.in_paper())
    on_lambda = Job(files, chosen, megabytes, most, on_lambda=True)
    found[f"Lambda, {most} in parallel, detection on Lambda"] = aws.estimate(on_lambda, calls, prices)
    return found


def scale(used: list[dict[str, float]], measured: int, files: int) -> tuple[float, float]:
    """Return the medians of wall and CPU time in s, scaled from the measured number of files."""
    wall_s, cpu_s = (median(run[name] for run in used) for name in ("wall_s", "cpu_s"))
    return wall_s * files / measured, cpu_s * files / measured


def find_fraction(results: dict[str, Any]) -> float:
    """Return the fraction of the files that are candidates."""
    return float(results["ways"]["one"][0]["candidates"] / results["files"])


def describe(results: dict[str, Any], images: dict[str, Any]) -> str:
    """Return the table, with the parts of the time and cost of the fastest run on AWS."""
    calls = {name: Calls(**used) for name, used in images["functions"].items()}
    per_s = costs.read_prices()[RENTED].usd / 3600
    rows = []
    for name, used in results["ways"].items():
        wall_s, cpu_s = scale(used, results["files"], IMAGES)
        peak_mb = median(run["peak_mb"] for run in used)
        cells = (format_duration(wall_s), f"{cpu_s:,.0f}", f"{peak_mb:,.0f}", f"{wall_s * per_s:.4f}")
        rows.append([WAYS[name].label, *cells, "yes" if WAYS[name].is_whole else "no"])
    estimates = list_estimates(IMAGES, find_fraction(results), results["megabytes"], calls)
    for label, found in estimates.items():
        rows.append([label, format_duration(found.seconds), "", "", f"{found.usd:.4f}", "yes"])
    heads = (f"{IMAGES:,} images", "time", "CPU, s", "memory, MB", "USD", "detected, measured, catalogued")
    return "\n\n".join(
        (
            format_table(heads, rows),
            _describe_conditions(results),
            _describe_parts(estimates[f"Lambda, {PARALLEL[-1]} in parallel"]),
            "Stated numbers:\n\n" + sources.describe(),
        )
    )


def _describe_conditions(results: dict[str, Any]) -> str:
    missing = [way.label for name, way in WAYS.items() if name not in results["ways"]]
    left_out = f" Left out, without the environment of `make paper-setup`: {', '.join(missing)}." if missing else ""
    return (
        f"One computer: measured on {results['files']} distinct simulated files of {results['megabytes']:.1f} MB, in "
        f"one run, and scaled to {IMAGES:,}; memory is the sum of all processes. The computer is given the price of an "
        f"{RENTED} (two virtual CPUs) for as long as it computes; one that is there costs nothing more. AWS: computed "
        "from the CPU times of the functions, measured under the runtime interface emulator, at their memory sizes; "
        f"{find_fraction(results):.0%} of the files are candidates.{left_out}"
    )


def _describe_parts(found: Estimate) -> str:
    times = ", ".join(f"{name} {format_duration(seconds)}" for name, seconds in found.parts_s.items())
    usd = ", ".join(f"{name} {format_number(part)}" for name, part in found.parts_usd.items())
    return f"Parts of the time at {PARALLEL[-1]} in parallel: {times}. Parts of its cost in USD: {usd}."


def draw(results: dict[str, Any], images: dict[str, Any], path: Path) -> None:
    """Plot time and cost against the number of files, from 10 to a million."""
    calls = {name: Calls(**used) for name, used in images["functions"].items()}
    numbers = np.logspace(1, 6, 41).astype(int)
    figure = Figure(figsize=(9, 3.8), layout="constrained")
    times, usd = figure.subplots(1, 2)
    per_s = costs.read_prices()[RENTED].usd / 3600
    for name in ("paper", "plain", "two"):
        wall_s = np.array([scale(results["ways"][name], results["files"], number)[0] for number in numbers])
        times.plot(numbers, wall_s, label=WAYS[name].label)
        usd.plot(numbers, wall_s * per_s)
    arguments = (find_fraction(results), results["megabytes"], calls)
    lines = [list_estimates(int(number), *arguments) for number in numbers]
    for label in lines[0]:
        times.plot(numbers, [line[label].seconds for line in lines], "--", label=label)
        usd.plot(numbers, [line[label].usd for line in lines], "--")
    times.set(ylabel="time, s")
    usd.set(ylabel="cost, USD")
    for axes in (times, usd):
        axes.set(xscale="log", yscale="log", xlabel="files")
        axes.grid(alpha=0.3)
    figure.legend(loc="outside lower center", ncols=2, fontsize="small")
    figure.savefig(path, dpi=110)
