"""Close a run in the cloud: write the ledger of a run that failed, say why, and unlock the run."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from mars_aurora.run.keys import LEDGER, RunKeys
from mars_aurora.run.ledger import Outcome, Record, count_outcomes, describe_counts
from mars_aurora.run.lock import release_lock
from mars_aurora.run.messages import CloseRequest, CloseResult
from mars_aurora.run.record_table import RecordTable
from mars_aurora.run.storage import S3Storage
from mars_aurora.steps.catalogue import read_slices
from mars_aurora.steps.settle import fill_table

_EXCEEDED = "States.ExceedToleratedFailureThreshold"
_MEANINGS = {
    _EXCEEDED: "more inputs failed from infrastructure errors than the stack tolerates",
    "States.Timeout": "a step took longer than its time limit",
    "Sandbox.Timedout": "a function took longer than its time limit",
    "Lambda.TooManyRequestsException": "Lambda throttled a function for minutes",
}


def close_run(request: CloseRequest, inputs: S3Storage, work: S3Storage, detections: S3Storage) -> CloseResult:
    """Unlock a run; if it failed, write its ledger before, and say why it failed.

    The lock of an execution whose ledger cannot be written is let go when the execution ends.
    """
    keys = RunKeys(request.run_id)
    result = CloseResult(request.run_id)
    if request.failure:
        error, meaning = explain(request.failure)
        counts = describe_counts(_write_ledger(request, inputs, work, detections, partial(_fail, meaning=meaning)))
        cause = f"{meaning}. The ledger of the run {request.run_id} gives the outcome of each input: {counts}. "
        cause += "Start the run again: what is done is not repeated."
        result = CloseResult(request.run_id, error, cause)
    release_lock(work, keys, request.execution_arn)
    return result


def _write_ledger(
    request: CloseRequest,
    inputs: S3Storage,
    work: S3Storage,
    detections: S3Storage,
    fail: Callable[[Record], Record],
) -> Mapping[str, int]:
    """Write one final record for each input; return the inputs by outcome.

    The records are those of the slices if there are all, else those of the map over the inputs.
    """
    keys = RunKeys(request.run_id)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, LEDGER)
        try:
            slices = read_slices(work, keys, request.execution, fail)
            counts = _put_records(path, (record for measured in slices for record in measured.records))
        except KeyError:
            with RecordTable(Path(folder)) as table:
                fill_table(table, request.prefix, request.execution, inputs, work, keys)
                table.supersede()
                counts = _put_records(path, (fail(Record.from_json(item.record.encode())) for item in table.settle()))
        detections.put_file(keys.product(LEDGER), path)
    return counts


def _put_records(path: Path, records: Iterable[Record]) -> Mapping[str, int]:
    """Write a ledger; return the inputs by outcome."""
    from mars_aurora.catalogue import ledger_table

    counts = count_outcomes([])

    def count(record: Record) -> Record:
        counts[record.outcome.value] += 1
        return record

    ledger_table.write_ledger(path, map(count, records))
    return counts


def _fail(record: Record, meaning: str) -> Record:
    if record.outcome is not Outcome.CANDIDATE:
        return record
    detail = f"the run failed before the candidate was measured: {meaning}"
    return replace(record, outcome=Outcome.FAILED, reason="run_failed", detail=detail)


def explain(failure: Mapping[str, Any]) -> tuple[str, str]:
    """Return the name of an error of the workflow, and its cause in plain words.

    The cause of a failed function is JSON with the message of the exception.
    """
    error, cause = str(failure.get("Error", "Unknown")), str(failure.get("Cause", ""))
    with suppress(ValueError, KeyError, TypeError):
        cause = str(json.loads(cause)["errorMessage"])
    name = "TooManyFilesFailed" if error == _EXCEEDED else error
    return name, _MEANINGS.get(error) or cause or "no cause was given"
