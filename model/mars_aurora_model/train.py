"""Train the detector on labelled pictures; resumes where it was stopped.

``python -m mars_aurora_model.train --config quick.toml --epochs 6``: defaults, then the config's few lines, then
arguments. The same script is a SageMaker training job: hyperparameters arrive as arguments, folders in SM_* variables.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import os
import time
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mars_aurora.detect.yolo import VIEWS, look, placement, read_levels, select
from mars_aurora.picture import heatmap
from mars_aurora_model.labels import CLASSES, Picture, read_set, to_corners
from mars_aurora_model.optimiser import MuonAdamW
from mars_aurora_model.scoring import match
from mars_aurora_model.yolov5 import NEITHER, YOLOv5, loss

_SUNLESS = 0.1  # share of the pictures that are shown without the Sun's height, which not every picture tells


@dataclass(frozen=True)
class Config:
    """What a training run is made of; a file in configs/ names only what differs from this."""

    epochs: int = 12
    batch: int = 32
    learning_rate: float = 2e-3  # of all but filters, see `optimiser.PACE`
    weight_decay: float = 0.01
    warmup_steps: int = 100
    average: float = 0.999  # decay of the running mean of the weights, which is what is kept
    side: int = 256  # of the network's square input, px; a multiple of 32
    channels: int = 16  # of the first layer: 16 is YOLOv5n
    seed: int = 1
    threads: int = 2
    pictures: str = "train,further,slivers"  # names of the sets to learn from
    start: str = ""  # checkpoint whose weights to start from, instead of random ones


@dataclass
class Examples:
    """A set in memory, at the network's input size."""

    images: Tensor  # (N, 5, S, S) uint8
    targets: list[Tensor]  # (T, 5) each: class or NEITHER, centre x, y, width, height in input px

    def __len__(self) -> int:
        return len(self.targets)


def load_examples(pictures: Sequence[Picture], side: int) -> Examples:
    """Prepare pictures exactly as the detector does."""
    images = np.empty((len(pictures), VIEWS, side, side), np.uint8)

    def load(i: int) -> Tensor:
        picture = pictures[i]
        levels = read_levels(picture.png)
        images[i] = np.rint(look(levels, side, heatmap.read_sun(picture.png))[0] * 255)
        x0, y0, scale = placement(levels.shape, side)
        corners = to_corners(picture.labels) * scale + np.array([x0, y0, x0, y0], np.float32)
        low, high = np.hsplit(corners.clip(0, side), 2)
        number = [CLASSES.index(box.label) if box.learnt else NEITHER for box in picture.labels]
        rows = np.hstack((np.reshape(number, (-1, 1)), (low + high) / 2, high - low))
        return torch.from_numpy(rows.astype(np.float32))

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        targets = list(pool.map(load, range(len(pictures))))
    return Examples(torch.from_numpy(images), targets)


def draw_batches(examples: Examples, size: int, random: np.random.Generator) -> Iterator[tuple[Tensor, Tensor]]:
    """Shuffle, and turn and mirror at random; give images (B, 5, S, S) uint8 and targets (T, 6)."""
    side = examples.images.shape[-1]
    order = random.permutation(len(examples))
    for start in range(0, len(order) - len(order) % size or len(order), size):
        chosen = order[start : start + size]
        images = examples.images[torch.from_numpy(chosen)]
        mirrored, upended, transposed = torch.from_numpy(random.random((3, len(chosen))) < 0.5)
        images[torch.from_numpy(random.random(len(chosen)) < _SUNLESS), 3:] = 0
        images[mirrored] = images[mirrored].flip(3)
        images[upended] = images[upended].flip(2)
        images[transposed] = images[transposed].transpose(2, 3)
        rows = []
        for i, number in enumerate(chosen):
            boxes = examples.targets[number].clone()
            boxes[:, 1] = side - boxes[:, 1] if mirrored[i] else boxes[:, 1]
            boxes[:, 2] = side - boxes[:, 2] if upended[i] else boxes[:, 2]
            boxes = boxes[:, [0, 2, 1, 4, 3]] if transposed[i] else boxes
            rows.append(torch.cat((torch.full((len(boxes), 1), i), boxes), 1))
        yield images, torch.cat(rows)


class Trainer:
    """One training run: model, running mean of its weights, optimiser, history; saved after every epoch."""

    def __init__(self, config: Config, folder: Path) -> None:
        torch.manual_seed(config.seed)
        torch.set_num_threads(config.threads)
        self.config, self.folder = config, folder
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.narrow = self.device.type == "cuda" or has_bfloat16(torch.cpu.get_capabilities())
        self.model = YOLOv5(len(CLASSES), config.channels).to(self.device, memory_format=torch.channels_last)
        if config.start:
            state = torch.load(config.start, map_location=self.device, weights_only=True)
            self.model.load_state_dict(state["mean"])
        self.mean = copy.deepcopy(self.model).eval().requires_grad_(False)
        self.optimiser = MuonAdamW(self.model, config.learning_rate, config.weight_decay)
        self.history: list[dict[str, float]] = []
        self.step = 0

    @property
    def checkpoint(self) -> Path:
        return self.folder / "checkpoint.pt"

    def save(self) -> None:
        """Keep all that is needed to go on."""
        parts = {name: getattr(self, name).state_dict() for name in ("model", "mean", "optimiser")}
        state = {**parts, "history": self.history, "step": self.step, "config": asdict(self.config)}
        write_checkpoint(state, self.checkpoint)
        (self.folder / "history.json").write_text(json.dumps(self.history, indent=1))
        (self.folder / "config.json").write_text(json.dumps(asdict(self.config), indent=1))

    def resume(self) -> None:
        """Take up a checkpoint, if there is one; raises ValueError where it is of another configuration."""
        if not self.checkpoint.exists():
            return
        state = torch.load(self.checkpoint, map_location=self.device, weights_only=True)
        if state["config"] != asdict(self.config):
            raise ValueError(f"{self.checkpoint} was made with {state['config']}: move it away, or train elsewhere")
        for name in ("model", "mean", "optimiser"):
            getattr(self, name).load_state_dict(state[name])
        self.history, self.step = state["history"], state["step"]

    def learning_rate(self, steps: int) -> float:
        """Rise linearly at first, then fall on a cosine to a hundredth."""
        config = self.config
        rise = min((self.step + 1) / config.warmup_steps, 1.0)
        fall = 0.01 + 0.99 * (1 + math.cos(math.pi * min(self.step / steps, 1.0))) / 2
        return config.learning_rate * rise * fall

    def train_epoch(self, examples: Examples, steps: int) -> float:
        """Go through the examples once; returns the mean loss."""
        random = np.random.default_rng([self.config.seed, len(self.history)])  # a resumed run draws what it would have
        self.model.train()
        losses = []
        for images, targets in draw_batches(examples, self.config.batch, random):
            pixels = images.to(self.device, memory_format=torch.channels_last).float() / 255
            with torch.autocast(self.device.type, torch.bfloat16, enabled=self.narrow):
                raw = self.model(pixels)
            value = loss(self.model, raw, targets.to(self.device))
            self.model.zero_grad()
            value.backward()
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), 10.0)
            self.optimiser.step(self.learning_rate(steps))
            self.update_mean()
            losses.append(value.item())
        return sum(losses) / len(losses)

    @torch.no_grad()
    def update_mean(self) -> None:
        """Move the running mean of the weights; fast at first, when they are worth little."""
        self.step += 1
        decay = self.config.average * (1 - math.exp(-self.step / 200))
        for mean, now in zip(self.mean.state_dict().values(), self.model.state_dict().values(), strict=True):
            if mean.dtype.is_floating_point:
                mean.lerp_(now, 1 - decay)

    @torch.no_grad()
    def score(self, examples: Examples) -> dict[str, float]:
        """Average precision at IoU 0.5 of each class, by the very box selection that the detector uses."""
        found: list[tuple[Any, Any, Any]] = []
        for start in range(0, len(examples), self.config.batch):
            pixels = examples.images[start : start + self.config.batch].to(self.device).float() / 255
            answers = self.mean.decode(self.mean(pixels)).cpu().numpy()
            found += (select(answer, np.full(len(CLASSES), 0.01, np.float32)) for answer in answers)
        result = {}
        for number, name in enumerate(CLASSES):
            predictions = [(boxes[label == number], sure[label == number]) for boxes, sure, label in found]
            truths, doubtful = (
                [_corners(target[target[:, 0] == wanted, 1:].numpy()) for target in examples.targets]
                for wanted in (number, NEITHER)
            )
            result[f"ap50_{name}"] = match(predictions, truths, doubtful).average_precision()
        return result

    def run(self, training: Examples, validation: Examples) -> None:
        """Train what is left of the epochs."""
        steps = self.config.epochs * max(len(training) // self.config.batch, 1)
        for epoch in range(len(self.history), self.config.epochs):
            wall, cpu = time.monotonic(), time.process_time()
            line: dict[str, float] = {"epoch": epoch + 1, "loss": self.train_epoch(training, steps)}
            line |= self.score(validation)
            line |= {"wall_s": time.monotonic() - wall, "cpu_s": time.process_time() - cpu}
            self.history.append(line)
            self.save()
            print(" ".join(f"{key} {value:.4g}" for key, value in line.items()), flush=True)


def has_bfloat16(capabilities: Mapping[str, Any]) -> bool:
    """Say whether a processor reckons in bfloat16 itself; a training step takes ten times as long where it does not."""
    return any(capabilities.get(name) for name in ("avx512_bf16", "amx_bf16", "bf16"))


def write_checkpoint(state: Mapping[str, Any], path: Path) -> None:
    """Write a checkpoint, its folder too; by rename, so that a stop leaves the last one whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(".aside")
    torch.save(state, aside)
    os.replace(aside, path)


def _corners(boxes: Any) -> Any:  # noqa: ANN401 -- (T, 4) arrays in and out
    return np.hstack((boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2))


def plot_history(history: Sequence[Mapping[str, float]], path: Path) -> None:
    """Draw the learning curve."""
    from matplotlib.figure import Figure  # noqa: PLC0415 -- training does not need it

    figure = Figure((7, 3.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    epochs = [line["epoch"] for line in history]
    left.plot(epochs, [line["loss"] for line in history])
    left.set(xlabel="epoch", ylabel="training loss", yscale="log")
    for name in CLASSES:
        right.plot(epochs, [line[f"ap50_{name}"] for line in history], label=name)
    right.set(xlabel="epoch", ylabel="AP50 on the validation set", ylim=(0, 1.02))
    right.legend(loc="lower right")
    figure.savefig(path, dpi=110)


def read_config(arguments: argparse.Namespace) -> Config:
    """Defaults, then the lines of the config file, then arguments."""
    config = Config()
    if arguments.config:
        path = Path(arguments.config)
        path = path if path.exists() else Path(__file__).parents[1] / "configs" / arguments.config
        config = replace(config, **tomllib.loads(path.read_text()))
    given = {field.name: getattr(arguments, field.name) for field in fields(Config)}
    return replace(config, **{name: value for name, value in given.items() if value is not None})


def parse_arguments(environment: Mapping[str, str], words: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line; SageMaker's variables stand in for folders that are not given."""
    parser = argparse.ArgumentParser(description="Train YOLOv5n on labelled pictures")
    parser.add_argument("--config", help="a TOML file, or the name of one in configs/")
    parser.add_argument("--data", type=Path, default=Path(environment.get("SM_CHANNEL_TRAINING", "build/dataset")))
    parser.add_argument("--model-dir", type=Path, default=Path(environment.get("SM_MODEL_DIR", "build/training")))
    for field in fields(Config):
        parser.add_argument(f"--{field.name}", type=type(field.default), help=f"default {field.default}")
    return parser.parse_args(words)


def main() -> None:
    arguments = parse_arguments(os.environ)
    trainer = Trainer(read_config(arguments), arguments.model_dir)
    trainer.resume()
    side = trainer.config.side
    training = [picture for name in trainer.config.pictures.split(",") for picture in read_set(arguments.data / name)]
    validation = list(read_set(arguments.data / "validation"))
    trainer.run(load_examples(training, side), load_examples(validation, side))
    plot_history(trainer.history, arguments.model_dir / "learning_curve.png")


if __name__ == "__main__":
    main()
