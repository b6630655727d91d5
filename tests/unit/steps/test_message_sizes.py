"""No message of the workflow grows with the number of files."""

import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from memory_storage import MemoryStorage
from whole_run import KEYS, PROVENANCE, SETTINGS

from mars_aurora.background.exposure import NOTHING
from mars_aurora.run.ledger import Origin, Outcome, Record
from mars_aurora.run.listing import SETS, SLICES, read_items
from mars_aurora.run.messages import CatalogueRequest, CloseRequest, MeasureRequest, OpenRequest, TallyRequest
from mars_aurora.run.slices import MeasuredSlice, pack_measured, unpack_records
from mars_aurora.run.storage import Version
from mars_aurora.steps.catalogue import catalogue
from mars_aurora.steps.close import close_run
from mars_aurora.steps.measure import measure
from mars_aurora.steps.open import open_run
from mars_aurora.steps.settle import FILES
from mars_aurora.steps.tally import tally

FEW, MANY = 10, 10_000
PARAMETERS = json.loads((Path(__file__).parents[3] / "events" / "open.json").read_text())
FAILURE = {"Error": "States.ExceedToleratedFailureThreshold", "Cause": "The specified threshold was exceeded"}
MAP_RUN = "arn:aws:states:us-east-1:123456789012:mapRun:DetectAuroras/EachFile:1"
SWATH = "emm_emu_l2b_20220331t2{1}4600_{0:05}_os2_sw{2}of2_r_v01-04.fits.gz"


class Account:
    def is_running(self, _execution_arn: str) -> bool:
        return False

    def concurrency(self) -> int:
        return 1000


def name(number: int) -> str:
    """Every tenth input is a file, of sets of two; the others are ignored by their names."""
    return SWATH.format(number // 20, number // 10 % 2, number // 10 % 2 + 1) if number % 10 == 0 else f"{number}.txt"


def return_record(number: int) -> dict[str, Any]:
    if number % 10:
        return {"name": name(number)}
    origin = Origin(Version(5, etag="e"), products={"image": 0, "geometry": 0, "exposure": 0})
    return Record(name(number), Outcome.CANDIDATE, objects=2, origin=origin).to_event()


def write_results(work: MemoryStorage, files: int) -> None:
    """Write what the children return, as the ResultWriter does."""
    folder = KEYS.results("one", FILES)
    work.put(f"{folder}1/S_0.jsonl", "".join(f"{json.dumps(return_record(n))}\n" for n in range(files)).encode())
    listed = {"SUCCEEDED": [{"Key": f"{folder}1/S_0.jsonl", "Size": 1}], "FAILED": [], "PENDING": []}
    work.put(f"{folder}1/manifest.json", json.dumps({"MapRunArn": MAP_RUN, "ResultFiles": listed}).encode())


def measure_all(work: MemoryStorage) -> None:
    """Write the slices as if each candidate had been measured."""
    for item in read_items(work, KEYS, SLICES, "one"):
        records = unpack_records(work.get(KEYS.settled("one", item["number"])))
        ended = [replace(item, outcome=Outcome.FAILED) if item.outcome == "candidate" else item for item in records]
        measured = MeasuredSlice(ended, [], NOTHING, [])
        work.put(KEYS.measured_slice("one", item["number"]), pack_measured(measured))


@cache
def run(files: int) -> dict[str, dict[str, Any]]:
    """Run all steps on fabricated files; return their results."""
    inputs = MemoryStorage({f"b/{name(number)}": b"" for number in range(files)})
    work, detections = MemoryStorage(), MemoryStorage()
    buckets = {"bucket": inputs, "work": work, "detections": detections}
    request = {"bucket": "bucket", "prefix": "b/", "run_id": "r"}
    opening = OpenRequest.from_event(PARAMETERS | {"request": request})
    opened = open_run(opening, SETTINGS, Account(), buckets.__getitem__)
    write_results(work, files)
    counts = {"total": files, "succeeded": files}
    tallying = TallyRequest("r", "bucket", "b/", "one", opened.tolerated_failures)
    settled = tally(tallying, inputs, work, SETTINGS, {MAP_RUN: counts}.__getitem__)
    assert len(list(read_items(work, KEYS, SETS, "one"))) == settled.sets == files // 20
    failed = close_run(CloseRequest("r", "bucket", "b/", "one", "arn", FAILURE), inputs, work, detections)
    measured = measure(MeasureRequest("r", "one", 0, settled.predictions), work, detections)
    measure_all(work)
    result = catalogue(CatalogueRequest("r", settled.listed, "one"), work, detections, PROVENANCE)
    assert sum(result.counts.values()) == files
    steps = {"open": opened, "tally": settled, "measure": measured, "catalogue": result, "close": failed}
    return {step: message.to_event() for step, message in steps.items()}


@pytest.mark.parametrize("step", ["open", "tally", "measure", "catalogue", "close"])
def test_message_of_ten_files_and_of_ten_thousand_differ_by_at_most_64_bytes(step: str) -> None:
    few, many = (len(json.dumps(run(files)[step])) for files in (FEW, MANY))
    assert abs(many - few) <= 64
    assert many < 32 * 1024
