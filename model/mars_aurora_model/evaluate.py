"""Score the detector on sets that it has not seen: the README's table, the figures, METRICS.json.

``python -m mars_aurora_model.evaluate``: Mars and auroras in worlds like and unlike the learnt one, next to the
criterion in print (`mars_aurora.detect.threshold`), recall by brightness and size, a rate of false alarms for each
false friend.
"""

from __future__ import annotations

import argparse
import hashlib
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
from mars_aurora.detect.yolo import WEIGHTS, load
from mars_aurora_model import evaluation_figures
from mars_aurora_model.dataset import TEST_SETS, TEST_WORLDS, preprocess, read_real_pictures
from mars_aurora_model.labels import Label, hash_sets, read_set
from mars_aurora_model.predictions import Answered, ask
from mars_aurora_model.simulator.simulate import observe

BRIGHTNESS_R = ((2, 5), (5, 10), (10, np.inf))
SIZE_PX = ((0, 25), (25, 60), (60, np.inf))  # root of the box's area, on the canvas
CRITERION = {"mars": 0.0, "aurora": 0.0}  # it has no confidence to cut at


def score(answered: Answered, thresholds: Mapping[str, float]) -> dict[str, Any]:
    """Score one detector on pictures with auroras, at its thresholds; average precision over all confidences."""
    mars, aurora = answered.matches("mars"), answered.matches("aurora")
    labels = [box for picture in answered.pictures for box in picture.visible("aurora")]
    found = aurora.found_at >= max(thresholds["aurora"], 1e-6)
    precision, recall = aurora.at(max(thresholds["aurora"], 1e-6))
    image_precision, image_recall = answered.image_level(max(thresholds["aurora"], 1e-6))
    return {
        "pictures": len(answered.pictures),
        "auroras": len(labels),
        "mars_found": mars.at(max(thresholds["mars"], 1e-6))[1],
        "aurora_ap50": aurora.average_precision(),
        "precision": precision,
        "recall": recall,
        "image_precision": image_precision,
        "image_recall": image_recall,
        "recall_by_brightness": break_down(found, [box.brightness_R or 0 for box in labels], BRIGHTNESS_R, "R"),
        "recall_by_size": break_down(found, [size_px(box) for box in labels], SIZE_PX, "px"),
    }


def size_px(box: Label) -> float:
    return float(np.sqrt((box.x1 - box.x0) * (box.y1 - box.y0)))


def break_down(
    found: NDArray[np.bool_], values: Sequence[float], ranges: Sequence[tuple[float, float]], unit: str
) -> dict[str, tuple[float | None, int]]:
    """Give recall, and number of true boxes, for each range of a value; None where there is no such box."""
    result: dict[str, tuple[float | None, int]] = {}
    for low, high in ranges:
        inside = (np.array(values) >= low) & (np.array(values) < high)
        name = f"{low} to {high} {unit}" if np.isfinite(high) else f"over {low} {unit}"
        result[name] = (float(found[inside].mean()) if inside.any() else None, int(inside.sum()))
    return result


def false_alarms(answered: Answered, least: float) -> float:
    """Share of the pictures, none of which holds an aurora, in which one is seen."""
    return float(np.mean([answered.surest(i) >= max(least, 1e-6) for i in range(len(answered.pictures))]))


def ask_criterion(answered: Answered) -> Answered:
    """Ask the criterion in print about the observations behind the same pictures, simulated again."""
    names = [picture.name for picture in answered.pictures]
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        return Answered(answered.pictures, list(pool.map(_apply_criterion, names, chunksize=8)))


def _apply_criterion(name: str) -> list[Box]:
    group, _, index = name.rpartition("-")
    world, seed = TEST_WORLDS[group]
    simulated = observe(world, seed, int(index))
    return threshold.detect(*preprocess(simulated.name.removesuffix(".gz"), simulated.to_fits()))


def evaluate(data: Path, weights: Path, real: Path | None) -> tuple[dict[str, Any], dict[str, Answered]]:
    """Score network and criterion on every set: the figures, and the answers on the test sets."""
    network = load(weights)
    least = network.thresholds["aurora"]
    answers, alarms = {}, {}
    for name, _ in TEST_SETS.values():
        answers[name] = ask(network, list(read_set(data / name)))
        answers[f"{name} by criterion"] = ask_criterion(answers[name])
    for folder in sorted((data / "false_friends").iterdir()):
        friend = ask(network, list(read_set(folder)))
        alarms[folder.name] = {"network": false_alarms(friend, least)}
        if folder.name != "white_areas":  # they are painted on the picture, which the criterion does not look at
            alarms[folder.name]["criterion"] = false_alarms(ask_criterion(friend), 0)
    if real:
        alarms["real_iuvs"] = {"network": false_alarms(ask(network, list(read_real_pictures(real))), least)}
    scores = {
        name: score(answer, CRITERION if "criterion" in name else network.thresholds)
        for name, answer in answers.items()
    }
    return {"thresholds": dict(network.thresholds), "scores": scores, "false_alarms": alarms}, answers


def describe_origin(data: Path, weights: Path, training: Path) -> dict[str, Any]:
    """Say what the weights are and what they were made from."""
    config = json.loads((training / "config.json").read_text())
    learnt_from = [data / name for name in (*config["pictures"].split(","), "validation", "selection")]
    revision = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],  # noqa: S607 -- git wherever it is installed
        cwd=Path(__file__).parent, capture_output=True, text=True, check=False,
    ).stdout.strip()  # fmt: skip
    return {
        "weights_sha256": hashlib.sha256(weights.read_bytes()).hexdigest(),
        "data_sha256": hash_sets(learnt_from),
        "code_version": f"{__version__} {revision}".strip(),
        "config": config,
    }


def print_table(figures: Mapping[str, Any]) -> None:
    """Print the README's table."""
    columns = list(figures["scores"].values())
    print("| | " + " | ".join(figures["scores"]) + " |\n|---|" + "---:|" * len(columns))
    for key, name in {
        "pictures": "pictures", "auroras": "auroras", "mars_found": "Mars found", "aurora_ap50": "aurora AP50",
        "precision": "precision of boxes", "recall": "recall of boxes", "image_precision": "precision of pictures",
        "image_recall": "recall of pictures",
    }.items():  # fmt: skip
        print(f"| {name} | " + " | ".join(f"{column[key]:.4g}" for column in columns) + " |")
    for key, name in (("recall_by_brightness", "recall"), ("recall_by_size", "recall")):
        for part in columns[0][key]:
            cells = (column[key][part] for column in columns)
            print(f"| {name}, {part} | " + " | ".join("-" if r is None else f"{r:.3f} ({n})" for r, n in cells) + " |")
    print("\n| pictures without aurora | network sees one in | criterion sees one in |\n|---|---:|---:|")
    for name, rates in figures["false_alarms"].items():
        criterion = f"{rates['criterion']:.1%}" if "criterion" in rates else "-"
        print(f"| {name.replace('_', ' ')} | {rates['network']:.1%} | {criterion} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("build/dataset"))
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    parser.add_argument("--real", type=Path, help="folder of real IUVS swaths of the day side, which hold no aurora")
    parser.add_argument("--training", type=Path, help="folder of the training run; METRICS.json is written if given")
    parser.add_argument("--out", type=Path, default=Path("build/evaluation"), help="for the figures and METRICS.json")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    figures, answers = evaluate(arguments.data, arguments.weights, arguments.real)
    print_table(figures)
    evaluation_figures.draw(answers, figures, arguments.out)
    if arguments.training:
        origin = describe_origin(arguments.data, arguments.weights, arguments.training)
        (arguments.out / "METRICS.json").write_text(json.dumps(origin | figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
