"""Runs of ``mars-aurora run`` that are killed or disturbed from outside, and their results."""

from __future__ import annotations

import contextlib
import csv
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

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


def count_lines(run: Run, expected: int) -> str:
    """Return what is wrong with the number of lines of the ledger; empty if it is the expected one."""
    try:
        with (run.folder / "ledger.csv").open(newline="", encoding="utf-8") as stream:
            count = len(list(csv.DictReader(stream)))
    except OSError as error:
        return f"no ledger: {error}"
    return "" if count == expected else f"the ledger has {count} lines, not {expected}"
