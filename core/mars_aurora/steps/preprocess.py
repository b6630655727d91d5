"""Read one FITS input; write its picture and its geometry, or the record of its rejection."""

from __future__ import annotations

from mars_aurora.emission import OXYGEN_1304, Emission
from mars_aurora.errors import InputError
from mars_aurora.run.keys import RunKeys
from mars_aurora.run.ledger import Outcome, Record
from mars_aurora.run.messages import PreprocessRequest, PreprocessResult
from mars_aurora.run.records import find_record
from mars_aurora.run.storage import Source, Storage


def preprocess(
    request: PreprocessRequest, inputs: Source, work: Storage, emission: Emission = OXYGEN_1304
) -> PreprocessResult:
    """Read one emission of one FITS input; write its picture and geometry to ``work``, or the record of its rejection.

    An input that has a record is not processed again, so the step can be repeated and resumed.
    """
    from mars_aurora import readers
    from mars_aurora.geometry import canvas as canvases
    from mars_aurora.picture import heatmap, png

    keys = RunKeys(request.run_id)
    record = find_record(work, keys, request.name)
    if record is not None:
        usable = record.outcome is not Outcome.REJECTED
        return PreprocessResult(request.run_id, request.name, usable, record.reason, record.detail)
    try:
        with inputs.local_file(request.key, inputs.version(request.key)) as path:
            observation = readers.read(path, request.name, emission)
        canvas = canvases.fit(observation)
    except InputError as error:
        record = Record(request.name, Outcome.REJECTED, error.reason, detail=error.detail)
        work.put(keys.record(request.name), record.to_json())
        return PreprocessResult(request.run_id, request.name, usable=False, reason=error.reason, detail=error.detail)
    work.put(keys.geometry(request.name), canvases.pack_geometry(observation, canvas))
    work.put(keys.image(request.name), png.write(heatmap.draw(observation, canvas)))
    return PreprocessResult(request.run_id, request.name, usable=True)
