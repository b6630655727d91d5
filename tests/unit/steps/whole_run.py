"""The steps of a run in the order of the state machine, on any storage."""

from collections.abc import Callable, Mapping

from mars_aurora.detect.detectors import DetectorName
from mars_aurora.run.keys import RunKeys
from mars_aurora.run.listing import SETS, SLICES, read_items
from mars_aurora.run.messages import (
    CatalogueRequest,
    CatalogueResult,
    MeasureRequest,
    StitchRequest,
    TallyRequest,
    TallyResult,
)
from mars_aurora.run.provenance import describe_provenance
from mars_aurora.run.settings import Settings
from mars_aurora.run.slices import unpack_records
from mars_aurora.run.storage import BulkStorage, Storage
from mars_aurora.steps.catalogue import catalogue
from mars_aurora.steps.measure import measure
from mars_aurora.steps.stitch import stitch
from mars_aurora.steps.tally import tally

KEYS = RunKeys("r")
PROVENANCE = describe_provenance(DetectorName.YOLO, 2, "")
SETTINGS = Settings("work", "detections", DetectorName.YOLO, cleaning=True)


def count_nothing(_map_run: str) -> Mapping[str, int]:
    raise AssertionError("records in storage are compared with no map run")


def settle_run(
    inputs: BulkStorage,
    work: BulkStorage,
    count_items: Callable[[str], Mapping[str, int]] = count_nothing,
    **request: str,
) -> TallyResult:
    """Compare inputs and records of the run "r" on the batch "b/"."""
    return tally(TallyRequest("r", "bucket", "b/", **request), inputs, work, SETTINGS, count_items)


def finish_run(
    work: BulkStorage,
    predictions: str = PROVENANCE.weights_sha256,
    detections: Storage | None = None,
    execution: str = "",
) -> CatalogueResult:
    """Measure all slices, stitch the observation sets and write the catalogue, after the inputs are settled."""
    detections = detections or work
    listed = 0
    for item in list(read_items(work, KEYS, SLICES, execution)):
        measure(MeasureRequest("r", execution, item["number"], predictions), work, detections)
        listed += len(unpack_records(work.get(KEYS.settled(execution, item["number"]))))
    stitch(StitchRequest("r", list(read_items(work, KEYS, SETS, execution))), work, detections)
    return catalogue(CatalogueRequest("r", listed, execution), work, detections, PROVENANCE)
