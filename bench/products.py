"""Time and size of each product, written and read back: python -m bench.products [--rows N ...].

Rows are made up: outlines of 40 corners in swaths of three auroras each. Times are CPU seconds of this process; reading
back is what a run does before it reports success. The last line is the peak memory of the process.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import shapely

from bench.measurement import cpu_ms, peak_memory_mb
from mars_aurora.aurora import COLUMNS, Aurora
from mars_aurora.catalogue import ledger_table, report
from mars_aurora.catalogue.entries import list_entries
from mars_aurora.catalogue.verify import verify_product
from mars_aurora.catalogue.write import list_products
from mars_aurora.detect.detectors import DetectorName
from mars_aurora.emission import OXYGEN_1304
from mars_aurora.run.escaping import escape_row
from mars_aurora.run.keys import RunKeys
from mars_aurora.run.ledger import Outcome, Record
from mars_aurora.run.provenance import describe_provenance

ROWS = (6440, 30000)  # those of the EMM mission so far, and above the limit of reading as text
IN_A_SWATH = 3
CORNERS = 40


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
                "name": f"emm_emu_l2b_20220331t212107_{number // IN_A_SWATH:05d}_os2_sw1of3_r_v01-04.fits.gz",
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


def measure(rows: int) -> None:
    """Print the figures of a number of rows."""
    provenance = describe_provenance(DetectorName.YOLO, 2, "python -m bench.products")
    auroras = [escape_row(aurora) for aurora in make_rows(rows)]
    records = [
        Record(name, Outcome.AURORA, objects=4, auroras=3) for name in dict.fromkeys(row.name for row in auroras)
    ]
    entries_ms, entries = cpu_ms(list_entries, auroras)
    products = list_products(records, auroras, entries, provenance)
    makers = {"ledger.csv": (len(records), lambda: ledger_table.to_csv(records))} | {**products}
    print(f"\n{rows} rows in {len(records)} inputs\n{'':24}{'MB':>8}{'written, s':>12}{'read back, s':>14}")
    times = [_show("joined auroras", 0, entries_ms, 0.0)]
    for name, (expected, make) in makers.items():
        write_ms, data = cpu_ms(make)
        read_ms, _ = cpu_ms(verify_product, name, data, expected) if data else (0.0, None)
        times.append(_show(name, len(data), write_ms, read_ms))
    build = partial(report.build, RunKeys("bench"), records, auroras, entries, list(products), provenance)
    write_ms, files = cpu_ms(lambda: dict(build()))
    read_ms = sum(cpu_ms(verify_product, name, file.data, file.rows)[0] for name, file in files.items())
    times.append(_show("report", sum(len(file.data) for file in files.values()), write_ms, read_ms))
    write_s, read_s = np.sum(times, axis=0)
    print(f"{'together':32}{write_s:12.2f}{read_s:14.2f}\npeak memory {peak_memory_mb():.0f} MB")


def _show(name: str, size: int, write_ms: float, read_ms: float) -> tuple[float, float]:
    """Print a line; return the times in s."""
    print(f"{name:24}{size / 1e6:8.1f}{write_ms / 1000:12.2f}{read_ms / 1000:14.2f}", flush=True)
    return write_ms / 1000, read_ms / 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, nargs="+", default=ROWS)
    rows = parser.parse_args().rows
    if len(rows) == 1:
        measure(rows[0])
        return
    for number in rows:  # each in a process of its own, for its peak memory
        subprocess.run([sys.executable, "-m", "bench.products", "--rows", str(number)], check=True)


if __name__ == "__main__":
    main()
