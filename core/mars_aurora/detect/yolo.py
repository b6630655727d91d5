"""YOLOv5 on ONNX: one picture in, boxes of Mars and of auroras out. The one module that knows the runtime.

The network looks at the disk alone, and at brightness instead of colours: averaging the log scale of a night of a few
photons a pixel would lose them. Beside it lie the Sun's height, by which twilight is told from aurora, and by how much
light stands out. The weights carry what belongs to them: class names, input size and the confidence thresholds chosen
for them.
"""

from __future__ import annotations

import functools
import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from mars_aurora.background.pictured import find_contrast
from mars_aurora.box import Box
from mars_aurora.errors import UsageError
from mars_aurora.geometry.canvas import CENTRE_X, CENTRE_Y, DISK_RADIUS, HEIGHT, WIDTH
from mars_aurora.observation import FloatArray
from mars_aurora.picture import heatmap, sun_angle

WEIGHTS = Path(__file__).parent / "weights" / "yolov5n.onnx"
OVERLAP = 0.5  # of two boxes of one class that share more (IoU), the less confident goes
NESTED = 0.8  # of two boxes of one class of which one lies by this share in the other, the less sure one
NESTED_CONFIDENCE = 0.5  # is so much less sure: one aurora, one box
MAX_BOXES = 300  # the most confident candidates that suppression looks at
MAX_SIDE_PX = 4096  # a picture of a few kilobytes may claim any size
VIEW_PX = 352  # side of the square of the canvas that the network sees: the limb and the shell that shines above it
VIEW_X, VIEW_Y = round(CENTRE_X) - VIEW_PX // 2, round(CENTRE_Y) - VIEW_PX // 2
VIEWS = 5  # channels of what the network sees; see `look`
PHOTONS_R = 30.0  # end of the linear scale: fainter light keeps its sum when pixels are averaged
TWILIGHT_DEG = (80.0, 160.0)  # solar zenith angles that the network tells apart
CONTRAST = (-1.0, 3.0)  # and contrasts, of which 1 is an aurora that can just be seen
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def detect(png: bytes, geometry: bytes = b"") -> list[Box]:  # noqa: ARG001 -- the picture is all this one needs
    """Find Mars and its auroras in a canvas PNG with the weights that come with the package.

    Same picture, same boxes: one thread, sorted by confidence. Raises UsageError where it is no PNG.
    """
    return load().detect(png)


@functools.cache
def load(weights: Path = WEIGHTS) -> Yolo:
    """Start the network, once in a process."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # the pool of processes is what is parallel
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False
    session = onnxruntime.InferenceSession(weights, options, providers=["CPUExecutionProvider"])
    facts = session.get_modelmeta().custom_metadata_map
    side = session.get_inputs()[0].shape[2]
    return Yolo(session, tuple(json.loads(facts["classes"])), json.loads(facts["thresholds"]), side)


@dataclass(frozen=True)
class Yolo:
    """A running network and the facts that its weights carry.

    Attributes
    ----------
    classes : names in the network's order
    thresholds : least confidence by class, chosen on a set of their own
    side : of the network's square input, px
    """

    session: onnxruntime.InferenceSession
    classes: tuple[str, ...]
    thresholds: Mapping[str, float]
    side: int

    def detect(self, png: bytes, floor: float | None = None) -> list[Box]:
        """Find boxes in a picture's own px; ``floor`` replaces the thresholds, to see what they cut off."""
        levels = read_levels(png)
        scores = self.session.run(None, {"image": look(levels, self.side, heatmap.read_sun(png))})[0][0]
        least = [self.thresholds[name] if floor is None else floor for name in self.classes]
        corners, confidence, label = select(scores, np.array(least, np.float32))
        x0, y0, scale = placement(levels.shape, self.side)
        limits = np.array(levels.shape[::-1] * 2, np.float32)
        corners = np.clip((corners - np.array([x0, y0, x0, y0], np.float32)) / scale, 0, limits)
        rows = zip(label.tolist(), confidence.tolist(), corners.tolist(), strict=True)
        return [Box(self.classes[kind], sure, *box) for kind, sure, box in rows]


def read_levels(png: bytes) -> NDArray[np.uint8]:
    """Decode a heatmap of any size to its levels (H, W); raises UsageError where it is no PNG, or not of 8 bits.

    A grey picture is taken for levels as it is.
    """
    if not png.startswith(_PNG_SIGNATURE) or len(png) < 24:
        raise UsageError("the picture is not a PNG")
    width, height = struct.unpack(">II", png[16:24])
    if not (0 < width <= MAX_SIDE_PX and 0 < height <= MAX_SIDE_PX):
        raise UsageError(f"the picture claims {width}x{height} px; at most {MAX_SIDE_PX} a side are read")
    try:
        return heatmap.decode(png)
    except ValueError:  # it was not drawn by the pipeline
        picture = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED)
    if picture is None or picture.dtype != np.uint8:
        raise UsageError("the PNG is damaged, or not of 8 bits a channel")
    pixels = np.asarray(picture, np.uint8)
    return pixels if pixels.ndim == 2 else heatmap.to_levels_from_colours(pixels)


def placement(shape: tuple[int, ...], side: int) -> tuple[float, float, float]:
    """Give where a picture's corner lies in the network's input, x and y in px, and the picture's scale there.

    A picture of another size than the canvas is fitted into that first, its shape kept (letterbox).
    """
    (x0, y0, _, _), zoom = _fit_canvas(shape), side / VIEW_PX
    return (x0 - VIEW_X) * zoom, (y0 - VIEW_Y) * zoom, min(HEIGHT / shape[0], WIDTH / shape[1]) * zoom


def _fit_canvas(shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """Give x, y, width and height of a picture in the middle of the canvas."""
    scale = min(HEIGHT / shape[0], WIDTH / shape[1])
    width, height = max(round(shape[1] * scale), 1), max(round(shape[0] * scale), 1)
    return (WIDTH - width) // 2, (HEIGHT - height) // 2, width, height


def look(levels: NDArray[np.uint8], side: int, sun: FloatArray | None = None) -> FloatArray:
    """Give the network's view of a picture, (1, 5, side, side) float32, all in 0 to 1.

    Channels: the level, which is logarithmic brightness; brightness itself up to `PHOTONS_R`; whether observed; where
    the Sun is known, else 0, the solar zenith angle over `TWILIGHT_DEG` and the contrast over `CONTRAST` (see
    `mars_aurora.background.pictured`). ``sun`` is what `heatmap.read_sun` gives.
    """
    if levels.shape != (HEIGHT, WIDTH):
        x0, y0, width, height = _fit_canvas(levels.shape)
        whole = np.zeros((HEIGHT, WIDTH), np.uint8)
        fitted = cv2.resize(levels, (width, height), interpolation=cv2.INTER_NEAREST)
        whole[y0 : y0 + height, x0 : x0 + width] = fitted
        levels = whole
    window = levels[VIEW_Y : VIEW_Y + VIEW_PX, VIEW_X : VIEW_X + VIEW_PX]
    view = np.zeros((1, VIEWS, side, side), np.float32)
    for channel, values in enumerate(_channels()):
        cv2.resize(cv2.LUT(window, values), (side, side), dst=view[0, channel], interpolation=cv2.INTER_AREA)
    if sun is not None:
        terms, radius = _view_grid(side)
        angle = sun_angle.zenith_angle_deg(sun, terms)
        light_R: FloatArray = np.empty_like(view[0, 0])
        cv2.resize(cv2.LUT(window, heatmap.level_brightness()), (side, side), dst=light_R, interpolation=cv2.INTER_AREA)
        view[0, 3] = _scale(angle, TWILIGHT_DEG)
        view[0, 4] = _scale(find_contrast(light_R, view[0, 2], angle, radius), CONTRAST)
    return view


@functools.cache
def _channels() -> FloatArray:
    """Give what each level is in each channel that is looked up, (3, 256)."""
    levels = np.arange(256, dtype=np.float32)
    light = np.minimum(heatmap.level_brightness() / np.float32(PHOTONS_R), 1)
    return np.stack((levels / 255, light, (levels != heatmap.UNOBSERVED).astype(np.float32)))


def _scale(values: FloatArray, limits: tuple[float, float]) -> FloatArray:
    low, high = limits
    scaled: FloatArray = np.clip((values - low) / (high - low), 1 / 255, 1)  # never 0, which is not known
    return scaled


@functools.cache
def _view_grid(side: int) -> tuple[FloatArray, FloatArray]:
    """Give the Sun's terms in the middle of each pixel of the view, (9, side, side), and its radius on the disk."""
    middle = ((np.arange(side) + 0.5) * VIEW_PX / side - 0.5).astype(np.float32)
    x, y = np.meshgrid(VIEW_X + middle, VIEW_Y + middle)
    return sun_angle.find_terms(x, y), np.hypot(x - CENTRE_X, y - CENTRE_Y) / DISK_RADIUS


def select(scores: FloatArray, least: FloatArray) -> tuple[FloatArray, FloatArray, NDArray[np.intp]]:
    """Turn the network's answer into boxes: non-maximum suppression and doubt of nested ones within each class.

    Parameters
    ----------
    scores : (N, 5 + C): centre x, y, width, height, objectness, class scores
    least : (C,) least confidence by class

    Returns
    -------
    corners : (M, 4): x0, y0, x1, y1 in input px, most confident first
    confidence : (M,)
    label : (M,) class number
    """
    classes = scores[:, 5:] * scores[:, 4:5]
    label = classes.argmax(1)
    confidence = classes[np.arange(len(label)), label]
    sure = np.flatnonzero(confidence >= least[label])
    sure = sure[np.argsort(-confidence[sure], kind="stable")[:MAX_BOXES]]
    half = scores[sure, 2:4] / 2
    corners = np.hstack((scores[sure, :2] - half, scores[sure, :2] + half)).astype(np.float32)
    kept = suppress(corners, label[sure])
    corners, confidence, label = corners[kept], confidence[sure][kept], label[sure][kept]
    nested = find_nested(corners, label)
    confidence = np.where(nested, NESTED_CONFIDENCE * confidence, confidence).astype(np.float32)
    left = np.argsort(-confidence, kind="stable")
    left = left[confidence[left] >= least[label[left]]]
    return corners[left], confidence[left], label[left]


def suppress(corners: FloatArray, label: NDArray[np.intp], overlap: float = OVERLAP) -> NDArray[np.bool_]:
    """Mark the boxes to keep, (M,) bool; ``corners`` (M, 4) with the most confident first."""
    rivals = (box_iou(corners, corners) > overlap) & (label[:, None] == label)
    kept = np.ones(len(corners), bool)
    for i in range(len(corners)):
        if kept[i]:
            kept[i + 1 :] &= ~rivals[i, i + 1 :]
    return kept


def find_nested(corners: FloatArray, label: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Mark boxes, (M,) bool, that lie in a more confident one of their class or hold one; the most confident first."""
    area = box_area(corners)
    smaller = np.minimum(area[:, None], area)
    alike = (shared_area(corners, corners) > NESTED * smaller) & (label[:, None] == label)
    nested: NDArray[np.bool_] = np.triu(alike, 1).any(0)
    return nested


def box_iou(a: FloatArray, b: FloatArray) -> FloatArray:
    """Intersection over union of boxes given by corners: (M, 4) and (N, 4) to (M, N)."""
    shared = shared_area(a, b)
    union = box_area(a)[:, None] + box_area(b) - shared
    ratio: FloatArray = (shared / np.maximum(union, 1e-9)).astype(np.float32)
    return ratio


def shared_area(a: FloatArray, b: FloatArray) -> FloatArray:
    """Area that boxes share: (M, 4) and (N, 4) to (M, N)."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    area: FloatArray = np.clip(high - low, 0, None).prod(2)
    return area


def box_area(corners: FloatArray) -> FloatArray:
    """Areas of boxes (M, 4): (M,)."""
    area: FloatArray = (corners[:, 2:] - corners[:, :2]).prod(1)
    return area
