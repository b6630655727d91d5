"""Run the steps of the workflow in a process pool, in the order of the state machine."""

from __future__ import annotations

import errno
import json
import shlex
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from mars_aurora.detect.detectors import describe_detector
from mars_aurora.emission import find_emission
from mars_aurora.errors import ChangedError, MarsAuroraError, ProductError, UsageError
from mars_aurora.local import tasks
from mars_aurora.local.disk import require_space, reserve_ledger
from mars_aurora.local.inputs import InputFiles
from mars_aurora.local.lock import lock_folder
from mars_aurora.local.plan import Plan, estimate_growth, plan_reading
from mars_aurora.local.pool import TaskLimits, TimedOutError, WorkerDiedError, WorkerPool
from mars_aurora.local.progress import Progress
from mars_aurora.local.tasks import Job
from mars_aurora.run.keys import PRODUCTS, RUN_FILE
from mars_aurora.run.ledger import Outcome, Record, count_outcomes, settle
from mars_aurora.run.messages import CatalogueRequest, CatalogueResult
from mars_aurora.run.plan import Todo
from mars_aurora.run.provenance import describe_provenance
from mars_aurora.run.records import read_records
from mars_aurora.run.sets import find_sets
from mars_aurora.steps.catalogue import join_slices
from mars_aurora.steps.measure import Measured, measure_slices
from mars_aurora.steps.stitch import stitch_one
from mars_aurora.steps.tally import keep_candidates

if TYPE_CHECKING:
    from mars_aurora.catalogue.stored import Written
    from mars_aurora.catalogue.write import Names

_FORMAT = 2  # of the run folder; records of another format are not valid
_WRITE_LIMITS = TaskLimits(wall_s=3600, cpu_s=1800)
_REASONS: dict[type[Exception], str] = {
    WorkerDiedError: "worker_died",
    TimedOutError: "timed_out",
    MemoryError: "out_of_memory",
    ChangedError: "changed_during_run",
    KeyError: "missing_object",
    OSError: "not_written",  # errors of reading an input are handled where it is read
}


def run(job: Job, inputs: InputFiles, workers: int, progress: Progress) -> CatalogueResult:
    """Run all steps on the inputs, skipping what an earlier run of the same id did with the same result.

    Raises
    ------
    UsageError
        If the run id belongs to a run on other inputs.
    BusyError
        If another process works in the run folder.
    DiskSpaceError
        If the results do not fit on the disk.
    UnbalancedLedgerError
        If the outcomes do not add up to the inputs; the ledger is written before.
    """
    started_utc = datetime.now(UTC).isoformat()
    folder = job.out / job.keys.root
    with lock_folder(folder), WorkerPool(workers) as pool:
        _check_inputs(job, inputs, progress)
        import_module("mars_aurora.catalogue.write")  # the last step needs it; the workers are not ready yet
        plan = plan_reading(job, inputs)
        require_space(job.out, estimate_growth(plan, job, inputs))
        _delete_products(job)
        with reserve_ledger(folder, inputs.paths) as release_ledger:
            failures = inputs.records | _read_and_classify(job, plan, inputs, pool, progress)
            candidates = [record for record in _settle(job, inputs, failures) if record.outcome is Outcome.CANDIDATE]
            keep_candidates(candidates, job.work, job.keys)
            failures |= _detect(job, [record.name for record in candidates], pool, progress)
            settled = _settle(job, inputs, failures)
            mapper = partial(_measure, pool=pool, progress=progress, then=release_ledger)
            detector = describe_detector(job.detector).folder
            slices = measure_slices(settled, job.keys, job.work, job.work, detector, mapper, native=job.native)
            pictures = _stitch(job, settled, pool, progress)
            request = CatalogueRequest(job.run_id, len(inputs.paths), started_utc=started_utc)
            emission = find_emission(job.emission)
            provenance = describe_provenance(job.detector, job.min_objects, _command(), emission, cleaning=job.cleaning)
            worker = partial(_write, pool=pool, progress=progress)
            return join_slices(request, slices, pictures, job.work, provenance, worker, native=job.native)


def _command() -> str:
    """Return the command line of this process, without the folder of the program."""
    return shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]])


def _check_inputs(job: Job, inputs: InputFiles, progress: Progress) -> None:
    """Write the settings to the run folder; raise UsageError if it is that of a run on other inputs."""
    settings = {
        "format": _FORMAT,
        "inputs": inputs.roots,
        "min_objects": job.min_objects,
        "detector": job.detector.value,
        "keep_stages": job.keep_stages,
        "emission": job.emission,
        "cleaning": job.cleaning,
    }
    key = job.keys.product(RUN_FILE)
    try:
        saved = json.loads(job.work.get(key))
        other = saved["inputs"] != settings["inputs"]
    except (KeyError, TypeError, ValueError):
        saved, other = settings, False
    if other:
        raise UsageError(
            f"run {job.run_id} was made with inputs {saved['inputs']}, not {inputs.roots}: use another --run-id"
        )
    if saved.get("format") != _FORMAT:
        progress.note(f"run {job.run_id} was made by an earlier version of mars-aurora: everything is done again")
    job.work.put(key, json.dumps(settings, indent=2).encode())


def _delete_products(job: Job) -> None:
    """Delete the products of an earlier run, which must not outlive a run that fails, and files it did not finish."""
    job.work.delete_unfinished(job.keys.root)
    for name in PRODUCTS:
        job.work.delete(job.keys.product(name))


def _read_and_classify(
    job: Job, plan: Plan, inputs: InputFiles, pool: WorkerPool, progress: Progress
) -> dict[str, Record]:
    """Read and classify the inputs without a valid record; return the failures by name, whether written or not."""
    waiting = [(name, inputs.paths[name]) for name, (todo, _) in plan.items() if todo is not Todo.DONE]
    done = [record for todo, record in plan.values() if todo is Todo.DONE and record is not None]
    progress.start("Reading and classifying", len(plan), count_outcomes(done))
    failures = {}
    for (name, _), outcome in pool.map(partial(tasks.read_and_classify, job=job), waiting):
        if isinstance(outcome, Exception):
            failures[name] = _failure(name, outcome)
            with suppress(OSError):  # it is in the ledger all the same
                job.work.put(job.keys.record(name), failures[name].to_json())
        progress.advance(Outcome.FAILED if isinstance(outcome, Exception) else outcome)
    return failures


def _failure(name: str, error: Exception) -> Record:
    reason = next((code for kind, code in _REASONS.items() if isinstance(error, kind)), "error")
    if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
        reason = "disk_full"
    detail = f"{type(error).__name__}: {error}" if reason == "error" else str(error)
    if isinstance(error, KeyError):
        detail = f"{error.args[0]} is missing"
    return Record(name, Outcome.FAILED, reason, detail=detail)


def _settle(job: Job, inputs: InputFiles, failures: dict[str, Record]) -> list[Record]:
    return settle(inputs.paths, read_records(inputs.paths, job.work, job.keys) | failures)


def _detect(job: Job, candidates: list[str], pool: WorkerPool, progress: Progress) -> dict[str, Record]:
    """Run the detector on the candidates; return the failures by name."""
    progress.start("Detecting", len(candidates))
    failures = {}
    for name, boxes in pool.map(partial(tasks.detect, job=job), candidates):
        if isinstance(boxes, Exception):
            failures[name] = _failure(name, boxes)
        progress.advance()
    return failures


def _stitch(job: Job, settled: list[Record], pool: WorkerPool, progress: Progress) -> set[str]:
    """Stitch the pictures of the observation sets; return their keys."""
    names = (record.name for record in settled if record.is_read)
    sets = [members for members in find_sets(names) if len(members) > 1]
    progress.start("Stitching", len(sets))
    function = partial(stitch_one, keys=job.keys, work=job.work, detections=job.work)
    for members, error in pool.map(function, sets):
        if isinstance(error, Exception):
            raise _as_product_error(job.keys.set_picture(members[0]), error) from error
        progress.advance()
    return {job.keys.set_picture(members[0]) for members in sets}


def _as_product_error(key: str, error: Exception) -> Exception:
    return error if isinstance(error, MarsAuroraError | OSError) else ProductError(f"{key}: {error}")


def _write(
    function: Callable[[Names], list[Written]], tasks: Iterable[Names], /, *, pool: WorkerPool, progress: Progress
) -> Iterator[list[Written]]:
    """Write products and read them back in the pool: those of a large run take longer than one input may."""
    tasks = list(tasks)
    progress.start("Writing", sum(map(len, tasks)))
    for names, written in pool.map(function, tasks, _WRITE_LIMITS):
        if isinstance(written, Exception):
            raise _as_product_error(", ".join(names), written) from written
        yield written
        for _ in names:
            progress.advance()


def _measure(
    function: Callable[[Record], Measured],
    records: Iterable[Record],
    /,
    *,
    pool: WorkerPool,
    progress: Progress,
    then: Callable[[], None],
) -> Iterator[Measured]:
    """Measure the candidates in the pool, then call a function."""
    records = list(records)
    progress.start("Measuring", len(records))
    for record, measured in pool.map(function, records):
        if isinstance(measured, Exception):
            failure = _failure(record.name, measured)
            yield Measured(replace(failure, objects=record.objects), [])
        else:
            yield measured
        progress.advance()
    then()
