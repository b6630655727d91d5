"""Compare the list of inputs with the records."""

from __future__ import annotations

from contextlib import suppress

from mars_aurora.run.keys import RunKeys
from mars_aurora.run.ledger import Outcome, Record, count_outcomes
from mars_aurora.run.listing import CANDIDATES, settle_inputs, write_items
from mars_aurora.run.messages import TallyRequest, TallyResult
from mars_aurora.run.storage import Source, Storage


def tally(request: TallyRequest, inputs: Source, work: Storage) -> TallyResult:
    """Compare the list of inputs with the records; leave exactly the candidates that are not superseded."""
    keys = RunKeys(request.run_id)
    records = settle_inputs(request.prefix, inputs, work, keys)
    candidates = keep_candidates(records, work, keys)
    if request.list_candidates:
        write_items(work, keys, CANDIDATES, ({"name": name} for name in candidates))
    return TallyResult(request.run_id, len(records), len(candidates), count_outcomes(records))


def keep_candidates(records: list[Record], work: Storage, keys: RunKeys) -> list[str]:
    """Make the stored candidates those of the records; return their names.

    A candidate whose picture cannot be copied is left out of storage: its detection fails.
    """
    wanted = {keys.candidate(record.name): record for record in records if record.outcome is Outcome.CANDIDATE}
    for key in set(work.list(keys.candidates)) - wanted.keys():
        work.delete(key)
    for key, record in wanted.items():  # missing, cut, or superseded until a better file was removed
        if work.size(key) != record.origin.products["image"]:
            with suppress(KeyError, OSError):
                work.put(key, work.get(keys.image(record.name)))
    return [record.name for record in wanted.values()]
