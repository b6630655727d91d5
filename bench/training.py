"""Time of a training step in 32 and in 16 bits on this machine: python -m bench.training.

Runs in the environment of `make train-setup`, on the first pictures of build/dataset; not part of `python -m bench`.
"""

from __future__ import annotations

import time
from itertools import islice
from pathlib import Path
from statistics import median

import numpy as np

from mars_aurora_model.config import Config
from mars_aurora_model.examples import Examples, load_examples
from mars_aurora_model.labels import read_set
from mars_aurora_model.train import Trainer

STEPS = 5


def main() -> None:
    config = Config()
    pictures = list(islice(read_set(Path("build/dataset/validation")), config.batch))
    examples = load_examples(pictures, config.side)
    for bits, use_bfloat16 in ((32, False), (16, True)):
        trainer = Trainer(config, Path("build/bench"))
        default = " (default on this machine)" if use_bfloat16 == trainer.use_bfloat16 else ""
        trainer.use_bfloat16 = use_bfloat16
        wall_s, cpu_s = np.transpose([time_step(trainer, examples) for _ in range(STEPS)])
        print(f"a step in {bits} bits{default} | {median(wall_s):.2f} s, {median(cpu_s):.2f} s CPU")


def time_step(trainer: Trainer, examples: Examples) -> tuple[float, float]:
    wall, cpu = time.monotonic(), time.process_time()
    trainer.train_epoch(examples, steps=1000)
    return time.monotonic() - wall, time.process_time() - cpu


if __name__ == "__main__":
    main()
