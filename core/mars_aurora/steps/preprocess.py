"""Read one FITS input; write its picture and its geometry, or the record of its rejection."""

from __future__ import annotations

from mars_aurora.errors import InputError
from mars_aurora.run.keys import RunKeys
from mars_aurora.run.ledger import Outcome, Record
from mars_aurora.run.messages import PreprocessRequest, PreprocessResult
from mars_aurora.run.records import find_record
from mars_aurora.run.storage import Source, Storage


def preprocess(request: PreprocessRequest, inputs: Source, work: Storage) -> PreprocessResult:
    """Read one FITS input; put its normalised heatmap and its geometry, or a record of its rejection.

    An input that has a record already is not done again: that is resume and idempotency in one.
    """
    from mars_aurora import readers
    from mars_aurora.geometry import canvas
    from mars_aurora.observation import to_npz
    from mars_aurora.picture import heatmap

    keys = RunKeys(request.run_id)
    record = find_record(work, keys, request.name)
    if record is not None:
        usable = record.outcome is not Outcome.REJECTED
        return PreprocessResult(request.run_id, request.name, usable, record.reason, record.detail)
    try:
        with inputs.local_file(request.key) as path:
            observation = readers.read(path, request.name)
        view = canvas.fit(observation)
    except InputError as error:
        record = Record(request.name, Outcome.REJECTED, error.reason, detail=error.detail)
        work.put(keys.record(request.name), record.to_json())
        return PreprocessResult(request.run_id, request.name, usable=False, reason=error.reason, detail=error.detail)
    work.put(keys.geometry(request.name), to_npz(observation, **view.to_arrays()))
    work.put(keys.image(request.name), heatmap.draw(observation, view))
    return PreprocessResult(request.run_id, request.name, usable=True)
