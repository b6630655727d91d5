"""What moves the weights: Muon for the filters of convolutions, AdamW for all else."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from mars_aurora_model.yolov5 import Conv, YOLOv5

PACE = 3.0  # of Muon, whose steps would be as long as AdamW's otherwise; see LOG.md


class MuonAdamW:
    """Muon (Jordan et al. 2024), which gives every direction of a filter bank the same step, and AdamW for the rest.

    Muon takes matrices: a bank of filters is one row a filter, in the memory of the weights themselves.

    Parameters
    ----------
    model : YOLOv5
        In the memory format channels last.
    learning_rate, weight_decay : float
        Of AdamW; Muon's rate is `PACE` times as high. Biases and norms are not drawn to zero.
    """

    def __init__(self, model: YOLOv5, learning_rate: float, weight_decay: float) -> None:
        self.filters = [module.conv.weight for module in model.modules() if isinstance(module, Conv)]
        self.banks = [nn.Parameter(_flatten(weight.data)) for weight in self.filters]
        heads = [head.weight for head in model.heads]
        others = [parameter for parameter in model.parameters() if parameter.ndim == 1]
        groups = [{"params": heads}, {"params": others, "weight_decay": 0.0}]
        self.muon = torch.optim.Muon(
            self.banks, PACE * learning_rate, weight_decay=weight_decay, adjust_lr_fn="match_rms_adamw"
        )
        self.adamw = torch.optim.AdamW(groups, learning_rate, weight_decay=weight_decay)

    def zero_grad(self) -> None:
        for weight in self.filters:
            weight.grad = None
        self.adamw.zero_grad()

    def step(self, learning_rate: float) -> None:
        for group in self.muon.param_groups:
            group["lr"] = PACE * learning_rate
        for group in self.adamw.param_groups:
            group["lr"] = learning_rate
        for weight, bank in zip(self.filters, self.banks, strict=True):
            bank.grad = _flatten(weight.grad)
        self.muon.step()
        self.adamw.step()

    def state_dict(self) -> dict[str, Any]:
        return {"muon": self.muon.state_dict(), "adamw": self.adamw.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.muon.load_state_dict(state["muon"])
        self.adamw.load_state_dict(state["adamw"])


def _flatten(filters: Tensor) -> Tensor:
    """Show filters (out, in, rows, columns) as rows (out, rows x columns x in): in channels last, the same memory."""
    return filters.permute(0, 2, 3, 1).flatten(1)
