"""Rescoring: the confidence of a box of the network, from what is in the box, around it, and in the whole night.

The network decides on each place by itself. A second, small one compares each of its boxes with the noise of the whole
picture: a faint excess over many pixels is an aurora in a quiet night, and is none where particles hit the detector.
Boxes centered above the emitting shell, where only stars are, have no confidence, and of boxes that overlap at most one
is right.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from mars_aurora.background import native_pixels, significance
from mars_aurora.background.window import cut, draw_mask
from mars_aurora.detect import view as views
from mars_aurora.detect.calibration import Calibration
from mars_aurora.detect.suppression import NESTED, are_nested, box_iou
from mars_aurora.emission import NIGHT_SZA_DEG
from mars_aurora.errors import UsageError
from mars_aurora.geometry.canvas import DISK_RADIUS
from mars_aurora.observation import BoolArray, Float64Array, FloatArray
from mars_aurora.picture.picture import Picture

if TYPE_CHECKING:
    import onnxruntime

FIRST_CONFIDENCE = 0.01  # of the network, from which boxes are rescored
MAX_DISK_RADII = 1.04  # center of a box; 2 of 5,413 true boxes of training worlds are beyond
MAX_IOU = 0.2  # of boxes that may both be right; of 194 pairs of true boxes none overlap by more, and 1 is nested
CROP_PX = 24  # side of a crop
CONTEXT = 2.0  # side of what a crop shows, in sides of the box
MARGIN_PX = 12.0  # of the view, shown around a small box at least
QUANTILES = (0.025, 0.16, 0.5, 0.84, 0.975)  # of the significance in the night
HIGH_SIGMA = 4.0
NUMBERS = 22
_LEAST = 1e-4  # confidences are kept this far from 0 and 1
_MIN_BOX_PX = 3.0
_MIN_NIGHT_PIXELS = 50  # of the view
_DISK_FRACTION = 0.4  # of the side of the view, inside of the disk
_AVERAGED_PX = 113.0  # of the canvas: 4 pi SMOOTHING_PX**2 of the significance, as the second network was trained


@dataclass(frozen=True)
class Described:
    """What the second network sees of the boxes of a picture.

    Attributes
    ----------
    crops : (N, 6, `CROP_PX`, `CROP_PX`) float32
        The channels of the view in and around each box, scaled to the size of a crop.
    numbers : (N, `NUMBERS`) float32
        Logit of the confidence; width, height, place, SZA, significance and observed fraction of the box; counts per
        rayleigh, removed brightness and area of native pixels; quantiles of the significance of the night, its
        standard deviation and high fraction; number of boxes, and the confidence of the best other one.
    """

    crops: FloatArray
    numbers: FloatArray


@dataclass(frozen=True)
class Rescorer:
    """The second network, with its calibrations, and the least confidence of an aurora.

    Attributes
    ----------
    session : onnxruntime.InferenceSession
    calibration : Calibration
        Of each box by itself.
    last_calibration : Calibration
        After the confidence of overlapping boxes is reduced.
    threshold : float
    is_exclusive : bool
        False where the first calibration is fitted.
    """

    session: onnxruntime.InferenceSession
    calibration: Calibration
    last_calibration: Calibration
    threshold: float
    is_exclusive: bool = True

    def rescore(
        self, picture: Picture, view: FloatArray, corners: FloatArray, confidence: Float64Array
    ) -> Float64Array:
        """Compute the confidences of boxes; arguments as in `describe_boxes`.

        Returns
        -------
        (N,) float64, 0 to 1
        """
        if len(corners) == 0:
            return confidence
        described = describe_boxes(picture, view, corners, confidence)
        logit = self.session.run(None, {"crops": described.crops, "numbers": described.numbers})[0]
        calibrated = self.calibration.apply(1 / (1 + np.exp(-logit.astype(np.float64))))
        is_beyond = is_beyond_shell(corners, view.shape[1])
        rescored = np.where(is_beyond, 0.0, calibrated)
        if not self.is_exclusive:
            return rescored
        return np.where(is_beyond, 0.0, self.last_calibration.apply(reduce_overlapping(corners, rescored)))


def read_rescorer(session: onnxruntime.InferenceSession) -> Rescorer:
    """Read the metadata of a loaded second network.

    Raises
    ------
    UsageError
        Where it was trained on another description of boxes than this code makes.
    """
    metadata = session.get_modelmeta().custom_metadata_map
    if json.loads(metadata["description"]) != describe():
        raise UsageError(
            "the weights for rescoring were trained on other constants than those of this code: retrain them"
        )
    own, last = (Calibration(*json.loads(metadata[name])) for name in ("calibration", "last_calibration"))
    return Rescorer(session, own, last, json.loads(metadata["threshold"]))


def describe() -> Mapping[str, Any]:
    """Return every constant on which the description depends, as the weights store them; JSON types only."""
    return {
        "first_confidence": FIRST_CONFIDENCE,
        "overlap": [MAX_IOU, NESTED],
        "crop": [CROP_PX, CONTEXT, MARGIN_PX],
        "quantiles": list(QUANTILES),
        "high_sigma": HIGH_SIGMA,
        "numbers": NUMBERS,
    }


def is_beyond_shell(corners: FloatArray, side: int) -> BoolArray:
    """Return which boxes (N, 4), in px of a view of a side, are centered above the emitting shell."""
    beyond: BoolArray = _find_radius(corners, side) * views.VIEW_PX > MAX_DISK_RADII * DISK_RADIUS
    return beyond


def reduce_overlapping(corners: FloatArray, confidence: Float64Array) -> Float64Array:
    """Reduce the confidence of boxes that overlap more confident ones, since at most one of them is right.

    Parameters
    ----------
    corners : (N, 4) float32
    confidence : (N,) float64

    Returns
    -------
    (N,) float64
        The confidence, times the probability that none of the more confident boxes that overlap the box is right.
    """
    overlapping = (box_iou(corners, corners) > MAX_IOU) | are_nested(corners)
    order = np.argsort(-confidence, kind="stable")
    reduced = confidence.copy()
    for place, i in enumerate(order):
        before = order[:place]
        reduced[i] *= np.prod(1 - reduced[before[overlapping[i, before]]])
    return reduced


def describe_boxes(picture: Picture, view: FloatArray, corners: FloatArray, confidence: Float64Array) -> Described:
    """Describe the boxes of auroras of a picture.

    Parameters
    ----------
    picture : Picture
        With SZA coefficients.
    view : (6, side, side) float32
        The network's input.
    corners : (N, 4) float32
        In px of the view.
    confidence : (N,) float64
        Of the network.
    """
    known, excess = (view[2] > 0.5) & (view[3] > 0), views.read_significance(view)
    in_picture = _describe_picture(picture, excess[known & _is_night(view)])
    limited = np.clip(confidence, _LEAST, 1 - _LEAST)
    logit = np.log(limited / (1 - limited))
    numbers = [
        [
            logit[i], *_describe_box(view, known, excess, box), *in_picture,
            len(corners), max(np.delete(confidence, i), default=0.0),
        ]
        for i, box in enumerate(corners)
    ]  # fmt: skip
    crops = [_crop(view, box) for box in corners]
    return Described(
        np.array(crops, np.float32).reshape(-1, len(view), CROP_PX, CROP_PX),
        np.array(numbers, np.float32).reshape(-1, NUMBERS),
    )


def _is_night(view: FloatArray) -> BoolArray:
    offset = np.arange(view.shape[1]) - (view.shape[1] - 1) / 2
    on_disk = np.hypot(offset, offset[:, None]) < _DISK_FRACTION * view.shape[1]
    night: BoolArray = on_disk & (views.read_sza_deg(view) > NIGHT_SZA_DEG)
    return night


def _find_radius(corners: FloatArray, side: int) -> FloatArray:
    """Return the distance of the centers of boxes from the center of the disk, in sides of the view: (N,)."""
    middle = (corners[:, :2] + corners[:, 2:]) / 2 / side - 0.5
    return np.asarray(np.hypot(*middle.T), np.float32)


def _describe_picture(picture: Picture, night: FloatArray) -> list[float]:
    """Describe sensitivity and native pixels, and the significance of the observed night, (K,)."""
    levels = cut(views.fit_levels(picture.levels))
    area = native_pixels.find_area_px(levels, draw_mask(levels))
    counts_per_R = max(picture.counts_per_R or significance.COUNTS_PER_R, significance.LEAST_COUNTS_PER_R)
    quantiles, spread, high = np.zeros(len(QUANTILES)), 1.0, 0.0
    if len(night) > _MIN_NIGHT_PIXELS:
        quantiles, spread, high = np.quantile(night, QUANTILES), float(night.std()), float(np.mean(night > HIGH_SIGMA))
    return [np.log(counts_per_R), np.log1p(picture.removed_R), np.log(area), *quantiles, spread, high]


def _describe_box(view: FloatArray, known: BoolArray, excess: FloatArray, box: FloatArray) -> list[float]:
    side = view.shape[1]
    x0, y0, x1, y1 = (min(max(round(float(edge)), 0), side) for edge in box)
    x0, y0 = min(x0, side - 1), min(y0, side - 1)
    inside = np.s_[y0 : max(y1, y0 + 1), x0 : max(x1, x0 + 1)]
    observed, values = known[inside], excess[inside]
    mean = float(values[observed].mean()) if observed.any() else 0.0
    averages = observed.sum() * (views.VIEW_PX / side) ** 2 / _AVERAGED_PX
    width, height = np.log(np.maximum(box[2:] - box[:2], _MIN_BOX_PX))
    return [
        width, height, float(_find_radius(box[None], side)[0]), float(views.read_sza_deg(view)[inside].mean()),
        mean, mean * np.sqrt(averages), float(np.quantile(values, 0.9)), float(values.max()), float(observed.mean()),
    ]  # fmt: skip


def _crop(view: FloatArray, box: FloatArray) -> FloatArray:
    """Scale the box with its surroundings to the size of a crop: (6, `CROP_PX`, `CROP_PX`)."""
    sides = np.maximum(box[2:] - box[:2], _MIN_BOX_PX)
    shown = np.maximum(CONTEXT * sides, sides + MARGIN_PX)
    step = shown / CROP_PX
    first = (box[:2] + box[2:] - shown + step) / 2 - 0.5
    place = np.array([[step[0], 0, first[0]], [0, step[1], first[1]]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.array([cv2.warpAffine(channel, place, (CROP_PX, CROP_PX), flags=flags) for channel in view], np.float32)
