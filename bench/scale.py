"""CPU time, memory and disk of the tally of made-up records: python -m bench.scale [--records N].

The records are those of candidates and other inputs of one mission, one in five a candidate, as 100 children each
return them, in random order. What is measured is all that the step does but for requests to S3, with a folder instead.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from bench.measurement import peak_memory_mb
from mars_aurora.detect.detectors import DetectorName
from mars_aurora.night import Night
from mars_aurora.run.identity import Identity
from mars_aurora.run.keys import RunKeys
from mars_aurora.run.ledger import Origin, Outcome, Record
from mars_aurora.run.listing import LISTED, write_items
from mars_aurora.run.messages import TallyRequest
from mars_aurora.run.settings import Settings
from mars_aurora.run.storage import FolderStorage, Version
from mars_aurora.steps.settle import FILES
from mars_aurora.steps.tally import tally

RECORDS = 1_000_000
KEYS, EXECUTION, MAP_RUN = RunKeys("r"), "one", "arn:aws:states:us-east-1:000000000000:mapRun:DetectAuroras/EachFile:1"
PARTS, NAMES = 10, "names"
FIRST = datetime(2021, 4, 1)  # noqa: DTZ001 -- UTC, as the names of files
START = "import sys; from bench import scale; scale.{}(sys.argv[1], int(sys.argv[2]))"


def name_input(number: int) -> str:
    """Name a swath of a set of three, every 20 minutes."""
    start = FIRST + timedelta(minutes=20 * number)
    orbit, swath = number // 3, number % 3 + 1
    return f"{start:%Y/%m}/emm_emu_l2b_{start:%Y%m%dt%H%M%S}_{orbit:05}_os2_sw{swath}of3_r_v01-04.fits.gz"


def make_record(number: int, generator: random.Random) -> Record:
    digest = f"{generator.getrandbits(256):064x}"
    is_candidate = number % 5 == 0
    products = {"image": 60_000, "geometry": 2_500_000, "exposure": 9000}
    return Record(
        name_input(number),
        Outcome.CANDIDATE if is_candidate else Outcome.DISCARDED,
        "" if is_candidate else "too_few_objects",
        objects=2 if is_candidate else 1,
        candidate=KEYS.candidate(digest) if is_candidate else "",
        level="l2b",
        flags=("no_checksum",),
        residuals={"sza_deg": 0.0012, "emission_angle_deg": 0.012, "local_time_h": 0.0001},
        origin=Origin(Version(9_300_000, etag=digest[:32]), digest, digest[:32], digest[:32], digest, products),
        identity=Identity("EMM/EMUS", start_ms=1_200_000 * number, integrations=90, level="l2b", version=(1, 4, 1)),
        night=Night(9000, 1.2e7, 2.3, 1.2, 0.1),
        cleaning={"spike_pixels": 12.0, "offset_bins": 1.0, "particle_background_R": 0.1},
    )


def fabricate(folder: str, records: int) -> None:
    """Write the list of the inputs, what the children of the map return, and the pictures of the candidates, empty."""
    work, generator = FolderStorage(Path(folder)), random.Random(0)  # noqa: S311 -- not a secret
    items = ({"key": name_input(n), "name": name_input(n), "etag": "e", "size": 1} for n in range(records))
    write_items(work, KEYS, LISTED, items)
    work.put(NAMES, "\n".join(map(name_input, range(records))).encode())
    order = list(range(records))
    generator.shuffle(order)
    root, files = KEYS.results(EXECUTION, FILES), []
    for part in range(PARTS):
        key = f"{root}1/SUCCEEDED_{part}.jsonl"
        path = Path(folder, key)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            file.writelines(make_record(number, generator).to_json() + b"\n" for number in order[part::PARTS])
        files.append({"Key": key, "Size": path.stat().st_size})
    manifest = {"MapRunArn": MAP_RUN, "ResultFiles": {"SUCCEEDED": files, "FAILED": [], "PENDING": []}}
    work.put(f"{root}1/manifest.json", json.dumps(manifest).encode())


class Stored(FolderStorage):
    """A folder in which the pictures of all candidates are, and the listed inputs, without files for them."""

    def sizes(self, _prefix: str) -> dict[str, int]:
        items = self._path(KEYS.items("candidates", EXECUTION)).open("rb")
        with items:
            return {KEYS.candidate(item["name"]): item["image_bytes"] for item in map(json.loads, items)}

    def iterate(self, _prefix: str) -> Iterator[str]:
        with self._path(NAMES).open() as names:
            yield from (f"b/{name}" for name in names.read().splitlines())


def run(folder: str, records: int) -> None:
    """Run the step and print what it used."""
    work = Stored(Path(folder))
    counts = {MAP_RUN: {"total": records, "succeeded": records}}
    settings = Settings("work", "detections", DetectorName.YOLO, cleaning=True)
    before_s = time.process_time()
    result = tally(TallyRequest("r", "bucket", "b/", EXECUTION), work, work, settings, counts.__getitem__)
    used_s = time.process_time() - before_s
    assert (result.listed, result.candidates) == (records, -(-records // 5)), result  # noqa: S101 -- of a benchmark
    print(f"{records:,} records: {used_s:.1f} s CPU, {peak_memory_mb():.0f} MB, {result.sets:,} observation sets")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--records", type=int, default=RECORDS)
    records = parser.parse_args().records
    with tempfile.TemporaryDirectory() as folder:
        for step in ("fabricate", "run"):  # each in a process of its own
            command = [sys.executable, "-c", START.format(step), folder, str(records)]
            subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
