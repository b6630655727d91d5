"""Read one FITS input; write its picture, its geometry and its record, or the record of its rejection."""

from __future__ import annotations

import errno
import hashlib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from mars_aurora.detect.detectors import DetectorName, describe_detector
from mars_aurora.emission import find_emission
from mars_aurora.errors import ChangedError, InputError, Reason
from mars_aurora.readers.limits import Limits
from mars_aurora.run.identity import identify
from mars_aurora.run.keys import RunKeys
from mars_aurora.run.ledger import Origin, Outcome, Record
from mars_aurora.run.messages import Again, PreprocessRequest, PreprocessResult
from mars_aurora.run.records import find_record, holds, is_valid
from mars_aurora.run.stamps import Reading, stamp_read
from mars_aurora.run.storage import Source, Storage, Version

if TYPE_CHECKING:
    from mars_aurora.observation import Observation
    from mars_aurora.picture.picture import Picture

_DEFAULT = Reading()


@dataclass(frozen=True)
class Read:
    """The record of an input, whether it is in storage already, and the products to be written before it, by key.

    ``picture`` is the one among the products; None where the input was not read, or not now.
    """

    record: Record
    products: dict[str, bytes] = field(default_factory=dict)
    is_stored: bool = False
    picture: Picture | None = None


def preprocess(
    request: PreprocessRequest, inputs: Source, work: Storage, reading: Reading = _DEFAULT
) -> PreprocessResult:
    """Read and clean one emission of one FITS input; write its picture, geometry and record to ``work``.

    An input with a valid record is not read again, so the step can be repeated and resumed. Bad input is recorded as
    rejected; an input that cannot be opened, or changes while it is read, as failed, which the next run tries again.
    """
    read = read_input(request, inputs, work, reading)
    if not read.is_stored:
        work.put(RunKeys(request.run_id).record(request.name), read.record.to_json())
    return PreprocessResult(request.run_id, request.name, read.record.is_read, read.record.to_event())


def read_input(request: PreprocessRequest, inputs: Source, work: Storage, reading: Reading) -> Read:
    """Read an input as `preprocess`, but leave writing its record, after its products, to the caller."""
    keys = RunKeys(request.run_id)
    if request.again == Again.ALL:
        for detector in DetectorName:
            work.delete(keys.prediction(request.name, describe_detector(detector).folder))
        work.delete(keys.measured(request.name))
    read = _find_or_read(request, inputs, work, reading)
    for key, data in read.products.items():
        work.put(key, data)
    return read


def _find_or_read(request: PreprocessRequest, inputs: Source, work: Storage, reading: Reading) -> Read:
    """Return the valid record of an input, or the result of reading it; a failed record if it cannot be read."""
    try:
        return _read_unless_valid(request, inputs, work, reading)
    except OSError as error:
        reason, detail = Reason.UNREADABLE, f"it cannot be read: {error.strerror or error}"
    except ChangedError as error:
        reason, detail = Reason.CHANGED, str(error)
    return Read(Record(request.name, Outcome.FAILED, reason, detail=detail))


def _read_unless_valid(request: PreprocessRequest, inputs: Source, work: Storage, reading: Reading) -> Read:
    keys = RunKeys(request.run_id)
    known = find_record(work, keys, request.name)
    if known is not None and request.again in {Again.ALL, known.outcome.value}:
        known = None
    version = _find_version(request, inputs)
    if known is not None and is_valid(known, version, reading, work, keys):
        return Read(known, is_stored=True)
    if version.size > Limits.unpacked_bytes:  # not downloaded, and not hashed
        detail = f"the file has {version.size} bytes; the limit is {Limits.unpacked_bytes}"
        origin = Origin(version, read=stamp_read("", reading))
        return Read(Record(request.name, Outcome.REJECTED, Reason.TOO_LARGE, detail=detail, origin=origin))
    with inputs.local_file(request.key, version) as path:
        if not path.is_file():  # opening a named pipe would block
            detail = f"it is {'a folder' if path.is_dir() else 'not a regular file'}"
            return Read(Record(request.name, Outcome.REJECTED, Reason.NOT_A_FILE, detail=detail))
        sha256 = _hash_file(path)
        if known is not None and holds(known, sha256, reading, work, keys):
            return Read(replace(known, origin=replace(known.origin, version=version)))  # only its times differ
        origin = Origin(version, sha256, stamp_read(sha256, reading))
        return _read(path, Record(request.name, Outcome.CANDIDATE, origin=origin), keys, reading)


def _find_version(request: PreprocessRequest, inputs: Source) -> Version:
    try:
        version = inputs.version(request.key)
    except KeyError:
        raise FileNotFoundError(errno.ENOENT, "it was removed, or it is a link to a missing file") from None
    if request.etag and request.etag != version.etag:
        raise ChangedError(f"the object was replaced after it was listed: its ETag was {request.etag}")
    return version


def _read(path: Path, record: Record, keys: RunKeys, reading: Reading) -> Read:
    """Read a file, and clean it; return its record, picture, geometry and exposure."""
    from mars_aurora import readers
    from mars_aurora.background import exposure
    from mars_aurora.background.night import find_night
    from mars_aurora.background.search import find_search
    from mars_aurora.cleaning.cleaning import clean
    from mars_aurora.geometry import canvas as canvases
    from mars_aurora.picture import heatmap, png

    try:
        observation = readers.read(path, record.name, find_emission(reading.emission))
        observation = clean(observation) if reading.cleaning else observation
        canvas = canvases.fit(observation)
    except InputError as error:
        outcome = Outcome.FAILED if error.reason is Reason.UNREADABLE else Outcome.REJECTED
        return Read(replace(record, outcome=outcome, reason=error.reason, detail=error.detail))
    geometry = canvases.pack_geometry(observation, canvas)
    picture = heatmap.draw(observation, canvas)
    image = png.write(picture)
    search = find_search(observation)
    cells = exposure.to_npy(exposure.find(observation, search))
    origin = replace(
        record.origin,
        image_sha256=hashlib.sha256(image).hexdigest(),
        products={"image": len(image), "geometry": len(geometry), "exposure": len(cells)},
    )
    night, mars_box = find_night(observation, search), canvases.box_disk(observation, canvas)
    described = _describe(replace(record, origin=origin, night=night, mars_box=mars_box), observation)
    products = {
        keys.geometry(record.name): geometry,
        keys.exposure(record.name): cells,
        keys.image(record.name): image,
    }
    return Read(described, products, picture=picture)


def _describe(record: Record, observation: Observation) -> Record:
    facts = observation.facts
    return replace(
        record,
        identity=identify(observation),
        level=facts.level,
        flags=facts.notes,
        residuals=facts.residuals,
        cleaning=facts.cleaning,
        perspective=observation.perspective,
    )


def _hash_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
