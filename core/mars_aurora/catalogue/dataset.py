"""The data set over all runs: hive-partitioned GeoParquet and Parquet, one file for each run and month.

Two tables share their partitions: ``detections`` has the columns of the catalogue, and ``observations`` a row for each
input in which auroras were searched for, with or without auroras. An observation that several runs have is in the files
of each: the rules by which the ledger of a run counts it once are columns here, by which queries choose one row.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import shapely

from mars_aurora.aurora import Aurora
from mars_aurora.catalogue.crs import SPHERE, describe_for_parquet
from mars_aurora.catalogue.geographic import list_properties, make_fields, split_mapped
from mars_aurora.catalogue.rows import BLOCK_ROWS
from mars_aurora.catalogue.tables import DETECTIONS
from mars_aurora.run.identity import Identity, describe_rank
from mars_aurora.run.keys import RUN_FILE
from mars_aurora.run.ledger import PICTURED, Record
from mars_aurora.run.slices import split
from mars_aurora.run.storage import BulkStorage

DATASET = "dataset/"
UNKNOWN_MONTH = "unknown"
_1970 = datetime(1970, 1, 1, tzinfo=UTC)
OBSERVATION_COLUMNS: dict[str, tuple[type, str]] = {  # type and meaning
    "run_id": (str, "the run"),
    "created_utc": (str, "when its catalogue was made, ISO 8601"),
    "name": (str, "input file, as in the ledger"),
    "outcome": (str, "outcome in the ledger"),
    "auroras": (int, "number of measured auroras"),
    "level": (str, "processing level"),
    "night_area_km2": (float, "area that was searched"),
    "limit_R": (float, "median detection limit there"),
    "kind": (str, "instrument, channel and number of integrations; a checksum of files without times"),
    "start_ms": (
        int,
        "time of the first integration, ms from 1970, UTC, 0 if unknown; those of one observation differ by up to 100",
    ),
    "swath": (str, "mode and swath; empty if the file does not state them"),
    "rank": (str, "of the files of one observation, the one with the largest rank is used"),
}
_RUN_COLUMNS = ("run_id", "created_utc")


def write_dataset(
    folder: Path, run_id: str, created_utc: str, records: Iterable[Record], auroras: Iterable[Aurora]
) -> list[str]:
    """Write the files of a run to a folder; return their keys.

    Each file has the rows of one month of observation: of the records, those that were read and are not superseded. The
    texts of the rows are escaped. It requires the extra ``parquet``.
    """
    used = (record for record in records if record.outcome in PICTURED)
    with _Files(folder, run_id) as files:
        for some in split(used, BLOCK_ROWS):
            found = [(_find_month(record), _describe(record, run_id, created_utc)) for record in some]
            files.write("observations", _group(found))
        for block, outlines in split_mapped(auroras):
            rows = [
                {"run_id": run_id, "created_utc": created_utc, "geometry": shape}
                | {name: getattr(aurora, name) for name in list_properties(DETECTIONS)}
                for aurora, shape in zip(block, shapely.to_wkb(outlines), strict=True)
            ]
            files.write("detections", _group((_month(row["start_utc"]), row) for row in rows))
    return files.keys


def replace_files(
    storage: BulkStorage, run_id: str, created_utc: str, records: Iterable[Record], auroras: Iterable[Aurora]
) -> list[str]:
    """Replace the files of a run in the data set, and return their keys; those of months that it lacks are deleted."""
    with tempfile.TemporaryDirectory() as folder:
        keys = write_dataset(Path(folder), run_id, created_utc, records, auroras)
        for key in keys:
            storage.put_file(key, Path(folder, key))
    storage.put(f"{DATASET}{RUN_FILE}", b"{}\n")
    for key in [key for key in storage.iterate(DATASET) if is_of_run(key, run_id)]:
        if key not in keys:
            storage.delete(key)
    return keys


def is_of_run(key: str, run_id: str) -> bool:
    """Return whether a key is that of a file of a run."""
    return key.startswith(DATASET) and key.rpartition("/")[2] == f"{run_id}.parquet"


class _Files:
    """The open files of a run by table and month."""

    def __init__(self, folder: Path, run_id: str) -> None:
        self._folder, self._run_id = folder, run_id
        self._open: dict[str, Any] = {}
        self._stack = ExitStack()

    @property
    def keys(self) -> list[str]:
        return sorted(self._open)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def write(self, table: str, rows_by_month: Mapping[str, list[dict[str, Any]]]) -> None:
        import pyarrow as pa  # noqa: PLC0415 -- optional dependency
        from pyarrow import parquet  # noqa: PLC0415 -- optional dependency

        schema = _make_schema(table)
        for month, rows in rows_by_month.items():
            key = f"{DATASET}{table}/month={month}/{self._run_id}.parquet"
            if key not in self._open:
                path = self._folder / key
                path.parent.mkdir(parents=True, exist_ok=True)
                self._open[key] = self._stack.enter_context(parquet.ParquetWriter(path, schema))
            columns = [pa.array([row[field.name] for row in rows], field.type, from_pandas=True) for field in schema]
            self._open[key].write_batch(pa.record_batch(columns, schema=schema))


def _group(rows: Iterable[tuple[str, dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    """Return rows by month."""
    found: dict[str, list[dict[str, Any]]] = {}
    for month, row in rows:
        found.setdefault(month, []).append(row)
    return found


def _month(utc: str) -> str:
    return utc[:7] or UNKNOWN_MONTH


def _find_month(record: Record) -> str:
    """Return the month of the first integration."""
    start_ms = record.identity.start_ms if record.identity else None
    return UNKNOWN_MONTH if start_ms is None else f"{_1970 + timedelta(milliseconds=start_ms):%Y-%m}"


def _describe(record: Record, run_id: str, created_utc: str) -> dict[str, Any]:
    """Return the row of an observation."""
    identity, night = record.identity or Identity(""), record.night
    return {
        "run_id": run_id,
        "created_utc": created_utc,
        "name": record.name,
        "outcome": record.outcome.value,
        "auroras": record.auroras,
        "level": record.level,
        "night_area_km2": night.area_km2 if night else None,
        "limit_R": night.limit_R if night else None,
        "kind": " ".join(map(str, identity.kind)),
        "start_ms": identity.start_ms or 0,
        "swath": f"{identity.mode} {identity.swath}".strip(),
        "rank": describe_rank(record.name, identity),
    }


def _make_schema(table: str) -> Any:  # noqa: ANN401 -- pyarrow has no types
    import pyarrow as pa  # noqa: PLC0415 -- optional dependency

    if table == "observations":
        return pa.schema(make_fields((name, kind) for name, (kind, _) in OBSERVATION_COLUMNS.items()))
    own = ((column.name, column.kind) for column in DETECTIONS.columns if column.name != "outline_wkt")
    fields = make_fields([*((name, str) for name in _RUN_COLUMNS), *own])
    return pa.schema([*fields, ("geometry", pa.binary())], {"geo": describe_for_parquet(SPHERE)})
