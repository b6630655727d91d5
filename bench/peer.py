"""Train our YOLOv5n and that of `ultralytics` on the same pictures, alike long, and score both: python -m bench.peer.

The peer is installed aside, in build/peer-venv: its licence is the AGPL, and it asks for packages that have no place
here. Not among the quick ones: each trains for some minutes, on a part of build/dataset, which
`mars_aurora_model.dataset` makes. The shipped weights, learnt from all of that, are printed as well. It runs in the
environment of `make train-setup`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from functools import partial
from itertools import islice
from pathlib import Path

from mars_aurora.box import Box
from mars_aurora.detect.yolo import WEIGHTS, load
from mars_aurora_model import export, train
from mars_aurora_model.dataset import TEST_SETS
from mars_aurora_model.evaluate import score
from mars_aurora_model.labels import CLASSES, read_set
from mars_aurora_model.predictions import FLOOR, Answered, ask, choose_thresholds

DATA = Path("build/dataset").resolve()
ASIDE = Path("build/peer-venv").resolve()
OURS = ASIDE / "ours.onnx"
SCORED = ("selection", *(name for name, _ in TEST_SETS.values()))

# What it wants of torchvision: a version, and a suppression of boxes, for which it has a stand-in of its own.
SHIM = """
__version__ = "0.28.0"
class ops:
    @staticmethod
    def nms(boxes, scores, overlap):
        from ultralytics.utils.nms import TorchNMS
        return TorchNMS.nms(boxes, scores, overlap)
"""

TRAIN = """
import json, sys
from pathlib import Path
from ultralytics import YOLO
data, out, epochs, floor, sets = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4]), sys.argv[5:]
model = YOLO("yolov5n.yaml")
model.train(data=out + "/data.yaml", epochs=epochs, imgsz=320, batch=16, device="cpu", workers=0, seed=1, cache="ram",
            optimizer="AdamW", lr0=2e-3, cos_lr=True, mosaic=0.0, flipud=0.5, fliplr=0.5, hsv_h=0.0, hsv_s=0.0,
            hsv_v=0.0, translate=0.0, scale=0.0, erasing=0.0, project=out, name="run", exist_ok=True, plots=False,
            verbose=False)
model = YOLO(out + "/run/weights/last.pt")
for name in sets:
    boxes = {}
    for path in sorted(Path(data, name, "images").glob("*.png")):
        found = model.predict(path, imgsz=320, conf=floor, device="cpu", verbose=False)[0].boxes
        boxes[path.stem] = [[int(c), s, *xy] for c, s, xy in zip(found.cls, found.conf.tolist(), found.xyxy.tolist())]
    Path(out, name + ".json").write_text(json.dumps(boxes))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=int, default=1500)
    parser.add_argument("--epochs", type=int, default=24)
    arguments = parser.parse_args()
    if not (ASIDE / "bin" / "yolo").exists():
        install()
    train_peer(arguments.pictures, arguments.epochs)
    train_ours(arguments.pictures, arguments.epochs)
    print_scores()


def train_peer(count: int, epochs: int) -> None:
    names = (picture.name for picture in islice(read_set(DATA / "train"), count))
    (ASIDE / "train.txt").write_text("".join(f"{DATA}/train/images/{name}.png\n" for name in names))
    sets = {"path": str(DATA), "train": str(ASIDE / "train.txt"), "val": "validation/images", "names": list(CLASSES)}
    (ASIDE / "data.yaml").write_text(json.dumps(sets))  # JSON is YAML
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "YOLO_OFFLINE": "true", "YOLO_CONFIG_DIR": str(ASIDE)}
    words = [ASIDE / "bin" / "python", "-c", TRAIN, DATA, ASIDE, str(epochs), str(FLOOR), *SCORED]
    subprocess.run(words, check=True, env=environment, cwd=ASIDE)


def train_ours(count: int, epochs: int) -> None:
    config = train.Config(epochs=epochs, batch=16, average=0.998, threads=1)  # what suits so short a training
    trainer = train.Trainer(config, ASIDE / "ours")
    trainer.resume()
    pictures = list(islice(read_set(DATA / "train"), count))
    validation = list(read_set(DATA / "validation"))
    trainer.run(train.load_examples(pictures, config.side), train.load_examples(validation, config.side))
    graph = export.to_onnx(export.load_model(trainer.checkpoint)[0], config.side, dict.fromkeys(CLASSES, 0.5))
    OURS.write_bytes(graph.SerializeToString())


def install() -> None:
    """Install it into an environment of its own, with a stand-in for torchvision, which has no build for a CPU."""
    subprocess.run([sys.executable, "-m", "venv", ASIDE], check=True)
    pip = [ASIDE / "bin" / "python", "-m", "pip", "install", "--quiet"]
    subprocess.run([*pip, "torch==2.13.0"], check=True)
    subprocess.run([*pip, "--no-deps", "ultralytics", "ultralytics-thop"], check=True)
    others = ["matplotlib", "numpy", "opencv-python-headless", "pillow", "polars", "psutil", "pyyaml", "requests"]
    subprocess.run([*pip, *others], check=True)
    site = next(ASIDE.glob("lib/python*/site-packages"))
    (site / "torchvision").mkdir()
    (site / "torchvision" / "__init__.py").write_text(SHIM)
    facts = site / "torchvision-0.28.0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: torchvision\nVersion: 0.28.0\n")


def read_answers(name: str) -> Answered:
    pictures = list(read_set(DATA / name))
    found = json.loads((ASIDE / f"{name}.json").read_text())
    boxes = [[Box(CLASSES[kind], *rest) for kind, *rest in found[picture.name]] for picture in pictures]
    return Answered(pictures, boxes)


def ask_weights(weights: Path, name: str) -> Answered:
    return ask(load(weights), list(read_set(DATA / name)))


def print_scores() -> None:
    """Print each at the thresholds that its answers on the selection set give."""
    ways = {
        "ultralytics": read_answers,
        "ours": partial(ask_weights, OURS),
        "ours, as shipped": partial(ask_weights, WEIGHTS),
    }
    for who, answer in ways.items():
        thresholds = choose_thresholds(answer("selection"))
        for name in SCORED[1:]:
            scores = score(answer(name), thresholds)
            chosen = ("mars_found", "aurora_ap50", "precision", "recall", "image_precision", "image_recall")
            print(f"{name:10} {who:17} " + " ".join(f"{key} {scores[key]:.3f}" for key in chosen))


if __name__ == "__main__":
    main()
