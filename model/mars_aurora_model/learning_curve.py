"""Figure of a training run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.figure import Figure

from mars_aurora.catalogue.labels import CLASSES


def plot_history(history: Sequence[Mapping[str, float]], path: Path) -> None:
    """Draw training loss and AP50 on the validation set by epoch."""
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
