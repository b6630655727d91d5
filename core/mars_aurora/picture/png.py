"""Pictures as PNG files.

Written with the 256 colors as palette, one level per pixel: the same picture as RGBA takes ten times as long and more
than twice the bytes (``python -m bench.pipeline`` prints both). Metadata are in tEXt chunks.

Read by Pillow, so that a picture that another program has saved again is read as well: with a palette or in color, the
text before or after the pixels.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from mars_aurora.emission import OXYGEN_1304, find_emission
from mars_aurora.errors import UsageError
from mars_aurora.observation import FloatArray
from mars_aurora.picture import sun_angle
from mars_aurora.picture.palette import inferno, levels_from_colors
from mars_aurora.picture.picture import UNOBSERVED, Levels, Picture

MAX_SIDE_PX = 4096  # a file of a few kilobytes can declare any size
_SZA, _EMISSION, _COUNTS, _REMOVED = "cos(SZA)", "emission", "counts per R", "removed R"  # keywords of the text
_PEDESTAL, _VERSION = "pedestal R", "version"
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_END = b"IEND\xaeB`\x82"
_LAST = b"IEND", b""
# isal level 1: size of zlib level 1 in a fifth of the time; zlib level 6 saves a tenth at 15 times the time
_LEVEL = 1


def write(picture: Picture) -> bytes:
    """Write a picture as a PNG with inferno as palette and level 0 transparent."""
    from isal import isal_zlib  # noqa: PLC0415 -- the functions that only read do not have it

    pixels = b"IDAT", isal_zlib.compress(_to_rows(picture.levels), _LEVEL)
    text = [(b"tEXt", f"{keyword}\0{text}".encode("latin-1")) for keyword, text in _to_text(picture).items()]
    return _start(picture.levels.shape, inferno()) + b"".join(_chunk(*item) for item in [pixels, *text, _LAST])


def write_levels(levels: Levels) -> bytes:
    """Write levels (H, W) without metadata, with black and transparent unobserved pixels."""
    from isal import isal_zlib  # noqa: PLC0415 -- the functions that only read do not have it

    colors = inferno().copy()
    colors[UNOBSERVED] = 0
    pixels = b"IDAT", isal_zlib.compress(_to_rows(levels), _LEVEL)
    return _start(levels.shape, colors) + _chunk(*pixels) + _chunk(*_LAST)


def read_levels(png: bytes, shape: tuple[int, int]) -> Levels:
    """Read the levels of a picture of this shape (H, W) from `write`, by zlib; raises ValueError for any other."""
    height, width = shape
    start = _start(shape, inferno())
    size = int.from_bytes(png[len(start) : len(start) + 4], "big")
    packed = png[len(start) + 8 : len(start) + 8 + size]
    if not (png.startswith(start) and png.startswith(_chunk(b"IDAT", packed), len(start)) and _END in png):
        raise ValueError(f"it is not a complete PNG of {width} x {height} px from this program")
    rows = np.frombuffer(_unpack(packed, height * (width + 1)), np.uint8).reshape(height, width + 1)
    return rows[:, 1:]


def _start(shape: tuple[int, ...], colors: NDArray[np.uint8]) -> bytes:
    """Return what is before the pixels."""
    height, width = shape
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"PLTE", colors.tobytes()), (b"tRNS", b"\0")]
    return _SIGNATURE + b"".join(_chunk(kind, data) for kind, data in chunks)


def _to_rows(levels: Levels) -> bytes:
    """Return the pixels as they are before compression."""
    rows = np.zeros((levels.shape[0], levels.shape[1] + 1), np.uint8)  # each row starts with its filter type: none
    rows[:, 1:] = levels
    return rows.tobytes()


def _unpack(packed: bytes, size: int) -> bytes:
    """Decompress exactly so many bytes; raises ValueError if there are others."""
    stream = zlib.decompressobj()
    try:
        data = stream.decompress(packed, size + 1)
    except zlib.error as error:
        raise ValueError(f"its pixels are damaged: {error}") from error
    if len(data) != size or not stream.eof:
        raise ValueError("its pixels are incomplete")
    return data


def read(png: bytes) -> Picture:
    """Read a picture of any size up to `MAX_SIDE_PX` a side.

    Colors of the palette give exact levels, others the nearest; a gray picture is taken for levels as it is.
    Transparent pixels are unobserved. Text that is missing or invalid leaves its value unknown.

    Raises
    ------
    ValueError
        Where the bytes are not a complete PNG of 8 bits a channel, or too large.
    """
    if not png.startswith(_SIGNATURE) or len(png) < 33:  # the header chunk ends there
        raise ValueError("the picture is not a PNG")
    width, height = struct.unpack(">II", png[16:24])
    if not (0 < width <= MAX_SIDE_PX and 0 < height <= MAX_SIDE_PX):
        raise ValueError(f"the picture declares {width}x{height} px; at most {MAX_SIDE_PX} a side are read")
    if png[24] > 8:  # which Pillow would reduce in color
        raise ValueError(f"the picture has {png[24]} bits a channel; at most 8 are read")
    if _END not in png:
        raise ValueError("the picture is truncated: it has no IEND chunk")
    pixels, colors, text = _decode(png)
    levels = _to_levels(pixels, colors)
    try:
        emission = find_emission(text.get(_EMISSION, OXYGEN_1304.name))
    except UsageError as error:
        raise ValueError(str(error)) from error
    counts, version = _numbers(text.get(_COUNTS, ""), 1), _numbers(text.get(_VERSION, ""), 1)
    removed, pedestal = (_numbers(text.get(keyword, "0"), 1) for keyword in (_REMOVED, _PEDESTAL))
    return Picture(
        levels,
        _numbers(text.get(_SZA, ""), sun_angle.TERMS),
        emission,
        None if counts is None else float(counts[0]),
        0.0 if removed is None else max(float(removed[0]), 0.0),
        0.0 if pedestal is None else max(float(pedestal[0]), 0.0),
        1 if version is None else int(version[0]),
    )


def _decode(png: bytes) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None, Mapping[str, str]]:
    """Decode by Pillow: pixels (H, W[, C]), the palette (256, 4) as RGBA where they are its indices, and the text."""
    from PIL.PngImagePlugin import PngImageFile  # noqa: PLC0415 -- writing does not need it

    try:
        with PngImageFile(io.BytesIO(png)) as image:
            image.load()
            mode, pixels = image.mode, np.asarray(image)
            text = {keyword: str(value) for keyword, value in image.text.items()}
            colors = bytes(image.getpalette("RGB") or []) if mode == "P" else b""
            transparent = image.info.get("transparency", b"")
    except Exception as error:  # Pillow raises a dozen types on damaged files, SyntaxError among them
        raise ValueError(f"the picture is damaged: {error}") from error
    if mode in {"L", "LA", "RGB", "RGBA"}:
        return pixels, None, text
    if mode != "P":
        found = "is 1-bit gray" if mode == "1" else f"has the mode {mode}"
        raise ValueError(f"the picture {found}; gray or color of 8 bits a channel, or a palette, is read")
    if not colors:
        raise ValueError("the picture has no palette")
    return pixels, _to_palette(colors, transparent), text


def _to_palette(colors: bytes, transparent: int | bytes) -> NDArray[np.uint8]:
    """Combine the colors of a palette and its transparent index, or the opacity of its first entries: (256, 4)."""
    palette = np.zeros((256, 4), np.uint8)
    entries = np.frombuffer(colors, np.uint8).reshape(-1, 3)
    palette[: len(entries), :3], palette[:, 3] = entries, 255
    if isinstance(transparent, int):
        palette[transparent, 3] = 0
    else:
        palette[: len(transparent), 3] = np.frombuffer(transparent, np.uint8)
    return palette


def _to_levels(pixels: NDArray[np.uint8], palette: NDArray[np.uint8] | None) -> Levels:
    if palette is not None:
        levels = levels_from_colors(palette[:, :3])
        levels[palette[:, 3] == 0] = UNOBSERVED
        return pixels if np.array_equal(levels, np.arange(256)) else levels[pixels]
    if pixels.ndim == 2:
        return pixels
    color_channels = pixels.shape[2] - (pixels.shape[2] in {2, 4})
    levels = pixels[..., 0].copy() if color_channels == 1 else levels_from_colors(pixels[..., :3])
    if color_channels < pixels.shape[2]:
        levels[pixels[..., -1] == 0] = UNOBSERVED
    return levels


def _to_text(picture: Picture) -> dict[str, str]:
    """Return the text of a picture, by keyword; what is unknown or the default is left out."""
    text = {}
    if picture.sza_coefficients is not None:
        text[_SZA] = " ".join(f"{coefficient:.4f}" for coefficient in picture.sza_coefficients)
    if picture.emission != OXYGEN_1304:
        text[_EMISSION] = picture.emission.name
    if picture.counts_per_R is not None:
        text[_COUNTS] = f"{picture.counts_per_R:.6g}"
    if picture.removed_R:
        text[_REMOVED] = f"{picture.removed_R:.6g}"
    if picture.pedestal_R:
        text[_PEDESTAL] = f"{picture.pedestal_R:.6g}"
    if picture.version != 1:
        text[_VERSION] = str(picture.version)
    return text


def _numbers(text: str, count: int) -> FloatArray | None:
    """Parse ``count`` finite numbers; None where the text is anything else."""
    try:
        numbers = np.array(text.split(), np.float32)
    except ValueError:
        return None
    return numbers if numbers.shape == (count,) and np.isfinite(numbers).all() else None


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
