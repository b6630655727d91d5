"""YOLOv5n in plain torch: CSP backbone, SPPF, PAN neck, three anchor heads.

Written from the description of the architecture (anchors and grid of YOLOv3, CSPNet, PANet). Shapes at the line ends
are for one 256x256 image; B is the batch size, A the number of anchors of a level, C the number of classes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F  # noqa: N812 -- conventional name
from torch import Tensor, nn

from mars_aurora.detect.view import CHANNELS

STRIDES = (8, 16, 32)
ANCHORS_PX = (  # width and height at the network's input, three per stride
    ((10, 13), (16, 30), (33, 23)),
    ((30, 61), (62, 45), (59, 119)),
    ((116, 90), (156, 198), (373, 326)),
)


class Conv(nn.Module):
    """Convolution, batch norm and SiLU; stride 2 halves the grid."""

    def __init__(self, c_in: int, c_out: int, size: int = 1, stride: int = 1, padding: int | None = None) -> None:
        super().__init__()
        self.conv = nn.Conv2d(c_in, c_out, size, stride, size // 2 if padding is None else padding, bias=False)
        self.norm = nn.BatchNorm2d(c_out, eps=1e-3, momentum=0.03)

    def forward(self, x: Tensor) -> Tensor:
        return F.silu(self.norm(self.conv(x)))


class Bottleneck(nn.Module):
    """1x1 then 3x3 convolution, with a shortcut in the backbone and without one in the neck."""

    def __init__(self, channels: int, *, shortcut: bool) -> None:
        super().__init__()
        self.reduce, self.expand, self.shortcut = Conv(channels, channels), Conv(channels, channels, 3), shortcut

    def forward(self, x: Tensor) -> Tensor:
        y = self.expand(self.reduce(x))
        return x + y if self.shortcut else y


class C3(nn.Module):
    """Cross-stage partial block: half the channels pass n bottlenecks, half bypass them."""

    def __init__(self, c_in: int, c_out: int, n: int = 1, *, shortcut: bool = True) -> None:
        super().__init__()
        half = c_out // 2
        self.through, self.past, self.join = Conv(c_in, half), Conv(c_in, half), Conv(c_out, c_out)
        self.blocks = nn.Sequential(*(Bottleneck(half, shortcut=shortcut) for _ in range(n)))

    def forward(self, x: Tensor) -> Tensor:
        return self.join(torch.cat((self.blocks(self.through(x)), self.past(x)), 1))


class SPPF(nn.Module):
    """Spatial pyramid pooling, fast: three 5x5 max-pools in series cover 5, 9 and 13 cells."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.reduce, self.join = Conv(channels, channels // 2), Conv(channels * 2, channels)

    def forward(self, x: Tensor) -> Tensor:
        pooled = [self.reduce(x)]
        for _ in range(3):
            pooled.append(F.max_pool2d(pooled[-1], 5, 1, 2))
        return self.join(torch.cat(pooled, 1))


class YOLOv5(nn.Module):
    """The network; ``width`` 16 is the nano size (YOLOv5n), 1.77 million parameters for two classes.

    Parameters
    ----------
    classes : int
    width : int
        Channels of the first layer; those of all others are multiples of it.
    """

    def __init__(self, classes: int = 2, width: int = 16) -> None:
        super().__init__()
        w = width
        self.classes = classes
        self.to_p3 = nn.Sequential(
            Conv(CHANNELS, w, 6, 2, 2),
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
        self._set_prior()

    def _set_prior(self) -> None:
        """Initialize the biases of the heads to a prior of about 8 objects per 640 px image."""
        for head, stride in zip(self.heads, STRIDES, strict=True):
            bias = head.bias.data.view(3, -1)
            bias[:, 4] += math.log(8 / (640 / stride) ** 2)
            bias[:, 5:] += math.log(0.6 / (self.classes - 0.99))

    def forward(self, x: Tensor) -> list[Tensor]:
        """Return raw outputs of each level, (B, A, rows, columns, 5 + C), for images (B, 5, H, W) in 0 to 1."""
        p3 = self.to_p3(x)  # (B, 64, 32, 32)
        p4 = self.to_p4(p3)  # (B, 128, 16, 16)
        n5 = self.narrow5(self.to_p5(p4))  # (B, 128, 8, 8)
        n4 = self.narrow4(self.up4(torch.cat((_upsample(n5), p4), 1)))  # (B, 64, 16, 16)
        o3 = self.up3(torch.cat((_upsample(n4), p3), 1))  # (B, 64, 32, 32)
        o4 = self.down4(torch.cat((self.shrink3(o3), n4), 1))  # (B, 128, 16, 16)
        o5 = self.down5(torch.cat((self.shrink4(o4), n5), 1))  # (B, 256, 8, 8)
        raw = (head(o) for head, o in zip(self.heads, (o3, o4, o5), strict=True))
        return [r.unflatten(1, (3, 5 + self.classes)).permute(0, 1, 3, 4, 2) for r in raw]

    def decode(self, raw: Sequence[Tensor]) -> Tensor:
        """Decode raw outputs to (B, N, 5 + C): center x, y, width, height in input px, objectness, class scores."""
        found = []
        for level, (output, stride) in enumerate(zip(raw, STRIDES, strict=True)):
            y = output.float().sigmoid()
            rows, columns = y.shape[2:4]
            grid = torch.stack(torch.meshgrid(torch.arange(columns), torch.arange(rows), indexing="xy"), -1)
            center = (y[..., :2] * 2 - 0.5 + grid.to(y)) * stride
            size = (y[..., 2:4] * 2) ** 2 * self.anchors[level].view(1, 3, 1, 1, 2)
            found.append(torch.cat((center, size, y[..., 4:]), -1).flatten(1, 3))
        return torch.cat(found, 1)


def _upsample(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2.0, mode="nearest")
