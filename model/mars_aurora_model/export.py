"""Export a training checkpoint to the ONNX file of the detector.

Weights are stored as float16 and cast to float32 when the file is loaded, which halves its size.
"""

from __future__ import annotations

import argparse
import io
import json
import os
from collections.abc import Mapping
from dataclasses import astuple
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import ModelProto, TensorProto, helper, numpy_helper
from torch import Tensor, nn

from mars_aurora.catalogue.labels import CLASSES
from mars_aurora.detect.calibration import Calibration
from mars_aurora.detect.view import CHANNELS, describe_input
from mars_aurora.detect.yolo import WEIGHTS, Yolo, load
from mars_aurora_model.calibrate import fit_calibration
from mars_aurora_model.labels import read_set
from mars_aurora_model.predictions import choose_thresholds, predict
from mars_aurora_model.yolov5 import Conv, YOLOv5

HALF = ".f16"  # suffix of the names of float16 weights


class Fused(nn.Module):
    """Network for inference: norms folded into convolutions, raw outputs decoded to boxes."""

    def __init__(self, model: YOLOv5) -> None:
        super().__init__()
        self.model = model.eval()
        for module in self.model.modules():
            if isinstance(module, Conv):
                fused = nn.utils.fusion.fuse_conv_bn_eval(module.conv, module.norm)
                module.conv, module.norm = fused, nn.Identity()

    def forward(self, image: Tensor) -> Tensor:
        """Return boxes (B, N, 5 + C) of images (B, 6, S, S) in 0 to 1."""
        return self.model.decode(self.model(image))


def load_model(checkpoint: Path) -> tuple[YOLOv5, dict[str, Any]]:
    """Read the running mean of the weights of a checkpoint, and its training configuration."""
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    model = YOLOv5(len(CLASSES), state["config"]["channels"])
    model.load_state_dict(state["mean"])
    return model.eval(), state["config"]


def to_onnx(model: YOLOv5, side: int) -> ModelProto:
    """Export the network, without metadata."""
    buffer = io.BytesIO()
    example = torch.zeros(1, CHANNELS, side, side)
    torch.onnx.export(
        Fused(model), (example,), buffer, input_names=["image"], output_names=["boxes"], opset_version=17, dynamo=False
    )
    graph = onnx.load_from_string(buffer.getvalue())
    halve_weights(graph)
    onnx.checker.check_model(graph, full_check=True)
    return graph


def halve_weights(graph: ModelProto) -> None:
    """Store large float32 constants as float16 followed by a cast to float32, in place."""
    casts = []
    for tensor in graph.graph.initializer:
        if tensor.data_type == TensorProto.FLOAT and np.prod(tensor.dims) >= 64:
            name, half_name = tensor.name, f"{tensor.name}{HALF}"
            values = numpy_helper.to_array(tensor).astype(np.float16)
            tensor.CopyFrom(numpy_helper.from_array(values, half_name))
            casts.append(helper.make_node("Cast", [half_name], [name], to=TensorProto.FLOAT))
    nodes = list(graph.graph.node)
    del graph.graph.node[:]
    graph.graph.node.extend(casts + nodes)


def set_metadata(graph: ModelProto, calibrations: Mapping[str, Calibration], thresholds: Mapping[str, float]) -> None:
    """Set the metadata that the detector reads, in place.

    Class names, the calibration and the threshold of each class, and the constants of the input.
    """
    del graph.metadata_props[:]
    facts = {
        "classes": CLASSES,
        "calibration": {name: astuple(terms) for name, terms in calibrations.items()},
        "thresholds": dict(thresholds),
        "input": describe_input(),
    }
    helper.set_model_props(graph, {name: json.dumps(value) for name, value in facts.items()})


def export(model: YOLOv5, side: int, data: Path, weights: Path) -> dict[str, float]:
    """Export a network, calibrated on the set ``calibration``; return its thresholds, chosen on the set ``selection``.

    ``weights`` is replaced at the end. The second network is then trained anew (`mars_aurora_model.rescoring`).
    """
    graph = to_onnx(model, side)
    temporary = weights.with_suffix(".tmp")
    temporary.parent.mkdir(parents=True, exist_ok=True)

    def save(calibrations: Mapping[str, Calibration], thresholds: Mapping[str, float]) -> Yolo:
        set_metadata(graph, calibrations, thresholds)
        onnx.save(graph, temporary)
        load.cache_clear()
        return load(temporary, rescoring=None)

    uncalibrated = save(dict.fromkeys(CLASSES, Calibration()), dict.fromkeys(CLASSES, 0.5))
    predictions = predict(uncalibrated, list(read_set(data / "calibration")))
    matches = {name: predictions.matches(name) for name in CLASSES}
    calibrations = {name: fit_calibration(match.confidence, match.correct) for name, match in matches.items()}
    calibrated = save(calibrations, dict.fromkeys(CLASSES, 0.5))
    thresholds = choose_thresholds(predict(calibrated, list(read_set(data / "selection"))))
    save(calibrations, thresholds)
    os.replace(temporary, weights)
    return thresholds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("onnx", type=Path, nargs="?", default=WEIGHTS)
    parser.add_argument("--data", type=Path, default=Path("build/dataset"), help="folder of the labeled sets")
    arguments = parser.parse_args()
    model, config = load_model(arguments.checkpoint)
    thresholds = export(model, config["side"], arguments.data, arguments.onnx)
    print(f"{arguments.onnx}: {arguments.onnx.stat().st_size / 1e6:.2f} MB, thresholds {thresholds}")


if __name__ == "__main__":
    main()
