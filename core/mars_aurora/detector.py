"""YOLOv5 on ONNX: one picture in, boxes of Mars and of auroras out. The one module that knows the runtime.

The weights carry what belongs to them: class names, input size and the confidence thresholds chosen for them.
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

from mars_aurora.errors import UsageError
from mars_aurora.messages import Box
from mars_aurora.observation import FloatArray

WEIGHTS = Path(__file__).parent / "weights" / "yolov5n.onnx"
OVERLAP = 0.45  # of two boxes of one class that share more (IoU), the less confident goes
MAX_BOXES = 300  # the most confident candidates that suppression looks at
MAX_SIDE_PX = 4096  # a picture of a few kilobytes may claim any size
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
    height, width = session.get_inputs()[0].shape[2:]
    return Yolo(session, tuple(json.loads(facts["classes"])), json.loads(facts["thresholds"]), height, width)


@dataclass(frozen=True)
class Yolo:
    """A running network and the facts that its weights carry.

    Attributes
    ----------
    classes : names in the network's order
    thresholds : least confidence by class, chosen on a set of their own
    height, width : of the network's input, px
    """

    session: onnxruntime.InferenceSession
    classes: tuple[str, ...]
    thresholds: Mapping[str, float]
    height: int
    width: int

    def detect(self, png: bytes, floor: float | None = None) -> list[Box]:
        """Find boxes in a picture's own px; ``floor`` replaces the thresholds, to see what they cut off."""
        picture = read_picture(png)
        scores = self.session.run(None, {"image": fit_picture(picture, self.height, self.width)})[0][0]
        least = [self.thresholds[name] if floor is None else floor for name in self.classes]
        corners, confidence, label = select(scores, np.array(least, np.float32))
        x0, y0, scale = placement(picture.shape, self.height, self.width)
        limits = np.array(picture.shape[1::-1] * 2, np.float32)
        corners = np.clip((corners - np.array([x0, y0, x0, y0], np.float32)) / scale, 0, limits)
        rows = zip(label.tolist(), confidence.tolist(), corners.tolist(), strict=True)
        return [Box(self.classes[kind], sure, *box) for kind, sure, box in rows]


def read_picture(png: bytes) -> NDArray[np.uint8]:
    """Decode a PNG to (H, W, 3) uint8 RGB, transparent made black; raises UsageError where it is none."""
    if not png.startswith(_PNG_SIGNATURE) or len(png) < 24:
        raise UsageError("the picture is not a PNG")
    width, height = struct.unpack(">II", png[16:24])
    if not (0 < width <= MAX_SIDE_PX and 0 < height <= MAX_SIDE_PX):
        raise UsageError(f"the picture claims {width}x{height} px; at most {MAX_SIDE_PX} a side are read")
    picture = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED)
    if picture is None or picture.dtype != np.uint8:
        raise UsageError("the PNG is damaged, or not of 8 bits a channel")
    if picture.ndim == 2:
        return np.asarray(cv2.cvtColor(picture, cv2.COLOR_GRAY2RGB), np.uint8)
    if picture.shape[2] == 3:
        return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), np.uint8)
    rgb = cv2.cvtColor(picture, cv2.COLOR_BGRA2RGB)
    return np.asarray(cv2.bitwise_and(rgb, rgb, mask=picture[..., 3]), np.uint8)


def placement(shape: tuple[int, ...], height: int, width: int) -> tuple[int, int, float]:
    """Give the offset x, y of a picture in the network's input, px, and its scale there."""
    scale = min(height / shape[0], width / shape[1])
    return (width - round(shape[1] * scale)) // 2, (height - round(shape[0] * scale)) // 2, scale


def fit_picture(picture: NDArray[np.uint8], height: int, width: int) -> FloatArray:
    """Scale a picture into (1, 3, height, width) float32 in 0 to 1, shape kept, black round it (letterbox)."""
    x0, y0, scale = placement(picture.shape, height, width)
    size = (round(picture.shape[1] * scale), round(picture.shape[0] * scale))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    blob = np.zeros((1, 3, height, width), np.float32)
    blob[0, :, y0 : y0 + size[1], x0 : x0 + size[0]] = small.transpose(2, 0, 1)
    blob /= 255
    return blob


def select(scores: FloatArray, least: FloatArray) -> tuple[FloatArray, FloatArray, NDArray[np.intp]]:
    """Turn the network's answer into boxes: cut by confidence, then non-maximum suppression within each class.

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
    return corners[kept], confidence[sure][kept], label[sure][kept]


def suppress(corners: FloatArray, label: NDArray[np.intp], overlap: float = OVERLAP) -> NDArray[np.bool_]:
    """Mark the boxes to keep, (M,) bool; ``corners`` (M, 4) with the most confident first."""
    rivals = (box_iou(corners, corners) > overlap) & (label[:, None] == label)
    kept = np.ones(len(corners), bool)
    for i in range(len(corners)):
        if kept[i]:
            kept[i + 1 :] &= ~rivals[i, i + 1 :]
    return kept


def box_iou(a: FloatArray, b: FloatArray) -> FloatArray:
    """Intersection over union of boxes given by corners: (M, 4) and (N, 4) to (M, N)."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    shared = np.clip(high - low, 0, None).prod(2)
    area_a, area_b = (a[:, 2:] - a[:, :2]).prod(1), (b[:, 2:] - b[:, :2]).prod(1)
    union = area_a[:, None] + area_b - shared
    ratio: FloatArray = (shared / np.maximum(union, 1e-9)).astype(np.float32)
    return ratio
