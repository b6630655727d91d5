"""The run as files: the ledger, and the catalogue of what was measured, in the formats of the field.

`write` puts all of them. Formats that need the extra ``formats`` are left out where it is not installed; the report
says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from mars_aurora.aurora import Aurora
from mars_aurora.catalogue import geographic, labels, report, sightings, tables
from mars_aurora.run.keys import RunKeys
from mars_aurora.run.ledger import Record
from mars_aurora.run.storage import Storage

_WRITERS: dict[str, Callable[[Sequence[Aurora]], bytes]] = {
    "catalogue.csv": tables.to_csv,
    "catalogue.ecsv": tables.to_ecsv,
    "catalogue.vot": tables.to_votable,
    "auroras.csv": lambda auroras: tables.entries_to_csv(sightings.list_entries(auroras)),
    "catalogue.geojson": geographic.to_geojson,
    "catalogue.gpkg": geographic.to_geopackage,
    "catalogue.parquet": geographic.to_geoparquet,
}


def write(  # noqa: PLR0913 -- what a run leaves, and where to
    keys: RunKeys,
    records: Sequence[Record],
    auroras: Sequence[Aurora],
    storage: Storage,
    work: Storage | None = None,
    *,
    elapsed_s: float | None = None,
) -> list[str]:
    """Write the ledger and the catalogue, all formats, even when empty; return the keys written.

    ``work`` is where the run's pictures are; without it those of observation sets are not stitched.
    """
    written: list[str] = []

    def put(name: str, data: bytes) -> None:
        storage.put(keys.product(name), data)
        written.append(name)

    put("ledger.csv", tables.ledger_to_csv(records))  # first: it is to stand even where what follows fails
    joined = sightings.join(auroras)
    for name, make in _WRITERS.items():
        if data := make(joined):
            put(name, data)
    put("annotations.coco.json", labels.to_coco(records, joined))
    put("labels.yolo.zip", labels.to_yolo(records, joined))
    put("regions.ds9.zip", labels.to_ds9(joined))
    for name, data in _stitch_sets(keys, records, work) if work else ():
        put(name, data)
    files = [name for name in written if "/" not in name]
    put("report.html", report.build(keys, records, joined, files, elapsed_s))
    return [keys.product(name) for name in written]


def _stitch_sets(keys: RunKeys, records: Sequence[Record], work: Storage) -> Iterator[tuple[str, bytes]]:
    """Lay the swaths of each observation set of two or more on one disk."""
    pictured = [record for record in records if record.outcome in labels.PICTURED]
    members: dict[str, list[str]] = {}
    for name, first in sightings.group_sets(record.name for record in pictured).items():
        members.setdefault(first, []).append(name)
    for first, names in members.items():
        if len(names) > 1:
            yield f"sets/{first}.png", sightings.stitch([work.get(keys.image(name)) for name in names])
