"""Each quality flag, set and not set, from both sides of its limit."""

import re

import numpy as np
import pytest
from numpy.typing import NDArray
from scenes import PATCH_R, Scene, make_box, make_scene

from mars_aurora.aurora import Aurora
from mars_aurora.background import observed
from mars_aurora.measure.viewing import FLAGS, find_flags

ROWS, SLIT_BINS = slice(14, 26), slice(10, 20)
NAN = np.float32(np.nan)


@pytest.fixture(scope="module")
def scene() -> Scene:
    """A scene at night seen from above, with neither a limb nor missing pixels."""
    return make_scene()


@pytest.fixture(scope="module")
def pixels(scene: Scene) -> NDArray[np.bool_]:
    return scene.mask(ROWS, SLIT_BINS)


def _find(scene: Scene, pixels: NDArray[np.bool_], *, signal: bool = True, snr: float = 50.0) -> str:
    usable = observed.usable_pixels(scene.observation)
    return " ".join(find_flags(scene.observation, usable, pixels, signal=signal, snr=snr))


def _change_pixel(scene: Scene, row: int, slit_bin: int, **values: object) -> Scene:
    place = scene.mask(slice(row, row + 1), slice(slit_bin, slit_bin + 1))
    return scene.change(
        **{name: np.where(place, value, getattr(scene.observation, name)) for name, value in values.items()}
    )


def test_aurora_without_a_problem_has_no_flag(scene, pixels):
    assert not _find(scene, pixels)


def test_several_flags_are_in_the_order_of_their_documentation(scene, pixels):
    worst = scene.change(sza_deg=50, emission_angle_deg=80)
    worst = _change_pixel(worst, 14, 10, brightness_R=NAN)
    worst = _change_pixel(worst, 14, 11, flagged=True, random_error_R=NAN)
    pixels = pixels | scene.mask(slice(0, 14), SLIT_BINS)
    assert _find(worst, pixels, signal=False, snr=1.0).split() == [name for name in FLAGS if not name.endswith("_sky")]


def test_no_signal_is_set_where_nothing_was_segmented(scene, pixels):
    assert _find(scene, pixels, signal=False) == "no_signal"


@pytest.mark.parametrize(("snr", "flags"), [(4.99, "low_counts"), (5.0, ""), (-3.0, "low_counts")])
def test_low_counts_is_set_below_an_snr_of_5(scene, pixels, snr, flags):
    assert _find(scene, pixels, snr=snr) == flags


@pytest.mark.parametrize(("emission_deg", "flags"), [(70.0, ""), (70.01, "limb")])
def test_limb_is_set_from_one_pixel_over_70_degrees(scene, pixels, emission_deg, flags):
    assert _find(_change_pixel(scene, 20, 15, emission_angle_deg=emission_deg), pixels) == flags
    assert not _find(_change_pixel(scene, 26, 15, emission_angle_deg=89), pixels)


@pytest.mark.parametrize(
    ("row", "slit_bin", "flags"),
    [(13, 9, "limb"), (13, 15, "limb"), (26, 20, "limb"), (20, 9, "limb"), (12, 15, ""), (20, 21, ""), (27, 10, "")],
)
def test_limb_is_set_beside_pixels_off_the_disk(scene, pixels, row, slit_bin, flags):
    assert _find(_change_pixel(scene, row, slit_bin, tangent_altitude_km=1.5), pixels) == flags
    assert not _find(_change_pixel(scene, row, slit_bin, tangent_altitude_km=0.5), pixels)


@pytest.mark.parametrize(("sza_deg", "flags"), [(109.99, "terminator"), (110.0, ""), (110.01, "")])
def test_terminator_is_set_from_one_pixel_under_110_degrees(scene, pixels, sza_deg, flags):
    assert _find(_change_pixel(scene, 20, 15, sza_deg=sza_deg), pixels) == flags
    assert not _find(_change_pixel(scene, 26, 15, sza_deg=sza_deg), pixels)


@pytest.mark.parametrize(("sza_deg", "flags"), [(89.99, "terminator day_side"), (90.0, "terminator")])
@pytest.mark.parametrize("others_deg", [20, 160])
def test_day_side_is_set_from_a_median_under_90_degrees(scene, pixels, sza_deg, flags, others_deg):
    minority = scene.mask(slice(14, 19), SLIT_BINS)  # 5 of 12 integrations
    assert _find(scene.change(sza_deg=np.where(minority, others_deg, sza_deg)), pixels) == flags


@pytest.mark.parametrize(
    ("rows", "slit_bins", "flags"),
    [
        (slice(0, 5), SLIT_BINS, "cut"),
        (slice(1, 5), SLIT_BINS, ""),
        (slice(35, 40), SLIT_BINS, "cut"),
        (slice(35, 39), SLIT_BINS, ""),
        (ROWS, slice(0, 5), "cut"),
        (ROWS, slice(1, 5), ""),
        (ROWS, slice(25, 30), "cut"),
        (ROWS, slice(25, 29), ""),
    ],
)
def test_cut_is_set_at_each_edge_of_the_swath(scene, rows, slit_bins, flags):
    assert _find(scene, scene.mask(rows, slit_bins)) == flags


@pytest.mark.parametrize("name", ["tangent_altitude_km", "brightness_R"])
@pytest.mark.parametrize(("first", "flags"), [(10, "cut"), (11, "")])
def test_cut_is_set_beside_bins_off_the_slit(scene, name, first, flags):
    off_slit = scene.mask(slice(None), slice(0, 10))
    scene = scene.change(**{name: np.where(off_slit, NAN, getattr(scene.observation, name))})
    assert _find(scene, scene.mask(ROWS, slice(first, 20))) == flags


@pytest.mark.parametrize("name", ["tangent_altitude_km", "brightness_R"])
def test_bin_with_one_unknown_pixel_is_on_the_slit(scene, pixels, name):
    assert not _find(_change_pixel(scene, 2, 20, **{name: NAN}), pixels)


def test_bins_off_the_slit_are_not_bad_pixels(scene, pixels):
    off_slit = scene.mask(slice(None), slice(20, 30))
    assert _find(scene.change(brightness_R=np.where(off_slit, NAN, 1), flagged=off_slit), pixels) == "cut"


@pytest.mark.parametrize("name", ["brightness_R", "sza_deg", "emission_angle_deg", "latitude_deg", "longitude_deg"])
@pytest.mark.parametrize(
    ("place", "flags"),
    [
        ((13, 9), "bad_pixels"),
        ((26, 15), "bad_pixels"),
        ((20, 20), "bad_pixels"),
        ((12, 15), ""),
        ((20, 8), ""),
        ((27, 21), ""),
    ],
)
def test_bad_pixels_is_set_beside_pixels_without_a_value(scene, pixels, name, place, flags):
    assert _find(_change_pixel(scene, *place, **{name: NAN}), pixels) == flags


@pytest.mark.parametrize("name", ["corner_latitude_deg", "corner_longitude_deg"])
def test_bad_pixels_is_set_beside_a_pixel_with_one_unknown_corner(scene, pixels, name):
    corners = getattr(scene.observation, name).copy()
    corners[20, 20, 2] = np.nan
    assert _find(scene.change(**{name: corners}), pixels) == "bad_pixels"


def test_bad_pixels_is_set_beside_an_integration_without_geometry(scene, pixels):
    lost = scene.mask(slice(26, 27), slice(None))
    unknown = dict.fromkeys(("latitude_deg", "longitude_deg", "tangent_altitude_km", "sza_deg"), NAN)
    changed = {name: np.where(lost, nan, getattr(scene.observation, name)) for name, nan in unknown.items()}
    assert _find(scene.change(**changed), pixels) == "bad_pixels"


def test_pixels_without_a_value_off_the_disk_are_not_bad_pixels(scene, pixels):
    assert _find(_change_pixel(scene, 26, 15, brightness_R=NAN, tangent_altitude_km=5), pixels) == "limb"


@pytest.mark.parametrize(
    ("change", "flag"), [({"flagged": True}, "flagged_pixels"), ({"random_error_R": NAN}, "estimated_errors")]
)
def test_flagged_pixels_and_unknown_errors_are_stated_where_they_are_inside(scene, pixels, change, flag):
    assert _find(_change_pixel(scene, 20, 15, **change), pixels) == flag
    assert not _find(_change_pixel(scene, 20, 20, **change), pixels)


# The same through the whole measurement.


def _measure(scene: Scene, rows: slice = ROWS, slit_bins: slice = SLIT_BINS, brightness_R: float = PATCH_R) -> Aurora:
    (aurora,) = scene.add(brightness_R * scene.mask(rows, slit_bins)).measure(make_box(rows, slit_bins))
    return aurora


def test_faint_box_is_measured_whole_and_flagged_no_signal(scene):
    faint = _measure(scene, brightness_R=1.9)
    assert faint.quality_flags == "no_signal"
    assert faint.pixels == 120
    assert faint.mean_brightness_R == pytest.approx(1.9, rel=0.03)


@pytest.mark.parametrize(("error_R", "flags"), [(10.0, ""), (14.0, "low_counts")])
def test_aurora_with_large_random_errors_is_flagged_low_counts(scene, error_R, flags):
    aurora = _measure(scene.change(random_error_R=error_R))
    assert aurora.snr == pytest.approx(PATCH_R / (error_R / np.sqrt(120)), rel=0.05)
    assert aurora.quality_flags == flags


def test_aurora_cut_by_the_swath_is_flagged(scene):
    assert _measure(scene, rows=slice(0, 10)).quality_flags == "cut"
    assert not _measure(scene, rows=slice(1, 11)).quality_flags


def test_aurora_with_bad_pixels_inside_or_beside_it_is_flagged(scene):
    inside = _measure(_change_pixel(scene, 20, 15, brightness_R=NAN))
    assert (inside.quality_flags, inside.pixels) == ("bad_pixels", 119)
    beside = _measure(_change_pixel(scene, 20, 20, brightness_R=NAN))
    assert (beside.quality_flags, beside.pixels) == ("bad_pixels", 120)


def test_flagged_pixels_are_used(scene):
    before, after = _measure(scene), _measure(scene.change(flagged=True))
    assert (after.quality_flags, after.pixels) == ("flagged_pixels", 120)
    assert after.mean_brightness_R == before.mean_brightness_R


@pytest.mark.parametrize("name", ["longitude_deg", "emission_angle_deg"])
def test_pixel_with_an_unknown_angle_is_left_out(scene, name):
    aurora = _measure(_change_pixel(scene, 20, 15, **{name: NAN}))
    assert (aurora.quality_flags, aurora.pixels) == ("bad_pixels", 119)
    assert np.isfinite([aurora.emission_angle_deg, aurora.local_time_h, aurora.mean_brightness_R]).all()


def test_aurora_on_a_disk_without_any_other_signal_is_measured(scene):
    aurora = _measure(scene.change(brightness_R=0))
    assert aurora.mean_brightness_R == pytest.approx(PATCH_R, rel=0.03)
    assert aurora.background_R == 0


def test_aurora_in_twilight_is_flagged_terminator_and_by_day_day_side(scene):
    assert not _measure(scene.change(sza_deg=110.5)).quality_flags
    assert _measure(scene.change(sza_deg=109.5)).quality_flags == "terminator"
    assert _measure(scene.change(sza_deg=89.5)).quality_flags == "terminator day_side"


def test_aurora_at_the_limb_is_flagged():
    rows, slit_bins = slice(14, 26), slice(8, 18)
    assert not _measure(make_scene(sub_spacecraft=(270, 2600)), rows, slit_bins).quality_flags
    assert _measure(make_scene(sub_spacecraft=(270, 3350)), rows, slit_bins).quality_flags == "limb"


def test_limits_in_the_descriptions_are_those_of_the_tests():
    text = " ".join(FLAGS.values())
    assert {float(number) for number in re.findall(r"\d+", text)} == {5, 70, 110, 90}
