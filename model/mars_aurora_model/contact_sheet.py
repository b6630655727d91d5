"""Contact sheets: pictures with their boxes, tiled in one image."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import cv2
import numpy as np
from cv2.typing import MatLike

from mars_aurora_model.labels import LabeledPicture, read_set


def draw_contact_sheet(folder: Path, path: Path, count: int = 48, columns: int = 8) -> None:
    """Draw the first pictures of a set with their boxes, at half size."""
    tiles = [_draw_tile(picture) for picture in islice(read_set(folder), count)]
    cv2.imwrite(str(path), tile(tiles, columns))


def decode(picture: LabeledPicture) -> MatLike:
    """Decode a picture's PNG to BGR, (480, 640, 3) uint8; raises ValueError if OpenCV cannot read it."""
    pixels = cv2.imdecode(np.frombuffer(picture.png, np.uint8), cv2.IMREAD_COLOR)
    if pixels is None:
        raise ValueError(f"{picture.name} is not a PNG")
    return pixels


def tile(tiles: list[MatLike], columns: int) -> MatLike:
    """Arrange images of one shape in rows, filled up with black."""
    filled = tiles + [np.zeros_like(tiles[0])] * (-len(tiles) % columns)
    return np.vstack([np.hstack(filled[i : i + columns]) for i in range(0, len(filled), columns)])


def _draw_tile(picture: LabeledPicture) -> MatLike:
    pixels = decode(picture)
    for box in picture.labels:
        color = (0, 255, 0) if box.label == "aurora" else (255, 160, 0)
        low, high = (int(box.x0), int(box.y0)), (int(box.x1), int(box.y1))
        cv2.rectangle(pixels, low, high, color, 2)
        if box.snr is not None and box.brightness_R is not None:
            text = f"{box.brightness_R:.1f} R, snr {box.snr:.0f}"
            cv2.putText(pixels, text, (low[0], low[1] - 5), cv2.FONT_HERSHEY_SIMPLEX, 0.6, color, 1)
    cv2.putText(pixels, picture.group, (5, 470), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (255, 255, 255), 1)
    return cv2.resize(pixels, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
