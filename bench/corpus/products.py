"""Finished runs whose products are damaged, and runs that find something in the way of their products."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from bench.corpus.case import Found
from bench.corpus.processes import Run, Tables, check_again, count_lines
from mars_aurora.detect.detectors import DetectorName, describe_detector
from mars_aurora.run.keys import RunPaths


def products(folder: Path, expected: Tables, inputs: Path) -> Iterator[Found]:
    """Remove, empty or cut what a finished run has written; put something in the way of what it will write."""
    run = Run(inputs, folder / "finished")
    code, messages = run.finish()
    if code:
        yield Found("products", "a finished run", "lost", messages[-300:])
        return
    stages = sorted(entry.name for entry in run.folder.iterdir() if entry.is_dir())
    for stage in stages:
        for label, damage in DAMAGE.items():
            files = sorted(path for path in (run.folder / stage).rglob("*") if path.is_file())
            sizes = {path: path.stat().st_size for path in files}
            for path in files[:: max(1, len(files) // 3)]:
                damage(path)
            found = check_again(run, expected, "products", f"some of {stage} {label}")
            changed = [path.name for path, size in sizes.items() if not path.exists() or path.stat().st_size != size]
            if changed and not found.verdict:
                found = replace(found, verdict="wrong", detail=f"not made again: {', '.join(changed)[:200]}")
            yield found
    for stage in ("ledger", "images", "geometry", "exposure", "candidates", "predictions", "detections"):
        for what, block in {
            "folder in place of a file": _folder_for_file,
            "file in place of a folder": _file_for_folder,
        }.items():
            blocked = Run(inputs, folder / f"{stage}-{what[:4]}")
            path = block(blocked.folder / stage)
            code, messages = blocked.finish()
            after = (
                ""
                if code == 1 and "Traceback" not in messages and messages.strip()
                else f"it ends with {code}: {messages[-300:]}"
            )
            if what.startswith("folder"):
                after = after or count_lines(blocked, len(expected["ledger.csv"]))
            _clear(path)
            yield check_again(blocked, expected, "products", f"{what}, {stage}", after=after)


def _empty(path: Path) -> None:
    os.truncate(path, 0)


def _halve(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


DAMAGE: dict[str, Callable[[Path], None]] = {"removed": Path.unlink, "emptied": _empty, "cut": _halve}


def _folder_for_file(stage: Path) -> Path:
    paths, name = RunPaths(), "emus-00.fits"
    keys = {
        "ledger": paths.record(name),
        "images": paths.image(name),
        "geometry": paths.geometry(name),
        "exposure": paths.exposure(name),
        "candidates": paths.candidate(name),
        "predictions": paths.prediction(name, describe_detector(DetectorName.YOLO).folder),
        "detections": paths.detection(name),
    }
    path = stage.parent / keys[stage.name]
    (path / "x").mkdir(parents=True)
    return path


def _file_for_folder(stage: Path) -> Path:
    stage.parent.mkdir(parents=True)
    stage.write_text("in the way")
    return stage


def _clear(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
