"""What a run would do: the inputs of each stage by what is to be done for them, and the disk space of their results."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from mars_aurora.detect.detectors import describe_detector
from mars_aurora.local.disk import estimate_bytes, format_size, free_bytes
from mars_aurora.local.inputs import InputFiles
from mars_aurora.local.tasks import Job
from mars_aurora.run.keys import is_fits
from mars_aurora.run.ledger import Outcome, Record, settle
from mars_aurora.run.plan import Todo, plan_detection, plan_input, plan_measurement

Plan = Mapping[str, tuple[Todo, Record | None]]


def plan_reading(job: Job, inputs: InputFiles) -> Plan:
    """Return what is to be done before detection for each FITS input, and its record if it has one."""
    fits = (name for name in inputs.paths if is_fits(name) and name not in inputs.records)
    return {name: plan_input(name, inputs, job.work, job.keys, job.recipe) for name in fits}


def estimate_growth(plan: Plan, job: Job, inputs: InputFiles) -> int:
    """Estimate the bytes that a run adds: the results of the inputs that are to be read and have none."""
    waiting = [(name, record) for name, (todo, record) in plan.items() if todo is not Todo.DONE]
    new = (inputs.paths[name] for name, record in waiting if record is None or not record.is_read)
    return estimate_bytes(new, keep_stages=job.keep_stages)


def describe_plan(job: Job, inputs: InputFiles) -> str:
    """Format what a run would do, one line per stage; an upper limit where it depends on the stage before."""
    plan = plan_reading(job, inputs)
    reading: Counter[Todo] = Counter(Todo.DONE if todo is Todo.COUNT else todo for todo, _ in plan.values())
    to_read = reading.total() - reading[Todo.DONE]
    todo_of_read = Counter(todo for todo, record in plan.values() if record is not None and record.is_read)
    counting = Counter({todo: todo_of_read[todo] for todo in (Todo.COUNT, Todo.DONE)})
    to_count = to_read + counting[Todo.COUNT]
    candidates = _find_candidates(plan)
    detector = describe_detector(job.detector)
    detection = {record.name: plan_detection(record, job.work, job.keys, detector) for record in candidates}
    detected = [record for record in candidates if detection[record.name] is Todo.DONE]
    measuring = Counter(plan_measurement(record, job.work, job.keys, detector) for record in detected)
    needed, free = estimate_growth(plan, job, inputs), free_bytes(job.out)
    lines = [
        f"{len(inputs.paths)} inputs: {len(plan)} FITS files, {len(inputs.paths) - len(plan)} others",
        _line("reading", reading),
        _line("counting", counting, to_read),
        _line("detecting", Counter(detection.values()), to_count),
        _line("measuring", measuring, to_count + len(candidates) - len(detected)),
        f"disk: about {format_size(needed)} needed, {format_size(free)} free",
    ]
    return "\n".join(lines)


def _find_candidates(plan: Plan) -> list[Record]:
    """Return the records of the candidates that are not superseded, as far as they are known."""
    known = {name: record for name, (todo, record) in plan.items() if todo is Todo.DONE and record is not None}
    return [record for record in settle(known, known) if record.outcome is Outcome.CANDIDATE]


def _line(stage: str, todo: Counter[Todo], more: int = 0) -> str:
    parts = [f"{todo[state]} {state}" for state in reversed(Todo) if todo[state]]
    if more:
        parts.append(f"up to {more} after the stage before")
    return f"{stage}: {', '.join(parts) or 'nothing'}"
