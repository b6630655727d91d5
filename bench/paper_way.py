"""The method of the paper as its text describes it: one script, one thread, all intermediate results in files.

fits.open, log10 of the 130.4 nm line, a pyplot heatmap saved as PNG, read back, resized to 640x480, cropped to the
data and resized again; then mask, background, adaptive threshold, inversion, erosion, inversion, and the same again
for the seeds. Used for comparison of CPU time and memory: python -m bench.paper_way FOLDER FILE...
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
from astropy.io import fits
from matplotlib import pyplot as plt
from numpy.typing import NDArray

from bench.measurement import cpu_ms, peak_memory_mb

SIZE = (640, 480)
CENTER, RADIUS = (320, 230), 170
KERNEL = np.ones((4, 4), np.uint8)


def preprocess(path: Path, folder: Path) -> Path:
    with fits.open(path) as hdus:
        emissions = hdus["EMISS"].data
        names = [str(name).strip() for name in emissions["NAME"]]
        radiance = emissions["RADIANCE"][names.index("O I 130.4 triplet")]
    figure = plt.figure()
    plt.imshow(np.log10(np.maximum(radiance, 0.1)), cmap="inferno", aspect="auto")
    plt.axis("off")
    plt.savefig(folder / "heatmap.png")
    plt.close(figure)
    resized = cv2.resize(_read(folder / "heatmap.png"), SIZE)
    cv2.imwrite(str(folder / "resized.png"), resized)
    image = _read(folder / "resized.png")
    y, x = np.nonzero((image < 250).any(axis=2))  # everything except the white margin
    cropped = cv2.resize(image[y.min() : y.max() + 1, x.min() : x.max() + 1], SIZE)
    cv2.imwrite(str(folder / "cropped.png"), cropped)
    return folder / "cropped.png"


def classify(path: Path, folder: Path) -> int:
    image = _read(path)
    mask = np.zeros(image.shape[:2], np.uint8)
    cv2.circle(mask, CENTER, RADIUS, 255, -1)
    cv2.imwrite(str(folder / "masked.png"), np.dstack((image, mask)))
    masked = _read(folder / "masked.png", cv2.IMREAD_UNCHANGED)
    background = np.where(masked[..., 3:] > 0, masked[..., :3], 0).astype(np.uint8)
    cv2.imwrite(str(folder / "background.png"), background)
    edges = _edges(folder / "background.png")
    cv2.imwrite(str(folder / "edges.png"), cv2.cvtColor(edges, cv2.COLOR_GRAY2BGR))
    seeds = _edges(folder / "edges.png")
    outlines, _ = cv2.findContours(seeds, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    picture = cv2.cvtColor(seeds, cv2.COLOR_GRAY2BGR)
    for outline in outlines:
        (center_x, center_y), radius = cv2.minEnclosingCircle(outline)
        cv2.circle(picture, (int(center_x), int(center_y)), int(radius), (255, 0, 0), 2)
    cv2.imwrite(str(folder / "seeds.png"), picture)
    return len(outlines)


def _read(path: Path, flags: int = cv2.IMREAD_COLOR) -> NDArray[np.uint8]:
    return np.asarray(cv2.imread(str(path), flags), np.uint8)


def _edges(path: Path) -> NDArray[np.uint8]:
    gray = cv2.cvtColor(_read(path), cv2.COLOR_BGR2GRAY)
    binary = cv2.adaptiveThreshold(gray, 255, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY, 11, 2)
    return np.asarray(cv2.bitwise_not(cv2.erode(cv2.bitwise_not(binary), KERNEL)), np.uint8)


def main() -> None:
    """Print the CPU time in ms of both steps, one line per file, then the peak memory in MB."""
    plt.switch_backend("Agg")
    if len(sys.argv) < 3:
        print("usage: python -m bench.paper_way FOLDER FILE...")
        return
    cv2.setNumThreads(1)
    folder = Path(sys.argv[1])
    for name in sys.argv[2:]:
        preprocess_ms, image = cpu_ms(preprocess, Path(name), folder)
        classify_ms, _ = cpu_ms(classify, image, folder)
        print(preprocess_ms, classify_ms)
    print(peak_memory_mb())


if __name__ == "__main__":
    main()
