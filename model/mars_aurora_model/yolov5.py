"""YOLOv5n in plain torch: CSP backbone, SPPF, PAN neck, three anchor heads, and the loss that trains it.

Written from the architecture's description (Redmon's anchors and grid, CSPNet, PANet, CIoU), to be read in one sitting.
Shapes at the line ends are for one 256x256 image; B is the batch, A the anchors of a level, C the classes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F  # noqa: N812 -- its name everywhere
from torch import Tensor, nn

from mars_aurora.detect.yolo import VIEWS

NEITHER = -1  # class of a box in which there may be an object or none, and either answer is right
STRIDES = (8, 16, 32)
ANCHORS_PX = (  # width, height at the network's input, three for each stride
    ((10, 13), (16, 30), (33, 23)),
    ((30, 61), (62, 45), (59, 119)),
    ((116, 90), (156, 198), (373, 326)),
)
LEVEL_WEIGHTS = (4.0, 1.0, 0.4)  # objectness: fine levels have many cells, and few of them matter
BOX, OBJECTNESS, CLASS = 0.05, 0.25, 0.1  # weights of the losses; see LOG.md for the last
ANCHOR_RATIO = 4.0  # a target trains an anchor if neither side differs by more than this factor


class Conv(nn.Module):
    """Convolution, batch norm, SiLU; halves the grid for stride 2."""

    def __init__(self, c_in: int, c_out: int, size: int = 1, stride: int = 1, padding: int | None = None) -> None:
        super().__init__()
        self.conv = nn.Conv2d(c_in, c_out, size, stride, size // 2 if padding is None else padding, bias=False)
        self.norm = nn.BatchNorm2d(c_out, eps=1e-3, momentum=0.03)

    def forward(self, x: Tensor) -> Tensor:
        return F.silu(self.norm(self.conv(x)))


class Bottleneck(nn.Module):
    """1x1 then 3x3, with a shortcut in the backbone and without one in the neck."""

    def __init__(self, channels: int, *, shortcut: bool) -> None:
        super().__init__()
        self.reduce, self.expand, self.shortcut = Conv(channels, channels), Conv(channels, channels, 3), shortcut

    def forward(self, x: Tensor) -> Tensor:
        y = self.expand(self.reduce(x))
        return x + y if self.shortcut else y


class C3(nn.Module):
    """Cross-stage partial block: half the channels go through n bottlenecks, half go past them."""

    def __init__(self, c_in: int, c_out: int, n: int = 1, *, shortcut: bool = True) -> None:
        super().__init__()
        half = c_out // 2
        self.through, self.past, self.join = Conv(c_in, half), Conv(c_in, half), Conv(c_out, c_out)
        self.blocks = nn.Sequential(*(Bottleneck(half, shortcut=shortcut) for _ in range(n)))

    def forward(self, x: Tensor) -> Tensor:
        return self.join(torch.cat((self.blocks(self.through(x)), self.past(x)), 1))


class SPPF(nn.Module):
    """Spatial pyramid pooling, fast: three 5x5 max-pools in a row see 5, 9 and 13 cells."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.reduce, self.join = Conv(channels, channels // 2), Conv(channels * 2, channels)

    def forward(self, x: Tensor) -> Tensor:
        views = [self.reduce(x)]
        for _ in range(3):
            views.append(F.max_pool2d(views[-1], 5, 1, 2))
        return self.join(torch.cat(views, 1))


class YOLOv5(nn.Module):
    """The network; ``width`` 16 is the nano (n) size: 1.77 million parameters for two classes.

    Parameters
    ----------
    classes : int
    width : int
        Channels of the first layer; all others are multiples of it.
    """

    def __init__(self, classes: int = 2, width: int = 16) -> None:
        super().__init__()
        w = width
        self.classes = classes
        self.to_p3 = nn.Sequential(
            Conv(VIEWS, w, 6, 2, 2),
            Conv(w, 2 * w, 3, 2),
            C3(2 * w, 2 * w),
            Conv(2 * w, 4 * w, 3, 2),
            C3(4 * w, 4 * w, 2),
        )
        self.to_p4 = nn.Sequential(Conv(4 * w, 8 * w, 3, 2), C3(8 * w, 8 * w, 3))
        self.to_p5 = nn.Sequential(Conv(8 * w, 16 * w, 3, 2), C3(16 * w, 16 * w), SPPF(16 * w))
        self.narrow5, self.up4 = Conv(16 * w, 8 * w), C3(16 * w, 8 * w, shortcut=False)
        self.narrow4, self.up3 = Conv(8 * w, 4 * w), C3(8 * w, 4 * w, shortcut=False)
        self.shrink3, self.down4 = Conv(4 * w, 4 * w, 3, 2), C3(8 * w, 8 * w, shortcut=False)
        self.shrink4, self.down5 = Conv(8 * w, 8 * w, 3, 2), C3(16 * w, 16 * w, shortcut=False)
        self.heads = nn.ModuleList(nn.Conv2d(c * w, 3 * (5 + classes), 1) for c in (4, 8, 16))
        self.register_buffer("anchors", torch.tensor(ANCHORS_PX, dtype=torch.float32))  # (3, A, 2)
        self._start_sceptical()

    def _start_sceptical(self) -> None:
        """Set the heads' biases so that an untrained network expects about 8 objects a 640 px image."""
        for head, stride in zip(self.heads, STRIDES, strict=True):
            bias = head.bias.data.view(3, -1)
            bias[:, 4] += math.log(8 / (640 / stride) ** 2)
            bias[:, 5:] += math.log(0.6 / (self.classes - 0.99))

    def forward(self, x: Tensor) -> list[Tensor]:
        """Give raw outputs of each level, (B, A, rows, columns, 5 + C), from (B, 5, H, W) in 0 to 1."""
        p3 = self.to_p3(x)  # (B, 64, 32, 32)
        p4 = self.to_p4(p3)  # (B, 128, 16, 16)
        n5 = self.narrow5(self.to_p5(p4))  # (B, 128, 8, 8)
        n4 = self.narrow4(self.up4(torch.cat((_double(n5), p4), 1)))  # (B, 64, 16, 16)
        o3 = self.up3(torch.cat((_double(n4), p3), 1))  # (B, 64, 32, 32)
        o4 = self.down4(torch.cat((self.shrink3(o3), n4), 1))  # (B, 128, 16, 16)
        o5 = self.down5(torch.cat((self.shrink4(o4), n5), 1))  # (B, 256, 8, 8)
        raw = (head(o) for head, o in zip(self.heads, (o3, o4, o5), strict=True))
        return [r.unflatten(1, (3, 5 + self.classes)).permute(0, 1, 3, 4, 2) for r in raw]

    def decode(self, raw: Sequence[Tensor]) -> Tensor:
        """Turn raw outputs into (B, N, 5 + C): x, y, width, height in input px, objectness, class scores."""
        found = []
        for level, (output, stride) in enumerate(zip(raw, STRIDES, strict=True)):
            y = output.float().sigmoid()
            rows, columns = y.shape[2:4]
            grid = torch.stack(torch.meshgrid(torch.arange(columns), torch.arange(rows), indexing="xy"), -1)
            centre = (y[..., :2] * 2 - 0.5 + grid.to(y)) * stride
            size = (y[..., 2:4] * 2) ** 2 * self.anchors[level].view(1, 3, 1, 1, 2)
            found.append(torch.cat((centre, size, y[..., 4:]), -1).flatten(1, 3))
        return torch.cat(found, 1)


def _double(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2.0, mode="nearest")


def ciou(a: Tensor, b: Tensor) -> Tensor:
    """Complete IoU of boxes (N, 4) given as centre and size: overlap, less distance, less unlike shape."""
    low = torch.maximum(a[:, :2] - a[:, 2:] / 2, b[:, :2] - b[:, 2:] / 2)
    high = torch.minimum(a[:, :2] + a[:, 2:] / 2, b[:, :2] + b[:, 2:] / 2)
    shared = (high - low).clamp(min=0).prod(1)
    iou = shared / (a[:, 2:].prod(1) + b[:, 2:].prod(1) - shared + 1e-7)
    hull_low = torch.minimum(a[:, :2] - a[:, 2:] / 2, b[:, :2] - b[:, 2:] / 2)
    hull_high = torch.maximum(a[:, :2] + a[:, 2:] / 2, b[:, :2] + b[:, 2:] / 2)
    diagonal = (hull_high - hull_low).square().sum(1) + 1e-7
    distance = (a[:, :2] - b[:, :2]).square().sum(1) / diagonal
    tilt = (4 / math.pi**2) * (torch.atan(b[:, 2] / b[:, 3]) - torch.atan(a[:, 2] / (a[:, 3] + 1e-7))).square()
    with torch.no_grad():
        weight = tilt / (tilt - iou + 1 + 1e-7)
    return iou - distance - weight * tilt


def assign(targets: Tensor, anchors: Tensor, stride: int, rows: int, columns: int) -> tuple[Tensor, Tensor, Tensor]:
    """Choose the cells and anchors of one level that answer for each target.

    A target is answered for by every anchor of like shape, in its own cell and the two nearest neighbours.

    Parameters
    ----------
    targets : (T, 6) tensor: image of the batch, class, centre x, y, width, height in input px
    anchors : (A, 2) tensor, input px

    Returns
    -------
    where : (M, 4) long: image, anchor, row, column
    boxes : (M, 4): centre relative to the cell, and size, in cells
    classes : (M,) long
    """
    scaled = targets.clone()
    scaled[:, 2:] /= stride
    ratio = scaled[:, None, 4:] / (anchors / stride)[None]  # (T, A, 2)
    like = torch.maximum(ratio, 1 / ratio).amax(2) < ANCHOR_RATIO
    target, anchor = like.nonzero(as_tuple=True)
    chosen = scaled[target]
    offsets = torch.tensor([[0, 0], [-0.5, 0], [0.5, 0], [0, -0.5], [0, 0.5]], device=targets.device)
    shifted = chosen[None, :, 2:4] + offsets[:, None]  # (5, M, 2)
    cell = shifted.floor().long()
    inside = (cell >= 0).all(2) & (cell[..., 0] < columns) & (cell[..., 1] < rows)
    moved = (cell != cell[:1]).any(2)  # half a cell to the side is another cell only for the nearer two sides
    moved[0] = True
    keep = inside & moved
    _, which = keep.nonzero(as_tuple=True)
    xy = cell[keep]
    chosen, anchor = chosen[which], anchor[which]
    where = torch.stack((chosen[:, 0].long(), anchor, xy[:, 1], xy[:, 0]), 1)
    return where, torch.cat((chosen[:, 2:4] - xy, chosen[:, 4:]), 1), chosen[:, 1].long()


def mark_outside(boxes: Tensor, stride: int, like: Tensor) -> Tensor:
    """Give 1 for the cells of one level, and 0 for those that boxes (T, 6) touch; shape (B, A, rows, columns)."""
    outside = torch.ones_like(like)
    low = ((boxes[:, 2:4] - boxes[:, 4:] / 2) / stride).floor().long().clamp(min=0)
    high = ((boxes[:, 2:4] + boxes[:, 4:] / 2) / stride).ceil().long()
    for image, (x0, y0), (x1, y1) in zip(boxes[:, 0].long().tolist(), low.tolist(), high.tolist(), strict=True):
        outside[image, :, y0:y1, x0:x1] = 0
    return outside


def loss(model: YOLOv5, raw: Sequence[Tensor], targets: Tensor) -> Tensor:
    """Sum box, objectness and class loss of a batch; ``targets`` as `assign` takes them, some of class `NEITHER`."""
    unsure = targets[:, 1] == NEITHER
    targets, doubtful = targets[~unsure], targets[unsure]
    box_loss = object_loss = class_loss = torch.zeros((), device=targets.device)
    for level, (output, stride) in enumerate(zip(raw, STRIDES, strict=True)):
        anchors = model.anchors[level]
        where, boxes, classes = assign(targets, anchors, stride, *output.shape[2:4])
        wanted = torch.zeros(output.shape[:4], device=output.device)
        counted = mark_outside(doubtful, stride, wanted)
        if len(where):
            image, anchor, row, column = where.unbind(1)
            y = output[image, anchor, row, column].float()  # (M, 5 + C)
            size = (y[:, 2:4].sigmoid() * 2) ** 2 * (anchors[anchor] / stride)
            overlap = ciou(torch.cat((y[:, :2].sigmoid() * 2 - 0.5, size), 1), boxes)
            box_loss = box_loss + (1 - overlap).mean()
            # The best of several targets that share a cell sets what objectness is asked of it.
            flat = ((image * wanted.shape[1] + anchor) * wanted.shape[2] + row) * wanted.shape[3] + column
            wanted.view(-1).scatter_reduce_(0, flat, overlap.detach().clamp(min=0), "amax")
            counted[image, anchor, row, column] = 1
            class_loss = class_loss + F.binary_cross_entropy_with_logits(
                y[:, 5:], F.one_hot(classes, model.classes).float()
            )
        object_loss = object_loss + LEVEL_WEIGHTS[level] * F.binary_cross_entropy_with_logits(
            output[..., 4].float(), wanted, counted
        )
    return BOX * box_loss + OBJECTNESS * object_loss + CLASS * class_loss
