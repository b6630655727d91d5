"""Train our YOLOv5n and that of `ultralytics` on the same pictures and epochs, and score both: python -m bench.peer.

`ultralytics` is installed in its own environment, build/peer-venv, because of its license (AGPL) and its dependencies.
Each network trains for some minutes on a part of build/dataset, which `mars_aurora_model.dataset` writes. The scores of
the shipped weights, trained on the whole data set, are printed as well. Runs in the environment of `make train-setup`;
not part of `python -m bench`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from itertools import islice
from pathlib import Path

from mars_aurora.box import Box
from mars_aurora.catalogue.labels import CLASSES
from mars_aurora.detect.calibration import Calibration
from mars_aurora.detect.yolo import RESCORING, WEIGHTS, load
from mars_aurora_model import export, train
from mars_aurora_model.config import Config
from mars_aurora_model.dataset import TEST_SETS
from mars_aurora_model.evaluate import score
from mars_aurora_model.examples import load_examples
from mars_aurora_model.labels import read_set
from mars_aurora_model.predictions import FLOOR, Predictions, choose_thresholds, predict

DATA = Path("build/dataset").resolve()
PEER = Path("build/peer-venv").resolve()
PYTHON = str(PEER / "bin" / "python")
OURS = PEER / "ours.onnx"
LOCKED = Path("build/locked.txt").resolve()  # versions of the lock, written by `make train-setup`
SCORED = ("selection", *(name for name, _ in TEST_SETS.values()))
PRINTED = ("mars_found", "aurora_ap50", "precision", "recall", "image_precision", "image_recall")

# The parts of torchvision that ultralytics uses: the version, and nms, which ultralytics also implements itself.
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
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--pictures", type=int, default=1500)
    parser.add_argument("--epochs", type=int, default=24)
    arguments = parser.parse_args()
    if not (PEER / "bin" / "yolo").exists():
        install()
    train_peer(arguments.pictures, arguments.epochs)
    train_ours(arguments.pictures, arguments.epochs)
    print_scores()


def train_peer(count: int, epochs: int) -> None:
    names = (picture.name for picture in islice(read_set(DATA / "train"), count))
    (PEER / "train.txt").write_text("".join(f"{DATA}/train/images/{name}.png\n" for name in names))
    sets = {"path": str(DATA), "train": str(PEER / "train.txt"), "val": "validation/images", "names": list(CLASSES)}
    (PEER / "data.yaml").write_text(json.dumps(sets))  # JSON is YAML
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "YOLO_OFFLINE": "true", "YOLO_CONFIG_DIR": str(PEER)}
    options = [str(DATA), str(PEER), str(epochs), str(FLOOR), *SCORED]
    subprocess.run([PYTHON, "-c", TRAIN, *options], check=True, env=environment, cwd=PEER)


def train_ours(count: int, epochs: int) -> None:
    config = Config(epochs=epochs, batch=16, average=0.998, threads=1)  # suitable for a short training
    trainer = train.Trainer(config, PEER / "ours")
    trainer.resume()
    pictures = list(islice(read_set(DATA / "train"), count))
    validation = list(read_set(DATA / "validation"))
    trainer.run(load_examples(pictures, config.side), load_examples(validation, config.side))
    graph = export.to_onnx(export.load_model(trainer.checkpoint)[0], config.side)
    export.set_metadata(graph, dict.fromkeys(CLASSES, Calibration()), dict.fromkeys(CLASSES, 0.5))
    OURS.write_bytes(graph.SerializeToString())


def install() -> None:
    """Install ultralytics in its own environment, with a minimal replacement of torchvision, which has no CPU build."""
    subprocess.run([sys.executable, "-m", "venv", PEER], check=True)
    pip = [PYTHON, "-m", "pip", "install", "--quiet"]
    subprocess.run([*pip, "torch==2.13.0"], check=True)
    subprocess.run([*pip, "--no-deps", "ultralytics==8.4.190", "ultralytics-thop==2.2.3"], check=True)
    others = ["matplotlib", "numpy", "opencv-python-headless", "pillow", "polars", "psutil", "pyyaml", "requests"]
    subprocess.run([*pip, "--constraint", LOCKED, *others], check=True)
    site = next(PEER.glob("lib/python*/site-packages"))
    (site / "torchvision").mkdir()
    (site / "torchvision" / "__init__.py").write_text(SHIM)
    metadata = site / "torchvision-0.28.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: torchvision\nVersion: 0.28.0\n")


def read_peer(name: str) -> Predictions:
    pictures = list(read_set(DATA / name))
    found = json.loads((PEER / f"{name}.json").read_text())
    boxes = [[Box(CLASSES[kind], *rest) for kind, *rest in found[picture.name]] for picture in pictures]
    return Predictions(pictures, boxes)


def run_weights(weights: Path, name: str) -> Predictions:
    return predict(load(weights, RESCORING if weights == WEIGHTS else None), list(read_set(DATA / name)))


def print_scores() -> None:
    """Print the scores of each network at the thresholds chosen from its predictions on the selection set."""
    networks: dict[str, Callable[[str], Predictions]] = {
        "ultralytics": read_peer,
        "ours": partial(run_weights, OURS),
        "ours, as shipped": partial(run_weights, WEIGHTS),
    }
    for network, run in networks.items():
        thresholds = choose_thresholds(run("selection"))
        for name in SCORED[1:]:
            scores = score(run(name), thresholds)
            print(f"{name:10} {network:17} " + " ".join(f"{key} {scores[key]:.3f}" for key in PRINTED))


if __name__ == "__main__":
    main()
