"""Scores of a row, from its cases and what was found in them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from bench.scores.cases import CLEANED, Case, TrueAurora
from bench.scores.found import MIN_OBJECTS, Found
from bench.scores.rows import AURORA, EMPTY, Row
from mars_aurora_model.labels import Label, LabeledPicture
from mars_aurora_model.predictions import Predictions
from mars_aurora_model.scoring import Matches, expected_calibration_error

PIPELINE, NETWORK, CRITERION, NIGHT = "pipeline", "network", "criterion", "night decision"

FAINT_R = (2.0, 5.0)  # brightness of faint auroras
TWILIGHT_SZA_DEG = (106.0, 112.0)


@dataclass(frozen=True)
class Fraction:
    """So many of a number of images or auroras."""

    part: int
    whole: int

    @classmethod
    def of(cls, values: Sequence[bool]) -> Fraction:
        return cls(sum(values), len(values))

    @property
    def value(self) -> float:
        return self.part / self.whole if self.whole else float("nan")

    def __add__(self, other: Fraction) -> Fraction:
        return Fraction(self.part + other.part, self.whole + other.whole)

    def __str__(self) -> str:
        return f"{self.value:.1%}" if self.whole else "-"


@dataclass(frozen=True)
class Image:
    """A case, and what was found in it by way."""

    case: Case
    found: dict[str, Found]

    def is_aurora(self, method: str, way: str, threshold: float) -> bool:
        """Return whether a method finds an aurora; ``threshold`` is that of the network."""
        product, found = self.case.products[way], self.found[way]
        seen = found.confidence >= threshold
        return {
            PIPELINE: product.is_diffuse or (found.objects >= MIN_OBJECTS and seen),
            NETWORK: seen,
            CRITERION: product.meets_criterion,
            NIGHT: product.is_diffuse,
        }[method]


@dataclass(frozen=True)
class Scores:
    """The images of a row by kind, and the threshold of the network."""

    row: Row
    images: Mapping[str, Sequence[Image]]
    threshold: float

    def false_alarms(self, method: str, way: str = CLEANED) -> Fraction:
        """Return how many of the empty images have an aurora by a method."""
        return Fraction.of([image.is_aurora(method, way, self.threshold) for image in self.images.get(EMPTY, ())])

    def recall(self, method: str, way: str = CLEANED) -> Fraction:
        """Return how many of the images with an aurora that counts in scoring have one by a method."""
        visible = [image for image in self.images[AURORA] if image.case.is_visible]
        return Fraction.of([image.is_aurora(method, way, self.threshold) for image in visible])

    @cached_property
    def matches(self) -> Matches:
        """The boxes of the network on all images, matched to the truth."""
        images = [image for kind in self.row.kinds for image in self.images[kind]]
        return self._match(images, [[aurora.label for aurora in image.case.auroras] for image in images])

    @property
    def ap50(self) -> float:
        """Average precision of the boxes at an IoU of 0.5; NaN without true boxes."""
        return self.matches.average_precision() if len(self.matches.found_at) else float("nan")

    @property
    def calibration_error(self) -> float:
        """Expected calibration error of the boxes; NaN without true boxes."""
        if not len(self.matches.found_at):
            return float("nan")
        return expected_calibration_error(self.matches.confidence, self.matches.correct)

    def box_recall(self, chosen: Callable[[TrueAurora], bool]) -> Fraction:
        """Return how many of the chosen auroras have a box of the network, at its threshold, of IoU 0.5."""
        images = self.images[AURORA]
        labels = [[replace(one.label, snr=None) for one in image.case.auroras if chosen(one)] for image in images]
        found = self._match(images, labels).found_at
        return Fraction(int((found >= self.threshold).sum()), len(found))

    def _match(self, images: Sequence[Image], labels: Sequence[Sequence[Label]]) -> Matches:
        pictures = [LabeledPicture("", self.row.name, b"", tuple(some)) for some in labels]
        return Predictions(pictures, [image.found[CLEANED].auroras for image in images]).matches("aurora")


def is_faint(aurora: TrueAurora) -> bool:
    return not aurora.label.ignored and FAINT_R[0] <= aurora.brightness_R < FAINT_R[1]


def is_bright_in_twilight(aurora: TrueAurora) -> bool:
    """Return whether an aurora is in twilight and brighter than the background, at any signal-to-noise ratio."""
    low, high = TWILIGHT_SZA_DEG
    return low <= aurora.sza_deg <= high and aurora.brightness_R > aurora.background_R
