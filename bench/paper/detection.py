"""Detection on the pictures: Mars, auroras, and false positives before and after the object count."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import cv2
import numpy as np

from bench.paper import images, inputs
from bench.paper.pages import format_table
from bench.paper.plan import Plan
from mars_aurora.box import Box
from mars_aurora.classify import count
from mars_aurora.detect.suppression import box_iou
from mars_aurora.detect.yolo import load
from mars_aurora.picture import png
from mars_aurora_model.labels import Label, LabeledPicture
from mars_aurora_model.painting import whiten_picture
from mars_aurora_model.simulator.world import World
from mars_aurora_model.simulator.worlds import NEGATIVE_WORLDS

SEED = 330_000
OVERLAP = 0.5  # least intersection over union of a box that is found
MIN_OBJECTS = 2
NEGATIVES = {"low_resolution": "low resolution", "white_areas": "large white areas"}


@dataclass(frozen=True)
class Answers:
    """What was found in one picture.

    Attributes
    ----------
    mars, mars_found : number of labels of Mars, and of those found
    auroras, auroras_found : number of visible auroras, and of those found
    faint : number of auroras that are not visible
    has_box : whether the network finds an aurora anywhere
    objects : number of objects, the disk included
    """

    mars: int
    mars_found: int
    auroras: int
    auroras_found: int
    faint: int
    has_box: bool
    objects: int


def measure(plan: Plan) -> dict[str, Any]:
    """Search the pictures of the plan, and those that resemble an aurora."""
    cv2.setNumThreads(1)
    pictures = inputs.make_pictures(plan.folder / "pictures", plan.pictures, World(), images.SEED)
    found: dict[str, Any] = {"pictures": [asdict(answer(picture)) for picture in pictures]}
    for number, (name, _) in enumerate(NEGATIVES.items()):
        folder = plan.folder / name
        negatives = inputs.make_pictures(folder, plan.pictures, NEGATIVE_WORLDS[name], SEED + number)
        if name == "white_areas":
            changed = enumerate(negatives)
            negatives = [whiten_picture(plain, np.random.default_rng((SEED, index))) for index, plain in changed]
        found[name] = [asdict(answer(picture)) for picture in negatives]
    return {"answers": found}


def answer(labeled: LabeledPicture) -> Answers:
    """Detect in one picture, and compare with its labels."""
    picture = png.read(labeled.png)
    boxes = load().detect(picture)
    mars, auroras = labeled.visible("mars"), labeled.visible("aurora")
    return Answers(
        len(mars),
        count_found(mars, [box for box in boxes if box.label == "mars"]),
        len(auroras),
        count_found(auroras, [box for box in boxes if box.label == "aurora"]),
        len(labeled.ignored("aurora")),
        any(box.label == "aurora" for box in boxes),
        count.find(picture).count,
    )


def count_found(labels: Sequence[Label], boxes: Sequence[Box]) -> int:
    """Count the labels that a box overlaps enough; a box finds one label."""
    if not labels or not boxes:
        return 0
    overlap = box_iou(_corners(labels), _corners(boxes))
    found = 0
    while overlap.max(initial=0) >= OVERLAP:
        label, box = np.unravel_index(overlap.argmax(), overlap.shape)
        overlap[label], overlap[:, box] = 0, 0
        found += 1
    return found


def _corners(boxes: Iterable[Label | Box]) -> Any:  # noqa: ANN401 -- an array
    return np.array([(box.x0, box.y0, box.x1, box.y1) for box in boxes], np.float32)


def describe(results: dict[str, Any]) -> str:
    """Return the table."""
    answers = {name: [Answers(**found) for found in some] for name, some in results["answers"].items()}
    main = answers["pictures"]
    with_aurora = [found for found in main if found.auroras]
    empty = [found for found in main if not found.auroras + found.faint]
    rows = [
        ["Mars", format_part(sum(f.mars_found for f in main), sum(f.mars for f in main)), "", "100 %"],
        ["pictures with a visible aurora, in which one is detected", *_before_and_after(with_aurora), "over 95 %"],
        [
            "visible auroras, each box",
            format_part(sum(f.auroras_found for f in main), sum(f.auroras for f in main)),
            "",
            "",
        ],
        ["pictures without aurora, in which one is detected", *_before_and_after(empty), ""],
    ]
    for name, label in NEGATIVES.items():
        rows.append(
            [f"pictures with {label}, without aurora, the same", *_before_and_after(answers[name]), "some; discarded"]
        )
    heads = (f"{len(main)} pictures", "the network alone", "after the object count", "paper")
    return (
        f"{format_table(heads, rows)}\n\nSimulated pictures of the published configuration. Visible are auroras of a "
        f"signal-to-noise ratio of 8 and more; a box is found at an intersection over union of {OVERLAP}. "
        "Pictures with fainter auroras only are neither."
    )


def _before_and_after(found: Sequence[Answers]) -> tuple[str, str]:
    kept = sum(f.has_box and f.objects >= MIN_OBJECTS for f in found)
    return format_part(sum(f.has_box for f in found), len(found)), format_part(kept, len(found))


def format_found(answers: Sequence[Answers]) -> str:
    """Return the part of the pictures with a visible aurora in which the pipeline detects one."""
    return _before_and_after([found for found in answers if found.auroras])[1]


def format_part(part: int, whole: int) -> str:
    """Return a part of a whole in words, and in percent."""
    return f"{part} of {whole} ({part / whole:.1%})" if whole else "0 of 0"
