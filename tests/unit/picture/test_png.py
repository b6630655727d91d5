"""Pictures as PNG files: written, read, and read after another program has saved them again."""

import io
import struct
import tracemalloc
import zlib
from dataclasses import replace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from mars_aurora.emission import OXYGEN_1304, OXYGEN_1356
from mars_aurora.picture import png
from mars_aurora.picture.palette import inferno
from mars_aurora.picture.picture import Picture

COEFFICIENTS = np.linspace(-0.9, 0.9, 9).astype(np.float32)


@pytest.fixture(scope="module")
def levels() -> NDArray[np.uint8]:
    """Random levels; every level occurs, `UNOBSERVED` too."""
    levels = np.random.default_rng(1).integers(0, 256, (480, 640), np.uint8)
    assert len(np.unique(levels)) == 256
    return levels


@pytest.fixture(scope="module")
def picture(levels) -> Picture:
    return Picture(levels, COEFFICIENTS, OXYGEN_1356, counts_per_R=0.359, removed_R=7.25, pedestal_R=12.5, version=2)


def _assert_equal(found: Picture, expected: Picture) -> None:
    assert np.array_equal(found.levels, expected.levels)
    assert found.levels.dtype == np.uint8
    assert found.sza_coefficients.dtype == np.float32
    assert np.array_equal(found.sza_coefficients, expected.sza_coefficients)
    assert found.emission is expected.emission
    assert found.counts_per_R == pytest.approx(expected.counts_per_R, rel=1e-5)
    assert (found.removed_R, found.pedestal_R) == pytest.approx((expected.removed_R, expected.pedestal_R), rel=1e-5)
    assert found.version == expected.version


def _encode(pixels: NDArray) -> bytes:
    """Encode gray, blue green red or blue green red alpha by OpenCV, without text."""
    return cv2.imencode(".png", pixels)[1].tobytes()


def _decode(data: bytes) -> NDArray:
    """Decode by OpenCV, to blue green red alpha where there is a palette with transparency."""
    return np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED))


def _save_again(data: bytes, mode: str, **options: object) -> bytes:
    """Save a PNG again by Pillow in a mode, the text kept."""
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        text, stream = PngInfo(), io.BytesIO()
        for keyword, value in image.text.items():
            text.add_text(keyword, value)
        converted = image if image.mode == mode else image.convert(mode)
        converted.save(stream, "png", pnginfo=text, **options)
    return stream.getvalue()


def _with_text(data: bytes, keyword: str, text: str) -> bytes:
    """Replace the text of a keyword, or add it, before the pixels."""
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        info, stream = PngInfo(), io.BytesIO()
        for name, value in (image.text | {keyword: text}).items():
            info.add_text(name, value)
        image.save(stream, "png", pnginfo=info)
    return stream.getvalue()


def test_every_field_is_written_and_read(picture):
    _assert_equal(png.read(png.write(picture)), picture)


def test_defaults_are_read_where_nothing_is_written(levels):
    data = png.write(Picture(levels))
    assert b"tEXt" not in data
    found = png.read(data)
    assert np.array_equal(found.levels, levels)
    assert (found.sza_coefficients, found.counts_per_R, found.removed_R, found.version) == (None, None, 0, 1)
    assert found.emission is OXYGEN_1304


@pytest.mark.parametrize("shape", [(1, 1), (3, 7), (960, 1280)])
def test_picture_of_any_size_is_written_and_read(shape):
    levels = np.random.default_rng(2).integers(0, 256, shape, np.uint8)
    assert np.array_equal(png.read(png.write(Picture(levels))).levels, levels)


def test_same_picture_gives_same_bytes(picture):
    assert png.write(picture) == png.write(replace(picture, levels=picture.levels.copy()))


def test_other_programs_see_the_colors_of_the_levels_and_transparency_where_unobserved(picture):
    pixels = _decode(png.write(picture))
    assert pixels.shape == (480, 640, 4)
    assert np.array_equal(pixels[..., 3] > 0, picture.levels > 0)
    assert np.array_equal(pixels[..., 2::-1], inferno()[picture.levels])


def test_text_does_not_change_the_pixels_and_is_read_by_other_programs(picture, levels):
    data = png.write(picture)
    assert np.array_equal(_decode(data), _decode(png.write(Picture(levels))))
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        assert image.text["cos(SZA)"].split() == [f"{value:.4f}" for value in COEFFICIENTS]
        assert image.text["emission"] == "O I 135.6"
        assert image.text["counts per R"] == "0.359"
        assert image.text["version"] == "2"


def test_text_before_the_pixels_is_read(picture):
    data = _save_again(png.write(picture), "P")
    assert data.index(b"tEXt") < data.index(b"IDAT")
    assert png.write(picture).index(b"tEXt") > png.write(picture).index(b"IDAT")
    _assert_equal(png.read(data), picture)


@pytest.mark.parametrize("mode", ["P", "RGB", "RGBA"])
@pytest.mark.parametrize("optimize", [False, True])
def test_picture_saved_again_by_pillow_has_the_same_levels_and_text(picture, mode, optimize):
    data = _save_again(png.write(picture), mode, optimize=optimize)
    assert data != png.write(picture)
    _assert_equal(png.read(data), picture)


def test_picture_with_reordered_palette_has_the_same_levels(levels):
    order = np.random.default_rng(3).permutation(256)
    index_of_level = np.argsort(order).astype(np.uint8)
    image = Image.fromarray(index_of_level[levels], "P")
    image.putpalette(inferno()[order].tobytes())
    stream = io.BytesIO()
    image.save(stream, "png", transparency=int(index_of_level[0]))
    assert np.array_equal(png.read(stream.getvalue()).levels, levels)


def test_picture_with_short_palette_has_the_same_levels():
    levels = np.random.default_rng(4).integers(0, 4, (40, 50), np.uint8)
    image = Image.fromarray(levels, "P")
    image.putpalette(inferno()[:4].tobytes())
    stream = io.BytesIO()
    image.save(stream, "png", bits=2)
    assert stream.getvalue()[24:26] == b"\x02\x03"  # two bits, a palette
    assert np.array_equal(png.read(stream.getvalue()).levels, levels)


@pytest.mark.parametrize("channels", [3, 4])
def test_picture_saved_again_by_opencv_has_the_same_levels(picture, channels):
    data = _encode(np.ascontiguousarray(_decode(png.write(picture))[..., :channels]))
    assert b"tEXt" not in data
    assert np.array_equal(png.read(data).levels, picture.levels)


def test_transparent_pixels_are_unobserved():
    pixels = np.full((4, 6, 4), 255, np.uint8)
    pixels[0, :, 3] = 0
    levels = png.read(_encode(pixels)).levels
    assert not levels[0].any()
    assert (levels[1:] == 255).all()


@pytest.mark.parametrize("transparency", [9, bytes([255] * 9 + [0])])
def test_transparent_index_of_a_palette_is_unobserved(levels, transparency):
    image = Image.fromarray(levels, "P")
    image.putpalette(inferno().tobytes())
    stream = io.BytesIO()
    image.save(stream, "png", transparency=transparency)
    assert np.array_equal(png.read(stream.getvalue()).levels, np.where(levels == 9, 0, levels))


def test_several_transparent_indices_of_a_palette_are_unobserved(levels):
    image = Image.fromarray(levels, "P")
    image.putpalette(inferno().tobytes())
    stream = io.BytesIO()
    image.save(stream, "png", transparency=bytes([255] * 8 + [0, 0, 128]))  # level 10 is only partly transparent
    assert np.array_equal(png.read(stream.getvalue()).levels, np.where((levels == 8) | (levels == 9), 0, levels))


def test_gray_picture_is_read_as_levels(levels):
    assert np.array_equal(png.read(_encode(levels)).levels, levels)


def test_transparent_pixels_of_a_gray_picture_are_unobserved():
    pixels = np.full((4, 6, 2), 7, np.uint8)
    pixels[..., 1] = 255
    pixels[2, :, 1] = 0
    stream = io.BytesIO()
    Image.fromarray(pixels, "LA").save(stream, "png")
    assert png.read(stream.getvalue()).levels[:, 0].tolist() == [7, 7, 0, 7]


@pytest.mark.parametrize("text", ["", "1 2 3", "a b c d e f g h i", "nan " * 9, "inf " * 9, "1 " * 8, "1 " * 10])
def test_invalid_sza_coefficients_are_unknown(picture, text):
    found = png.read(_with_text(png.write(picture), "cos(SZA)", text))
    assert found.sza_coefficients is None
    assert np.array_equal(found.levels, picture.levels)
    assert found.version == picture.version


@pytest.mark.parametrize("text", ["", "many", "nan", "0.3 0.4"])
def test_invalid_sensitivity_is_unknown(picture, text):
    found = png.read(_with_text(png.write(picture), "counts per R", text))
    assert found.counts_per_R is None
    assert np.array_equal(found.sza_coefficients, picture.sza_coefficients)


def test_replaced_text_is_read(picture):
    found = png.read(_with_text(png.write(picture), "cos(SZA)", "1 0 0 0 0 0 0 0 -0.5"))
    assert found.sza_coefficients.tolist() == [1, 0, 0, 0, 0, 0, 0, 0, -0.5]


def test_version_0_is_read_and_written_again(picture):
    found = png.read(_with_text(png.write(picture), "version", "0"))
    assert found.version == 0
    assert png.read(png.write(found)).version == 0


def test_unknown_emission_is_rejected(picture):
    with pytest.raises(ValueError, match="He I 58"):
        png.read(_with_text(png.write(picture), "emission", "He I 58.4"))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not a picture",
        b"\x89PNG\r\n\x1a\n",
        b"GIF89a" + bytes(40),
        b"\x89PNG\r\n\x1a\n" + bytes(100),
        b"\x89PNG\r\n\x1a\n" + b"\0\0\0\x0dIHDR\0\0\0\x05\0\0\0\x05" + bytes(range(200)) + b"IEND\xaeB`\x82",
        _encode(np.zeros((4, 6), np.uint8))[:40],
        _encode(np.zeros((4, 6), np.uint16)),
        _encode(np.zeros((480, 640, 3), np.uint16)),
        _encode(np.zeros((480, 640, 4), np.uint16)),
    ],
    ids=["empty", "text", "signature", "gif", "zeros", "garbage", "truncated", "16-bit", "16-bit RGB", "16-bit RGBA"],
)
def test_anything_but_a_whole_8_bit_png_is_rejected(data):
    with pytest.raises(ValueError, match="the picture"):
        png.read(data)


def test_palette_that_is_missing_is_rejected(picture):
    data = png.write(picture)
    start = data.index(b"PLTE") - 4
    with pytest.raises(ValueError, match="the picture has no palette"):
        png.read(data[:start] + data[start + 12 + 768 :])


def test_gray_of_1_bit_is_rejected():
    stream = io.BytesIO()
    Image.fromarray(np.eye(8, dtype=bool)).save(stream, "png")
    with pytest.raises(ValueError, match="is 1-bit gray"):
        png.read(stream.getvalue())


@pytest.mark.parametrize("length", [900, 5000, -1, -20])
def test_truncated_picture_is_rejected(picture, length):
    with pytest.raises(ValueError, match="picture"):
        png.read(png.write(picture)[:length])


def test_picture_with_truncated_pixels_is_rejected(picture):
    data = png.write(picture)
    start = data.index(b"IDAT") - 4
    pixels = data[start + 8 : start + 2008]
    chunk = struct.pack(">I", len(pixels)) + b"IDAT" + pixels + struct.pack(">I", zlib.crc32(b"IDAT" + pixels))
    with pytest.raises(ValueError, match="the picture"):
        png.read(data[:start] + chunk + data[-12:])


def test_damaged_pixels_are_rejected(picture):
    data = bytearray(png.write(picture))
    data[data.index(b"IDAT") + 5000] ^= 0xFF
    with pytest.raises(ValueError, match="the picture"):
        png.read(bytes(data))


@pytest.mark.parametrize("shape", [(5000, 20), (20, 5000)])
def test_picture_with_a_side_over_4096_px_is_rejected(shape):
    with pytest.raises(ValueError, match=f"{shape[1]}x{shape[0]} px; at most 4096"):
        png.read(_encode(np.zeros(shape, np.uint8)))
    assert png.read(_encode(np.zeros((4096, 20), np.uint8))).levels.shape == (4096, 20)


def test_declared_size_is_checked_before_decompression():
    data = bytearray(_encode(np.zeros((4, 6), np.uint8)))
    data[16:24] = (100_000).to_bytes(4, "big") * 2
    with pytest.raises(ValueError, match="100000x100000"):
        png.read(bytes(data))


def test_pixels_beyond_the_declared_size_are_not_decompressed():
    small = png.write(Picture(np.ones((480, 640), np.uint8)))
    start = small.index(b"IDAT") - 4
    excess = zlib.compress(bytes(50_000_000))
    chunk = struct.pack(">I", len(excess)) + b"IDAT" + excess + struct.pack(">I", zlib.crc32(b"IDAT" + excess))
    tracemalloc.start()
    try:
        assert not png.read(small[:start] + chunk + small[-12:]).levels.any()
        assert tracemalloc.get_traced_memory()[1] < 5e6
    finally:
        tracemalloc.stop()
