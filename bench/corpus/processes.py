"""Runs of ``mars-aurora run`` that are killed or disturbed from outside, and their results."""

from __future__ import annotations

import contextlib
import csv
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

import mars_aurora
from bench.corpus import bases
from bench.corpus.case import Found

COMMAND = Path(sys.executable).with_name("mars-aurora")
N_SOUND = 14
WAIT_S = 180.0
Tables = dict[str, list[dict[str, str]]]


def make_inputs(folder: Path) -> None:
    """Write sound files of both instruments, a broken and an ignored one."""
    folder.mkdir(parents=True)
    for day in range(N_SOUND):
        base = "iuvs" if day % 7 == 6 else "emus"
        (folder / f"{base}-{day:02d}.fits").write_bytes(bases.document(base, day).content)
    (folder / "cut.fits").write_bytes(bases.document("emus", 99).content[:99_999])
    (folder / "notes.txt").write_text("not a FITS file")


@dataclass
class Run:
    """A run of the command on a folder: ``mars-aurora run INPUTS --out OUT --run-id r``."""

    inputs: Path
    out: Path
    workers: int = 2
    package: Path | None = None  # folder of another version of the package

    @property
    def folder(self) -> Path:
        return self.out / "runs" / "r"

    def start(self, prefix: tuple[str, ...] = ()) -> subprocess.Popen[str]:
        """Start the command in a process group of its own."""
        options = ("--out", self.out, "--run-id", "r", "--workers", str(self.workers))
        command: list[str | Path] = [*prefix, COMMAND, "run", self.inputs, *options]
        path = [str(self.package)] if self.package else []
        path += filter(None, [os.environ.get("PYTHONPATH")])
        return subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(path)},
        )

    def finish(self, prefix: tuple[str, ...] = ()) -> tuple[int, str]:
        """Run the command to its end; return exit code and messages."""
        return end(self.start(prefix))

    def count(self, stage: str) -> int:
        """Count the files that a stage has written so far."""
        with contextlib.suppress(OSError):
            return sum(len(files) for _, _, files in os.walk(self.folder / stage))
        return 0

    def tables(self) -> Tables:
        """Return the tables that every finished run has, as rows in order."""
        found: Tables = {}
        for name in ("ledger.csv", "catalogue.csv", "auroras.csv"):
            with (self.folder / name).open(newline="", encoding="utf-8") as stream:
                found[name] = list(csv.DictReader(stream))
        return found


def end(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Wait for the end of a run; return exit code and messages. A run that does not end is killed."""
    try:
        _, messages = process.communicate(timeout=WAIT_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return -1, f"it did not end within {WAIT_S:g} s"
    return process.returncode, messages


def members(group: int) -> dict[int, tuple[int, str]]:
    """Return parent and command line of the living processes of a group, by process id."""
    found = {}
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            if int(fields[2]) == group and fields[0] != "Z":
                found[int(entry.name)] = int(fields[1]), (entry / "cmdline").read_text().replace("\0", " ")
    return found


def wait_until(true: Callable[[], bool], process: subprocess.Popen[str]) -> bool:
    """Wait until a condition holds; return False if the process ends before."""
    while process.poll() is None:
        if true():
            return True
        time.sleep(0.002)
    return False


def compare(expected: Tables, run: Run) -> str:
    """Return how the tables of a run differ from the expected ones; empty if they do not."""
    try:
        found = run.tables()
    except OSError as error:
        return f"no table: {error}"
    for name, rows in expected.items():
        if len(found[name]) != len(rows):
            return f"{name} has {len(found[name])} rows, not {len(rows)}"
        for row, other in zip(rows, found[name], strict=True):
            if changed := [key for key, value in row.items() if other.get(key) != value]:
                different = "; ".join(f"{key} {other.get(key)!r}, not {row[key]!r}" for key in changed)
                return f"{name}, {row.get('name')}: {different[:200]}"
    return ""


def check_again(run: Run, expected: Tables, kind: str, what: str, *, after: str = "") -> Found:
    """Repeat the command; it must end with the expected tables. ``after`` is what went wrong before."""
    if after:
        return Found(kind, what, "lost", after)
    code, messages = run.finish()
    if code != 0 or "Traceback" in messages:
        return Found(kind, what, "lost", f"repeated, it ends with {code}: {' '.join(messages.split())[-300:]}")
    difference = compare(expected, run)
    return Found(kind, what, "wrong" if difference else "", difference)


# kills: in each phase, of the group, the parent and a worker

PHASES: dict[str, tuple[str, int]] = {  # the stage whose files are counted, and how many it writes
    "starting": ("", 0),
    "reading": ("ledger", N_SOUND),
    "classifying": ("images", N_SOUND),
    "detecting": ("predictions", N_SOUND),
    "writing": ("detections", N_SOUND),
}
VICTIMS = ("group", "parent", "worker", "group")


def kills(folder: Path, expected: Tables, inputs: Path) -> Iterator[Found]:
    """Kill 20 runs at random moments, four in each phase; the repeated command must end as if undisturbed."""
    rng = np.random.default_rng(20)
    for phase, (stage, files) in PHASES.items():
        for number, victim in enumerate(VICTIMS):
            run = Run(inputs, folder / f"{phase}-{number}")
            reached = int(rng.integers(1, max(2, files)))
            delay_s = float(rng.uniform(0, 0.15 if files else 1.5))
            what = f"{victim} killed while {phase}, after {reached} files and {delay_s:.2f} s"
            yield check_again(run, expected, "kills", what, after=_kill(run, stage, reached, delay_s, victim))
            shutil.rmtree(run.out, ignore_errors=True)


def _kill(run: Run, stage: str, files: int, delay_s: float, victim: str) -> str:
    """Start a run and kill it or one of its processes; return what is wrong afterwards."""
    process = run.start()
    if stage:
        wait_until(lambda: run.count(stage) >= files, process)
    time.sleep(delay_s)
    living = members(process.pid)
    if victim == "worker":
        workers = [pid for pid, (parent, _) in living.items() if parent in living and parent != process.pid]
        for pid in workers[:1]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        code, messages = end(process)
        if code not in {0, 1} or "Traceback" in messages:
            return f"after the death of a worker it ends with {code}: {' '.join(messages.split())[-300:]}"
        return ""
    with contextlib.suppress(ProcessLookupError):
        (os.killpg if victim == "group" else os.kill)(process.pid, signal.SIGKILL)
    process.communicate()
    deadline = time.monotonic() + 20
    while members(process.pid) and time.monotonic() < deadline:
        time.sleep(0.1)
    left = members(process.pid)
    if left:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    return f"processes remain after the death of their parent: {left}" if left else ""


# the disk, the output and the inputs

SIZES_KB = (100, 500, 1_000, 2_000, 3_000, 4_000, 5_000)


def disk_full(folder: Path, expected: Tables, inputs: Path) -> Iterator[Found]:
    """Fill the disk at several sizes; with more space the same command must end as if undisturbed."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        return
    for size_kb in SIZES_KB:
        disk = folder / f"disk-{size_kb}"
        disk.mkdir(parents=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size_kb}k", "tmpfs", disk], check=True)
        try:
            run = Run(inputs, disk / "out")
            code, messages = run.finish()
            wrong = compare(expected, run) if code == 0 else ""
            if "Traceback" in messages:
                wrong = f"it ends with {code}: {' '.join(messages.split())[-300:]}"
            elif code and not messages.strip():
                wrong = "it ends without a message"
            subprocess.run(["mount", "-o", "remount,size=200m", disk], check=True)
            yield check_again(run, expected, "disk_full", f"{size_kb} kB", after=wrong)
        finally:
            subprocess.run(["umount", disk], check=True)


def disturbed(folder: Path, expected: Tables, inputs: Path) -> Iterator[Found]:
    """Delete the output, or replace, remove or cut an input, during a run; start a second one."""
    for phase in ("reading", "classifying", "detecting", "writing"):
        run = Run(inputs, folder / f"deleted-{phase}")
        after = _meddle(run, PHASES[phase][0], partial(shutil.rmtree, run.out, ignore_errors=True), codes={0, 1, 2})
        yield check_again(run, expected, "disturbed", f"output deleted while {phase}", after=after)
    for label, meddle in MEDDLING.items():
        own = folder / f"in-{label.replace(' ', '-')}"
        shutil.copytree(inputs, own)
        run = Run(own, folder / f"out-{label.replace(' ', '-')}")
        victims = [own / "emus-12.fits", own / "iuvs-13.fits"]
        kept = {path: path.read_bytes() for path in victims}
        after = _meddle(run, "ledger", partial(_each, victims, meddle), codes={0, 1})
        after = after or _listed(run, len(expected["ledger.csv"]))
        for path, content in kept.items():
            path.write_bytes(content)
        yield check_again(run, expected, "disturbed", f"inputs {label} during the run", after=after)
    yield _truncated_then_whole(folder, expected, inputs)
    yield _two_at_once(folder, expected, inputs)


def _cut(path: Path) -> None:
    os.truncate(path, 20_000)


def _replace(path: Path) -> None:
    other = path.with_suffix(".new")
    other.write_bytes(bases.document("emus", 300).content)
    other.replace(path)


MEDDLING: dict[str, Callable[[Path], None]] = {"removed": Path.unlink, "cut": _cut, "replaced": _replace}


def _each(paths: list[Path], action: Callable[[Path], None]) -> None:
    for path in paths:
        action(path)


def _meddle(run: Run, stage: str, action: Callable[[], None], codes: set[int]) -> str:
    process = run.start()
    wait_until(lambda: run.count(stage) >= 2, process)
    action()
    code, messages = end(process)
    if code not in codes or "Traceback" in messages:
        return f"it ends with {code}: {' '.join(messages.split())[-300:]}"
    return ""


def _listed(run: Run, expected: int) -> str:
    try:
        count = len(run.tables()["ledger.csv"])
    except OSError as error:
        return f"no ledger: {error}"
    return "" if count == expected else f"the ledger has {count} lines, not {expected}"


def _truncated_then_whole(folder: Path, expected: Tables, inputs: Path) -> Found:
    own = folder / "in-truncated"
    shutil.copytree(inputs, own)
    path, content = own / "emus-00.fits", (inputs / "emus-00.fits").read_bytes()
    path.write_bytes(content[:200_000])
    run = Run(own, folder / "out-truncated")
    code, messages = run.finish()
    after = "" if code == 0 else f"it ends with {code}: {messages[-300:]}"
    path.write_bytes(content)
    return check_again(run, expected, "disturbed", "a truncated file, then the whole one under its name", after=after)


def _two_at_once(folder: Path, expected: Tables, inputs: Path) -> Found:
    run = Run(inputs, folder / "out-two")
    ends = [end(process) for process in (run.start(), run.start())]
    wrong = [
        f"one ends with {code}: {' '.join(messages.split())[-300:]}"
        for code, messages in ends
        if code not in {0, 1, 2} or "Traceback" in messages or (code and len(messages.strip().splitlines()) != 1)
    ]
    if not wrong and all(code for code, _ in ends):
        wrong = ["neither run succeeded"]
    difference = compare(expected, run) if not wrong else ""
    verdict = "lost" if wrong else "wrong" if difference else ""
    return Found("disturbed", "two runs at once", verdict, "; ".join(wrong) or difference)


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
    for stage in ("ledger", "images", "geometry", "candidates", "predictions", "detections"):
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
                after = after or _listed(blocked, len(expected["ledger.csv"]))
            _clear(path)
            yield check_again(blocked, expected, "products", f"{what}, {stage}", after=after)


def _empty(path: Path) -> None:
    os.truncate(path, 0)


def _halve(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


DAMAGE: dict[str, Callable[[Path], None]] = {"removed": Path.unlink, "emptied": _empty, "cut": _halve}


def _folder_for_file(stage: Path) -> Path:
    suffix = {"ledger": ".json", "geometry": ".npz", "predictions": ".png.out"}.get(stage.name, ".png")
    path = stage / f"emus-00.fits{suffix}"
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


# another version of the package

_READ_TWICE_AS_BRIGHT = """
from dataclasses import replace as _replace
_read = read
def read(*arguments, **options):
    observation = _read(*arguments, **options)
    return _replace(observation, brightness_R=2 * observation.brightness_R)
"""
_MEASURE_TWICE_AS_BRIGHT = """
from dataclasses import replace as _replace
_measure = measure
def measure(*arguments, **options):
    auroras = _measure(*arguments, **options)
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
        after = _kill(upgraded, "", 0, 3.0, "group")
        yield check_again(upgraded, changed, "upgrades", f"another result of {stage}, interrupted", after=after)
    images = sorted((run.folder / "images").iterdir())
    before = [path.stat().st_mtime_ns for path in images]
    yield check_again(run, expected, "upgrades", "nothing changed")
    if before != [path.stat().st_mtime_ns for path in images]:
        yield Found("upgrades", "nothing changed", "wrong", "pictures were made again")


DISTURBANCES = {
    "kills": kills,
    "disk_full": disk_full,
    "disturbed": disturbed,
    "products": products,
    "upgrades": upgrades,
}


def disturb(name: str, folder: Path) -> Iterator[Found]:
    """Disturb runs by kind, after one that is not disturbed."""
    inputs = folder / "in"
    make_inputs(inputs)
    undisturbed = Run(inputs, folder / "undisturbed")
    code, messages = undisturbed.finish()
    if code:
        yield Found(name, "undisturbed", "lost", f"it ends with {code}: {messages[-300:]}")
        return
    yield from DISTURBANCES[name](folder / name, undisturbed.tables(), inputs)
