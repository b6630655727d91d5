"""Answer the pictures of a folder with the four functions of an unpacked model archive: ``container.py MODEL IN OUT``.

As SageMaker's container, but without its server; run by a Python without other packages. Prints the CPU time in s.
"""

import sys
import time
from pathlib import Path

if __name__ == "__main__":
    model, source, target = map(Path, sys.argv[1:])
    sys.path.insert(0, str(model / "code"))
    import inference

    network = inference.model_fn(str(model))
    for path in sorted(source.iterdir()):
        prediction = inference.predict_fn(inference.input_fn(path.read_bytes(), "image/png"), network)
        (target / f"{path.name}.out").write_bytes(inference.output_fn(prediction, "application/json")[0])
    sys.stdout.write(str(time.process_time()))
