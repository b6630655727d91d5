"""Configuration of a training run: defaults, config files, command line."""

from __future__ import annotations

import argparse
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path


@dataclass(frozen=True)
class Config:
    """Parameters of a training run; files in configs/ contain those that differ from these defaults."""

    epochs: int = 12
    batch: int = 32
    learning_rate: float = 2e-3  # of AdamW; for Muon see `optimizer.PACE`
    weight_decay: float = 0.01
    warmup_steps: int = 100
    average: float = 0.999  # decay of the running mean of the weights, which is exported
    side: int = 256  # size of the network's square input, px; a multiple of 32
    channels: int = 16  # of the first layer: 16 is YOLOv5n
    seed: int = 1
    threads: int = 2
    pictures: str = "train,further,slivers"  # names of the training sets, folders of the data folder
    start: str = ""  # checkpoint with the initial weights; default random weights


def read_config(arguments: argparse.Namespace) -> Config:
    """Combine defaults, the config file and arguments; later ones take precedence."""
    config = Config()
    if arguments.config:
        path = Path(arguments.config)
        path = path if path.exists() else Path(__file__).parents[1] / "configs" / arguments.config
        config = replace(config, **tomllib.loads(path.read_text()))
    given = {field.name: getattr(arguments, field.name) for field in fields(Config)}
    return replace(config, **{name: value for name, value in given.items() if value is not None})


def parse_arguments(environment: Mapping[str, str], words: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line; default folders come from SageMaker's variables in ``environment``."""
    parser = argparse.ArgumentParser(description="Train YOLOv5n on labeled pictures")
    parser.add_argument("--config", help="TOML file, or the name of one in configs/")
    parser.add_argument("--data", type=Path, default=Path(environment.get("SM_CHANNEL_TRAINING", "build/dataset")))
    parser.add_argument("--model-dir", type=Path, default=Path(environment.get("SM_MODEL_DIR", "build/training")))
    for field in fields(Config):
        parser.add_argument(f"--{field.name}", type=type(field.default), help=f"default {field.default}")
    return parser.parse_args(words)
