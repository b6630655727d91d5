"""Training examples: pictures at the network's input size, and augmented batches of them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from mars_aurora.catalogue.labels import CLASSES
from mars_aurora.detect.view import CHANNELS, make_view, placement
from mars_aurora.picture import png
from mars_aurora.picture.heatmap import remove_pedestal
from mars_aurora_model.labels import LabeledPicture, to_corners
from mars_aurora_model.loss import IGNORED

_WITHOUT_SZA = 0.1  # fraction of the pictures in a batch without the channels that need the SZA


@dataclass
class Examples:
    """A set in memory, at the network's input size."""

    images: Tensor  # (N, 6, S, S) uint8
    targets: list[Tensor]  # (T, 5) each: class or IGNORED, center x, y, width, height in input px

    def __len__(self) -> int:
        return len(self.targets)


def load_examples(pictures: Sequence[LabeledPicture], side: int) -> Examples:
    """Convert pictures to network inputs of ``side`` px, with the functions of the detector."""
    images = np.empty((len(pictures), CHANNELS, side, side), np.uint8)

    def load(i: int) -> Tensor:
        labeled = pictures[i]
        picture = remove_pedestal(png.read(labeled.png))
        images[i] = np.rint(make_view(picture, side)[0] * 255)
        x0, y0, scale = placement(picture.levels.shape, side)
        corners = to_corners(labeled.labels) * scale + np.array([x0, y0, x0, y0], np.float32)
        low, high = np.hsplit(corners.clip(0, side), 2)
        number = [CLASSES.index(box.label) if box.trained_on else IGNORED for box in labeled.labels]
        rows = np.hstack((np.reshape(number, (-1, 1)), (low + high) / 2, high - low))
        return torch.from_numpy(rows.astype(np.float32))

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        targets = list(pool.map(load, range(len(pictures))))
    return Examples(torch.from_numpy(images), targets)


def draw_batches(examples: Examples, size: int, random: np.random.Generator) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield shuffled batches, mirrored and transposed at random: images (B, 6, S, S) uint8 and targets (T, 6).

    A random fraction of the pictures lacks the channels that need the SZA, since not every PNG has SZA coefficients.
    """
    side = examples.images.shape[-1]
    order = random.permutation(len(examples))
    for start in range(0, len(order) - len(order) % size or len(order), size):
        chosen = order[start : start + size]
        images = examples.images[torch.from_numpy(chosen)]
        mirrored, flipped, transposed = torch.from_numpy(random.random((3, len(chosen))) < 0.5)
        images[torch.from_numpy(random.random(len(chosen)) < _WITHOUT_SZA), 3:] = 0
        images[mirrored] = images[mirrored].flip(3)
        images[flipped] = images[flipped].flip(2)
        images[transposed] = images[transposed].transpose(2, 3)
        rows = []
        for i, number in enumerate(chosen):
            boxes = examples.targets[number].clone()
            boxes[:, 1] = side - boxes[:, 1] if mirrored[i] else boxes[:, 1]
            boxes[:, 2] = side - boxes[:, 2] if flipped[i] else boxes[:, 2]
            boxes = boxes[:, [0, 2, 1, 4, 3]] if transposed[i] else boxes
            rows.append(torch.cat((torch.full((len(boxes), 1), i), boxes), 1))
        yield images, torch.cat(rows)
