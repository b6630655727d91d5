"""The rows of the README's table that come from this command."""

from __future__ import annotations

from typing import Any

from bench.paper import aws, table1
from bench.paper.detection import Answers, format_found, format_part
from bench.paper.functions import Calls
from bench.paper.pages import format_duration, format_number, format_table
from bench.paper.speed import find_ratio, find_wall


def describe(kept: dict[str, dict[str, Any]]) -> str:
    """Return the table, and where the rest is."""
    processes = kept["stack"]["processes"]
    answers = [Answers(**found) for found in kept["detection"]["answers"]["pictures"]]
    mars = format_part(sum(found.mars_found for found in answers), sum(found.mars for found in answers))
    rows = [
        _describe_end_to_end(kept["speed"]),
        [
            "200 classifications, CPU; memory",
            f"{_describe(processes['count'])}; the paper reports under 4 s and 150 MB",
            _describe(processes["paper"]),
            "",
        ],
        ["200 detections, CPU; memory", f"{_describe(processes['detect'])}; the paper reports under 40 s", "", ""],
        ["Mars detected", f"{mars}; the paper reports 100 %, of real images", "", ""],
        ["pictures with a visible aurora in which one is detected", f"{format_found(answers)}; over 95 %", "", ""],
        ["1,000 files on AWS, 1,000 in parallel, computed", _describe_aws(kept), "", ""],
    ]
    peers = "costs, load, and the same steps under joblib, dask and Lithops"
    heads = ("what", "here", "the paper's way", "plain script with astropy and OpenCV")
    return f"{format_table(heads, rows)}\n\n[docs/paper.md](docs/paper.md) has figures, {peers}."


def _describe_end_to_end(results: dict[str, Any]) -> list[str]:
    few, files = results["few"], results["few_files"]
    cells = [f"{format_number(find_wall(few, 'two'))} s, two workers, detection, measurement and catalogue included"]
    for name in ("paper", "plain"):
        wall, ratio = (format_number(find(few, name)) for find in (find_wall, find_ratio))
        cells.append(f"{wall} s, {ratio} times as long, one thread, objects counted only")
    return [f"{files} files, wall", *cells]


def _describe(used: dict[str, float]) -> str:
    scale = 200 / used["pictures"]
    return f"{format_number(used['cpu_s'] * scale)} s, {used['peak_mb']:.0f} MB"


def _describe_aws(kept: dict[str, dict[str, Any]]) -> str:
    calls = {name: Calls(**used) for name, used in kept["stack"]["functions"].items()}
    megabytes, fraction = kept["table1"]["megabytes"], table1.find_fraction(kept["table1"])
    found = aws.estimate(aws.Job(1000, round(1000 * fraction), megabytes, 1000), calls, aws.today())
    return f"{format_duration(found.seconds)}, {found.usd:.2f} USD"
