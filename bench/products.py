"""CPU time and memory of each product, written and read back: python -m bench.products [--rows N ...].

Rows are made up: outlines of 40 corners in swaths of three auroras each, and twice as many inputs without auroras. They
are in the part files of slices, as the measure function writes them. ``joined`` is reading these and joining sightings,
``parquet step`` what the function parquet does: GeoParquet and the data set, from the tables in ECSV. Each line is a
process of its own: CPU seconds with the libraries that only its writer loads, and peak memory. The last line is what
the temporary folders of the functions catalogue and parquet have to hold.
"""

from __future__ import annotations

import argparse
import json
import pickle
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import numpy as np
import shapely

from bench.measurement import cpu_ms, peak_memory_mb
from mars_aurora.aurora import COLUMNS, Aurora
from mars_aurora.background.exposure import NOTHING
from mars_aurora.catalogue import ledger_table, report, sightings
from mars_aurora.catalogue.entries import iterate_entries
from mars_aurora.catalogue.rows import write_rows
from mars_aurora.catalogue.tables import AURORAS, DETECTIONS, RowTable
from mars_aurora.catalogue.verify import verify_product
from mars_aurora.catalogue.write import Contents, is_written, make_product
from mars_aurora.detect.detectors import DetectorName
from mars_aurora.emission import OXYGEN_1304
from mars_aurora.run.escaping import escape_row
from mars_aurora.run.keys import EXPOSURE, LEDGER, PRODUCTS, RUN, RunKeys
from mars_aurora.run.ledger import Outcome, Record
from mars_aurora.run.listing import SETS, SLICES, write_items
from mars_aurora.run.messages import CatalogueRequest, ParquetRequest
from mars_aurora.run.provenance import Provenance, describe_provenance
from mars_aurora.run.slices import MeasuredSlice, pack_measured, split
from mars_aurora.run.storage import FolderStorage, Version
from mars_aurora.steps.catalogue import catalogue, collect_slices, read_slices
from mars_aurora.steps.parquet import parquet

ROWS = (6440, 100_000)  # those of the EMM mission so far, and of many instruments
IN_A_SWATH = 3
CORNERS = 40
KEYS, EXECUTION, PARTS = RunKeys("bench"), "one", 100  # inputs of a part
JOINED, STEP = "joined", "parquet step"


def make_rows(rows: int) -> Iterator[Aurora]:
    """Yield auroras with random coordinates, as `mars_aurora.catalogue.sightings.join` returns them."""
    generator = np.random.default_rng(0)
    fill = {int: 7, float: 1234.5678, str: "text"}
    values: dict[str, Any] = {column.name: fill[column.kind] for column in COLUMNS}
    angle = np.linspace(0, 2 * np.pi, CORNERS, endpoint=False)
    for number in range(rows):
        lon, lat = generator.uniform(10, 350), generator.uniform(-70, 70)
        corners = np.stack([lon + 8 * np.cos(angle), lat + 8 * np.sin(angle)], 1)
        native = ",".join(f"{value:.2f}" for value in (corners + 90).ravel())
        yield Aurora(
            **values
            | {
                "name": name_swath(number // IN_A_SWATH),
                "detection": number % IN_A_SWATH + 1,
                "lat_deg": lat,
                "lon_deg": lon,
                "time_utc": "2022-03-31T21:30:00.000",
                "outline_wkt": shapely.to_wkt(shapely.Polygon(corners), rounding_precision=3),
                "native_outline": native,
                "picture_outline": native,
                "emission": OXYGEN_1304.name,
                "quality_flags": "limb",
                "aurora_id": f"x{number}",
            }
        )


class Gauge(FolderStorage):
    """Storage that copies what is read to the temporary folder, as that in S3 does, and notes what the folder holds.

    In a ``with`` statement, the temporary folder is one of its own.
    """

    peak_bytes = 0

    def __enter__(self) -> Self:
        self._folder, self._before = tempfile.TemporaryDirectory(), tempfile.tempdir
        tempfile.tempdir = self._folder.name
        return self

    def __exit__(self, *error: object) -> None:
        tempfile.tempdir = self._before
        self._folder.cleanup()

    def put_file(self, key: str, path: Path) -> None:
        self._note()
        super().put_file(key, path)

    @contextmanager
    def local_file(self, key: str, version: Version) -> Iterator[Path]:
        with super().local_file(key, version) as path, tempfile.TemporaryDirectory() as folder:
            yield Path(shutil.copyfile(path, Path(folder, "object")))
            self._note()

    def _note(self) -> None:
        sizes = (path.stat().st_size for path in Path(self._folder.name).rglob("*") if path.is_file())
        self.peak_bytes = max(self.peak_bytes, sum(sizes))


def measure_disk(rows: int, folder: Path) -> dict[str, int]:
    """Return how many bytes the steps catalogue and parquet of a run with rows have in the temporary folder at once."""
    listed = fabricate(folder, rows)
    work, results = FolderStorage(folder / "work"), folder / "results"
    with Gauge(results) as catalogued:
        catalogue(CatalogueRequest(KEYS.run_id, listed, EXECUTION), work, catalogued, make_provenance())
    with Gauge(results) as added:
        parquet(ParquetRequest(KEYS.run_id, EXECUTION), work, added)
    return {"Catalogue": catalogued.peak_bytes, "Parquet": added.peak_bytes}


def make_provenance() -> Provenance:
    return describe_provenance(DetectorName.YOLO, 2, "python -m bench.products")


def name_swath(number: int) -> str:
    return f"emm_emu_l2b_20220331t212107_{number:05d}_os2_sw1of3_r_v01-04.fits.gz"


def make_parts(rows: int) -> Iterator[MeasuredSlice]:
    """Yield slices: one input in three has auroras."""
    auroras = split(make_rows(rows), IN_A_SWATH * (PARTS // 3))
    for found in auroras:
        names = list(dict.fromkeys(row.name for row in found))
        with_auroras = [Record(name, Outcome.AURORA, objects=4, auroras=IN_A_SWATH) for name in names]
        others = [Record(f"{names[-1]}_{number:03}.fits", Outcome.DISCARDED) for number in range(2 * len(names))]
        yield MeasuredSlice([*with_auroras, *others], found, NOTHING, [])


def fabricate(folder: Path, rows: int) -> int:
    """Write the part files of the slices; return the number of inputs."""
    work, count, listed = FolderStorage(folder / "work"), 0, 0
    for number, measured in enumerate(make_parts(rows)):
        work.put(KEYS.measured_slice(EXECUTION, number), pack_measured(measured))
        count, listed = number + 1, listed + len(measured.records)
    write_items(work, KEYS, SLICES, ({"number": number} for number in range(count)), EXECUTION)
    write_items(work, KEYS, SETS, [], EXECUTION)
    return listed


def join_parts(folder: Path) -> int:
    """Write the joined rows to files, as the step does; return the number of auroras."""
    joined = collect_slices(read_slices(FolderStorage(folder / "work"), KEYS, EXECUTION, lambda record: record), folder)
    provenance = make_provenance()
    rows = write_rows(folder / "detections", map(escape_row, sightings.iterate_joined(joined.auroras)))
    detections = RowTable(rows, provenance, DETECTIONS)
    auroras = RowTable(write_rows(folder / "entries", iterate_entries(rows)), provenance, AURORAS)
    (folder / "contents").write_bytes(pickle.dumps(Contents(joined.records, detections, auroras)))
    return len(rows)


def measure(name: str, folder: Path) -> dict[str, float]:
    """Write and read back one product; return its figures."""
    if name == JOINED:
        ms, _ = cpu_ms(join_parts, folder)
        files = ("records", "auroras", "detections", "entries")
        size = sum((folder / file).stat().st_size for file in files)
        return {"size": size, "write_s": ms / 1000, "read_s": 0.0, "peak_mb": peak_memory_mb()}
    if name == STEP:
        return _measure_step(folder)
    contents = pickle.loads((folder / "contents").read_bytes())  # noqa: S301 -- written above
    path = folder / name
    if name == LEDGER:
        write_ms, rows = cpu_ms(ledger_table.write_ledger, path, contents.records)
        read_ms, _ = cpu_ms(verify_product, name, path, rows)
    elif name == report.REPORT:
        return _measure_report(contents, folder)
    else:
        write_ms, rows = cpu_ms(make_product, name, path, contents)
        read_ms, _ = cpu_ms(verify_product, name, path, rows)
    size = path.stat().st_size
    if path.suffix == ".ecsv":  # which the parquet step reads
        FolderStorage(folder / "results").put_file(KEYS.product(name), path)
    path.unlink()
    return {"size": size, "write_s": write_ms / 1000, "read_s": read_ms / 1000, "peak_mb": peak_memory_mb()}


def _measure_step(folder: Path) -> dict[str, float]:
    results = FolderStorage(folder / "results")
    facts: dict[str, Any] = {**make_provenance().to_dict(), "products_sha256": {}}
    results.put(KEYS.product(RUN), json.dumps(facts).encode())
    with Gauge(folder / "results") as gauge:
        ms, _ = cpu_ms(parquet, ParquetRequest(KEYS.run_id, EXECUTION), FolderStorage(folder / "work"), gauge)
    figures = {"write_s": ms / 1000, "read_s": 0.0, "peak_mb": peak_memory_mb()}
    return {"size": gauge.peak_bytes} | figures


def _measure_report(contents: Contents, folder: Path) -> dict[str, float]:
    rows = contents.records, contents.detections.rows, contents.auroras.rows
    path, sizes, read_s = folder / "page", 0, 0.0

    def write() -> None:
        nonlocal sizes, read_s
        for name, file in report.build(KEYS, *rows, [LEDGER], contents.provenance):
            path.write_bytes(file.data)
            sizes += len(file.data)
            read_s += cpu_ms(verify_product, name, path, file.rows)[0] / 1000

    ms, _ = cpu_ms(write)
    return {"size": sizes, "write_s": ms / 1000 - read_s, "read_s": read_s, "peak_mb": peak_memory_mb()}


def compare(rows: int) -> None:
    """Print the figures of a number of rows."""
    print(f"\n{rows:,} rows in {rows // IN_A_SWATH * 3:,} inputs")
    print(f"{'':24}{'MB':>8}{'written, s':>12}{'read back, s':>14}{'peak, MB':>10}")
    with tempfile.TemporaryDirectory() as folder:
        fabricate(Path(folder), rows)
        found = {}
        for name in (
            JOINED,
            *(name for name in PRODUCTS if name not in {RUN, EXPOSURE} and is_written(name)),
            STEP,
        ):
            command = [sys.executable, "-m", "bench.products", "--one", name, "--folder", folder]
            line = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
            one = found[name] = json.loads(line)
            print(
                f"{name:24}{one['size'] / 1e6:8.1f}{one['write_s']:12.2f}{one['read_s']:14.2f}{one['peak_mb']:10.0f}",
                flush=True,
            )
    step = found.pop(STEP)
    write_s, read_s = (sum(one[part] for one in found.values()) for part in ("write_s", "read_s"))
    print(f"{'together':32}{write_s:12.2f}{read_s:14.2f}{max(one['peak_mb'] for one in found.values()):10.0f}")
    largest_mb = max(one["size"] for name, one in found.items() if name != JOINED) / 1e6
    rows_mb = found[JOINED]["size"] / 1e6
    print(
        f"temporary files: {rows_mb:.0f} MB of rows, and {largest_mb:.0f} MB of the largest product; "
        f"{step['size'] / 1e6:.0f} MB of the parquet step"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, nargs="+", default=ROWS)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(measure(arguments.one, arguments.folder)))
        return
    for rows in arguments.rows:
        compare(rows)


if __name__ == "__main__":
    main()
