"""The object count: the disk, and the features on it."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from night_pictures import COUNTS_PER_R, MIDNIGHT, NATIVE_PX, NIGHT, SUN_LEFT, TERMINATOR, X, Y, draw_counts, make_spot
from numpy.typing import NDArray

from mars_aurora.classify import count
from mars_aurora.emission import OXYGEN_1304, OXYGEN_1356, Emission
from mars_aurora.picture import png
from mars_aurora.picture.heatmap import to_levels

SPOT = make_spot(380, 250, 12, 20.0)


@pytest.mark.parametrize("stated", [COUNTS_PER_R, None])
@pytest.mark.parametrize("counts_per_R", [0.15, 0.36, 2.0])
def test_without_aurora_pictures_of_any_noise_show_only_the_disk(counts_per_R: float, stated: float | None):
    stated = stated and counts_per_R
    pictures = [draw_counts(NIGHT, seed, counts_per_R=counts_per_R, stated=stated) for seed in range(20)]
    assert [count.find(picture).count for picture in pictures].count(1) >= 19


def test_terminator_is_not_counted():
    assert [count.find(draw_counts(TERMINATOR, seed, sza=SUN_LEFT)).count for seed in range(10)] == [1] * 10


@pytest.mark.parametrize("seed", range(5))
def test_aurora_of_6_rayleigh_on_14_native_pixels_is_counted(seed: int):
    radius = NATIVE_PX * np.sqrt(14 / np.pi)
    assert count.find(draw_counts(NIGHT + make_spot(380, 250, radius, 6.0), seed)).count >= 2


@pytest.mark.parametrize(("counts_per_R", "objects"), [(0.15, 1), (2.0, 2)])
def test_feature_is_counted_where_it_exceeds_the_noise(counts_per_R: float, objects: int):
    faint = NIGHT + make_spot(380, 250, 8, 2.5)
    assert count.find(draw_counts(faint, counts_per_R=counts_per_R, stated=counts_per_R)).count == objects
    assert count.find(draw_counts(faint, counts_per_R=counts_per_R)).count == objects


def test_least_contrast_of_a_feature_is_4_8_times_the_noise():
    peaks = [count.find(draw_counts(NIGHT + make_spot(380, 250, 12, excess), 3)).objects[1:] for excess in (3, 4, 5)]
    contrasts = [feature.contrast for features in peaks for feature in features]
    assert contrasts
    assert contrasts == sorted(contrasts)
    assert contrasts[0] >= 4.8 * count.GRAY_PER_SIGMA


@pytest.mark.parametrize(("scale", "sigmas", "objects"), [(0, 4.799, 1), (0, 4.801, 2), (1, 3.33, 1), (1, 3.34, 2)])
def test_feature_is_counted_from_a_peak_of_4_8_sigma_or_3_3_where_it_is_wide(
    scale: int, sigmas: float, objects: int, monkeypatch: pytest.MonkeyPatch
):
    significance = np.zeros((2, 91, 91), np.float32)
    significance[scale, 40:48, 40:48] = sigmas
    monkeypatch.setattr(count, "find_scales", lambda *_: significance)
    assert count.find(draw_counts(NIGHT)).count == objects


def test_aurora_too_faint_for_its_pixels_is_counted_if_it_is_wide():
    wide, small = (NIGHT + make_spot(360, 240, radius, 1.6) for radius in (45, 8))
    found = [sum(count.find(draw_counts(night, seed)).count >= 2 for seed in range(10)) for night in (wide, small)]
    assert found[0] >= 9
    assert found[1] <= 1


@pytest.mark.parametrize("stated", [-1.0, 0.0, 1e30, 1e-30])
def test_impossible_counts_per_rayleigh_do_not_fail(stated: float):
    assert count.find(draw_counts(NIGHT + SPOT, stated=stated)).count >= 1


def test_each_feature_is_counted_at_its_position():
    centers = [(250.0, 160.0), (400.0, 200.0), (330.0, 330.0)]
    found = count.find(draw_counts(NIGHT + sum(make_spot(x, y, 12, 20.0) for x, y in centers)))
    assert found.count == 4
    for x, y in centers:
        feature = min(found.objects[1:], key=lambda feature: np.hypot(feature.x - x, feature.y - y))
        assert np.hypot(feature.x - x, feature.y - y) < 5
        assert 8 < feature.radius < 25
        assert 300 < feature.area < 1500


def test_features_are_in_order_of_their_contrast():
    dim, bright = make_spot(250, 160, 12, 3.0), make_spot(400, 200, 12, 5.0)
    features = count.find(draw_counts(NIGHT + dim + bright)).objects[1:]
    assert [feature.x > 320 for feature in features] == [True, False]
    assert features[0].contrast > features[1].contrast


def test_first_object_is_the_disk_with_the_emitting_shell():
    disk = count.find(draw_counts(NIGHT)).objects[0]
    assert (disk.x, disk.y, disk.radius, disk.contrast) == (320, 230, 182, 0)
    assert disk.area == pytest.approx(np.pi * 182**2, rel=0.01)


@pytest.mark.parametrize(("x", "objects"), [(497, 2), (520, 1)])
def test_feature_on_the_emitting_shell_is_counted_and_one_farther_out_is_not(x: float, objects: int):
    assert count.find(draw_counts(NIGHT + make_spot(x, 230, 8, 50.0))).count == objects


@pytest.mark.parametrize(("x", "objects"), [(395, 2), (335, 1)])
def test_aurora_in_twilight_is_counted_where_it_is_brighter_and_on_the_day_side_it_is_not(x: float, objects: int):
    spot = make_spot(x, 230, 12, 1.0) * 1.5 * TERMINATOR
    assert count.find(draw_counts(TERMINATOR + spot, sza=SUN_LEFT)).count == objects


def test_structure_of_the_background_is_not_counted():
    structured = TERMINATOR * (1 + 0.15 * np.sin(Y / 15))
    assert count.find(draw_counts(structured, sza=SUN_LEFT, counts_per_R=20.0)).count == 1


@pytest.mark.parametrize("sza", [SUN_LEFT, None])
def test_edge_of_partial_swath_is_not_counted(sza: NDArray[np.float32] | None):
    background = NIGHT if sza is None else TERMINATOR
    assert count.find(draw_counts(background, observed=np.abs(X - Y * 0.5 - 200) < 90, sza=sza)).count == 1


def test_unobserved_picture_has_no_objects():
    assert count.find(draw_counts(NIGHT, observed=np.zeros(X.shape, bool))).count == 0


@pytest.mark.parametrize(("background", "seeds"), [(NIGHT, 10), (TERMINATOR, 10)])
def test_without_the_sza_a_spot_is_counted_and_a_smooth_picture_is_not(background: NDArray[np.float64], seeds: int):
    with_spot = background + make_spot(440, 250, 12, 20.0)
    assert all(count.find(draw_counts(with_spot, seed, sza=None)).count >= 2 for seed in range(seeds))
    empty = [count.find(draw_counts(background, seed, sza=None)).count for seed in range(seeds)]
    assert empty.count(1) >= 0.9 * seeds


@pytest.mark.parametrize(
    ("background", "sza", "native_px"), [(NIGHT, MIDNIGHT, 8), (NIGHT, MIDNIGHT, 12), (TERMINATOR, SUN_LEFT, 8)]
)
def test_noise_of_large_native_pixels_is_not_counted(
    background: NDArray[np.float64], sza: NDArray[np.float32], native_px: int
):
    pictures = [draw_counts(background, seed, sza=sza, native_px=native_px) for seed in range(20)]
    assert [count.find(picture).count for picture in pictures].count(1) >= 18


@pytest.mark.parametrize(("native_px", "excess_R", "objects"), [(3, 3, 2), (12, 3, 1), (12, 40, 2)])
def test_aurora_on_few_native_pixels_must_be_brighter(native_px: int, excess_R: float, objects: int):
    assert count.find(draw_counts(NIGHT + make_spot(380, 250, 16, excess_R), native_px=native_px)).count == objects


@pytest.mark.parametrize("level", [200, 255])
def test_picture_with_a_white_area_has_no_features(level: int):
    picture = draw_counts(NIGHT + SPOT)
    white = picture.levels.copy()
    white[100:180, 250:330] = level
    assert count.find(picture).count == 2
    assert count.find(replace(picture, levels=white)).count == 1


def test_picture_saved_again_without_transparency_has_the_same_objects():
    picture = draw_counts(NIGHT + SPOT, sza=None)
    colors = cv2.imdecode(np.frombuffer(png.write(picture), np.uint8), cv2.IMREAD_COLOR)
    saved_again = png.read(cv2.imencode(".png", colors)[1].tobytes())
    assert count.find(saved_again) == count.find(picture)
    assert count.find(saved_again).count == 2


@pytest.mark.parametrize("emission", [OXYGEN_1304, OXYGEN_1356])
def test_count_is_the_same_in_the_units_of_each_emission(emission: Emission):
    scale = emission.visible_R / OXYGEN_1304.visible_R
    counted = np.random.default_rng(1).poisson(20 * (NIGHT + make_spot(380, 250, 12, 1.5))[::3, ::3]) / 20
    brightness_R = np.repeat(np.repeat(counted, 3, axis=0), 3, axis=1)[:480, :640] * scale
    picture = replace(
        draw_counts(NIGHT), levels=to_levels(brightness_R.astype(np.float32), emission), emission=emission
    )
    assert count.find(picture).count == 2


@pytest.mark.parametrize("shape", [(10, 10), (480, 480), (640, 480)])
def test_picture_of_another_size_is_rejected(shape: tuple[int, int]):
    with pytest.raises(ValueError, match="px, not 640x480"):
        count.find(replace(draw_counts(NIGHT), levels=np.ones(shape, np.uint8)))
