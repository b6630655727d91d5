"""Turn a training checkpoint into the ONNX file that the detector runs.

Weights are kept as 16-bit floats and widened when the file is loaded: half the size, arithmetic in 32 bits.
"""

from __future__ import annotations

import argparse
import io
import json
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import ModelProto, TensorProto, helper, numpy_helper
from torch import Tensor, nn

from mars_aurora.detect.yolo import VIEWS, WEIGHTS, load
from mars_aurora_model.labels import CLASSES, read_set
from mars_aurora_model.predictions import ask, choose_thresholds
from mars_aurora_model.yolov5 import Conv, YOLOv5

NARROW = ".f16"  # ends the name of a weight that is kept in 16 bits


class Fused(nn.Module):
    """The network as it is served: norms folded into convolutions, raw outputs decoded to boxes."""

    def __init__(self, model: YOLOv5) -> None:
        super().__init__()
        self.model = model.eval()
        for module in self.model.modules():
            if isinstance(module, Conv):
                fused = nn.utils.fusion.fuse_conv_bn_eval(module.conv, module.norm)
                module.conv, module.norm = fused, nn.Identity()

    def forward(self, image: Tensor) -> Tensor:
        return self.model.decode(self.model(image))


def load_model(checkpoint: Path) -> tuple[YOLOv5, dict[str, int]]:
    """Read the running mean of a checkpoint's weights, and the configuration it was trained with."""
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    model = YOLOv5(len(CLASSES), state["config"]["channels"])
    model.load_state_dict(state["mean"])
    return model.eval(), state["config"]


def to_onnx(model: YOLOv5, side: int, thresholds: Mapping[str, float]) -> ModelProto:
    """Export with what the detector must know: class names and least confidences."""
    buffer = io.BytesIO()
    example = torch.zeros(1, VIEWS, side, side)
    torch.onnx.export(
        Fused(model), (example,), buffer, input_names=["image"], output_names=["boxes"], opset_version=17, dynamo=False
    )
    graph = onnx.load_from_string(buffer.getvalue())
    narrow_weights(graph)
    set_facts(graph, thresholds)
    onnx.checker.check_model(graph, full_check=True)
    return graph


def narrow_weights(graph: ModelProto) -> None:
    """Keep large float32 constants as float16 followed by a cast back, in place."""
    casts = []
    for tensor in graph.graph.initializer:
        if tensor.data_type == TensorProto.FLOAT and np.prod(tensor.dims) >= 64:
            wide, narrow = tensor.name, f"{tensor.name}{NARROW}"
            values = numpy_helper.to_array(tensor).astype(np.float16)
            tensor.CopyFrom(numpy_helper.from_array(values, narrow))
            casts.append(helper.make_node("Cast", [narrow], [wide], to=TensorProto.FLOAT))
    nodes = list(graph.graph.node)
    del graph.graph.node[:]
    graph.graph.node.extend(casts + nodes)


def set_facts(graph: ModelProto, thresholds: Mapping[str, float]) -> None:
    """Write class names and thresholds where the detector looks for them, in place."""
    del graph.metadata_props[:]
    helper.set_model_props(graph, {"classes": json.dumps(CLASSES), "thresholds": json.dumps(dict(thresholds))})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("onnx", type=Path, nargs="?", default=WEIGHTS)
    parser.add_argument("--selection", type=Path, default=Path("build/dataset/selection"))
    arguments = parser.parse_args()
    model, config = load_model(arguments.checkpoint)
    graph = to_onnx(model, config["side"], dict.fromkeys(CLASSES, 0.5))
    arguments.onnx.parent.mkdir(parents=True, exist_ok=True)
    aside = arguments.onnx.with_suffix(".aside")
    onnx.save(graph, aside)
    thresholds = choose_thresholds(ask(load(aside), list(read_set(arguments.selection))))
    set_facts(graph, thresholds)
    onnx.save(graph, aside)
    os.replace(aside, arguments.onnx)
    print(f"{arguments.onnx}: {arguments.onnx.stat().st_size / 1e6:.2f} MB, thresholds {thresholds}")


if __name__ == "__main__":
    main()
