"""Loss of YOLOv5: assignment of targets to anchors, box (CIoU), objectness and class loss."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F  # noqa: N812 -- conventional name
from torch import Tensor

from mars_aurora_model.yolov5 import STRIDES, YOLOv5

IGNORED = -1  # class of boxes whose cells do not contribute to the loss
LEVEL_WEIGHTS = (4.0, 1.0, 0.4)  # objectness: fine levels have many cells and few objects
BOX, OBJECTNESS, CLASS = 0.05, 0.25, 0.1  # weights of the losses; see LOG.md for that of classes
ANCHOR_RATIO = 4.0  # largest ratio of sides between a target and an anchor assigned to it


def ciou(a: Tensor, b: Tensor) -> Tensor:
    """Return the complete IoU (Zheng et al. 2020) of boxes (N, 4), given as center and size; (N,)."""
    low = torch.maximum(a[:, :2] - a[:, 2:] / 2, b[:, :2] - b[:, 2:] / 2)
    high = torch.minimum(a[:, :2] + a[:, 2:] / 2, b[:, :2] + b[:, 2:] / 2)
    intersection = (high - low).clamp(min=0).prod(1)
    iou = intersection / (a[:, 2:].prod(1) + b[:, 2:].prod(1) - intersection + 1e-7)
    hull_low = torch.minimum(a[:, :2] - a[:, 2:] / 2, b[:, :2] - b[:, 2:] / 2)
    hull_high = torch.maximum(a[:, :2] + a[:, 2:] / 2, b[:, :2] + b[:, 2:] / 2)
    diagonal = (hull_high - hull_low).square().sum(1) + 1e-7
    distance = (a[:, :2] - b[:, :2]).square().sum(1) / diagonal
    aspect = (4 / math.pi**2) * (torch.atan(b[:, 2] / b[:, 3]) - torch.atan(a[:, 2] / (a[:, 3] + 1e-7))).square()
    with torch.no_grad():
        weight = aspect / (aspect - iou + 1 + 1e-7)
    return iou - distance - weight * aspect


def assign(targets: Tensor, anchors: Tensor, stride: int, rows: int, columns: int) -> tuple[Tensor, Tensor, Tensor]:
    """Assign targets to cells and anchors of one level.

    A target is assigned to each anchor of similar shape, in its own cell and the two nearest neighbors.

    Parameters
    ----------
    targets : (T, 6) tensor: image in the batch, class, center x, y, width, height in input px
    anchors : (A, 2) tensor, input px

    Returns
    -------
    where : (M, 4) long tensor: image, anchor, row, column
    boxes : (M, 4) tensor: center relative to the cell, and size, in cells
    classes : (M,) long tensor
    """
    scaled = targets.clone()
    scaled[:, 2:] /= stride
    ratio = scaled[:, None, 4:] / (anchors / stride)[None]  # (T, A, 2)
    similar = torch.maximum(ratio, 1 / ratio).amax(2) < ANCHOR_RATIO
    target, anchor = similar.nonzero(as_tuple=True)
    chosen = scaled[target]
    offsets = torch.tensor([[0, 0], [-0.5, 0], [0.5, 0], [0, -0.5], [0, 0.5]], device=targets.device)
    shifted = chosen[None, :, 2:4] + offsets[:, None]  # (5, M, 2)
    cell = shifted.floor().long()
    inside = (cell >= 0).all(2) & (cell[..., 0] < columns) & (cell[..., 1] < rows)
    moved = (cell != cell[:1]).any(2)  # half a cell aside is another cell only toward the two nearest neighbors
    moved[0] = True
    keep = inside & moved
    _, which = keep.nonzero(as_tuple=True)
    xy = cell[keep]
    chosen, anchor = chosen[which], anchor[which]
    where = torch.stack((chosen[:, 0].long(), anchor, xy[:, 1], xy[:, 0]), 1)
    return where, torch.cat((chosen[:, 2:4] - xy, chosen[:, 4:]), 1), chosen[:, 1].long()


def mark_outside(boxes: Tensor, stride: int, like: Tensor) -> Tensor:
    """Return 0 for the cells of one level that boxes (T, 6) overlap and 1 elsewhere, in the shape of ``like``."""
    outside = torch.ones_like(like)
    low = ((boxes[:, 2:4] - boxes[:, 4:] / 2) / stride).floor().long().clamp(min=0)
    high = ((boxes[:, 2:4] + boxes[:, 4:] / 2) / stride).ceil().long()
    for image, (x0, y0), (x1, y1) in zip(boxes[:, 0].long().tolist(), low.tolist(), high.tolist(), strict=True):
        outside[image, :, y0:y1, x0:x1] = 0
    return outside


def compute_loss(model: YOLOv5, raw: Sequence[Tensor], targets: Tensor) -> Tensor:
    """Return the weighted sum of box, objectness and class loss of a batch.

    ``targets`` are those of `assign`; cells in boxes of class `IGNORED` have no objectness loss.
    """
    is_ignored = targets[:, 1] == IGNORED
    targets, ignored = targets[~is_ignored], targets[is_ignored]
    box_loss = object_loss = class_loss = torch.zeros((), device=targets.device)
    for level, (output, stride) in enumerate(zip(raw, STRIDES, strict=True)):
        anchors = model.anchors[level]
        where, boxes, classes = assign(targets, anchors, stride, *output.shape[2:4])
        objectness = torch.zeros(output.shape[:4], device=output.device)
        counted = mark_outside(ignored, stride, objectness)
        if len(where):
            image, anchor, row, column = where.unbind(1)
            y = output[image, anchor, row, column].float()  # (M, 5 + C)
            size = (y[:, 2:4].sigmoid() * 2) ** 2 * (anchors[anchor] / stride)
            overlap = ciou(torch.cat((y[:, :2].sigmoid() * 2 - 0.5, size), 1), boxes)
            box_loss = box_loss + (1 - overlap).mean()
            # Of several targets that share a cell, the one with the highest overlap sets the objectness target.
            flat = ((image * objectness.shape[1] + anchor) * objectness.shape[2] + row) * objectness.shape[3] + column
            objectness.view(-1).scatter_reduce_(0, flat, overlap.detach().clamp(min=0), "amax")
            counted[image, anchor, row, column] = 1
            class_loss = class_loss + F.binary_cross_entropy_with_logits(
                y[:, 5:], F.one_hot(classes, model.classes).float()
            )
        object_loss = object_loss + LEVEL_WEIGHTS[level] * F.binary_cross_entropy_with_logits(
            output[..., 4].float(), objectness, counted
        )
    return BOX * box_loss + OBJECTNESS * object_loss + CLASS * class_loss
