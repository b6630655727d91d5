"""What a worker process does: one file, or one candidate, at a time. Everything here pickles."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mars_aurora.detect.detectors import DetectorName, load_detector
from mars_aurora.local.inputs import InputFiles
from mars_aurora.run.keys import RunKeys
from mars_aurora.run.ledger import Outcome
from mars_aurora.run.messages import ClassifyRequest, PreprocessRequest
from mars_aurora.run.storage import FolderStorage
from mars_aurora.steps.classify import classify
from mars_aurora.steps.detect import detect_one
from mars_aurora.steps.preprocess import preprocess


@dataclass(frozen=True)
class Job:
    """What is the same for every task of a run."""

    run_id: str
    out: Path
    min_objects: int = 2
    detector: DetectorName = DetectorName.YOLO
    keep_stages: bool = False

    @property
    def keys(self) -> RunKeys:
        return RunKeys(self.run_id)

    @property
    def work(self) -> FolderStorage:
        return FolderStorage(self.out)


def read_and_classify(task: tuple[str, Path], job: Job) -> Outcome:
    """Take one file, named and located, through the two steps of the map; its record is left in the ledger."""
    name, path = task
    read = preprocess(PreprocessRequest(job.run_id, "", name, name), InputFiles({name: path}), job.work)
    if not read.usable:
        return Outcome.REJECTED
    request = ClassifyRequest(job.run_id, name, job.min_objects, job.keep_stages)
    enough = classify(request, job.work).objects >= job.min_objects
    return Outcome.CANDIDATE if enough else Outcome.DISCARDED


def detect(name: str, job: Job) -> int:
    """Run the detector over one candidate; return the number of boxes."""
    return detect_one(job.keys, name, job.work, load_detector(job.detector))
