"""Train `ultralytics` YOLOv5n on the same pictures, and score it by the same rules: python -m bench.peer.

It is installed aside, in build/peer-venv: its licence is the AGPL, and it asks for packages that have no place here.
Not among the quick ones: it trains for some 20 CPU minutes on build/dataset, which `mars_aurora_model.dataset` makes.
It runs in the environment of `make train-setup`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from mars_aurora.detector import load
from mars_aurora.messages import Box
from mars_aurora_model.evaluate import score
from mars_aurora_model.export import choose_thresholds
from mars_aurora_model.labels import CLASSES, read_set
from mars_aurora_model.predictions import FLOOR, Answered, ask

DATA = Path("build/dataset").resolve()
ASIDE = Path("build/peer-venv").resolve()
EPOCHS = 16
SCORED = ("selection", "test", "test_like")

# What it wants of torchvision is a version, and one function that it only takes if the real thing was loaded.
SHIM = f"__version__ = '0.{int(['2', '13'][1]) + 15}.0'\n"

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
        found = model.predict(path, imgsz=(256, 320), conf=floor, device="cpu", verbose=False)[0].boxes
        boxes[path.stem] = [[int(c), s, *xy] for c, s, xy in zip(found.cls, found.conf.tolist(), found.xyxy.tolist())]
    Path(out, name + ".json").write_text(json.dumps(boxes))
"""


def main() -> None:
    if not (ASIDE / "bin" / "yolo").exists():
        install()
    write_data_file()
    environment = {**os.environ, "YOLO_OFFLINE": "true", "YOLO_CONFIG_DIR": str(ASIDE)}
    words = [ASIDE / "bin" / "python", "-c", TRAIN, DATA, ASIDE, str(EPOCHS), str(FLOOR), *SCORED]
    subprocess.run(words, check=True, env=environment, cwd=ASIDE)
    print_scores()


def install() -> None:
    """Install it into an environment of its own, with an empty torchvision, which has no build for torch on CPU."""
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


def write_data_file() -> None:
    sets = {"path": str(DATA), "train": "train/images", "val": "validation/images", "names": list(CLASSES)}
    (ASIDE / "data.yaml").write_text(json.dumps(sets))  # JSON is YAML


def read_answers(name: str) -> Answered:
    pictures = list(read_set(DATA / name))
    found = json.loads((ASIDE / f"{name}.json").read_text())
    boxes = [[Box(CLASSES[kind], *rest) for kind, *rest in found[picture.name]] for picture in pictures]
    return Answered(pictures, boxes)


def print_scores() -> None:
    """Print both, each at the thresholds that its answers on the selection set give."""
    thresholds = choose_thresholds(read_answers("selection"))
    ours = load()
    for name in SCORED[1:]:
        for who, scores in (
            ("ours", score(ask(ours, list(read_set(DATA / name))), ours.thresholds)),
            ("ultralytics", score(read_answers(name), thresholds)),
        ):
            chosen = ("mars_found", "aurora_ap50", "precision", "recall", "image_precision", "image_recall")
            print(f"{name:10} {who:12} " + " ".join(f"{key} {scores[key]:.3f}" for key in chosen))


if __name__ == "__main__":
    main()
