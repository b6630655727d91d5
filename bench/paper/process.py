"""Wall time, CPU time and memory of a command with all processes that it starts."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

SAMPLE_S = 0.05
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
_NO_BYTECODE = "PYTHONDONTWRITEBYTECODE"  # with it, each process would compile the modules of this program again
_TICKS_PER_S, _PAGE_BYTES = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Used:
    """What a command used: times in s; CPU time of all processes, and of the first; peak of their memory, in MB."""

    wall_s: float
    cpu_s: float
    parent_cpu_s: float
    peak_mb: float
    output: str


@dataclass(frozen=True)
class _Process:
    parent: int
    cpu_s: float
    resident_mb: float


def run(command: Sequence[str | Path], environment: dict[str, str] | None = None) -> Used:
    """Run a command with priority over other sessions where that is allowed; raise RuntimeError if it fails.

    CPU times of descendants are sampled, because those of processes that the parent does not wait for, such as the
    workers of a fork server, are in no other account. Memory is the largest sum of resident memory.
    """
    spent: dict[int, float] = {}
    peak_mb = 0.0
    with tempfile.TemporaryFile() as output:
        start_s = time.perf_counter()
        process = subprocess.Popen(
            [*map(str, command)],
            env={key: value for key, value in os.environ.items() if key != _NO_BYTECODE}
            | ONE_THREAD
            | (environment or {}),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        prefer(process.pid)
        ended = None
        while ended is None:
            time.sleep(SAMPLE_S)
            ended = os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            wall_s = time.perf_counter() - start_s
            known = set(spent)
            peak_mb = max(peak_mb, sample(process.pid, spent))  # also of the ended process, until it is waited for
            for started in spent.keys() - known:  # it may be in a session of its own
                prefer(started)
        process.wait()
        output.seek(0)
        said = output.read().decode(errors="replace")
    if process.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))} ended with {process.returncode}:\n{said[-3000:]}")
    return Used(wall_s, sum(spent.values()), spent[process.pid], peak_mb, said)


def prefer(process: int) -> None:
    """Let the session of a process be scheduled before others, where the system allows it."""
    with suppress(OSError):
        Path(f"/proc/{process}/autogroup").write_text("-20")


def prefer_children() -> None:
    """Let the sessions of all processes that this one has started be scheduled before others."""
    family: dict[int, float] = {}
    sample(os.getpid(), family)
    for child in family:
        prefer(child)


def sample(root: int, spent: dict[int, float]) -> float:
    """Note the CPU time so far of a process and its descendants, in s by process; return their memory in MB."""
    found = dict(_list_processes())
    family = {root} | spent.keys() & found.keys()
    grown = True
    while grown:
        children = {process for process, state in found.items() if state.parent in family} - family
        family |= children
        grown = bool(children)
    for process in family & found.keys():
        spent[process] = max(spent.get(process, 0.0), found[process].cpu_s)
    return sum(found[process].resident_mb for process in family & found.keys())


def _list_processes() -> Iterator[tuple[int, _Process]]:
    for path in Path("/proc").iterdir():
        if path.name.isdigit():
            with suppress(OSError, IndexError):  # it has ended
                fields = (path / "stat").read_text().rpartition(")")[2].split()
                cpu_s = (int(fields[11]) + int(fields[12])) / _TICKS_PER_S
                yield int(path.name), _Process(int(fields[1]), cpu_s, int(fields[21]) * _PAGE_BYTES / 1e6)
