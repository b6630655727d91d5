"""Repeat the experiments of the paper, and write docs/paper.md and a table of the README: python -m bench.paper.

Parts: figures, stack (200 images), table1, speed, detection, load, options (EFS and an HTTP API), parent. Without
names, those that were not measured at this commit are; a named part is measured again. The part efficiency, 600 files
of 5 GB, is measured only if it is named. Results are kept in build/paper, so that a stopped command continues. --quick
takes less than 5 minutes and leaves the README as it is; the whole at most 40 minutes and 3 GB on two idle cores,
besides the emulator and what it runs. Needs the tools of `make tools` and the environment of `make paper-setup`.
"""

from __future__ import annotations

import argparse
import os
import platform
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from bench.paper import detection, figures, images, load, options, parent, readme, speed, table1
from bench.paper.pages import write_part
from bench.paper.plan import FULL, QUICK, ROOT, Plan, find_commit
from bench.paper.process import prefer

PAGE = ROOT / "docs" / "paper.md"
PARTS: dict[str, Callable[[Plan], dict[str, Any]]] = {
    "figures": figures.measure,
    "stack": images.measure,
    "table1": table1.measure,
    "speed": speed.measure,
    "detection": detection.measure,
    "load": load.measure,
    "options": options.measure,
    "parent": parent.measure,
    "efficiency": speed.measure_large,
}
ONLY_NAMED = {"efficiency"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], metavar="PART", help=f"of {', '.join(PARTS)}")
    parser.add_argument("--quick", action="store_true", help="measure less, in less than 5 minutes")
    parser.add_argument("--stack", default="", help="load this stack in the account of the environment")
    arguments = parser.parse_args()
    prefer(os.getpid())
    plan = replace(QUICK if arguments.quick else FULL, stack=arguments.stack, commit=find_commit())
    for name in arguments.parts or [name for name in PARTS if name not in ONLY_NAMED]:
        if name in arguments.parts or plan.load(name) is None:
            measure(name, plan)
    write(plan)


def measure(name: str, plan: Plan) -> None:
    """Measure a part and keep its results."""
    print(f"== {name}", flush=True)
    start_s = time.monotonic()
    results = PARTS[name](plan)
    plan.save(name, results | {"took_s": time.monotonic() - start_s})
    print(f"{name}: {time.monotonic() - start_s:.0f} s", flush=True)


def write(plan: Plan) -> None:
    """Write what was measured into the pages; a part that is missing, or needs one that is, keeps its text."""
    kept = {name: results for name in PARTS if (results := plan.load(name)) is not None}
    texts: dict[str, Callable[[], str]] = {
        "figures": lambda: figures.describe(kept["figures"]),
        "stack": lambda: images.describe(kept["stack"]),
        "table1": lambda: table1.describe(kept["table1"], kept["stack"]),
        "load": lambda: load.describe(kept["load"]),
        "options": lambda: options.describe(kept["table1"], kept["stack"], kept["load"]),
        "detection": lambda: detection.describe(kept["detection"]),
        "speed": lambda: speed.describe(kept["speed"]),
        "parent": lambda: parent.describe(kept["parent"]),
        "efficiency": lambda: speed.describe_large(kept["efficiency"], plan.commit),
    }
    if not kept.keys() <= ONLY_NAMED:
        texts["run"] = lambda: describe_run(plan, kept)
    if {"table1", "stack"} <= kept.keys():
        table1.draw(kept["table1"], kept["stack"], figures.FOLDER / "cost.png")
    for name, make in texts.items():
        try:
            text = make()
        except KeyError as missing:
            print(f"{name}: not written without {missing}")
            continue
        write_part(PAGE, name, text)
    if plan.name == "full" and {"stack", "speed", "detection", "table1"} <= kept.keys():
        write_part(ROOT / "README.md", "measured", readme.describe(kept))


def describe_run(plan: Plan, kept: dict[str, dict[str, Any]]) -> str:
    """Say what was run, where, and how long each part took."""
    took = ", ".join(f"{name} {results['took_s']:.0f} s" for name, results in kept.items() if name not in ONLY_NAMED)
    missing = ", ".join(name for name in PARTS if name not in kept and name not in ONLY_NAMED)
    older = f" What is shown of other parts ({missing}) is of an earlier run." if missing else ""
    command = "python -m bench.paper" + (" --quick" if plan.name == "quick" else "")
    sizes = f"{plan.files} files of real size, {plan.pictures} pictures, {plan.small_files[1]:,} small files"
    return (
        f"`{command}` at commit {plan.commit}, Python {platform.python_version()}, {platform.machine()}, two cores: "
        f"{sizes}. Times of the parts: {took}.{older}"
    )


if __name__ == "__main__":
    main()
