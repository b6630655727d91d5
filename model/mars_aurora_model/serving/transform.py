"""Predict the pictures of a folder as a SageMaker batch transform job does: X.png is answered in X.png.out.

``python -m mars_aurora_model.serving.transform RUN/candidates RUN/predictions``
"""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from mars_aurora.run.storage import FolderStorage
from mars_aurora_model.serving import inference

PNG = "image/png"


def transform(source: Path, target: Path, concurrency: int = 2) -> int:
    """Predict every PNG below ``source`` and write the predictions below ``target``; return the number of pictures.

    ``concurrency`` pictures are processed at the same time, each in one thread.
    """
    pictures, predictions = FolderStorage(source), FolderStorage(target)
    keys = [key for key in pictures.list("") if key.endswith(".png")]
    network = inference.model_fn(str(source))

    def process(key: str) -> None:
        prediction = inference.predict_fn(inference.input_fn(pictures.get(key), PNG), network)
        predictions.put(f"{key}.out", inference.output_fn(prediction, inference.JSON)[0])

    with ThreadPoolExecutor(concurrency) as pool:
        for _ in pool.map(process, keys):
            pass
    return len(keys)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--concurrency", type=int, default=2)
    arguments = parser.parse_args()
    count = transform(arguments.source, arguments.target, arguments.concurrency)
    print(f"{count} predictions in {arguments.target}", file=sys.stderr)


if __name__ == "__main__":
    main()
