"""Write GeoParquet and the files of a run in the data set, after its other products.

The function that runs this step in the cloud has pyarrow, which leaves no room for OpenCV and the libraries of the
other steps.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mars_aurora.run.escaping import escape_row
from mars_aurora.run.keys import RUN, RunKeys
from mars_aurora.run.ledger import Record
from mars_aurora.run.messages import ParquetRequest, ParquetResult
from mars_aurora.run.provenance import Provenance
from mars_aurora.run.slices import unpack_measured_records, unpack_records
from mars_aurora.run.storage import BulkStorage, Storage
from mars_aurora.steps.catalogue import Reader, conclude_unmeasured, map_slices

if TYPE_CHECKING:
    from mars_aurora.catalogue.tables import Kind, RowTable


def parquet(request: ParquetRequest, work: BulkStorage, detections: BulkStorage, reader: Reader = map) -> ParquetResult:
    """Write GeoParquet from the tables in ECSV, which have all digits; replace the files of the run in the data set.

    The checksums of the products are added to run.json after they have been read back.
    Raises ProductError if a product cannot be read back or lacks rows, and KeyError if the catalogue is not written.
    """
    from mars_aurora.catalogue import dataset, geographic
    from mars_aurora.catalogue.stored import store, verify_stored
    from mars_aurora.catalogue.tables import AURORAS, DETECTIONS

    keys = RunKeys(request.run_id)
    facts: dict[str, Any] = json.loads(detections.get(keys.product(RUN)))
    provenance = Provenance.from_dict(facts)
    with tempfile.TemporaryDirectory() as folder:
        tables = {kind: _load(kind, keys, provenance, Path(folder), detections) for kind in (DETECTIONS, AURORAS)}
        for kind, table in tables.items():
            name = f"{kind.name}.parquet"
            write = partial(geographic.write_geoparquet, table=table)
            written = store(keys.product(name), write, detections)
            verify_stored(written, detections)
            facts["products_sha256"][name] = written.sha256
        records = _read_records(work, keys, request.execution, reader)
        rows = records, tables[DETECTIONS].rows
        files = dataset.replace_files(detections, keys.run_id, provenance.created_utc, *rows)
    detections.put(keys.product(RUN), json.dumps(facts, indent=2).encode())
    return ParquetResult(keys.run_id, len(tables[DETECTIONS].rows), len(tables[AURORAS].rows), len(files))


def _load(kind: Kind, keys: RunKeys, provenance: Provenance, folder: Path, detections: BulkStorage) -> RowTable[Any]:
    """Copy the rows of a table to a file."""
    from mars_aurora.catalogue.tables import load_ecsv

    key = keys.product(f"{kind.name}.ecsv")
    with detections.local_file(key, detections.version(key)) as path:
        return load_ecsv(path, kind, provenance, folder / kind.name)


def _read_records(work: BulkStorage, keys: RunKeys, execution: str, reader: Reader) -> Iterator[Record]:
    """Yield the records of all slices, with escaped texts, as the ledger has them."""
    for records in map_slices(partial(_read_slice, work, keys, execution), work, keys, execution, reader):
        yield from map(escape_row, records)


def _read_slice(work: Storage, keys: RunKeys, execution: str, number: int) -> list[Record]:
    try:
        return unpack_measured_records(work.get(keys.measured_slice(execution, number)))
    except KeyError:
        return list(map(conclude_unmeasured, unpack_records(work.get(keys.settled(execution, number)))))
