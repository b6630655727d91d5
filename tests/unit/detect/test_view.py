"""The view: the network's input made from a picture."""

import json

import cv2
import numpy as np
import pytest

from mars_aurora.detect.view import PHOTONS_R, describe_input, make_view, placement, require_version
from mars_aurora.emission import OXYGEN_1304, OXYGEN_1356
from mars_aurora.errors import UsageError
from mars_aurora.picture.heatmap import level_brightness, to_levels
from mars_aurora.picture.picture import UNOBSERVED, Picture


@pytest.mark.parametrize("shape", [(480, 640), (480, 480), (960, 1280), (240, 900)])
@pytest.mark.parametrize("side", [256, 352])
def test_placement_gives_the_position_of_the_picture_in_the_view(shape, side):
    x0, y0, scale = placement(shape, side)
    column, row = round((0.4 * side - x0) / scale), round((0.6 * side - y0) / scale)
    levels = np.full(shape, 2, np.uint8)
    half = int(np.ceil(4 / scale))
    levels[row - half : row + half, column - half : column + half] = 200
    rows, columns = np.nonzero(make_view(Picture(levels), side)[0, 0] > 0.4)
    assert columns.mean() + 0.5 == pytest.approx(0.4 * side, abs=1)
    assert rows.mean() + 0.5 == pytest.approx(0.6 * side, abs=1)


def test_view_contains_limb_and_shell_and_preserves_the_sum_of_faint_signal():
    levels = np.full((480, 640), UNOBSERVED, np.uint8)
    cv2.circle(levels, (320, 230), 176, 1, cv2.FILLED)
    counts = np.random.default_rng(0).poisson(0.4, (340, 340))  # photons of a dark night, 2.8 R each
    night = to_levels(counts * np.float32(2.8), OXYGEN_1304)
    levels[60:400, 150:490] = np.maximum(levels[60:400, 150:490] > 0, night)
    _, linear, observed, *of_sza = make_view(Picture(levels), 256)[0]
    assert not np.any(of_sza)  # unknown without coefficients
    assert observed.max() == 1
    assert observed.sum() == pytest.approx((levels > 0).sum() * (256 / 352) ** 2, rel=0.005)
    total_R = np.minimum(level_brightness(OXYGEN_1304)[levels], PHOTONS_R).sum()
    assert linear.sum() * PHOTONS_R == pytest.approx(total_R * (256 / 352) ** 2, rel=0.01)
    assert 0.9 * counts.sum() * 2.8 < total_R < 1.1 * counts.sum() * 2.8


@pytest.mark.parametrize("shape", [(1, 4000), (4000, 1)])
def test_longest_picture_is_a_line_of_one_px(shape):
    observed = make_view(Picture(np.full(shape, 200, np.uint8)), 256)[0, 2]
    assert observed.sum() == pytest.approx(352 * (256 / 352) ** 2, rel=1e-3)


def test_sza_channel_is_that_of_the_coefficients():
    levels = np.ones((480, 640), np.uint8)
    noon_at_right_limb = np.array([0, 1, 0, 0, 0, 0, 0, 0, 0], np.float32)  # the cosine is x
    sza = make_view(Picture(levels, noon_at_right_limb), 256)[0, 3]
    across = (np.arange(256) + 0.5 - 128) / 256 * 352 / 170
    angle = np.degrees(np.arccos(across[np.abs(across) < 0.95]))
    expected = np.clip((angle - 80) / 80, 1 / 255, 1)
    assert sza[128][np.abs(across) < 0.95] == pytest.approx(expected, abs=0.01)


def test_significance_channel_is_at_the_place_of_the_excess():
    night = np.array([-0.8, 0, 0, 0, 0, 0, 0, 0, 0], np.float32)
    y, x = np.mgrid[:480, :640]
    brightness_R = np.where(np.hypot(x - 250, y - 180) < 15, 30, 1).astype(np.float32)
    levels = np.where(np.hypot(x - 320, y - 230) < 170, to_levels(brightness_R, OXYGEN_1304), np.uint8(UNOBSERVED))
    channel = make_view(Picture(levels, night, counts_per_R=0.36), 256)[0, 5]
    excess = channel - np.median(channel)
    rows, columns = np.mgrid[:256, :256] + 0.5
    x0, y0, scale = placement((480, 640), 256)
    for values, place in ((columns, 250.5 * scale + x0), (rows, 180.5 * scale + y0)):
        assert (values * excess).sum() / excess.sum() == pytest.approx(place, abs=0.6)
    assert channel[10, 10] == pytest.approx(4 / 20)  # 0 off the disk


def _make_synthetic_picture() -> Picture:
    """Draw a disk with night on its left, day on its right, two auroras, Poisson noise and an unobserved strip."""
    y, x = np.mgrid[:480, :640].astype(np.float64)
    right, up = (x - 320) / 170, (230 - y) / 170
    radius = np.hypot(right, up)
    depth = np.sqrt(np.maximum(1 - radius**2, 0))
    cosine = 0.8 * right + 0.1 * up - 0.4 * depth
    brightness_R = 0.7 + 500 / (1 + np.exp((np.degrees(np.arccos(np.clip(cosine, -1, 1))) - 92) / 4))
    brightness_R[np.hypot(x - 250, y - 200) < 14] += 12
    brightness_R[np.hypot(x - 215, y - 290) < 9] += 30
    native = np.random.default_rng(20).poisson(0.36 * brightness_R[::3, ::3]) / 0.36
    drawn = np.repeat(np.repeat(native, 3, axis=0), 3, axis=1)[:, :640].astype(np.float32)
    levels = to_levels(drawn, OXYGEN_1304)
    observed = (radius < 1.05) & (np.abs(y - 330 - 0.2 * x + 64) > 8)
    coefficients = np.array([0, 0.8, 0.1, -0.4, 0, 0, 0, 0, 0], np.float32)
    return Picture(np.where(observed, levels, np.uint8(UNOBSERVED)), coefficients)


# The view of `_make_synthetic_picture`, by channel: mean, standard deviation, and the pixels of GOLDEN_PIXELS. A change
# of these numbers requires another `VERSION` of the view, and retraining.
GOLDEN_PIXELS = [(10, 10), (60, 190), (104, 77), (128, 140), (150, 51), (171, 52), (196, 120)]  # row, column
GOLDEN = {
    "level": (0.3617916, 0.3790534, 0.0, 0.9176471, 0.3008913, 0.3746881, 0.2784314, 0.5850267, 0.0),
    "linear": (0.3954247, 0.4589846, 0.0, 1.0, 0.1178821, 0.208532, 0.09351303, 1.0, 0.0),
    "observed": (0.7664724, 0.4196322, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0),
    "sza": (0.3443809, 0.2884141, 0.495908, 0.003921569, 0.6471136, 0.3580211, 0.8138943, 0.8001167, 0.450339),
    "contrast": (0.253703, 0.09342003, 0.25, 0.2539443, 1.0, 0.1972857, 0.3177907, 1.0, 0.1996143),
    "significance": (0.205941, 0.06743217, 0.2, 0.2, 1, 0.1861661, 0.2305908, 1, 0.2),
}


def test_view_of_a_synthetic_picture_is_unchanged():
    view = make_view(_make_synthetic_picture(), 256)
    assert view.shape == (1, 6, 256, 256)
    assert view.dtype == np.float32
    for channel, (name, expected) in zip(view[0].astype(np.float64), GOLDEN.items(), strict=True):
        found = [channel.mean(), channel.std(), *(channel[pixel] for pixel in GOLDEN_PIXELS)]
        np.testing.assert_allclose(found, expected, rtol=1e-4, err_msg=name)


def test_view_of_another_emission_is_rejected():
    with pytest.raises(UsageError, match=r"not trained for O I 135\.6"):
        make_view(Picture(np.ones((480, 640), np.uint8), emission=OXYGEN_1356), 256)


def test_own_input_is_accepted_as_stored_in_json():
    require_version(json.loads(json.dumps(describe_input())))


def _change(value):
    """Change one number in a value of any JSON type, or a name."""
    if isinstance(value, dict):
        first, *_ = value
        return value | {first: _change(value[first])}
    if isinstance(value, list):
        return [*value[:-1], _change(value[-1])]
    return f"{value} changed" if isinstance(value, str) else value + 1


@pytest.mark.parametrize("name", describe_input())
def test_weights_of_another_input_are_rejected_naming_what_differs(name):
    own = describe_input()
    with pytest.raises(UsageError, match=rf"\({name}: weights .*, code [^;]*\)"):
        require_version(own | {name: _change(own[name])})


@pytest.mark.parametrize("name", describe_input()["background"])
def test_every_constant_of_the_background_is_compared(name):
    own = describe_input()
    background = own["background"]
    with pytest.raises(UsageError, match="background"):
        require_version(own | {"background": background | {name: _change(background[name])}})


def test_weights_without_description_of_their_input_are_rejected():
    with pytest.raises(UsageError, match="do not describe their input: export them again"):
        require_version({})


def test_weights_with_an_unknown_constant_are_rejected():
    with pytest.raises(UsageError, match="polarization"):
        require_version(describe_input() | {"polarization": 1})
