"""Count the objects in one picture; make it a candidate if there are enough."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mars_aurora.run.keys import RunKeys
from mars_aurora.run.ledger import TOO_FEW_OBJECTS, Outcome, Record
from mars_aurora.run.messages import ClassifyRequest, ClassifyResult
from mars_aurora.run.records import find_record, is_counted
from mars_aurora.run.stamps import stamp_count
from mars_aurora.run.storage import Storage

if TYPE_CHECKING:
    from mars_aurora.picture.picture import Picture


def classify(request: ClassifyRequest, work: Storage) -> ClassifyResult:
    """Count the objects in one picture; copy it to the candidates if there are enough, and complete its record.

    A diffuse aurora over the whole night is one more object, and its picture a candidate in any case.

    Raises KeyError if the input was not read.
    """
    from mars_aurora.picture import png

    keys = RunKeys(request.run_id)
    record = find_record(work, keys, request.name)
    if record is None or not record.is_read:
        raise KeyError(keys.record(request.name))
    if not is_counted(record, request.min_objects, keep_stages=request.keep_stages):
        image = work.get(keys.image(request.name))
        record = count_objects(record, image, png.read(image), request, work)
    return ClassifyResult(request.run_id, request.name, record.to_event())


def count_objects(record: Record, image: bytes, picture: Picture, request: ClassifyRequest, work: Storage) -> Record:
    """Count the objects in the picture of a record, also given as PNG; write the completed record, and return it."""
    from mars_aurora.classify.count import find
    from mars_aurora.classify.stages import draw_stages

    keys = RunKeys(request.run_id)
    found = find(picture)
    if request.keep_stages:
        for stage, drawn in draw_stages(picture).items():
            work.put(keys.stage(request.name, stage), drawn)
    is_diffuse = record.night is not None and record.night.is_diffuse
    objects = found.count + is_diffuse
    stamp = stamp_count(record.origin.read, request.min_objects, keep_stages=request.keep_stages)
    enough = is_diffuse or objects >= request.min_objects
    if enough:
        work.put(keys.candidate(request.name), image)
    reason = "" if enough else TOO_FEW_OBJECTS
    counted = replace(
        record,
        reason=reason,
        objects=objects,
        candidate=keys.candidate(request.name) if enough else "",
        origin=replace(record.origin, count=stamp),
    )
    counted = counted.conclude(Outcome.CANDIDATE if enough else Outcome.DISCARDED)
    work.put(keys.record(request.name), counted.to_json())
    return counted
