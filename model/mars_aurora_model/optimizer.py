"""Optimizer: Muon for the filters of convolutions, AdamW for the other parameters."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from mars_aurora_model.yolov5 import Conv, YOLOv5

PACE = 3.0  # factor on the learning rate for Muon, whose steps are scaled to those of AdamW; see LOG.md
_MOMENTUM = 0.95
_QUINTIC = (3.4445, -4.7750, 2.0315)  # a x + b x^3 + c x^5 maps singular values in (0, 1] to about 1 in five iterations


class MuonAdamW:
    """Muon (Jordan et al. 2024) for filter banks and AdamW for the other parameters.

    Muon orthogonalizes the update of each filter bank, a matrix of one row per filter. `torch.optim.Muon` computes in
    bfloat16, which takes forty times as long on processors without native support; here it is float32.

    Parameters
    ----------
    model : YOLOv5
        In channels-last memory format.
    learning_rate, weight_decay : float
        Of AdamW; Muon's learning rate is `PACE` times as high. Biases and norms have no weight decay.
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
            direction = orthogonalize(gradient.lerp(momentum, _MOMENTUM))
            length = 0.2 * math.sqrt(max(bank.shape))  # scales entries to the size of an AdamW step
            bank.mul_(1 - PACE * learning_rate * self.weight_decay)
            bank.add_(direction, alpha=-PACE * learning_rate * length)

    def state_dict(self) -> dict[str, Any]:
        return {"momenta": self.momenta, "adamw": self.adamw.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.momenta = state["momenta"]
        self.adamw.load_state_dict(state["adamw"])


def orthogonalize(matrix: Tensor) -> Tensor:
    """Set the singular values of a matrix (M, N) to about 1 by Newton-Schulz iteration."""
    if matrix.shape[0] > matrix.shape[1]:
        return orthogonalize(matrix.T).T
    a, b, c = _QUINTIC
    result = matrix / matrix.norm().clamp(min=1e-7)
    for _ in range(5):
        gram = result @ result.T
        result = torch.addmm(result, torch.addmm(gram, gram, gram, beta=b, alpha=c), result, beta=a)
    return result


def _flatten(filters: Tensor) -> Tensor:
    """View filters (out, in, rows, columns) as (out, rows x columns x in); shares memory in channels-last format."""
    return filters.permute(0, 2, 3, 1).flatten(1)
