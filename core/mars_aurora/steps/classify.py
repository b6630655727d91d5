"""Count the objects in one picture; make it a candidate if there are enough."""

from __future__ import annotations

from dataclasses import replace

from mars_aurora.run.keys import RunKeys
from mars_aurora.run.ledger import Outcome
from mars_aurora.run.messages import ClassifyRequest, ClassifyResult
from mars_aurora.run.records import find_record, is_counted
from mars_aurora.run.stamps import stamp_count
from mars_aurora.run.storage import Storage


def classify(request: ClassifyRequest, work: Storage) -> ClassifyResult:
    """Count the objects in one picture; copy it to the candidates if there are enough, and complete its record.

    Raises KeyError if the input was not read.
    """
    from mars_aurora.classify.count import find
    from mars_aurora.classify.stages import draw_stages
    from mars_aurora.picture import png

    keys = RunKeys(request.run_id)
    record = find_record(work, keys, request.name)
    if record is None or not record.is_read:
        raise KeyError(keys.record(request.name))
    if is_counted(record, request.min_objects, keep_stages=request.keep_stages) and record.objects is not None:
        return ClassifyResult(request.run_id, request.name, record.objects)
    image = work.get(keys.image(request.name))
    picture = png.read(image)
    found = find(picture)
    if request.keep_stages:
        for stage, drawn in draw_stages(picture).items():
            work.put(keys.stage(request.name, stage), drawn)
    enough = found.count >= request.min_objects
    if enough:
        work.put(keys.candidate(request.name), image)
    outcome, reason = (Outcome.CANDIDATE, "") if enough else (Outcome.DISCARDED, "too_few_objects")
    stamp = stamp_count(record.origin.read, request.min_objects, keep_stages=request.keep_stages)
    counted = replace(
        record, outcome=outcome, reason=reason, objects=found.count, origin=replace(record.origin, count=stamp)
    )
    work.put(keys.record(request.name), counted.to_json())
    return ClassifyResult(request.run_id, request.name, found.count)
