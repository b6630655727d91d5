"""Train the second network, which rescores the boxes of the first: ``python -m mars_aurora_model.rescoring``.

It is trained on pictures that the first network was not trained on, since the confidences of others are too high. It
learns whether a box is right, and whether it shows an aurora at all: a loose box of a faint aurora is not right, but
tells a picture with auroras from one without. Confidences are calibrated, and the threshold is chosen, on sets of their
own, in most of whose files are artefacts.
"""

from __future__ import annotations

import argparse
import io
import json
import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import astuple, dataclass, replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import helper
from torch import Tensor, nn
from torch.nn import functional

from mars_aurora.box import Box
from mars_aurora.detect import yolo
from mars_aurora.detect.calibration import Calibration
from mars_aurora.detect.rescoring import CROP_PX, FIRST_CONFIDENCE, NUMBERS, describe, describe_boxes
from mars_aurora.detect.suppression import box_area, box_iou, shared_area
from mars_aurora.detect.view import CHANNELS, make_view, placement
from mars_aurora.observation import FloatArray
from mars_aurora.picture import png
from mars_aurora.picture.heatmap import remove_pedestal
from mars_aurora_model.calibrate import fit_calibration
from mars_aurora_model.dataset import RESCORING_CALIBRATION, RESCORING_SELECTION, RESCORING_SETS
from mars_aurora_model.labels import VISIBLE_SNR, Label, LabeledPicture, find_sets, read_set, to_corners
from mars_aurora_model.predictions import choose_thresholds, predict
from mars_aurora_model.scoring import match

BRIGHT_R, BRIGHT_SNR = 10.0, 6.5  # in twilight the background limits the signal-to-noise ratio of bright auroras
EPOCHS, BATCH, LEARNING_RATE, WEIGHT_DECAY, NETWORKS = 30, 128, 2e-3, 0.01, 3
SHOWN_IOU, SHOWN_INSIDE = 0.2, 0.6  # with an aurora, or of the box inside it, from which a box shows an aurora
NEAR = 0.3  # IoU with a fainter aurora, or fraction inside it, from which a box counts neither way
SHOWN_WEIGHT = 0.25  # of showing an aurora in the logit of a box; of being right the rest
_MAX_DEVIATION = 5.0  # of the numbers, in standard deviations


@dataclass(frozen=True)
class Candidates:
    """Boxes of the first network.

    Attributes
    ----------
    crops : (N, 6, `CROP_PX`, `CROP_PX`) float16
    numbers : (N, `NUMBERS`) float32
    targets : (N, 2) float32
        Whether a box is right, and whether it shows an aurora: 1 or 0, NaN where it counts neither way.
    """

    crops: NDArray[np.float16]
    numbers: FloatArray
    targets: FloatArray


class Rescoring(nn.Module):
    """The second network: logits of being right and of showing an aurora, as corrections to that of the first."""

    def __init__(self, mean: FloatArray, deviation: FloatArray, width: int = 16) -> None:
        super().__init__()
        plan = ((CHANNELS, width, 1), (width, 2 * width, 2), (2 * width, 2 * width, 1), (2 * width, 4 * width, 2),
                (4 * width, 4 * width, 1))  # fmt: skip
        self.features = nn.Sequential(*(_block(*part) for part in plan))
        self.head = nn.Sequential(
            nn.Dropout(0.3), nn.Linear(8 * width + len(mean), 64), nn.SiLU(), nn.Dropout(0.3), nn.Linear(64, 2)
        )
        self.register_buffer("mean", torch.tensor(mean))
        self.register_buffer("deviation", torch.tensor(deviation))

    def forward(self, crops: Tensor, numbers: Tensor) -> Tensor:
        """Return logits (N, 2) of crops (N, 6, C, C) and numbers (N, K)."""
        features = self.features(crops)
        scaled = ((numbers - self.mean) / self.deviation).clamp(-_MAX_DEVIATION, _MAX_DEVIATION)
        joined = torch.cat([features.mean((2, 3)), features.amax((2, 3)), scaled], 1)
        logits: Tensor = self.head(joined) + numbers[:, :1]
        return logits


class Mean(nn.Module):
    """One logit of a box: the mean over networks, and over a crop and its mirror images."""

    def __init__(self, networks: Sequence[Rescoring]) -> None:
        super().__init__()
        self.networks = nn.ModuleList(networks)

    def forward(self, crops: Tensor, numbers: Tensor) -> Tensor:
        """Return logits (N,) of crops (N, 6, C, C) and numbers (N, K)."""
        views = [crops, crops.flip(3), crops.flip(2), crops.flip(2, 3)]
        logits = [network(view, numbers) for network in self.networks for view in views]
        right, shown = torch.stack(logits).mean(0).unbind(1)
        return (1 - SHOWN_WEIGHT) * right + SHOWN_WEIGHT * shown


def _block(inputs: int, outputs: int, stride: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride, 1), nn.BatchNorm2d(outputs), nn.SiLU())


def is_right(label: Label) -> bool:
    """Return whether a box at a label is right in training: visible, or bright in twilight."""
    bright = (label.brightness_R or 0) >= BRIGHT_R and (label.snr or 0) >= BRIGHT_SNR
    return label.snr is None or label.snr >= VISIBLE_SNR or bright


def find_candidates(picture: LabeledPicture, weights: Path) -> Candidates | None:
    """Find the boxes of auroras of the first network in a picture, as the second is trained on; None without SZA."""
    cv2.setNumThreads(1)
    network, read = yolo.load(weights, rescoring=None), remove_pedestal(png.read(picture.png))
    if read.sza_coefficients is None:
        return None
    boxes = [box for box in network.detect(read, FIRST_CONFIDENCE) if box.label == yolo.AURORA]
    confidence = np.array([box.confidence for box in boxes])
    corners = _to_array(boxes)
    x0, y0, scale = placement(read.levels.shape, network.side)
    in_view = corners * np.float32(scale) + np.array([x0, y0, x0, y0], np.float32)
    described = describe_boxes(read, make_view(read, network.side)[0], in_view, confidence)
    auroras = [label for label in picture.labels if label.label == yolo.AURORA]
    true = to_corners([label for label in auroras if is_right(label)])
    ignored = to_corners([label for label in auroras if not is_right(label)])
    targets = find_targets(corners, true, ignored)
    counted = np.isfinite(targets).any(1)
    return Candidates(described.crops[counted].astype(np.float16), described.numbers[counted], targets[counted])


def find_targets(corners: FloatArray, true: FloatArray, ignored: FloatArray) -> FloatArray:
    """Compare boxes with auroras.

    Parameters
    ----------
    corners : (N, 4) float32
        By falling confidence.
    true, ignored : (T, 4), (U, 4) float32
        Corners of auroras that count, and of others.

    Returns
    -------
    (N, 2) float32, see `Candidates`
    """
    rank = np.arange(len(corners), 0, -1, dtype=np.float32)
    matches = match([(corners, rank)], [true], [ignored])
    right = np.full(len(corners), np.nan, np.float32)
    right[len(corners) - matches.confidence.astype(int)] = matches.correct
    overlap, inside = _find_overlap(corners, true)
    shown = (overlap >= SHOWN_IOU) | (inside >= SHOWN_INSIDE)
    is_faint = np.maximum(*_find_overlap(corners, ignored)) >= NEAR
    return np.stack([right, np.where(is_faint & ~shown, np.nan, shown)], 1).astype(np.float32)


def _find_overlap(corners: FloatArray, others: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the highest IoU of each box with one of the others, and the largest fraction of it inside one."""
    inside = shared_area(corners, others) / np.maximum(box_area(corners), 1e-6)[:, None]
    return box_iou(corners, others).max(1, initial=0), inside.max(1, initial=0)


def _to_array(boxes: Sequence[Box]) -> FloatArray:
    return np.array([(box.x0, box.y0, box.x1, box.y1) for box in boxes], np.float32).reshape(-1, 4)


def read_candidates(folders: Iterable[Path], weights: Path, processes: int | None) -> Candidates:
    """Find the candidates of all pictures of sets."""
    with ProcessPoolExecutor(processes) as pool:
        pictures = (picture for folder in folders for picture in read_set(folder))
        found = [some for some in pool.map(partial(find_candidates, weights=weights), pictures, chunksize=16) if some]
    return Candidates(
        *(np.concatenate([getattr(some, name) for some in found]) for name in ("crops", "numbers", "targets"))
    )


def train(candidates: Candidates, seed: int, epochs: int = EPOCHS) -> Rescoring:
    """Train one network; the same seed gives the same one."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    deviation = candidates.numbers.std(0) + np.float32(1e-3)
    network = Rescoring(candidates.numbers.mean(0), deviation)
    optimizer = torch.optim.AdamW(network.parameters(), LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    batches = max(len(candidates.targets) // BATCH, 1)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, epochs * batches)
    crops, numbers = torch.tensor(candidates.crops), torch.tensor(candidates.numbers)
    targets = torch.tensor(candidates.targets)
    for _ in range(epochs):
        order = torch.tensor(rng.permutation(len(targets)))
        for batch in order[: batches * BATCH].split(BATCH):
            logits, counted = network(_mirror(crops[batch].float(), rng), numbers[batch]), targets[batch].isfinite()
            loss = functional.binary_cross_entropy_with_logits(logits[counted], targets[batch][counted])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    network.eval()
    return network


def _mirror(crops: Tensor, rng: np.random.Generator) -> Tensor:
    """Mirror and transpose crops at random: the direction of the scan is no hint."""
    for axis in (2, 3):
        crops = crops.flip(axis) if rng.random() < 0.5 else crops
    return crops.transpose(2, 3) if rng.random() < 0.5 else crops


def export(networks: Sequence[Rescoring], data: Path, weights: Path, rescoring: Path) -> float:
    """Export the mean of networks, calibrated; return the threshold.

    ``weights`` are those of the first network; ``rescoring`` is replaced at the end.
    """
    buffer = io.BytesIO()
    example = (torch.zeros(2, CHANNELS, CROP_PX, CROP_PX), torch.zeros(2, NUMBERS))
    torch.onnx.export(
        Mean(networks).eval(), example, buffer, input_names=["crops", "numbers"], output_names=["logit"],
        opset_version=17, dynamo=False, dynamic_axes={name: {0: "boxes"} for name in ("crops", "numbers", "logit")},
    )  # fmt: skip
    graph = onnx.load_from_string(buffer.getvalue())
    temporary = rescoring.with_suffix(".tmp")

    def save(calibration: Calibration, last: Calibration, threshold: float) -> yolo.Yolo:
        facts = {
            "description": describe(),
            "calibration": astuple(calibration),
            "last_calibration": astuple(last),
            "threshold": threshold,
        }
        helper.set_model_props(graph, {name: json.dumps(value) for name, value in facts.items()})
        onnx.save(graph, temporary)
        yolo.load.cache_clear()
        return yolo.load(weights, temporary)

    def calibrate(network: yolo.Yolo) -> Calibration:
        matches = predict(network, list(read_set(data / RESCORING_CALIBRATION))).matches(yolo.AURORA)
        return fit_calibration(matches.confidence, matches.correct)

    raw = save(Calibration(), Calibration(), 0.5)
    calibration = calibrate(replace(raw, rescorer=raw.rescorer and replace(raw.rescorer, is_exclusive=False)))
    last = calibrate(save(calibration, Calibration(), 0.5))
    calibrated = predict(save(calibration, last, 0.5), list(read_set(data / RESCORING_SELECTION)))
    threshold = choose_thresholds(calibrated)[yolo.AURORA]
    save(calibration, last, threshold)
    os.replace(temporary, rescoring)
    return threshold


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("build/dataset"), help="folder of the labeled sets")
    parser.add_argument("--weights", type=Path, default=yolo.WEIGHTS, help="weights of the first network")
    parser.add_argument("--out", type=Path, default=yolo.RESCORING)
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    arguments = parser.parse_args()
    candidates = read_candidates(find_sets(arguments.data, RESCORING_SETS), arguments.weights, arguments.processes)
    right, shown = np.nanmean(candidates.targets, 0)
    print(f"{len(candidates.targets)} boxes, {right:.1%} right, {shown:.1%} show an aurora", flush=True)
    with ProcessPoolExecutor(arguments.processes, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        networks = list(pool.map(partial(train, candidates, epochs=arguments.epochs), range(NETWORKS)))
    threshold = export(networks, arguments.data, arguments.weights, arguments.out)
    print(f"{arguments.out}: {arguments.out.stat().st_size / 1e6:.2f} MB, threshold {threshold}")


if __name__ == "__main__":
    main()
