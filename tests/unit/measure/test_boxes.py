"""Which boxes are measured, which of their pixels, and over which background."""

import numpy as np
import pytest
from scenes import PATCH_R, SPACING_PX, Scene, make_box, make_scene

from mars_aurora.box import Box

ROWS, SLIT_BINS = slice(14, 26), slice(10, 20)
MARS = Box("mars", 1.0, 0, 0, 320, 420)


@pytest.fixture(scope="module")
def scene() -> Scene:
    """A scene with the Sun at one angle, so that the background of the disk is one bin."""
    return make_scene().change(sza_deg=150)


def test_boxes_are_numbered_in_their_order_without_those_of_mars_and_those_off_the_disk(scene):
    boxes = [make_box(rows, SLIT_BINS) for rows in (slice(30, 36), slice(4, 10))]
    off_disk = scene.mask(slice(16, 24), slice(None))
    scene = scene.change(tangent_altitude_km=np.where(off_disk, 5, -5))
    found = scene.measure(MARS, boxes[0], make_box(slice(18, 22), SLIT_BINS), boxes[1])
    assert [(aurora.detection, aurora.box_y0) for aurora in found] == [(1, boxes[0].y0), (2, boxes[1].y0)]


def test_no_box_with_usable_pixels_gives_no_aurora(scene):
    assert scene.measure(MARS) == []
    assert scene.change(brightness_R=np.nan).measure(make_box(ROWS, SLIT_BINS)) == []


@pytest.mark.parametrize(("inset_px", "pixels"), [(2.9, 120), (3.1, 80)])
def test_box_is_grown_by_3_pixels(scene, inset_px, pixels):
    bright = scene.add(PATCH_R * scene.mask(ROWS, SLIT_BINS))
    (aurora,) = bright.measure(make_box(ROWS, SLIT_BINS, -inset_px))
    assert aurora.pixels == pixels


def test_twilight_in_a_box_that_reaches_the_night_is_not_searched(scene):
    bright = scene.change(sza_deg=np.where(np.arange(40)[:, None] < 20, 110, 110.5)).add(
        PATCH_R * scene.mask(ROWS, SLIT_BINS)
    )
    (aurora,) = bright.measure(make_box(ROWS, SLIT_BINS))
    assert aurora.pixels == 60
    assert aurora.sza_deg == pytest.approx(110.5)


def test_aurora_in_a_smaller_box_is_measured_there_only(scene):
    own, shared = scene.mask(slice(6, 20), slice(4, 10)), scene.mask(slice(10, 16), slice(16, 24))
    boxes = make_box(slice(6, 20), slice(4, 24)), make_box(slice(10, 16), slice(16, 24))
    large, small = scene.add(PATCH_R * (own | shared)).measure(*boxes)
    assert (large.pixels, small.pixels) == (own.sum(), shared.sum())


def test_region_without_signal_is_measured_on_the_night_side_only(scene):
    dusk = scene.change(sza_deg=np.where(np.arange(40)[:, None] < 20, 100, 120))
    (aurora,) = dusk.measure(make_box(ROWS, SLIT_BINS))
    assert (aurora.pixels, aurora.quality_flags) == (60, "no_signal low_counts")


CHECKERBOARD = np.where(np.indices((40, 30)).sum(0) % 2, 1, -1)  # noise whose mean over any square vanishes


@pytest.mark.parametrize("slope", [0.0, 0.015, -0.015])
@pytest.mark.parametrize("axis", [0, 1])
def test_background_follows_a_slope_across_the_box(scene, axis, slope):
    position = np.clip(np.indices((40, 30))[axis] - (19.5, 14.5)[axis], -9, 9)
    sloped = scene.change(brightness_R=8 * (1 + slope * position) + 4 * CHECKERBOARD)
    patch = (slice(23, 26), slice(10, 20)) if axis == 0 else (ROWS, slice(18, 20))
    (aurora,) = sloped.add(15 * scene.mask(*patch)).measure(make_box(ROWS, SLIT_BINS))
    assert aurora.background_R == pytest.approx(8 * (1 + slope * position[patch].mean()), rel=0.035)


@pytest.mark.parametrize("margin_px", [0.0, -4.0])
@pytest.mark.parametrize("reach_px", [0.0, 20.0, 30.0, 40.0])
def test_background_is_that_of_a_ring_of_30_pixels(scene, reach_px, margin_px):
    box = make_box(ROWS, SLIT_BINS, margin_px)
    x, y = scene.canvas.x, scene.canvas.y
    distance_px = np.max([box.x0 - x, x - box.x1, box.y0 - y, y - box.y1], axis=0)
    brightness_R = np.where(distance_px <= reach_px, 5, 3.5)
    (aurora,) = scene.change(brightness_R=brightness_R + 3 * CHECKERBOARD).measure(box)
    ring = (distance_px > 3) & (distance_px <= 30)
    assert aurora.background_R == pytest.approx(brightness_R[ring].mean(), abs=0.12)


@pytest.mark.parametrize(
    ("far", "patch"),
    [
        ((slice(None), slice(23, 30)), (ROWS, slice(17, 20))),
        ((slice(None), slice(0, 7)), (ROWS, slice(10, 13))),
        ((slice(29, 40), slice(None)), (slice(23, 26), SLIT_BINS)),
        ((slice(0, 11), slice(None)), (slice(14, 17), SLIT_BINS)),
    ],
)
def test_background_beyond_the_ring_has_no_influence_on_any_side(scene, far, patch):
    brightness_R = np.where(scene.mask(*far), 6, 8) + 4 * CHECKERBOARD
    (aurora,) = scene.change(brightness_R=brightness_R + 15 * scene.mask(*patch)).measure(make_box(ROWS, SLIT_BINS))
    assert aurora.background_R == pytest.approx(8, rel=0.04)


def test_aurora_in_another_box_does_not_raise_the_background(scene):
    pair = scene.mask(ROWS, slice(4, 12)) | scene.mask(ROWS, slice(14, 22))
    found = scene.add(PATCH_R * pair).measure(make_box(ROWS, slice(4, 12)), make_box(ROWS, slice(14, 22)))
    assert [aurora.background_R for aurora in found] == pytest.approx([1, 1], abs=1e-4)
    assert [aurora.pixels for aurora in found] == [96, 96]


def test_aurora_outside_all_boxes_does_not_raise_the_background(scene):
    pair = scene.mask(ROWS, slice(4, 12)) | scene.mask(ROWS, slice(14, 22))
    (aurora,) = scene.add(PATCH_R * pair).measure(make_box(ROWS, slice(4, 12)))
    assert aurora.background_R == pytest.approx(1, abs=1e-4)
    assert aurora.pixels == 96


def test_pixels_of_boxes_are_not_in_the_ring_even_if_they_cover_the_night(scene):
    box = make_box(slice(0, 34), slice(0, 30))
    brightness_R = np.where(scene.mask(slice(0, 34), slice(0, 30)), 5, 4) + 3 * CHECKERBOARD
    (aurora,) = scene.change(brightness_R=brightness_R).measure(box)
    assert aurora.background_R == pytest.approx(4, abs=0.5)


def test_faint_signal_in_another_box_is_not_in_the_ring(scene):
    brightness_R = np.where(scene.mask(slice(None), slice(13, 30)), 5, 4) + 3 * CHECKERBOARD
    boxes = make_box(ROWS, slice(4, 12)), make_box(slice(0, 40), slice(13, 30))
    first, _ = scene.change(brightness_R=brightness_R).measure(*boxes)
    assert first.background_R == pytest.approx(4, abs=0.12)


def test_background_error_grows_where_the_ring_has_fewer_pixels(scene):
    noisy = scene.change(brightness_R=4 + 3 * CHECKERBOARD)
    box = make_box(slice(16, 24), slice(12, 18))
    (whole,) = noisy.measure(box)
    kept = noisy.mask(slice(16, 24), slice(12, 18)) | noisy.mask(slice(None), slice(0, 7))
    kept |= noisy.mask(slice(13, 16), slice(12, 18))
    (fewer,) = noisy.change(brightness_R=np.where(kept, noisy.observation.brightness_R, np.nan)).measure(box)
    assert whole.background_error_R < 0.8 * fewer.background_error_R
    assert whole.background_R == pytest.approx(4, abs=0.1)


def test_patch_at_the_limb_has_the_area_of_its_footprints():
    scene = make_scene(sub_spacecraft=(270, 3600), widths_km=40, shape=(40, 40))
    on_disk = (scene.observation.tangent_altitude_km <= 0) & np.isfinite(scene.observation.corner_latitude_deg).all(-1)
    first, last = np.flatnonzero(on_disk[14:26].all(0))[[0, -1]]
    slit_bins = slice(last - 6, last + 1) if first == 0 else slice(first, first + 7)
    pixels = scene.mask(ROWS, slit_bins)
    (aurora,) = scene.add(PATCH_R * pixels).measure(make_box(ROWS, slit_bins))
    assert aurora.emission_angle_deg > 75
    assert aurora.area_km2 == pytest.approx(scene.areas_km2(pixels).sum(), rel=0.03)
    assert "limb" in aurora.quality_flags.split()
    assert SPACING_PX * (slit_bins.start + 1) == aurora.box_x0
