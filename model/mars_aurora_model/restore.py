"""Convert the detector's ONNX file to a checkpoint, to fine-tune the shipped weights.

``python -m mars_aurora_model.restore build/shipped/checkpoint.pt``, then ``train --start build/shipped/checkpoint.pt``.
The export folds the batch norms into the convolutions. Here each convolution gets a norm again, with the mean and
variance of its output on some pictures and with weights that undo them, so that the predictions do not change.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import onnx
import torch
from onnx import ModelProto, numpy_helper
from torch import Tensor, nn

from mars_aurora.catalogue.labels import CLASSES
from mars_aurora.detect.yolo import WEIGHTS
from mars_aurora_model.config import Config
from mars_aurora_model.examples import load_examples
from mars_aurora_model.export import HALF
from mars_aurora_model.labels import read_set
from mars_aurora_model.train import write_checkpoint
from mars_aurora_model.yolov5 import Conv, YOLOv5

_LENGTH = 2.0  # norm of each filter; removed by the batch norm, it only sets the effective learning rate
_PICTURES = 256  # for the statistics of the batch norms


def read_weights(graph: ModelProto) -> dict[str, Tensor]:
    """Return the weights of an exported network, (out, in, rows, columns) and (out,), by their names in `YOLOv5`."""
    return {
        tensor.name.removesuffix(HALF).removeprefix("model."): torch.tensor(numpy_helper.to_array(tensor)).float()
        for tensor in graph.graph.initializer
    }


@torch.no_grad()
def unfold(weights: dict[str, Tensor], images: Tensor) -> YOLOv5:
    """Build a network with the predictions of the exported one, and norms fitted to images (N, 5, S, S) in 0 to 1.

    Raises
    ------
    KeyError
        If the weights are not those of a `YOLOv5`.
    """
    model = YOLOv5(len(CLASSES), len(weights["to_p3.0.conv.bias"]))
    model.eval()
    hooks = []
    for name, module in model.named_modules():
        if isinstance(module, Conv):
            filters, bias = weights[f"{name}.conv.weight"], weights[f"{name}.conv.bias"]
            scale = _LENGTH / filters.flatten(1).norm(dim=1)
            module.conv.weight.copy_(filters * scale[:, None, None, None])
            hooks.append(module.norm.register_forward_pre_hook(_fit_norm(scale, bias)))
    for number, head in enumerate(model.heads):
        head.weight.copy_(weights[f"heads.{number}.weight"])
        head.bias.copy_(weights[f"heads.{number}.bias"])
    model(images)
    for hook in hooks:
        hook.remove()
    return model


def _fit_norm(scale: Tensor, bias: Tensor) -> Callable[[nn.BatchNorm2d, tuple[Tensor]], None]:
    """Return a hook that sets a norm's statistics to those of its input x, and its output to ``x / scale + bias``."""

    def fit(norm: nn.BatchNorm2d, arguments: tuple[Tensor]) -> None:
        variance, mean = torch.var_mean(arguments[0], (0, 2, 3))
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(variance)
        norm.weight.copy_((variance + norm.eps).sqrt() / scale)
        norm.bias.copy_(bias + mean / scale)

    return fit


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("onnx", type=Path, nargs="?", default=WEIGHTS)
    parser.add_argument(
        "--pictures",
        type=Path,
        default=Path("build/dataset/validation"),
        help="set for the statistics",
    )
    arguments = parser.parse_args()
    graph = onnx.load(arguments.onnx)
    side = graph.graph.input[0].type.tensor_type.shape.dim[2].dim_value
    pictures = list(itertools.islice(read_set(arguments.pictures), _PICTURES))
    model = unfold(read_weights(graph), load_examples(pictures, side).images / 255)
    config = Config(side=side, channels=model.to_p3[0].conv.out_channels)
    write_checkpoint({"mean": model.state_dict(), "config": asdict(config)}, arguments.checkpoint)


if __name__ == "__main__":
    main()
