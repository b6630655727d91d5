"""CPU time and memory of each product, written and read back: python -m bench.products [--rows N ...].

Rows are made up: outlines of 40 corners in swaths of three auroras each, and twice as many inputs without auroras. They
are in the part files of slices, as the measure function writes them. ``joined`` is reading these and joining sightings.
Each line is a process of its own: CPU seconds with the libraries that only its writer loads, and peak memory. The last
line is what the temporary folder has to hold: the rows, and the largest product.
"""

from __future__ import annotations

import argparse
import json
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

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
from mars_aurora.run.keys import LEDGER, PRODUCTS, RunKeys
from mars_aurora.run.ledger import Outcome, Record
from mars_aurora.run.listing import SLICES, write_items
from mars_aurora.run.provenance import describe_provenance
from mars_aurora.run.slices import MeasuredSlice, pack_measured, split
from mars_aurora.run.storage import FolderStorage
from mars_aurora.steps.catalogue import collect_slices, read_slices

ROWS = (6440, 100_000)  # those of the EMM mission so far, and of many instruments
IN_A_SWATH = 3
CORNERS = 40
KEYS, EXECUTION, PARTS = RunKeys("bench"), "one", 100  # inputs of a part
JOINED = "joined"


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


def name_swath(number: int) -> str:
    return f"emm_emu_l2b_20220331t212107_{number:05d}_os2_sw1of3_r_v01-04.fits.gz"


def make_parts(rows: int) -> Iterator[MeasuredSlice]:
    """Yield slices: one input in three has auroras."""
    auroras = split(make_rows(rows), IN_A_SWATH * (PARTS // 3))
    for part, found in enumerate(auroras):
        names = list(dict.fromkeys(row.name for row in found))
        with_auroras = [Record(name, Outcome.AURORA, objects=4, auroras=IN_A_SWATH) for name in names]
        others = [Record(f"x{part:06}_{number:03}.fits", Outcome.DISCARDED) for number in range(2 * len(names))]
        yield MeasuredSlice([*with_auroras, *others], found, NOTHING, [])


def fabricate(folder: Path, rows: int) -> None:
    """Write the part files of the slices."""
    work, count = FolderStorage(folder / "work"), 0
    for number, measured in enumerate(make_parts(rows)):
        work.put(KEYS.measured_slice(EXECUTION, number), pack_measured(measured))
        count = number + 1
    write_items(work, KEYS, SLICES, ({"number": number} for number in range(count)), EXECUTION)


def join_parts(folder: Path) -> int:
    """Write the joined rows to files, as the step does; return the number of auroras."""
    joined = collect_slices(read_slices(FolderStorage(folder / "work"), KEYS, EXECUTION, lambda record: record), folder)
    provenance = describe_provenance(DetectorName.YOLO, 2, "python -m bench.products")
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
    path.unlink()
    return {"size": size, "write_s": write_ms / 1000, "read_s": read_ms / 1000, "peak_mb": peak_memory_mb()}


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
            *(name for name in PRODUCTS if name not in {"run.json", "exposure.fits"} and is_written(name)),
        ):
            command = [sys.executable, "-m", "bench.products", "--one", name, "--folder", folder]
            line = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
            one = found[name] = json.loads(line)
            print(
                f"{name:24}{one['size'] / 1e6:8.1f}{one['write_s']:12.2f}{one['read_s']:14.2f}{one['peak_mb']:10.0f}",
                flush=True,
            )
    write_s, read_s = (sum(one[part] for one in found.values()) for part in ("write_s", "read_s"))
    print(f"{'together':32}{write_s:12.2f}{read_s:14.2f}{max(one['peak_mb'] for one in found.values()):10.0f}")
    largest_mb = max(one["size"] for name, one in found.items() if name != JOINED) / 1e6
    print(
        f"temporary files: {found[JOINED]['size'] / 1e6:.0f} MB of rows, and {largest_mb:.0f} MB of the largest product"
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
