"""Runs whose disk fills, whose output is deleted, whose inputs change, and two runs at once."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Callable, Collection, Iterator
from functools import partial
from pathlib import Path

from bench.corpus import bases
from bench.corpus.case import Found
from bench.corpus.kills import PHASES
from bench.corpus.processes import Run, Tables, check_again, compare, count_lines, end, wait_until

SIZES_KB = (100, 500, 1_000, 2_000, 3_000, 4_000, 5_000)


def disk_full(folder: Path, expected: Tables, inputs: Path) -> Iterator[Found]:
    """Start on disks that are too small, and fill one during a run; with more space the command ends as undisturbed."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        return
    for size_kb in SIZES_KB:
        with _disk(folder / f"disk-{size_kb}", f"{size_kb}k") as disk:
            run = Run(inputs, disk / "out")
            code, messages = run.finish()
            wrong = _wrong_end(code, messages) or (compare(expected, run) if code == 0 else "")
            subprocess.run(["mount", "-o", "remount,size=200m", disk], check=True)
            yield check_again(run, expected, "disk_full", f"{size_kb} kB", after=wrong)
    for phase in ("reading", "classifying", "detecting", "writing"):
        for left_bytes in (0, 50_000):
            with _disk(folder / f"disk-{phase}-{left_bytes}", "200m") as disk:
                run = Run(inputs, disk / "out")
                wrong = _meddle(run, PHASES[phase][0], partial(_fill, disk, left_bytes), codes={0, 1})
                if (run.folder / "ledger.csv").exists():
                    wrong = wrong or count_lines(run, len(expected["ledger.csv"]))
                (disk / "filler").unlink()
                what = f"filled while {phase}, but for {left_bytes} bytes"
                yield check_again(run, expected, "disk_full", what, after=wrong)
    with _disk(folder / "disk-finished", "200m") as disk:
        yield _full_after_finish(disk, inputs)


def _full_after_finish(disk: Path, inputs: Path) -> Found:
    """Repeat a finished run with one more input on a full disk: its old ledger must not remain as the new one."""
    own, what = disk / "in", "filled while one more input is read"
    shutil.copytree(inputs, own)
    run = Run(own, disk / "out")
    run.finish()
    (own / "new.fits").write_bytes(bases.document("emus", 400).content)
    fresh = Run(own, disk / "fresh")
    fresh.finish()
    process = run.start()
    wait_until(lambda: not (run.folder / "ledger.csv").exists(), process)
    _fill(disk, 0)
    wrong = _wrong_end(*end(process))
    if (run.folder / "ledger.csv").exists():
        wrong = wrong or count_lines(run, len(fresh.tables()["ledger.csv"]))
    (disk / "filler").unlink()
    return check_again(run, fresh.tables(), "disk_full", what, after=wrong)


@contextlib.contextmanager
def _disk(folder: Path, size: str) -> Iterator[Path]:
    """Mount a small file system in memory."""
    folder.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def _fill(disk: Path, left_bytes: int) -> None:
    """Fill a disk, which others write to at the same time, but for so many bytes."""
    with (disk / "filler").open("wb", buffering=0) as stream:
        with contextlib.suppress(OSError):
            while True:
                stream.write(bytes(1 << 16))
        stream.truncate(max(0, stream.tell() - left_bytes))


def _wrong_end(code: int, messages: str, codes: Collection[int] = (0, 1)) -> str:
    if code not in codes or "Traceback" in messages:
        return f"it ends with {code}: {' '.join(messages.split())[-300:]}"
    return "it ends without a message" if code and not messages.strip() else ""


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
        after = after or count_lines(run, len(expected["ledger.csv"]))
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
    return _wrong_end(*end(process), codes)


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
        if code not in {0, 1, 2} or "Traceback" in messages or (code and messages.count("mars-aurora: ") != 1)
    ]
    if not wrong and all(code for code, _ in ends):
        wrong = ["neither run succeeded"]
    difference = compare(expected, run) if not wrong else ""
    verdict = "lost" if wrong else "wrong" if difference else ""
    return Found("disturbed", "two runs at once", verdict, "; ".join(wrong) or difference)
