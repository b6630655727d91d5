"""Run the steps of the workflow in a process pool, in the order of the state machine."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from mars_aurora.emission import OXYGEN_1304, find_emission
from mars_aurora.errors import UsageError
from mars_aurora.local import tasks
from mars_aurora.local.inputs import RUN_FILE, InputFiles
from mars_aurora.local.pool import TimedOutError, WorkerDiedError, WorkerPool
from mars_aurora.local.progress import Progress
from mars_aurora.local.tasks import Job
from mars_aurora.run.keys import is_fits
from mars_aurora.run.ledger import Outcome, Record, count_outcomes
from mars_aurora.run.messages import CatalogueRequest, CatalogueResult, TallyRequest
from mars_aurora.run.provenance import describe_provenance
from mars_aurora.run.records import list_candidates, read_records
from mars_aurora.steps.catalogue import catalogue
from mars_aurora.steps.measure import Measured
from mars_aurora.steps.tally import tally

_ENDED: dict[type[Exception], str] = {WorkerDiedError: "worker_died", TimedOutError: "timed_out"}


def run(job: Job, inputs: InputFiles, workers: int, progress: Progress) -> CatalogueResult:
    """Run all steps on the inputs, skipping the work already done by an interrupted run of the same id.

    Raises
    ------
    UsageError
        If the run id belongs to a run with other settings.
    UnbalancedLedgerError
        If the outcomes do not add up to the inputs; the ledger is written before.
    """
    started_utc = datetime.now(UTC).isoformat()
    _check_settings(job, inputs)
    with WorkerPool(workers) as pool:
        _read_and_classify(job, inputs, pool, progress)
        tally(TallyRequest(job.run_id, "", ""), inputs, job.work)
        _detect(job, pool, progress)
        mapper = partial(_measure, pool=pool, progress=progress)
        request = CatalogueRequest(job.run_id, "", "", started_utc)
        provenance = describe_provenance(job.detector, job.min_objects, _command(), find_emission(job.emission))
        return catalogue(request, inputs, job.work, job.work, provenance, mapper)


def _command() -> str:
    """Return the command line of this process, without the folder of the program."""
    return shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]])


def _check_settings(job: Job, inputs: InputFiles) -> None:
    """Write the settings to the run folder, or compare them with those written before."""
    settings = {
        "inputs": inputs.roots,
        "min_objects": job.min_objects,
        "detector": job.detector.value,
        "keep_stages": job.keep_stages,
        "emission": job.emission,
    }
    key = job.keys.product(RUN_FILE)
    try:
        saved = {"emission": OXYGEN_1304.name} | json.loads(job.work.get(key))
    except (KeyError, ValueError):
        saved = settings
        job.work.put(key, json.dumps(settings, indent=2).encode())
    if saved != settings:
        changed = [
            f"{name} {saved.get(name)}, not {value}" for name, value in settings.items() if saved.get(name) != value
        ]
        raise UsageError(f"run {job.run_id} was made with {'; '.join(changed)}: use another --run-id")


def _read_and_classify(job: Job, inputs: InputFiles, pool: WorkerPool, progress: Progress) -> None:
    fits = {name: path for name, path in inputs.paths.items() if is_fits(name)}
    done = {name: record for name, record in read_records(fits, job.work, job.keys).items() if record.is_done}
    waiting = [(name, path) for name, path in fits.items() if name not in done]
    progress.start("Reading and classifying", len(fits), count_outcomes(done.values()))
    for (name, _), outcome in pool.map(partial(tasks.read_and_classify, job=job), waiting):
        if isinstance(outcome, Exception):
            job.work.put(job.keys.record(name), _failure(name, outcome).to_json())
        progress.advance(Outcome.FAILED if isinstance(outcome, Exception) else outcome)


def _failure(name: str, error: Exception) -> Record:
    if isinstance(error, (WorkerDiedError, TimedOutError)):
        return Record(name, Outcome.FAILED, _ENDED[type(error)], detail=str(error))
    return Record(name, Outcome.FAILED, "error", detail=f"{type(error).__name__}: {error}")


def _detect(job: Job, pool: WorkerPool, progress: Progress) -> None:
    candidates = list_candidates(job.work, job.keys)
    progress.start("Detecting", len(candidates))
    for _ in pool.map(partial(tasks.detect, job=job), candidates):
        progress.advance()


def _measure(
    function: Callable[[Record], Measured], records: Iterable[Record], /, *, pool: WorkerPool, progress: Progress
) -> Iterator[Measured]:
    records = list(records)
    progress.start("Measuring", len(records))
    for record, measured in pool.map(function, records):
        if isinstance(measured, Exception):
            failure = _failure(record.name, measured)
            yield Measured(replace(failure, objects=record.objects), [])
        else:
            yield measured
        progress.advance()
