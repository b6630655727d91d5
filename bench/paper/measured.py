"""A process that is measured: python -m bench.paper.measured count|detect|paper FOLDER.

FOLDER has the pictures. Only what the work needs is imported, because start and memory are measured too.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from bench.measurement import peak_memory_mb


def count_objects(paths: list[Path]) -> int:
    """Count the objects as the pipeline does."""
    import cv2  # noqa: PLC0415 -- the imports are part of the measurement

    from mars_aurora.classify import count  # noqa: PLC0415 -- as above
    from mars_aurora.picture import png  # noqa: PLC0415 -- as above

    cv2.setNumThreads(1)
    return sum(count.find(png.read(path.read_bytes())).count for path in paths)


def detect(paths: list[Path]) -> int:
    """Detect Mars and auroras as the pipeline does."""
    from mars_aurora.detect.yolo import load  # noqa: PLC0415 -- as above
    from mars_aurora.picture import png  # noqa: PLC0415 -- as above

    return sum(len(load().detect(png.read(path.read_bytes()))) for path in paths)


def count_as_in_paper(paths: list[Path]) -> int:
    """Count the objects as the text of the paper describes it."""
    import cv2  # noqa: PLC0415 -- as above

    from bench import paper_way  # noqa: PLC0415 -- as above

    cv2.setNumThreads(1)
    return sum(paper_way.classify(path, paths[0].parents[1]) for path in paths)


WORK = {"count": count_objects, "detect": detect, "paper": count_as_in_paper}


def main() -> None:
    work, folder = WORK[sys.argv[1]], Path(sys.argv[2])
    paths = sorted(folder.glob("*.png"))
    start_s = time.process_time()
    found = work(paths)
    print(len(paths), found, time.process_time() - start_s, time.process_time(), peak_memory_mb())


if __name__ == "__main__":
    main()
