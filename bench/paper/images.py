"""200 images: classification and inference in one process, and as functions under the runtime interface emulator."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import cv2

from bench.paper import functions, inputs, process
from bench.paper.functions import Calls
from bench.paper.pages import format_number, format_table
from bench.paper.plan import Plan
from mars_aurora.picture import png
from mars_aurora.picture.palette import inferno
from mars_aurora_model.simulator.world import World

SEED = 320_000
PAPER = {"count": ("4 s", "150 MB"), "detect": ("40 s", "")}
LABELS = {
    "count": "classification, one process",
    "paper": "classification, the steps of the paper, one process",
    "detect": "inference, one process",
    "classify": "classification, function",
    "detect function": "inference, function",
}


def measure(plan: Plan) -> dict[str, Any]:
    """Measure the pictures of the plan."""
    pictures = inputs.make_pictures(plan.folder / "pictures", plan.pictures, World(), SEED)
    folder = plan.folder / "pictures" / "images"
    colored = plan.folder / "colored" / "images"
    shutil.rmtree(colored.parent, ignore_errors=True)
    colored.mkdir(parents=True)
    for picture in pictures:  # the paper's script reads colors
        cv2.imwrite(str(colored / f"{picture.name}.png"), inferno()[png.read(picture.png).levels][..., ::-1])
    used = {name: _run(name, colored if name == "paper" else folder) for name in ("count", "paper", "detect")}
    shutil.rmtree(colored.parent)
    files = inputs.make_files(plan.folder / "files", plan.called)
    return {"pictures": len(pictures), "processes": used, "functions": functions.measure(files, pictures)}


def _run(name: str, folder: Path) -> dict[str, float]:
    used = process.run([sys.executable, "-m", "bench.paper.measured", name, folder])
    pictures, _, cpu_s, with_start_s, peak_mb = map(float, used.output.split())
    return {"pictures": pictures, "wall_s": used.wall_s, "work_s": cpu_s, "cpu_s": with_start_s, "peak_mb": peak_mb}


def describe(results: dict[str, Any]) -> str:
    """Return the table; times are of 200 images, and scaled to them where fewer were measured."""
    rows = [_describe_process(name, used) for name, used in results["processes"].items()]
    for name, key in (("classify", "count"), ("detect", "detect")):
        rows.append(_describe_function(name, Calls(**results["functions"][name]), *PAPER[key]))
    measured = results["pictures"]
    scaled = "" if measured == 200 else f" Measured on {measured} and scaled to 200."
    heads = ("200 images", "wall, s", "CPU, s", "peak memory, MB", "billed at the memory size, s", "paper")
    return (
        f"{format_table(heads, rows)}\n\n"
        f"Distinct simulated observations.{scaled} One process includes the start of Python, imports and the weights. "
        "A function has its memory size in the template and is called once for each image; the wall time of its steps "
        "includes requests to the emulator's S3, and what is billed is its CPU time divided by the CPU that the memory "
        "size gives, 1769 MB being one."
    )


def _describe_process(name: str, used: dict[str, float]) -> list[str]:
    scale = 200 / used["pictures"]
    start_s = used["cpu_s"] - used["work_s"]
    limits = " and ".join(f"under {limit}" for limit in PAPER.get(name, ()) if limit)
    wall_s, cpu_s = (start_s + scale * (total - start_s) for total in (used["wall_s"], used["cpu_s"]))
    return [LABELS[name], format_number(wall_s), format_number(cpu_s), f"{used['peak_mb']:.0f}", "", limits]


def _describe_function(name: str, calls: Calls, seconds: str, memory: str) -> list[str]:
    limits = " and ".join(f"under {limit}" for limit in (seconds, memory) if limit)
    wall_s, cpu_s = (200 * total / calls.calls for total in (calls.wall_s, calls.cpu_s))
    label = LABELS[name if name == "classify" else "detect function"] + f" of {calls.memory_mb} MB"
    return [
        label,
        format_number(wall_s),
        format_number(cpu_s),
        f"{calls.peak_mb:.0f}",
        f"{200 * calls.billed_s:.1f}",
        limits,
    ]
