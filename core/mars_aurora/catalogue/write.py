"""Write the products of a run: the ledger, the catalogue in all formats, labels and the report.

What was written is read back and counted before it is called a success. Rows are read from files in blocks, so that
memory does not grow with their number.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from mars_aurora.aurora import Aurora, count_auroras
from mars_aurora.background.exposure import NOTHING, Cells
from mars_aurora.catalogue import (
    dataset,
    exposure_table,
    geographic,
    jmars,
    labels,
    ledger_table,
    report,
    sightings,
    tables,
    votable,
)
from mars_aurora.catalogue.entries import iterate_entries
from mars_aurora.catalogue.entry import Entry
from mars_aurora.catalogue.rows import Rows, write_rows
from mars_aurora.catalogue.stored import Written, store, verify_stored
from mars_aurora.catalogue.tables import AURORAS, DETECTIONS, RowTable
from mars_aurora.run.escaping import escape_row
from mars_aurora.run.keys import EXPOSURE, LEDGER, PRODUCTS, RUN, RunKeys
from mars_aurora.run.ledger import Record, count_outcomes
from mars_aurora.run.provenance import Provenance
from mars_aurora.run.storage import BulkStorage, Storage

SHAPEFILE = "jmars.shp.zip"
Names = tuple[str, ...]  # of products that one process writes
_FEW_ROWS = 300
_WITH_GDAL_OR_ARROW = (".gpkg", ".parquet", ".shp.zip", dataset.DATASET)  # ends of names


class Worker(Protocol):
    """How products are written: ``map``, or a runner's process pool, which raises what a task raises; any order."""

    def __call__(
        self, function: Callable[[Names], list[Written]], tasks: Iterable[Names], /
    ) -> Iterable[list[Written]]: ...


@dataclass(frozen=True)
class Contents:
    """What the products of a run tell, which processes share.

    Attributes
    ----------
    records : rows of Record
        The ledger; texts are escaped.
    detections, auroras : RowTable
        All sightings, joined, in the order of the records; and the auroras that they are joined to.
    exposure : Cells
        What was searched, joined over the run.
    products : tuple of str
        Names of the products, to which the report links.
    elapsed_s : float or None
        Duration of the run for the report.
    detected : str
        Where the candidates were detected and why, for the report; empty for a local run.
    """

    records: Rows[Record]
    detections: RowTable[Aurora]
    auroras: RowTable[Entry]
    exposure: Cells = field(default_factory=NOTHING.copy)
    products: tuple[str, ...] = ()
    elapsed_s: float | None = None
    detected: str = ""

    @property
    def provenance(self) -> Provenance:
        return self.detections.provenance

    @property
    def pictures(self) -> labels.Pictures:
        return labels.Pictures(self.records, self.detections.rows, self.provenance)


def write_products(  # noqa: PLR0913, PLR0917 -- contents and destination of the products
    keys: RunKeys,
    records: Rows[Record],
    auroras: Rows[Aurora],
    provenance: Provenance,
    storage: BulkStorage,
    worker: Worker = map,
    *,
    exposure: Cells = NOTHING,
    elapsed_s: float | None = None,
    detected: str = "",
    later: Collection[str] = (),
) -> list[str]:
    """Write all products, even if there are no auroras, and read them back; return their keys.

    Products of an earlier run are removed. Formats that require the extra ``maps`` or ``parquet`` are omitted if it is
    not installed, and so are the files of the run in the data set over all runs. The ledger is written first, so that
    it is written even if another product fails, and run.json last: without it, the products are incomplete. Rows wait
    in temporary files.

    Parameters
    ----------
    keys : RunKeys
        Keys of the run.
    records : rows of Record
        The ledger; texts are escaped.
    auroras : rows of Aurora
        All sightings in the order of the records, not joined yet.
    provenance : Provenance
        What made the results; the digest of the ledger is added.
    storage : BulkStorage
        Destination of the products.
    worker : Worker
        How products are written.
    exposure, elapsed_s, detected
        As in `Contents`.
    later : collection of str
        Products that another step writes after these, to which the report links.

    Raises
    ------
    ProductError
        If a product cannot be read back, or lacks rows; run.json is not written.
    """
    for name in PRODUCTS:
        storage.delete(keys.product(name))
    for key in storage.list(keys.report_parts):
        storage.delete(key)
    ledger = store(keys.product(LEDGER), lambda path: ledger_table.write_ledger(path, records), storage)
    provenance = replace(provenance, ledger_sha256=ledger.sha256)
    names = tuple(name for name in PRODUCTS if name not in {LEDGER, report.REPORT, RUN} and is_written(name))
    with tempfile.TemporaryDirectory() as folder:
        joined = map(escape_row, sightings.iterate_joined(auroras))
        detections = RowTable(write_rows(Path(folder, "detections"), joined), provenance, DETECTIONS)
        entries = iterate_entries(detections.rows)
        combined = RowTable(write_rows(Path(folder, "auroras"), entries), provenance, AURORAS)
        linked = tuple(name for name in PRODUCTS if name in {LEDGER, *names, *later})
        contents = Contents(records, detections, combined, exposure, linked, elapsed_s, detected)
        products = [*names, report.REPORT, *([dataset.DATASET] if geographic.is_installed(".parquet") else [])]
        function = partial(write_some, contents=contents, keys=keys, storage=storage)
        written = [item for found in worker(function, divide_products(products, len(auroras))) for item in found]
    verify_stored(ledger, storage)
    order = {keys.product(name): number for number, name in enumerate(PRODUCTS)}
    written = sorted([ledger, *written], key=lambda item: (order.get(item.key, len(order)), item.key))
    storage.put(keys.product(RUN), _describe_run(keys, records, auroras, provenance, written))
    return [*(item.key for item in written), keys.product(RUN)]


def is_written(name: str) -> bool:
    """Return whether a product is written: the extra that it requires is installed."""
    suffix = Path(name).suffix if name != SHAPEFILE else ".shp"
    return suffix not in {".gpkg", ".parquet", ".shp"} or geographic.is_installed(suffix)


def divide_products(names: Sequence[str], rows: int) -> list[Names]:
    """Divide products among processes: with few rows, importing libraries takes longer than writing."""
    if rows > _FEW_ROWS:
        return [(name,) for name in names]
    mapped = tuple(name for name in names if name.endswith(_WITH_GDAL_OR_ARROW))
    return [some for some in (tuple(name for name in names if name not in mapped), mapped) if some]


def write_some(names: Names, contents: Contents, keys: RunKeys, storage: BulkStorage) -> list[Written]:
    """Write products, as `write_product`."""
    return [item for name in names for item in write_product(name, contents, keys, storage)]


def write_product(name: str, contents: Contents, keys: RunKeys, storage: BulkStorage) -> list[Written]:
    """Write a product, or the files of the report, and read it back from storage; raises ProductError if it differs.

    ``dataset.DATASET`` stands for the files of the run in the data set over all runs, which are no products of it.
    """
    if name == dataset.DATASET:
        rows = contents.records, contents.detections.rows
        dataset.replace_files(storage, keys.run_id, contents.provenance.created_utc, *rows)
        return []
    if name == report.REPORT:
        written = list(_put_report(contents, keys, storage))
    else:
        written = [store(keys.product(name), lambda path: make_product(name, path, contents), storage)]
    for item in written:
        verify_stored(item, storage)
    return written


def _put_report(contents: Contents, keys: RunKeys, storage: Storage) -> Iterator[Written]:
    searched_km2 = float(contents.exposure["area_km2"].sum())
    files = report.build(
        keys,
        contents.records,
        contents.detections.rows,
        contents.auroras.rows,
        contents.products,
        contents.provenance,
        searched_km2,
        contents.elapsed_s,
        contents.detected,
    )
    for name, file in files:
        storage.put(keys.product(name), file.data)
        yield Written(keys.product(name), file.rows, hashlib.sha256(file.data).hexdigest())


def _write_exposure(path: Path, contents: Contents) -> int:
    path.write_bytes(exposure_table.to_fits(contents.exposure, contents.provenance))
    return contents.exposure.size


_Writer = Callable[[Path, Contents], int]
_TABLES: dict[str, Callable[[Path, RowTable[Any]], int]] = {  # by suffix
    ".csv": tables.write_csv,
    ".ecsv": tables.write_ecsv,
    ".vot": votable.write_votable,
    ".geojson": geographic.write_geojson,
    ".gpkg": geographic.write_geopackage,
    ".parquet": geographic.write_geoparquet,
}
_WRITERS: dict[str, _Writer] = {
    "jmars.csv": lambda path, contents: jmars.write_points(path, contents.auroras),
    SHAPEFILE: lambda path, contents: jmars.write_shapefile(path, contents.auroras),
    EXPOSURE: _write_exposure,
    "annotations.coco.json": lambda path, contents: labels.write_coco(path, contents.pictures),
    "labels.yolo.zip": lambda path, contents: labels.write_yolo(path, contents.pictures),
    "regions.ds9.zip": lambda path, contents: labels.write_ds9(path, contents.detections),
}


def make_product(name: str, path: Path, contents: Contents) -> int:
    """Write a product, other than ledger, report and run.json, to a file; return the number of its rows."""
    if name in _WRITERS:
        return _WRITERS[name](path, contents)
    is_of_detections = name.startswith(f"{DETECTIONS.name}.")
    return _TABLES[Path(name).suffix](path, contents.detections if is_of_detections else contents.auroras)


def _describe_run(
    keys: RunKeys,
    records: Iterable[Record],
    auroras: Iterable[Aurora],
    provenance: Provenance,
    written: Iterable[Written],
) -> bytes:
    counts = count_outcomes(records)
    found = {"inputs": sum(counts.values()), "auroras": count_auroras(auroras)}
    digests = {item.key.removeprefix(keys.root): item.sha256 for item in written}
    facts = {"run_id": keys.run_id, **provenance.to_dict(), **found, "counts": counts, "products_sha256": digests}
    return json.dumps(facts, indent=2).encode()
