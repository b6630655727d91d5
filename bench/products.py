"""Time and size of each product, written and read back: python -m bench.products [--rows N ...].

Rows are made up: outlines of 40 corners in swaths of three auroras each. Times are CPU seconds of this process; reading
back is what a run does before it reports success. The last line is the peak memory of the process.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import shapely

from bench.measurement import cpu_ms, peak_memory_mb
from mars_aurora.aurora import COLUMNS, Aurora
from mars_aurora.catalogue import ledger_table, report
from mars_aurora.catalogue.verify import verify_product
from mars_aurora.catalogue.write import list_products
from mars_aurora.detect.detectors import DetectorName
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
    products = list_products(records, auroras, provenance)
    makers = {"ledger.csv": (len(records), lambda: ledger_table.to_csv(records))} | {**products}
    makers["report.html"] = (
        report.count_pictures(records),
        lambda: report.build(RunKeys("bench"), records, auroras, list(products), provenance),
    )
    print(f"\n{rows} rows in {len(records)} inputs\n{'':24}{'MB':>8}{'written, s':>12}{'read back, s':>14}")
    total_s = np.zeros(2)
    for name, (expected, make) in makers.items():
        write_ms, data = cpu_ms(make)
        read_ms, _ = cpu_ms(verify_product, name, data, expected) if data else (0.0, None)
        total_s += np.array([write_ms, read_ms]) / 1000
        print(f"{name:24}{len(data) / 1e6:8.1f}{write_ms / 1000:12.2f}{read_ms / 1000:14.2f}", flush=True)
    print(f"{'together':32}{total_s[0]:12.2f}{total_s[1]:14.2f}\npeak memory {peak_memory_mb():.0f} MB")


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
