"""Train the detector on labeled pictures; an interrupted run is resumed.

``python -m mars_aurora_model.train --config quick.toml --epochs 6``: defaults, then the config file, then arguments.
The script is also a SageMaker training job: hyperparameters are passed as arguments, folders in SM_* variables.
"""

from __future__ import annotations

import copy
import json
import math
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mars_aurora.catalogue.labels import CLASSES
from mars_aurora.detect.suppression import select
from mars_aurora.detect.view import CHANNELS
from mars_aurora.errors import UsageError
from mars_aurora.observation import FloatArray
from mars_aurora_model.config import Config, parse_arguments, read_config
from mars_aurora_model.examples import Examples, draw_batches, load_examples
from mars_aurora_model.labels import find_sets, read_set
from mars_aurora_model.loss import IGNORED, compute_loss
from mars_aurora_model.optimizer import MuonAdamW
from mars_aurora_model.scoring import match
from mars_aurora_model.yolov5 import YOLOv5


class Trainer:
    """One training run: model, running mean of its weights, optimizer and history; saved after every epoch."""

    def __init__(self, config: Config, folder: Path) -> None:
        torch.manual_seed(config.seed)
        torch.set_num_threads(config.threads)
        self.config, self.folder = config, folder
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.use_bfloat16 = self.device.type == "cuda" or has_bfloat16(torch.cpu.get_capabilities())
        self.model = YOLOv5(len(CLASSES), config.channels).to(self.device, memory_format=torch.channels_last)
        if config.start:
            state = torch.load(config.start, map_location=self.device, weights_only=True)
            self.model.load_state_dict(widen(state["mean"], CHANNELS))
        self.mean = copy.deepcopy(self.model).eval().requires_grad_(False)
        self.optimizer = MuonAdamW(self.model, config.learning_rate, config.weight_decay)
        self.history: list[dict[str, float]] = []
        self.step = 0

    @property
    def checkpoint(self) -> Path:
        return self.folder / "checkpoint.pt"

    def save(self) -> None:
        """Write a checkpoint from which the run can be resumed, its history and its configuration."""
        parts = {name: getattr(self, name).state_dict() for name in ("model", "mean", "optimizer")}
        state = {**parts, "history": self.history, "step": self.step, "config": asdict(self.config)}
        write_checkpoint(state, self.checkpoint)
        (self.folder / "history.json").write_text(json.dumps(self.history, indent=1))
        (self.folder / "config.json").write_text(json.dumps(asdict(self.config), indent=1))

    def resume(self) -> None:
        """Load the checkpoint if there is one; raises ValueError if its configuration differs."""
        if not self.checkpoint.exists():
            return
        state = torch.load(self.checkpoint, map_location=self.device, weights_only=True)
        if state["config"] != asdict(self.config):
            raise ValueError(
                f"{self.checkpoint} has another configuration, move it or change --model-dir: {state['config']}"
            )
        for name in ("model", "mean", "optimizer"):
            getattr(self, name).load_state_dict(state[name])
        self.history, self.step = state["history"], state["step"]

    def learning_rate(self, steps: int) -> float:
        """Return the learning rate of the step: linear warm-up, then cosine decay to 1 %."""
        config = self.config
        rise = min((self.step + 1) / config.warmup_steps, 1.0)
        fall = 0.01 + 0.99 * (1 + math.cos(math.pi * min(self.step / steps, 1.0))) / 2
        return config.learning_rate * rise * fall

    def train_epoch(self, examples: Examples, steps: int) -> float:
        """Train on all examples once; return the mean loss."""
        random = np.random.default_rng([self.config.seed, len(self.history)])  # same numbers in a resumed run
        self.model.train()
        losses: list[float] = []
        for images, targets in draw_batches(examples, self.config.batch, random):
            pixels = images.to(self.device, memory_format=torch.channels_last).float() / 255
            with torch.autocast(self.device.type, torch.bfloat16, enabled=self.use_bfloat16):
                raw = self.model(pixels)
            value = compute_loss(self.model, raw, targets.to(self.device))
            self.model.zero_grad()
            value.backward()
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), 10.0)
            self.optimizer.step(self.learning_rate(steps))
            self.update_mean()
            losses.append(value.item())
        return sum(losses) / len(losses)

    @torch.no_grad()
    def update_mean(self) -> None:
        """Update the running mean of the weights, with a shorter memory in the first steps."""
        self.step += 1
        decay = self.config.average * (1 - math.exp(-self.step / 200))
        for mean, now in zip(self.mean.state_dict().values(), self.model.state_dict().values(), strict=True):
            if mean.dtype.is_floating_point:
                mean.lerp_(now, 1 - decay)

    @torch.no_grad()
    def score(self, examples: Examples) -> dict[str, float]:
        """Return the average precision at IoU 0.5 of each class, with the box selection of the detector."""
        found = []
        for start in range(0, len(examples), self.config.batch):
            pixels = examples.images[start : start + self.config.batch].to(self.device).float() / 255
            outputs = self.mean.decode(self.mean(pixels)).cpu().numpy()
            found += [select(output, np.full(len(CLASSES), 0.01, np.float32)) for output in outputs]
        result = {}
        for number, name in enumerate(CLASSES):
            predictions = [(boxes[label == number], confidence[label == number]) for boxes, confidence, label in found]
            truths, ignored = (
                [_corners(target[target[:, 0] == kind, 1:].numpy()) for target in examples.targets]
                for kind in (number, IGNORED)
            )
            result[f"ap50_{name}"] = match(predictions, truths, ignored).average_precision()
        return result

    def run(self, training: Examples, validation: Examples) -> None:
        """Train the remaining epochs."""
        steps = self.config.epochs * max(len(training) // self.config.batch, 1)
        for epoch in range(len(self.history), self.config.epochs):
            wall, cpu = time.monotonic(), time.process_time()
            line: dict[str, float] = {"epoch": epoch + 1, "loss": self.train_epoch(training, steps)}
            line |= self.score(validation)
            line |= {"wall_s": time.monotonic() - wall, "cpu_s": time.process_time() - cpu}
            self.history.append(line)
            self.save()
            print(" ".join(f"{key} {value:.4g}" for key, value in line.items()), flush=True)


def widen(weights: Mapping[str, Tensor], channels: int) -> dict[str, Tensor]:
    """Give the first layer of a network weights of 0 for the channels of the view that were added after it."""
    name, first = next((name, values) for name, values in weights.items() if values.ndim == 4)
    added = channels - first.shape[1]
    return {**weights, name: torch.nn.functional.pad(first, (0, 0, 0, 0, 0, added))}


def has_bfloat16(capabilities: Mapping[str, Any]) -> bool:
    """Return whether a processor supports bfloat16 natively; otherwise bfloat16 is ten times slower than float32."""
    return any(capabilities.get(name) for name in ("avx512_bf16", "amx_bf16", "bf16"))


def write_checkpoint(state: Mapping[str, Any], path: Path) -> None:
    """Write a checkpoint atomically, creating its folder if missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    torch.save(state, temporary)
    os.replace(temporary, path)


def _corners(boxes: FloatArray) -> FloatArray:
    """Convert boxes (T, 4) from center and size to corners."""
    return np.hstack((boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2))


def main() -> None:
    from mars_aurora_model.learning_curve import plot_history  # noqa: PLC0415 -- matplotlib is needed only here

    arguments = parse_arguments(os.environ)
    config = read_config(arguments)
    try:
        *folders, validation = find_sets(arguments.data, (*config.pictures.split(","), "validation"))
    except UsageError as error:
        print(f"{Path(__file__).name}: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    trainer = Trainer(config, arguments.model_dir)
    trainer.resume()
    training = [picture for folder in folders for picture in read_set(folder)]
    trainer.run(load_examples(training, config.side), load_examples(list(read_set(validation)), config.side))
    plot_history(trainer.history, arguments.model_dir / "learning_curve.png")


if __name__ == "__main__":
    main()
