"""CPU time and memory of the built functions under Lambda's runtime interface emulator."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from bench.paper import emulated, process
from bench.paper.plan import BUILD
from mars_aurora.run.costs import read_sizes
from mars_aurora.run.keys import RunKeys
from mars_aurora.run.ledger import Origin, Outcome, Record
from mars_aurora_model.labels import LabeledPicture

KEYS = RunKeys("paper")
FULL_CORE_MB = 1769  # memory at which Lambda gives one CPU; less memory gets that part of it


@dataclass(frozen=True)
class Calls:
    """What calls of a function used.

    Attributes
    ----------
    calls : number of them, after the first
    memory_mb : memory size in the template
    cpu_s : of all calls
    wall_s : of the steps of all calls, on this machine, requests to the emulator's S3 included
    cold_s : CPU time until the function is ready to take its first event
    peak_mb : largest memory of the process
    """

    calls: int
    memory_mb: int
    cpu_s: float
    wall_s: float
    cold_s: float
    peak_mb: float

    @property
    def billed_s(self) -> float:
        """CPU time of a call at the memory size, which gives less than one CPU below 1769 MB."""
        return self.cpu_s / self.calls * max(1.0, FULL_CORE_MB / self.memory_mb)

    @property
    def billed_cold_s(self) -> float:
        return self.cold_s * max(1.0, FULL_CORE_MB / self.memory_mb)


def measure(files: list[Path], pictures: list[LabeledPicture]) -> dict[str, Any]:
    """Measure the functions of which a run has a call for each file, as they run on Lambda."""
    built, runtime = emulated.build(), emulated.load("runtime")
    events: dict[str, list[dict[str, Any]]] = {}
    with emulated.run_emulator() as aws:
        s3, work, bucket = aws.client("s3"), runtime.SETTINGS["WORK_BUCKET"], "paper-inputs"
        for name in (bucket, work, runtime.SETTINGS["DETECTIONS_BUCKET"]):
            s3.create_bucket(Bucket=name)
        for path in files:
            s3.upload_file(str(path), bucket, path.name)
        for picture in pictures:
            for key, data in make_candidate(picture).items():
                s3.put_object(Bucket=work, Key=key, Body=data)
        common = {"run_id": KEYS.run_id}
        events["preprocess"] = [common | {"bucket": bucket, "key": p.name, "name": p.name} for p in files]
        events["classify"] = [common | {"name": picture.name} for picture in pictures]
        events["detect"] = [common | {"name": picture.name, "predictions": "paper"} for picture in pictures]
        # detection first: the count replaces the records of what it discards
        calls = {name: call(built, aws, name, events[name]) for name in ("detect", "classify", "preprocess")}
    return {name: asdict(used) for name, used in calls.items()}


def make_candidate(picture: LabeledPicture) -> dict[str, bytes]:
    """Return the objects of a candidate in the work bucket by key."""
    origin = Origin(products={"image": len(picture.png)})
    key = KEYS.candidate(picture.name)
    record = replace(Record(picture.name, Outcome.CANDIDATE), origin=origin, candidate=key)
    image = KEYS.image(picture.name)
    return {image: picture.png, key: picture.png, KEYS.record(picture.name): record.to_json()}


def call(built: Path, aws: Any, name: str, events: list[dict[str, Any]]) -> Calls:  # noqa: ANN401 -- of the rehearsal
    """Send events to a function that runs as on Lambda; the first is not counted."""
    folder = BUILD / "runtime"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    runtime, log = emulated.load("runtime"), folder / f"{name}.log"
    with runtime.run_function(built, aws, name, log) as function:
        _require_success(runtime.invoke(function, events[0]))
        cold_s = _read_cpu_s(function.process)
        for event in events[1:]:
            _require_success(runtime.invoke(function, event))
        cpu_s = _read_cpu_s(function.process) - cold_s
    lines = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
    done = [line for line in lines if line.get("message") == f"{name} done"]
    calls, size = len(events) - 1, read_sizes()[name.capitalize()].memory_mb
    wall_s = sum(line["milliseconds"] for line in done[1:]) / 1000
    return Calls(calls, size, cpu_s, wall_s, cold_s - cpu_s / calls, max(line["memory_MB"] for line in done))


def _require_success(response: dict[str, Any]) -> None:
    if "errorMessage" in response:
        raise RuntimeError(f"a function failed: {response}")


def _read_cpu_s(root: int) -> float:
    """Return the CPU time of the processes below the runtime interface emulator, which Lambda does not have."""
    spent: dict[int, float] = {}
    process.sample(root, spent)
    return sum(cpu_s for number, cpu_s in spent.items() if number != root)
