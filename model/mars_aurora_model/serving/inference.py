"""The four functions that AWS's scikit-learn container calls: load, read, predict, answer.

Any exception would fail the whole transform job, so a picture in which detection fails is answered with an error
record, as by the detect step.
"""

from __future__ import annotations

import hashlib

from mars_aurora.detect.detectors import DetectorName, hash_weights
from mars_aurora.detect.yolo import Yolo, load
from mars_aurora.picture import png
from mars_aurora.run.predictions import Made, error_to_json, to_json

JSON = "application/json"


def model_fn(_model_dir: str) -> Yolo:
    """Load the network with the weights of the package, which is beside this module."""
    return load()


def input_fn(body: bytes | str, _content_type: str) -> bytes:
    """Return the body of a request as bytes; the container decodes bodies of text types."""
    return body.encode(errors="surrogateescape") if isinstance(body, str) else body


def predict_fn(image: bytes, network: Yolo) -> bytes:
    """Return the prediction for a PNG as JSON, with boxes or with the message of an error."""
    made = Made(hashlib.sha256(image).hexdigest(), DetectorName.YOLO.value, hash_weights(DetectorName.YOLO))
    try:
        return to_json(network.detect_all(png.read(image)), made)
    except Exception as failure:  # noqa: BLE001 -- one picture must not cost the others their detection
        return error_to_json(f"{type(failure).__name__}: {failure}", made)


def output_fn(prediction: bytes, _accept: str) -> tuple[bytes, str]:
    """Return the body of the answer and its type."""
    return prediction, JSON
