"""Measure the auroras that the detector found, and join what was searched, in slices of the inputs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Protocol

from mars_aurora.aurora import count_auroras
from mars_aurora.detect.detectors import DetectorName, DetectorVersion
from mars_aurora.errors import TransientError
from mars_aurora.night import Night
from mars_aurora.run import measured, predictions
from mars_aurora.run.keys import RunKeys
from mars_aurora.run.ledger import PICTURED, Outcome, Record
from mars_aurora.run.messages import MeasureRequest, MeasureResult
from mars_aurora.run.slices import MeasuredSlice, pack_measured, split, unpack_records
from mars_aurora.run.stamps import stamp_measurement
from mars_aurora.run.storage import Storage
from mars_aurora.steps.exposure import join_exposure

if TYPE_CHECKING:
    from mars_aurora.aurora import Aurora
    from mars_aurora.background.observed import Background
    from mars_aurora.box import Box
    from mars_aurora.geometry.canvas import Canvas
    from mars_aurora.observation import Observation


@dataclass(frozen=True)
class Measured:
    """The record of a candidate with its final outcome, its auroras, and what detected them."""

    record: Record
    auroras: list[Aurora]
    detector: DetectorVersion | None = None


class Mapper(Protocol):
    """How `measure_one` is mapped over records: ``map``, or a runner's process pool; any order."""

    def __call__(self, function: Callable[[Record], Measured], records: Iterable[Record], /) -> Iterable[Measured]: ...


def measure(request: MeasureRequest, work: Storage, detections: Storage, mapper: Mapper = map) -> MeasureResult:
    """Measure the candidates of one slice of the inputs; write the results of the slice."""
    keys = RunKeys(request.run_id)
    records = unpack_records(work.get(keys.settled(request.execution, request.number)))
    (measured,) = measure_slices(records, keys, work, detections, request.predictions, mapper)
    work.put(keys.measured_slice(request.execution, request.number), pack_measured(measured))
    candidates = sum(record.outcome is Outcome.CANDIDATE for record in records)
    return MeasureResult(request.run_id, request.number, candidates, len(measured.auroras))


def measure_slices(  # noqa: PLR0913, PLR0917 -- the records, where their files are, and what detected them
    records: Sequence[Record],
    keys: RunKeys,
    work: Storage,
    detections: Storage,
    detector: str,
    mapper: Mapper = map,
    *,
    native: bool = False,
) -> Iterator[MeasuredSlice]:
    """Measure the candidates of settled records; yield the results of each slice.

    What was searched is joined by slices in a local run too, so that sums are rounded in the same way. ``native`` asks
    for native images of all observations, not only of those with auroras.
    """
    wanted = {Outcome.CANDIDATE, *(PICTURED if native else ())}
    function = partial(measure_one, keys=keys, work=work, detections=detections, detector=detector, native=native)
    done = mapper(function, [record for record in records if record.outcome in wanted])
    measured = {item.record.name: item for item in done}
    for some in split(records):
        yield _finish_slice(some, measured, work, keys)


def _finish_slice(
    records: Sequence[Record], measured: Mapping[str, Measured], work: Storage, keys: RunKeys
) -> MeasuredSlice:
    found = [measured.get(record.name, Measured(record, [])) for record in records]
    searched, lost = join_exposure([item.record for item in found], work, keys)
    kept = [item for item in found if item.record.name not in lost]
    return MeasuredSlice(
        records=[lost.get(item.record.name, item.record) for item in found],
        auroras=[aurora for item in kept for aurora in item.auroras],
        searched=searched,
        detectors=sorted({item.detector for item in found if item.detector}),
    )


class _NotDetectedError(Exception):
    """The prediction of a candidate cannot be used."""


@dataclass(frozen=True)
class _Scene:
    """An observation and its boxes; what auroras and native images are made from, when it is needed."""

    record: Record
    boxes: Sequence[Box]
    keys: RunKeys
    work: Storage

    @cached_property
    def geometry(self) -> tuple[Observation, Canvas]:
        from mars_aurora.geometry.canvas import unpack_geometry

        return unpack_geometry(self.work.get(self.keys.geometry(self.record.name)))

    @cached_property
    def disk(self) -> Background:
        """The background of the disk outside the boxes of auroras."""
        from mars_aurora.measure.measure import fit_disk

        return fit_disk(*self.geometry, self.boxes)


def measure_one(  # noqa: PLR0913 -- what is measured, and where it is written
    record: Record, keys: RunKeys, work: Storage, detections: Storage, detector: str, *, native: bool = False
) -> Measured:
    """Measure the auroras that the detector found in one candidate, unless that is done.

    ``detector`` is the folder of its predictions. The measured auroras are kept in ``work``; a later run uses them as
    long as geometry and prediction are the same. A picture with auroras is copied to ``detections``, where its
    observation is written as native images; with ``native`` also those of others, which need not be candidates.
    """
    try:
        if record.outcome is not Outcome.CANDIDATE:
            _write_native(_Scene(record, (), keys, work), record.origin.read, detections)
            return Measured(record, [])
        return _measure_candidate(record, keys, work, detections, detector, native=native)
    except KeyError as error:
        return _failed(record, "missing_object", f"{error.args[0]} is missing")
    except _NotDetectedError as error:
        return _failed(record, "not_detected", str(error))
    except (TransientError, OSError):
        raise  # the step is repeated, or the disk is full
    except Exception as error:  # noqa: BLE001 -- one candidate must not cost the others their catalogue
        return _failed(record, "not_measured", f"{type(error).__name__}: {error}")


def _measure_candidate(  # noqa: PLR0913 -- as measure_one
    record: Record, keys: RunKeys, work: Storage, detections: Storage, detector: str, *, native: bool
) -> Measured:
    prediction = work.get(keys.prediction(record.name, detector))
    try:
        found = predictions.read(prediction)
    except ValueError as error:
        raise _NotDetectedError(str(error)) from error
    if found.made.picture_sha256 != record.origin.image_sha256:
        raise _NotDetectedError("the prediction is of an earlier picture of this input")
    scene = _Scene(record, found.boxes, keys, work)
    stamp = stamp_measurement(record.origin.read, prediction)
    auroras = _find_measured(record, stamp, work, keys)
    is_new = auroras is None
    if auroras is None:
        auroras = _measure(scene)
        work.put(keys.measured(record.name), measured.to_json(auroras, stamp))
    count = count_auroras(auroras)
    if count and (is_new or detections.size(keys.detection(record.name)) != record.origin.products["image"]):
        detections.put(keys.detection(record.name), work.get(keys.image(record.name)))
    if count or native:
        _write_native(scene, stamp, detections)
    concluded = record.conclude(Outcome.AURORA if count else Outcome.NO_AURORA)
    found_by = DetectorVersion(DetectorName(found.made.detector), found.made.weights_sha256)
    return Measured(replace(concluded, auroras=count), auroras, found_by)


def _find_measured(record: Record, stamp: str, work: Storage, keys: RunKeys) -> list[Aurora] | None:
    try:
        return measured.read(work.get(keys.measured(record.name)), stamp)
    except (KeyError, ValueError):
        return None


def _measure(scene: _Scene) -> list[Aurora]:
    from mars_aurora.measure.measure import measure

    night = scene.record.night or Night()
    if not night.is_diffuse and not any(box.label == "aurora" for box in scene.boxes):
        return []
    return measure(*scene.geometry, scene.boxes, night, scene.disk)


def _write_native(scene: _Scene, stamp: str, detections: Storage) -> None:
    """Write the native images of an observation, unless they are there and made from the same."""
    from mars_aurora.catalogue import native

    key = scene.keys.native(scene.record.name)
    if detections.size(key) is None or not native.has_stamp(detections.get(key), stamp):
        detections.put(key, native.to_fits(scene.geometry[0], scene.disk.level_R, stamp))


def _failed(record: Record, reason: str, detail: str) -> Measured:
    return Measured(replace(record, outcome=Outcome.FAILED, reason=reason, detail=detail), [])
