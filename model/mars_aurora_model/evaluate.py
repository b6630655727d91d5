"""Evaluate the detector on sets it was not trained on: the README's table, the figures, METRICS.json.

``python -m mars_aurora_model.evaluate`` scores Mars and auroras in and out of the training distribution, for the
network and for the published criterion (`mars_aurora.detect.threshold`); recall by brightness and size; and the false
alarm rate on each set of hard negatives.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mars_aurora import __version__
from mars_aurora.box import Box
from mars_aurora.detect import threshold
from mars_aurora.detect.detectors import hash_files
from mars_aurora.detect.yolo import RESCORING, WEIGHTS, load
from mars_aurora.geometry.canvas import unpack_geometry
from mars_aurora_model import evaluation_figures
from mars_aurora_model.dataset import (
    RESCORING_CALIBRATION,
    RESCORING_SELECTION,
    RESCORING_SETS,
    TEST_SETS,
    TEST_WORLDS,
    preprocess,
    read_real_pictures,
)
from mars_aurora_model.labels import Label, LabeledPicture, hash_sets, read_set
from mars_aurora_model.predictions import Predictions, predict
from mars_aurora_model.scoring import expected_calibration_error
from mars_aurora_model.simulator.simulate import observe

BRIGHTNESS_R = ((2, 5), (5, 10), (10, np.inf))
SIZE_PX = ((0, 25), (25, 60), (60, np.inf))  # square root of the box area on the canvas
CRITERION = {"mars": 0.0, "aurora": 0.0}  # thresholds of the published criterion, which has no confidence


def score(predictions: Predictions, thresholds: Mapping[str, float]) -> dict[str, Any]:
    """Score a detector at its thresholds on pictures with auroras; average precision is over all confidences."""
    mars, aurora = predictions.matches("mars"), predictions.matches("aurora")
    labels = [box for picture in predictions.pictures for box in picture.visible("aurora")]
    least = _positive(thresholds["aurora"])
    found = aurora.found_at >= least
    precision, recall = aurora.at(least)
    image_precision, image_recall = predictions.image_level(least)
    return {
        "pictures": len(predictions.pictures),
        "auroras": len(labels),
        "mars_found": mars.at(_positive(thresholds["mars"]))[1],
        "aurora_ap50": aurora.average_precision(),
        "calibration_error": expected_calibration_error(aurora.confidence, aurora.correct),
        "precision": precision,
        "recall": recall,
        "image_precision": image_precision,
        "image_recall": image_recall,
        "recall_by_brightness": break_down(found, [box.brightness_R or 0 for box in labels], BRIGHTNESS_R, "R"),
        "recall_by_size": break_down(found, [size_px(box) for box in labels], SIZE_PX, "px"),
    }


def _positive(threshold: float) -> float:
    """Raise a threshold of 0, since 0 is the confidence of objects that are not found."""
    return max(threshold, 1e-6)


def size_px(box: Label) -> float:
    return float(np.sqrt((box.x1 - box.x0) * (box.y1 - box.y0)))


def break_down(
    found: NDArray[np.bool_], values: Sequence[float], ranges: Sequence[tuple[float, float]], unit: str
) -> dict[str, tuple[float | None, int]]:
    """Return recall and number of true boxes for each range of a value; recall is None without boxes."""
    result: dict[str, tuple[float | None, int]] = {}
    for low, high in ranges:
        inside = (np.array(values) >= low) & (np.array(values) < high)
        name = f"{low} to {high} {unit}" if np.isfinite(high) else f"over {low} {unit}"
        result[name] = (float(found[inside].mean()) if inside.any() else None, int(inside.sum()))
    return result


def predict_by_criterion(pictures: Sequence[LabeledPicture]) -> Predictions:
    """Apply the published criterion to the observations of simulated pictures, which are simulated again."""
    names = [picture.name for picture in pictures]
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        return Predictions(pictures, list(pool.map(_apply_criterion, names, chunksize=8)))


def _apply_criterion(name: str) -> list[Box]:
    group, _, index = name.rpartition("-")
    world, seed = TEST_WORLDS[group]
    simulated = observe(world, seed, int(index))
    _, geometry = preprocess(simulated.plain_name, simulated.to_fits())
    return threshold.find(*unpack_geometry(geometry))


def evaluate(
    data: Path, weights: Path, rescoring: Path, real: Path | None
) -> tuple[dict[str, Any], dict[str, Predictions]]:
    """Score network and criterion on every set; return the figures, and the predictions on the test sets."""
    network = load(weights, rescoring)
    least = network.thresholds["aurora"]
    predictions: dict[str, Predictions] = {}
    alarms: dict[str, dict[str, float]] = {}
    for name, _ in TEST_SETS.values():
        pictures = list(read_set(data / name))
        predictions[name] = predict(network, pictures)
        predictions[f"{name} by criterion"] = predict_by_criterion(pictures)
    for folder in sorted((data / "false_friends").iterdir()):
        pictures = list(read_set(folder))
        alarms[folder.name] = {"network": predict(network, pictures).false_alarms(least)}
        if folder.name != "white_areas":  # painted on the picture; the criterion reads the observation
            alarms[folder.name]["criterion"] = predict_by_criterion(pictures).false_alarms(_positive(0))
    if real:
        alarms["real_iuvs"] = {"network": predict(network, list(read_real_pictures(real))).false_alarms(least)}
    scores = {
        name: score(found, CRITERION if "criterion" in name else network.thresholds)
        for name, found in predictions.items()
    }
    return {"thresholds": dict(network.thresholds), "scores": scores, "false_alarms": alarms}, predictions


def describe_origin(data: Path, weights: Sequence[Path], training: Path) -> dict[str, Any]:
    """Return the provenance of the weights: hashes, code version and training configuration."""
    config = json.loads((training / "config.json").read_text())
    own = "validation", "calibration", "selection", *RESCORING_SETS, RESCORING_CALIBRATION, RESCORING_SELECTION
    sources = [data / name for name in (*config["pictures"].split(","), *own)]
    revision = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],  # noqa: S607 -- git is found by PATH
        cwd=Path(__file__).parent, capture_output=True, text=True, check=False,
    ).stdout.strip()  # fmt: skip
    return {
        "weights_sha256": hash_files(weights),
        "data_sha256": hash_sets(sources),
        "code_version": f"{__version__} {revision}".strip(),
        "config": config,
    }


def print_table(figures: Mapping[str, Any]) -> None:
    """Print the README's table."""
    columns = list(figures["scores"].values())
    print("| | " + " | ".join(figures["scores"]) + " |\n|---|" + "---:|" * len(columns))
    for key, name in {
        "pictures": "pictures", "auroras": "auroras", "mars_found": "Mars found", "aurora_ap50": "aurora AP50",
        "calibration_error": "expected calibration error",
        "precision": "precision of boxes", "recall": "recall of boxes", "image_precision": "precision of pictures",
        "image_recall": "recall of pictures",
    }.items():  # fmt: skip
        print(f"| {name} | " + " | ".join(f"{column[key]:.4g}" for column in columns) + " |")
    for key, name in (("recall_by_brightness", "recall"), ("recall_by_size", "recall")):
        for part in columns[0][key]:
            cells = (column[key][part] for column in columns)
            print(f"| {name}, {part} | " + " | ".join("-" if r is None else f"{r:.3f} ({n})" for r, n in cells) + " |")
    print("\n| pictures without aurora | false alarms, network | false alarms, criterion |\n|---|---:|---:|")
    for name, rates in figures["false_alarms"].items():
        criterion = f"{rates['criterion']:.1%}" if "criterion" in rates else "-"
        print(f"| {name.replace('_', ' ')} | {rates['network']:.1%} | {criterion} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("build/dataset"))
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    parser.add_argument("--rescoring", type=Path, default=RESCORING)
    parser.add_argument("--real", type=Path, help="folder of real day-side IUVS swaths, which contain no aurora")
    parser.add_argument("--training", type=Path, help="folder of the training run; needed to write METRICS.json")
    parser.add_argument(
        "--out", type=Path, default=Path("build/evaluation"), help="folder for figures and METRICS.json"
    )
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    figures, predictions = evaluate(arguments.data, arguments.weights, arguments.rescoring, arguments.real)
    print_table(figures)
    evaluation_figures.draw(predictions, figures, arguments.out)
    if arguments.training:
        origin = describe_origin(arguments.data, (arguments.weights, arguments.rescoring), arguments.training)
        (arguments.out / "METRICS.json").write_text(json.dumps(origin | figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
