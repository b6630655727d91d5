"""Run ``mars-aurora run`` on a folder of cases, and compare every outcome with the right answers."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from astropy.io.votable import parse_single_table
from astropy.table import Table

from bench.corpus import bases
from bench.corpus.case import AS_BASE, Case, Found
from mars_aurora.local.inputs import find_inputs

COMMAND = Path(sys.executable).with_name("mars-aurora")
MAX_CPU_S, MAX_MB = 5.0, 400.0
MAX_DISTANCE_DEG, MAX_AREA_RATIO, MAX_BRIGHTNESS_RATIO, MAX_TIME_S = 4.0, 1.35, 1.3, 10.0
LIMITS = {"too_large"}  # reasons that name a limit
BASES = ("emus", "iuvs", "emus_l2a")
TABLES = ("catalogue.csv", "catalogue.ecsv", "catalogue.vot", "catalogue.geojson")
REFERENCE = "reference"


@dataclass(frozen=True)
class Written:
    """A case as it lies in the folder, and the days by which its times are shifted."""

    case: Case
    path: Path
    days: int


def write_cases(cases: Sequence[Case], folder: Path) -> list[Written]:
    """Write the cases of a kind, and a sound file of each base they have; return where they are."""
    references = [
        Case(REFERENCE, base, lambda _: None, AS_BASE, base, name=f"{REFERENCE}-{base}.fits")
        for base in BASES
        if base in {case.base for case in cases}
    ]
    days: dict[str, int] = {}
    written = []
    for number, case in enumerate([*references, *cases]):
        day = days.setdefault(case.observation or f"own {number}", number)
        path = Path(os.fsdecode(os.fsencode(folder))) / (case.name or f"{case.kind}-{number:04d}.fits")
        document = bases.document(case.base, day)
        content = case.edit(document)
        content = document.joined() if content is None else content
        path.parent.mkdir(parents=True, exist_ok=True)
        if case.place is None:
            path.write_bytes(content)
        else:
            case.place(path, content)
        written.append(Written(case, path, day))
    return written


def run(folder: Path, out: Path, workers: int = 2) -> tuple[int, str, Path]:
    """Run the pipeline on a folder; return exit code, messages and run folder."""
    command: list[str | Path] = [COMMAND, "run", folder, "--out", out, "--run-id", "r", "--workers", str(workers)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=3600, errors="replace")
    return done.returncode, done.stderr[-2000:], out / "runs" / "r"


def measure(folder: Path) -> dict[str, dict[str, object]]:
    """Read every file in a process of its own; return the measurements by path."""
    command: list[str | Path] = [sys.executable, "-m", "bench.corpus.measuring", folder]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=3600)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return {str(line["path"]): line for line in lines}


def judge(written: Sequence[Written], folder: Path, out: Path, *, measured: bool = True) -> Iterator[Found]:
    """Run the pipeline on the cases, and yield what each came to."""
    measurements = measure(folder) if measured else {}
    code, messages, run_folder = run(folder, out)
    if code not in {0, 1, 2} or "Traceback" in messages or not (run_folder / "ledger.csv").is_file():
        message = " ".join(messages.split())[-400:]
        detail = f"the run ended with exit code {code}: {message}"
        yield from (Found(item.case.kind, item.case.what, "lost", detail) for item in written)
        return
    results = Results(run_folder, folder)
    references = {item.case.base: item for item in written if item.case.kind == REFERENCE}
    if len(set(results.counts.values())) > 1:
        yield Found(REFERENCE, "rows of the tables", "lost", f"{results.counts}")
    for item in written:
        speed = measurements.get(str(item.path))
        yield Found(item.case.kind, item.case.what, *_verdict(item, references[item.case.base], results, speed))


class Results:
    """The tables of a run: ledger rows and auroras by path of the input."""

    def __init__(self, run_folder: Path, inputs: Path) -> None:
        with (run_folder / "ledger.csv").open(newline="", encoding="utf-8") as stream:
            self.ledger = {row["name"]: row for row in csv.DictReader(stream)}
        self.names = {path: name for name, path in find_inputs([inputs]).paths.items()}
        self.auroras: dict[str, list[dict[str, str]]] = {}
        with (run_folder / "catalogue.csv").open(newline="", encoding="utf-8") as stream:
            for row in csv.DictReader(stream):
                self.auroras.setdefault(row["name"], []).append(row)
        self.counts = {name: _count_rows(run_folder / name) for name in TABLES}

    def row(self, path: Path) -> dict[str, str] | None:
        name = self.names.get(path)
        return None if name is None else self.ledger.get(name) or self.ledger.get(f"'{name}")

    def found(self, row: dict[str, str]) -> list[dict[str, str]]:
        return self.auroras.get(row["name"], [])


def _count_auroras(rows: list[dict[str, str]]) -> int:
    """Count the detections that are called an aurora."""
    return sum("no_signal" not in row["quality_flags"].split() for row in rows)


def _count_rows(path: Path) -> int:
    if path.suffix == ".csv":
        with path.open(newline="", encoding="utf-8") as stream:
            return sum(1 for _ in csv.DictReader(stream))
    if path.suffix == ".ecsv":
        return len(Table.read(path, format="ascii.ecsv"))
    if path.suffix == ".vot":
        return len(parse_single_table(path).array)
    return len({(item["properties"]["name"], item["properties"]["detection"]) for item in _features(path)})


def _features(path: Path) -> Iterable[dict[str, dict[str, object]]]:
    features: list[dict[str, dict[str, object]]] = json.loads(path.read_text(encoding="utf-8"))["features"]
    return features


def _verdict(  # noqa: PLR0911 -- one return per verdict
    item: Written, reference: Written, results: Results, speed: dict[str, object] | None
) -> tuple[str, str]:
    row = results.row(item.path)
    if row is None:
        return "lost", "the ledger has no line for it"
    said = f"{row['outcome']}{':' if row['reason'] else ''}{row['reason']} {row['detail'][:200]}"
    if speed and str(speed["result"]).startswith("Traceback"):
        return "lost", f"reading it raises: {speed['result']}"
    if f"{row['outcome']}:{row['reason']}" in item.case.right.outcomes:
        return "", said
    if row["outcome"] in {"failed", "candidate"}:
        return "lost", said
    if row["outcome"] == "aurora" and _count_auroras(results.found(row)) != int(row["auroras"]):
        return "lost", f"{row['auroras']} auroras in the ledger, {_count_auroras(results.found(row))} in the catalogue"
    if wrong := _wrong(item, reference, results, row):
        return "wrong", f"{wrong} ({said})"
    if speed and row["reason"] not in LIMITS:
        cpu_s, peak_mb = float(str(speed["cpu_s"])), float(str(speed["peak_mb"]))
        if cpu_s > MAX_CPU_S or peak_mb > MAX_MB:
            return "slow", f"{cpu_s:.1f} s CPU, {peak_mb:.0f} MB ({said})"
    return "", said


def _wrong(item: Written, reference: Written, results: Results, row: dict[str, str]) -> str:
    """Return what is wrong with an outcome; empty if it is right."""
    right, outcome = item.case.right, row["outcome"]
    if outcome in right.outcomes:
        return ""
    if outcome == "rejected" and right.reasons:
        if "*" in right.reasons or row["reason"] in right.reasons:
            return ""
        return f"not rejected as {', '.join(sorted(right.reasons))}"
    if right.other and outcome in {"aurora", "no_aurora", "discarded"}:
        return ""
    if right.as_base:
        known = results.row(reference.path)
        assert known is not None
        return _difference(item, results.found(known), results.found(row), item.days - reference.days)
    return f"expected {_describe(item.case)}"


def _describe(case: Case) -> str:
    right = case.right
    words = [*sorted(right.outcomes), *(f"rejected:{reason}" for reason in sorted(right.reasons))]
    return " or ".join([*words, *(["as base"] if right.as_base else [])])


def _difference(item: Written, base: list[dict[str, str]], found: list[dict[str, str]], days: int) -> str:
    """Return how auroras differ from those of the sound file; empty if they are the same within the errors."""
    if len(found) != len(base):
        return f"{len(found)} auroras, not {len(base)}"
    for aurora in base:
        near = min(found, key=lambda other: _distance_deg(aurora, other))
        if _distance_deg(aurora, near) > MAX_DISTANCE_DEG:
            return f"an aurora is {_distance_deg(aurora, near):.1f} deg off"
        for column, limit in (("area_km2", MAX_AREA_RATIO), ("mean_brightness_R", MAX_BRIGHTNESS_RATIO)):
            ratio = float(near[column]) / float(aurora[column])
            if not 1 / limit <= ratio <= limit:
                return f"{column} is {ratio:.2f} times that of the base"
        if item.case.timed and (late := _late_s(aurora, near, days)) is not None and abs(late) > MAX_TIME_S:
            return f"its time is {late:.0f} s off"
    return ""


def _distance_deg(one: dict[str, str], other: dict[str, str]) -> float:
    longitude = abs((float(one["lon_deg"]) - float(other["lon_deg"]) + 180) % 360 - 180)
    return max(longitude, abs(float(one["lat_deg"]) - float(other["lat_deg"])))


def _late_s(base: dict[str, str], found: dict[str, str], days: int) -> float | None:
    """Return the seconds by which a time differs from that of the base; None if it is not known."""
    if not found["time_utc"]:
        return None
    expected = datetime.fromisoformat(base["time_utc"]) + timedelta(days=days)
    return (datetime.fromisoformat(found["time_utc"]) - expected).total_seconds()
