"""What moves the weights: Muon for the filters of convolutions, AdamW for all else."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from mars_aurora_model.yolov5 import Conv, YOLOv5

PACE = 3.0  # of Muon, whose steps would be as long as AdamW's otherwise; see LOG.md
_MOMENTUM = 0.95
_QUINTIC = (3.4445, -4.7750, 2.0315)  # a x + b x^3 + c x^5 draws singular values in (0, 1] to about 1 in five rounds


class MuonAdamW:
    """Muon (Jordan et al. 2024), which gives every direction of a filter bank the same step, and AdamW for the rest.

    Muon takes matrices: a bank of filters is one row a filter. Unlike `torch.optim.Muon` it reckons in 32 bits: a
    processor that has no arithmetic of 16 needs forty times as long for those.

    Parameters
    ----------
    model : YOLOv5
        In the memory format channels last.
    learning_rate, weight_decay : float
        Of AdamW; Muon's rate is `PACE` times as high. Biases and norms are not drawn to zero.
    """

    def __init__(self, model: YOLOv5, learning_rate: float, weight_decay: float) -> None:
        self.weight_decay = weight_decay
        self.filters = [module.conv.weight for module in model.modules() if isinstance(module, Conv)]
        self.momenta = [torch.zeros_like(_flatten(weight.data)) for weight in self.filters]
        heads = [head.weight for head in model.heads]
        others = [parameter for parameter in model.parameters() if parameter.ndim == 1]
        groups = [{"params": heads}, {"params": others, "weight_decay": 0.0}]
        self.adamw = torch.optim.AdamW(groups, learning_rate, weight_decay=weight_decay)

    @torch.no_grad()
    def step(self, learning_rate: float) -> None:
        for group in self.adamw.param_groups:
            group["lr"] = learning_rate
        self.adamw.step()
        for weight, momentum in zip(self.filters, self.momenta, strict=True):
            gradient, bank = _flatten(weight.grad), _flatten(weight)
            momentum.lerp_(gradient, 1 - _MOMENTUM)
            direction = orthogonalise(gradient.lerp(momentum, _MOMENTUM))
            length = 0.2 * math.sqrt(max(bank.shape))  # entries as large as those of a step of AdamW
            bank.mul_(1 - PACE * learning_rate * self.weight_decay)
            bank.add_(direction, alpha=-PACE * learning_rate * length)

    def state_dict(self) -> dict[str, Any]:
        return {"momenta": self.momenta, "adamw": self.adamw.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.momenta = state["momenta"]
        self.adamw.load_state_dict(state["adamw"])


def orthogonalise(matrix: Tensor) -> Tensor:
    """Draw the singular values of a matrix (M, N) to about 1, by the iteration of Newton and Schulz."""
    if matrix.shape[0] > matrix.shape[1]:
        return orthogonalise(matrix.T).T
    a, b, c = _QUINTIC
    result = matrix / matrix.norm().clamp(min=1e-7)
    for _ in range(5):
        gram = result @ result.T
        result = torch.addmm(result, torch.addmm(gram, gram, gram, beta=b, alpha=c), result, beta=a)
    return result


def _flatten(filters: Tensor) -> Tensor:
    """Show filters (out, in, rows, columns) as rows (out, rows x columns x in): in channels last, the same memory."""
    return filters.permute(0, 2, 3, 1).flatten(1)
