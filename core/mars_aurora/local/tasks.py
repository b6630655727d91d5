"""Tasks of a worker process, each for one file or one candidate. All arguments and results are picklable."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mars_aurora.detect.detectors import DetectorName, describe_detector, load_detector
from mars_aurora.emission import OXYGEN_1304
from mars_aurora.local.inputs import InputFiles
from mars_aurora.run.keys import RunKeys
from mars_aurora.run.ledger import Outcome
from mars_aurora.run.messages import Again, ClassifyRequest, PreprocessRequest
from mars_aurora.run.plan import Recipe
from mars_aurora.run.stamps import Reading
from mars_aurora.run.storage import FolderStorage
from mars_aurora.steps.classify import classify, count_objects
from mars_aurora.steps.detect import detect_one
from mars_aurora.steps.preprocess import read_input


@dataclass(frozen=True)
class Job:
    """Settings shared by all tasks of a run."""

    run_id: str
    out: Path
    min_objects: int = 2
    detector: DetectorName = DetectorName.YOLO
    keep_stages: bool = False
    emission: str = OXYGEN_1304.name
    again: Again = Again.NONE
    cleaning: bool = True
    native: bool = False

    @property
    def recipe(self) -> Recipe:
        return Recipe(Reading(self.emission, self.cleaning), self.min_objects, self.keep_stages, self.again)

    @property
    def keys(self) -> RunKeys:
        return RunKeys(self.run_id)

    @property
    def work(self) -> FolderStorage:
        return FolderStorage(self.out)


def read_and_classify(task: tuple[str, Path], job: Job) -> Outcome:
    """Preprocess and classify one file, given by name and path, and write its record.

    A picture that is drawn now is counted as it is in memory; it is equal to the one that is stored.
    """
    name, path = task
    request = PreprocessRequest(job.run_id, "", name, name, again=job.again.value)
    read = read_input(request, InputFiles({name: path}), job.work, job.recipe.reading)
    count = ClassifyRequest(job.run_id, name, job.min_objects, job.keep_stages)
    if read.picture is not None:
        return count_objects(read.record, read.products[job.keys.image(name)], read.picture, count, job.work).outcome
    if not read.is_stored:
        job.work.put(job.keys.record(name), read.record.to_json())
    return Outcome(classify(count, job.work).record["outcome"]) if read.record.is_read else read.record.outcome


def detect(name: str, job: Job) -> int:
    """Run the detector on one candidate; return the number of boxes."""
    return detect_one(job.keys, name, job.work, load_detector(job.detector), describe_detector(job.detector))
