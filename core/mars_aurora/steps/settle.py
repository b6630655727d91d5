"""Collect the records of the inputs of a run: what the children of the map returned, or what they stored."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress

from mars_aurora.errors import UnbalancedLedgerError
from mars_aurora.run.keys import RunKeys
from mars_aurora.run.listing import LISTED, is_of_listing, read_items
from mars_aurora.run.map_results import Child, MapResults, Status, find_results, read_children
from mars_aurora.run.record_table import RecordTable
from mars_aurora.run.records import is_input, name_input, read_records
from mars_aurora.run.storage import BulkStorage

FILES = "files"  # the map over the inputs


def fill_table(  # noqa: PLR0913, PLR0917 -- what was listed, and where the records are
    table: RecordTable, prefix: str, execution: str, inputs: BulkStorage, work: BulkStorage, keys: RunKeys
) -> MapResults:
    """Add the inputs that were listed when the run was opened, those that are listed now, and their records.

    Without an execution, or if its map wrote no results, the records are those that its children stored.
    """
    present = (name for key in inputs.iterate(prefix) if is_input(name := name_input(key, prefix)))
    try:
        table.add_opened(item["name"] for item in read_items(work, keys, LISTED))
        if prefix:  # a manifest is read once
            table.add_present(present)
    except KeyError:  # the run was not opened
        table.add_opened(present)
    results = find_results(work, keys.results(execution, FILES)) if execution else MapResults((), ())
    table.add_children(read_children(work, results) if results.files else _read_stored(table, work, keys))
    return results


def _read_stored(table: RecordTable, work: BulkStorage, keys: RunKeys) -> Iterator[Child]:
    """Yield the stored records, except those of an input that was replaced or added since it was listed."""
    etags: dict[str, str] | None = None
    with suppress(KeyError):
        etags = {item["name"]: item["etag"] for item in read_items(work, keys, LISTED)}
    for record in read_records(table.names(), work, keys).values():
        if etags is None or is_of_listing(record, etags):
            yield Child(Status.SUCCEEDED, record.to_event(), record.to_json().decode())


def require_complete(table: RecordTable, results: MapResults, count_items: Callable[[str], Mapping[str, int]]) -> None:
    """Compare the results of the map with its list and with the counts of its map runs.

    Raises
    ------
    UnbalancedLedgerError
        If there are no results, an input has none, a result has no input, or another number of children has succeeded.
    """
    if not results.map_runs:
        raise UnbalancedLedgerError("the map over the inputs wrote no results")
    runs = [count_items(map_run) for map_run in results.map_runs]
    total, succeeded = max(run["total"] for run in runs), sum(run["succeeded"] for run in runs)
    listed, found = table.count_listed(), table.count_children()
    returned = sum(found.values())
    unlisted = table.find_unlisted()
    if unlisted is not None or not listed == total == returned or found.get(Status.SUCCEEDED, 0) != succeeded:
        raise UnbalancedLedgerError(
            f"{listed} inputs were listed; the map had {total} items, {succeeded} of which succeeded, and returned "
            f"{returned} results, {found.get(Status.SUCCEEDED, 0)} of them of success"
            + (f"; {unlisted} has a result and was not listed" if unlisted is not None else "")
        )
