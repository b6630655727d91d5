"""Stitched pictures of observation sets: the same pixels as an overlay of the decoded pictures."""

import cv2
import numpy as np
import pytest

from mars_aurora.catalogue.stitching import overlay
from mars_aurora.emission import OXYGEN_1356
from mars_aurora.picture import png
from mars_aurora.picture.picture import Picture

SHAPE = (480, 640)


def _decode(data: bytes) -> np.ndarray:
    return np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED))


def _draw(seed: int) -> bytes:
    """Draw all levels at random, a third of them unobserved, with metadata."""
    generator = np.random.default_rng(seed)
    levels = np.where(generator.random(SHAPE) < 1 / 3, 0, generator.integers(0, 256, SHAPE)).astype(np.uint8)
    return png.write(Picture(levels, np.ones(5, np.float32), OXYGEN_1356, 0.4))


def test_stitched_pixels_are_those_of_the_first_picture_that_observed_them():
    pictures = [_draw(seed) for seed in range(3)]
    expected = np.zeros((*SHAPE, 4), np.uint8)
    for picture in map(_decode, reversed(pictures)):
        observed = picture[..., 3] > 0
        expected[observed] = picture[observed]
    assert (expected[..., 3] == 0).any()
    np.testing.assert_array_equal(_decode(overlay(pictures)), expected)


def test_unobserved_pixels_are_transparent_and_black():
    nothing = png.write(Picture(np.zeros(SHAPE, np.uint8), None))
    assert not _decode(overlay([nothing, nothing])).any()


@pytest.mark.parametrize(
    "damage",
    [
        lambda _: b"",
        lambda data: data[:-100],
        lambda data: data.replace(b"IEND", b"IENX"),
        lambda data: data[:2000] + bytes([data[2000] ^ 1]) + data[2001:],
        lambda _: cv2.imencode(".png", np.zeros((*SHAPE, 4), np.uint8))[1].tobytes(),
    ],
    ids=["empty", "cut", "without end", "changed byte", "other colors"],
)
def test_other_or_damaged_picture_is_refused(damage):
    with pytest.raises(ValueError, match="not a complete PNG of 640 x 480 px"):
        overlay([_draw(0), damage(_draw(1))])


def test_picture_of_another_size_is_refused():
    small = png.write(Picture(np.zeros((240, 320), np.uint8), None))
    with pytest.raises(ValueError, match="640 x 480"):
        overlay([small])


@pytest.mark.parametrize("rows", [479, 481])
def test_picture_with_too_few_or_too_many_pixels_is_refused(rows):
    """The header of one picture with the pixels of another."""
    right, wrong = (
        png.write(Picture(np.ones(SHAPE, np.uint8), None)),
        png.write(Picture(np.ones((rows, 640), np.uint8), None)),
    )
    mixed = right[: right.index(b"IDAT") - 4] + wrong[wrong.index(b"IDAT") - 4 :]
    with pytest.raises(ValueError, match="incomplete"):
        overlay([mixed])
