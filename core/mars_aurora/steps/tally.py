"""Compare the list of inputs with the records."""

from __future__ import annotations

from mars_aurora.run.keys import RunKeys
from mars_aurora.run.ledger import Outcome, count_outcomes, settle
from mars_aurora.run.messages import TallyRequest, TallyResult
from mars_aurora.run.records import list_inputs, read_records
from mars_aurora.run.storage import Source, Storage


def tally(request: TallyRequest, inputs: Source, work: Storage) -> TallyResult:
    """Compare the list of inputs with the records; leave exactly the candidates that are not superseded."""
    keys = RunKeys(request.run_id)
    names = list_inputs(inputs, request.prefix)
    records = settle(names, read_records(names, work, keys))
    wanted = {keys.candidate(record.name): record.name for record in records if record.outcome is Outcome.CANDIDATE}
    present = set(work.list(keys.candidates))
    for key in present - wanted.keys():
        work.delete(key)
    for key in wanted.keys() - present:  # its newer version was removed since
        work.put(key, work.get(keys.image(wanted[key])))
    return TallyResult(request.run_id, len(names), len(wanted), count_outcomes(records))
