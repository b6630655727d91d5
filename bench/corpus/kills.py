"""Runs that are killed at random moments of every phase: the group, the parent, a worker."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from bench.corpus.case import Found
from bench.corpus.processes import N_SOUND, Run, Tables, check_again, end, members, wait_until

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
            yield check_again(run, expected, "kills", what, after=kill(run, stage, reached, delay_s, victim))
            shutil.rmtree(run.out, ignore_errors=True)


def kill(run: Run, stage: str, files: int, delay_s: float, victim: str) -> str:
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
