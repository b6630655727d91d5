"""YOLOv5 on ONNX Runtime: one picture in, boxes of Mars and of auroras out. The only module that uses the runtime.

The weights file stores class names, the calibration and the least confidence of each class, and the constants of the
input (`mars_aurora.detect.view`). A second, small network rescores the auroras (`mars_aurora.detect.rescoring`).
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime

from mars_aurora.box import Box, Detections
from mars_aurora.detect import detectors
from mars_aurora.detect.calibration import Calibration
from mars_aurora.detect.candidate import Candidate
from mars_aurora.detect.rescoring import FIRST_CONFIDENCE, Rescorer, read_rescorer
from mars_aurora.detect.suppression import select
from mars_aurora.detect.view import make_view, placement, require_version
from mars_aurora.picture.heatmap import remove_pedestal
from mars_aurora.picture.picture import Picture

WEIGHTS, RESCORING = detectors.WEIGHTS[detectors.DetectorName.YOLO]
AURORA = "aurora"  # the class that is rescored
CONFIDENCE_DIGITS = 6  # decimals; versions of numpy differ in the last digits of a logarithm


def detect(candidate: Candidate) -> Detections:
    """Find Mars and its auroras with the weights of the package, from the picture alone; sorted by confidence.

    Raises
    ------
    UsageError
        Where the picture is of another emission than the weights were trained on.
    """
    return load().detect_all(candidate.picture)


@functools.cache
def load(weights: Path = WEIGHTS, rescoring: Path | None = RESCORING) -> Yolo:
    """Load the network, once in a process; without ``rescoring``, its confidences are those of the first network.

    Raises
    ------
    UsageError
        Where the weights were trained on another input than this code makes.
    """
    session = _open_session(weights)
    metadata = session.get_modelmeta().custom_metadata_map
    require_version(json.loads(metadata.get("input", "{}")))
    side = session.get_inputs()[0].shape[2]
    calibrations = {name: Calibration(*terms) for name, terms in json.loads(metadata["calibration"]).items()}
    thresholds = json.loads(metadata["thresholds"])
    rescorer = read_rescorer(_open_session(rescoring)) if rescoring else None
    if rescorer:
        thresholds[AURORA] = rescorer.threshold
    return Yolo(session, tuple(json.loads(metadata["classes"])), calibrations, thresholds, side, rescorer)


def _open_session(weights: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # processes run in parallel, not threads
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False
    return onnxruntime.InferenceSession(weights, options, providers=["CPUExecutionProvider"])


@dataclass(frozen=True)
class Yolo:
    """A loaded network and the metadata of its weights.

    Attributes
    ----------
    session : onnxruntime.InferenceSession
    classes : tuple of str
        Names in the network's order.
    calibrations : mapping of str to Calibration
        By class, fitted on a separate set.
    thresholds : mapping of str to float
        Least calibrated confidence by class, chosen on a separate set.
    side : int
        Side of the network's square input, px.
    rescorer : Rescorer or None
    """

    session: onnxruntime.InferenceSession
    classes: tuple[str, ...]
    calibrations: Mapping[str, Calibration]
    thresholds: Mapping[str, float]
    side: int
    rescorer: Rescorer | None = None

    def detect_all(self, picture: Picture) -> Detections:
        """Find boxes at the thresholds of the weights; state whether the picture lacks the SZA."""
        return Detections(tuple(self.detect(picture)), sza_missing=picture.sza_coefficients is None)

    def detect(self, picture: Picture, least: float | None = None) -> list[Box]:
        """Find boxes in px of the picture; ``least`` replaces the thresholds. Deterministic."""
        picture = remove_pedestal(picture)
        view = make_view(picture, self.side)
        least_of = self.thresholds if least is None else dict.fromkeys(self.classes, least)
        rescorer = self.rescorer if picture.sza_coefficients is not None else None
        first = {**least_of, AURORA: FIRST_CONFIDENCE} if rescorer else least_of
        limits = [self.calibrations[name].invert(first[name]) for name in self.classes]
        corners, raw, label = select(self.session.run(None, {"image": view})[0][0], np.array(limits, np.float32))
        names = [self.classes[number] for number in label]
        confidence = np.array([float(self.calibrations[name].apply(one)) for name, one in zip(names, raw, strict=True)])
        if rescorer:
            auroras = np.array([name == AURORA for name in names], bool)
            confidence[auroras] = rescorer.rescore(picture, view[0], corners[auroras], confidence[auroras])
        shape = picture.levels.shape
        x0, y0, scale = placement(shape, self.side)
        edges = np.array(shape[::-1] * 2, np.float32)
        corners = np.clip((corners - np.array([x0, y0, x0, y0], np.float32)) / scale, 0, edges)
        boxes = [
            Box(name, round(value, CONFIDENCE_DIGITS), *box)
            for name, value, box in zip(names, confidence.tolist(), corners.tolist(), strict=True)
            if value >= least_of[name]
        ]
        return sorted(boxes, key=lambda box: -box.confidence)
