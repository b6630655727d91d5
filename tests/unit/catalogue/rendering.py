"""What a writer writes to a file, as bytes."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mars_aurora.catalogue import geographic, labels
from mars_aurora.catalogue.tables import DETECTIONS, Kind, RowTable
from mars_aurora.run.provenance import Provenance

NAMES = {geographic.write_geopackage: "c.gpkg"}  # GDAL warns of other suffixes


def read_written(write: Callable[[Path], object], name: str = "c") -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        write(path)
        return path.read_bytes()


def render(write: Callable[..., int], rows: list[Any], provenance: Provenance, kind: Kind = DETECTIONS) -> bytes:
    table = RowTable(rows, provenance, kind)
    return read_written(lambda path: write(path, table), NAMES.get(write, "c"))


def render_labels(write: Callable[..., int], records: list[Any], auroras: list[Any], provenance: Provenance) -> bytes:
    return read_written(lambda path: write(path, labels.Pictures(records, auroras, provenance)))
