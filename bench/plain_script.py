"""A script with astropy and OpenCV, in one process: python -m bench.plain_script [--isal] FOLDER FILE...

The steps of the paper without its intermediate files: the 130.4 nm line, its logarithm as a picture of 640x480 px, the
disk cut out, an adaptive threshold, erosion, and the number of objects; pictures with two or more are kept. Nothing is
checked, cleaned, detected or measured. With --isal, files are decompressed by isal instead of by zlib.
"""

import gzip
import sys
from pathlib import Path

import cv2
import numpy as np
from astropy.io import fits
from isal import igzip

SIZE, CENTER, RADIUS = (640, 480), (320, 230), 170
KERNEL = np.ones((4, 4), np.uint8)


def count_objects(path: Path, folder: Path, *, fast: bool = False) -> int:
    """Count the objects in the picture of a file, and write the picture if there are two or more."""
    with (igzip if fast else gzip).open(path) as stream, fits.open(stream) as hdus:
        emissions = hdus["EMISS"].data
        names = np.char.strip(emissions["NAME"])
        brightness_R = np.nan_to_num(emissions["RADIANCE"][names == "O I 130.4 triplet"][0])
    logarithm = np.log10(np.clip(brightness_R, 0.1, 1e4))
    levels = cv2.resize((51 * (logarithm + 1)).astype(np.uint8), SIZE, interpolation=cv2.INTER_AREA)
    mask = cv2.circle(np.zeros_like(levels), CENTER, RADIUS, 255, -1)
    disk = cv2.bitwise_and(levels, mask)
    edges = cv2.adaptiveThreshold(disk, 255, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY_INV, 11, 2)
    outlines, _ = cv2.findContours(cv2.erode(edges, KERNEL), cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    if len(outlines) >= 2:  # the disk of Mars is one
        cv2.imwrite(str(folder / f"{path.name}.png"), cv2.applyColorMap(levels, cv2.COLORMAP_INFERNO))
    return len(outlines)


def main() -> None:
    fast = sys.argv[1:2] == ["--isal"]
    cv2.setNumThreads(1)
    folder, *names = sys.argv[2 if fast else 1 :]
    for name in names:
        print(name, count_objects(Path(name), Path(folder), fast=fast))


if __name__ == "__main__":
    main()
