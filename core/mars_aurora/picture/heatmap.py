"""The picture of an observation: log brightness, matplotlib's inferno, PNG; same brightness, same colour.

The PNG holds the 256 colours as its palette and one level per pixel: the same picture as RGBA for a
tenth of the time and less than half the bytes (`python -m bench.pipeline` prints both). A line of text in it tells
where the Sun stands (`mars_aurora.picture.sun_angle`).
"""

from __future__ import annotations

import struct
import zlib
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from mars_aurora.geometry.canvas import HEIGHT, WIDTH, Canvas, to_canvas
from mars_aurora.observation import FloatArray, Observation
from mars_aurora.picture import sun_angle

# A dark night pixel (0.5 to 1 R) lies above the floor, a weak aurora (2 to 5 R) a quarter of the scale above
# it, and the brightest limb (900 R) below the ceiling. Pixels without a single count show the floor.
FLOOR_R, CEILING_R = 0.3, 1000.0
UNOBSERVED = 0  # the one transparent level; observed pixels have 1 to 255

# isal's 1 gives the size of zlib's 1 in a quarter of the time; zlib's 6 takes 15 times as long for a tenth less.
_PNG_EFFORT = 1
_SUN_KEYWORD = b"cos(SZA)\0"  # of the text chunk that follows the pixels
_SUN_BYTES = 200  # at most, of its text
_END = b"\0\0\0\0IEND\xaeB`\x82"


def to_levels(brightness_R: FloatArray) -> NDArray[np.uint8]:
    """Turn brightness into levels of the fixed log scale, 1 to 255; NaN gives `UNOBSERVED`."""
    floor, ceiling = np.log10(FLOOR_R), np.log10(CEILING_R)
    logarithm = np.log10(np.clip(brightness_R, FLOOR_R, CEILING_R))
    level = 1.5 + 254 * (logarithm - floor) / (ceiling - floor)
    levels: NDArray[np.uint8] = np.nan_to_num(level, nan=UNOBSERVED).astype(np.uint8)
    return levels


@cache
def level_brightness() -> FloatArray:
    """Give the brightness each level stands for, in R: (256,). The floor and unobserved give 0."""
    level = np.arange(256)
    brightness = FLOOR_R * (CEILING_R / FLOOR_R) ** ((level - 1) / 254)
    brightness[:2] = 0  # at the floor is what had no counts
    return brightness.astype(np.float32)


def inferno() -> NDArray[np.uint8]:
    """Give matplotlib's inferno as OpenCV holds it: (256, 3), blue green red."""
    levels = np.arange(256, dtype=np.uint8).reshape(-1, 1)
    return np.asarray(cv2.applyColorMap(levels, cv2.COLORMAP_INFERNO), np.uint8).reshape(256, 3)


def draw(observation: Observation, canvas: Canvas) -> bytes:
    """Draw an observation as the 640x480 PNG, transparent where nothing was observed or it was flagged."""
    levels = to_levels(observation.brightness_R)
    levels[observation.flagged] = UNOBSERVED
    return encode(to_canvas(levels, canvas, UNOBSERVED), sun_angle.fit(observation, canvas))


def encode(levels: NDArray[np.uint8], sun: FloatArray | None = None) -> bytes:
    """Write levels (480, 640) as a PNG with inferno for a palette and level 0 transparent.

    ``sun`` is what `sun_angle.fit` gives.
    """
    from isal import isal_zlib  # noqa: PLC0415 -- classify decodes only

    rows = np.zeros((HEIGHT, WIDTH + 1), np.uint8)  # each row begins with its filter: none
    rows[:, 1:] = levels
    packed = isal_zlib.compress(rows.tobytes(), _PNG_EFFORT)
    text = b"" if sun is None else _chunk(b"tEXt", _SUN_KEYWORD + " ".join(f"{term:.4f}" for term in sun).encode())
    return _head() + _chunk(b"IDAT", packed) + text + _END


def read_sun(png: bytes) -> FloatArray | None:
    """Read what `encode` was told of the Sun, (9,); None where it was not, or the picture is not its work."""
    if not png.startswith(_head()):
        return None
    pixels = len(_head())
    at = pixels + 12 + int.from_bytes(png[pixels : pixels + 4])
    start, end = at + 8 + len(_SUN_KEYWORD), at + 8 + int.from_bytes(png[at : at + 4])
    if png[at + 4 : start] != b"tEXt" + _SUN_KEYWORD or end - start > _SUN_BYTES:
        return None
    try:
        sun = np.array(png[start:end].split(), np.float32)
    except ValueError:
        return None
    return sun if sun.shape == (sun_angle.TERMS,) and np.isfinite(sun).all() else None


def decode(png: bytes) -> NDArray[np.uint8]:
    """Read the levels (480, 640) of a picture by `encode`, or those nearest to the colours of another PNG.

    Raises ValueError where the bytes are no 640x480 colour picture of 8 bits.
    """
    head = _head()
    if not png.startswith(head):
        image = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED) if png else None
        if image is None or image.dtype != np.uint8 or image.ndim != 3 or image.shape[:2] != (HEIGHT, WIDTH):
            raise ValueError("not a 640x480 colour picture of 8 bits")
        return to_levels_from_colours(np.asarray(image, np.uint8))
    if not png.endswith(_END):
        raise ValueError("not a whole picture: its end is missing")
    try:  # a third of the time that OpenCV takes: no palette is looked up, nothing is turned into RGBA
        pixels = zlib.decompressobj().decompress(png[len(head) + 8 :], HEIGHT * (WIDTH + 1))
        rows = np.frombuffer(pixels, np.uint8).reshape(HEIGHT, WIDTH + 1)
    except (zlib.error, ValueError) as error:
        raise ValueError(f"not a whole picture: {error}") from error
    return rows[:, 1:]


def to_levels_from_colours(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Give the levels nearest to the colours of a picture: (H, W, 3 or 4), blue green red, to (H, W)."""
    grey = cv2.cvtColor(image[..., :3], cv2.COLOR_BGR2GRAY)
    grey_of_level = cv2.cvtColor(inferno()[None], cv2.COLOR_BGR2GRAY)[0]  # grows with the level
    level_of_grey = np.searchsorted(grey_of_level, np.arange(256)).clip(1, 255).astype(np.uint8)
    levels: NDArray[np.uint8] = level_of_grey[grey]
    if image.shape[2] == 4:
        levels[image[..., 3] == 0] = UNOBSERVED
    return levels


@cache
def _head() -> bytes:
    """Give what every picture begins with, up to its pixels."""
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            _chunk(b"IHDR", struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 3, 0, 0, 0)),
            _chunk(b"PLTE", inferno()[:, ::-1].tobytes()),
            _chunk(b"tRNS", b"\0"),
        )
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
