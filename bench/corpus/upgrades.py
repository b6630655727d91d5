"""Runs that are repeated with another version of the package: results are never mixed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import mars_aurora
from bench.corpus.case import Found
from bench.corpus.kills import kill
from bench.corpus.processes import Run, Tables, check_again

_READ_TWICE_AS_BRIGHT = """
from dataclasses import replace as _replace
_read_as_before = read
def read(*arguments, **options):
    observation = _read_as_before(*arguments, **options)
    return _replace(observation, brightness_R=2 * observation.brightness_R)
"""
_MEASURE_TWICE_AS_BRIGHT = """
from dataclasses import replace as _replace
_measure_as_before = measure
def measure(*arguments, **options):
    auroras = _measure_as_before(*arguments, **options)
    return [_replace(aurora, peak_brightness_R=2 * aurora.peak_brightness_R) for aurora in auroras]
"""
UPGRADES = {
    "read": ("readers/reading.py", _READ_TWICE_AS_BRIGHT),
    "measure": ("measure/measure.py", _MEASURE_TWICE_AS_BRIGHT),
}


def upgrade(folder: Path, stage: str) -> Path:
    """Copy the package with another result of a stage, and its result version raised; return the folder for imports."""
    shutil.copytree(Path(mars_aurora.__file__).parent, folder / "mars_aurora")
    changed, code = UPGRADES[stage]
    for name, text in ((changed, code), ("run/stamps.py", f"\nRESULT_VERSIONS[{stage!r}] += 1\n")):
        with (folder / "mars_aurora" / name).open("a") as stream:
            stream.write(text)
    return folder


def upgrades(folder: Path, expected: Tables, inputs: Path) -> Iterator[Found]:
    """Repeat the command with another version, also interrupted, and again with the first: results are never mixed."""
    for stage in UPGRADES:
        package = upgrade(folder / f"package-{stage}", stage)
        fresh = Run(inputs, folder / f"fresh-{stage}", package=package)
        run = Run(inputs, folder / f"upgraded-{stage}")
        upgraded = replace(run, package=package)
        codes = [fresh.finish()[0], run.finish()[0]]
        if codes != [0, 0]:
            yield Found("upgrades", stage, "lost", f"the runs end with {codes}")
            continue
        changed = fresh.tables()
        if changed == expected:
            yield Found("upgrades", stage, "lost", "the other version has the same results")
        yield check_again(upgraded, changed, "upgrades", f"another result of {stage}")
        yield check_again(run, expected, "upgrades", f"back to the first result of {stage}")
        after = kill(upgraded, "", 0, 3.0, "group")
        yield check_again(upgraded, changed, "upgrades", f"another result of {stage}, interrupted", after=after)
    images = sorted((run.folder / "images").iterdir())
    before = [path.stat().st_mtime_ns for path in images]
    yield check_again(run, expected, "upgrades", "nothing changed")
    if before != [path.stat().st_mtime_ns for path in images]:
        yield Found("upgrades", "nothing changed", "wrong", "pictures were made again")
