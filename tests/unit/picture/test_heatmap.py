import io
import struct
from dataclasses import replace
from pathlib import Path

import cv2
import matplotlib as mpl
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from mars_aurora import readers
from mars_aurora.geometry import canvas
from mars_aurora.observation import Observation
from mars_aurora.picture import heatmap


@pytest.fixture(scope="module")
def observation(night_file: Path) -> Observation:
    return readers.read(night_file, night_file.name)


def _decode(png: bytes) -> NDArray[np.uint8]:
    return np.asarray(cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED), np.uint8)


def test_the_colours_are_matplotlibs_inferno():
    expected = np.rint(mpl.colormaps["inferno"](np.arange(256))[:, 2::-1] * 255)
    assert np.array_equal(heatmap.inferno(), expected)


def test_the_picture_is_640x480_with_those_colours_and_transparent_where_unobserved(observation: Observation):
    view = canvas.fit(observation)
    image = _decode(heatmap.draw(observation, view))
    levels = canvas.to_canvas(heatmap.to_levels(observation.brightness_R), view, 0)
    usable = canvas.to_canvas(np.isfinite(observation.brightness_R) & ~observation.flagged, view, fill=False)
    assert image.shape == (480, 640, 4)
    assert np.array_equal(image[..., 3] > 0, usable)
    assert np.array_equal(image[usable][:, :3], heatmap.inferno()[levels[usable]])


def test_same_brightness_same_colour_whatever_else_is_in_the_file(observation: Observation):
    view = canvas.fit(observation)
    dimmed = observation.brightness_R.copy()
    dimmed[::2] *= 0.1
    one, other = (
        _decode(heatmap.draw(shown, view)) for shown in (observation, replace(observation, brightness_R=dimmed))
    )
    untouched = (view.index >= 0) & (view.index // observation.shape[1] % 2 == 1)
    assert np.array_equal(one[untouched], other[untouched])


def test_the_scale_separates_aurora_from_night_and_keeps_the_day_below_its_end():
    night, weak, limb = heatmap.to_levels(np.array([0.75, 3.0, 900.0], np.float32)).astype(int)
    assert weak - night > 30
    assert night > 1
    assert limb < 255


def test_levels_give_back_the_brightness():
    brightness = np.geomspace(0.5, 900, 50).astype(np.float32)
    returned = heatmap.level_brightness()[heatmap.to_levels(brightness)]
    np.testing.assert_allclose(returned, brightness, rtol=0.02)


def test_what_is_unknown_is_unobserved_and_what_is_dark_is_not():
    levels = heatmap.to_levels(np.array([np.nan, -3.0, 0.0, 1e5], np.float32))
    assert levels.tolist() == [heatmap.UNOBSERVED, 1, 1, 255]


@pytest.fixture(scope="module")
def levels() -> NDArray[np.uint8]:
    return np.random.default_rng(1).integers(0, 256, (480, 640), np.uint8)


def test_levels_survive_the_picture(levels: NDArray[np.uint8]):
    assert np.array_equal(heatmap.decode(heatmap.encode(levels)), levels)


SUN = np.linspace(-0.9, 0.9, 9).astype(np.float32)


def test_what_is_told_of_the_sun_survives_the_picture_and_every_viewer_still_opens_it(levels: NDArray[np.uint8]):
    png = heatmap.encode(levels, SUN)
    assert heatmap.read_sun(png) == pytest.approx(SUN, abs=1e-4)
    assert np.array_equal(heatmap.decode(png), levels)
    assert np.array_equal(_decode(png), _decode(heatmap.encode(levels)))
    with Image.open(io.BytesIO(png)) as opened:
        opened.load()
        assert opened.text["cos(SZA)"].split()[0] == "-0.9000"


@pytest.mark.parametrize("text", [b"", b"1 2 3", b"a b c d e f g h i", b"nan " * 9, b"1 " * 10, b" " * 300 + b"1 " * 9])
def test_a_picture_that_tells_anything_else_tells_nothing(levels: NDArray[np.uint8], text: bytes):
    told = b" ".join(f"{term:.4f}".encode() for term in SUN)
    png = heatmap.encode(levels, SUN)
    at = png.index(b"tEXt") - 4
    chunk = png[at + 4 : -16].replace(told, text)
    assert heatmap.read_sun(png[:at] + struct.pack(">I", len(chunk) - 4) + chunk + png[-16:]) is None
    assert heatmap.read_sun(png[: at + 20]) is None


@pytest.mark.parametrize("channels", [3, 4])
def test_levels_are_read_from_the_colours_of_any_png(levels: NDArray[np.uint8], channels: int):
    png = cv2.imencode(".png", _decode(heatmap.encode(levels))[..., :channels])[1].tobytes()
    found = heatmap.decode(png).astype(int)
    assert np.array_equal(found == 0, levels == 0) or channels == 3
    assert np.abs(found - levels).max() <= 2


@pytest.mark.parametrize("cut", [900, 5000, -1])
def test_a_picture_cut_short_is_refused(levels: NDArray[np.uint8], cut: int):
    with pytest.raises(ValueError, match="picture"):
        heatmap.decode(heatmap.encode(levels)[: cut if cut > 0 else -20])
