"""The object count: the disk, and the features on it."""

import cv2
import numpy as np
import pytest
from night_pictures import NATIVE_PX, NIGHT, TERMINATOR, X, Y, draw_counts, make_spot
from numpy.typing import NDArray

from mars_aurora.classify import count
from mars_aurora.emission import OXYGEN_1304, OXYGEN_1356, Emission
from mars_aurora.picture import png
from mars_aurora.picture.heatmap import to_levels
from mars_aurora.picture.picture import Picture


@pytest.mark.parametrize(("background", "least"), [(NIGHT, 18), (TERMINATOR, 7)])
def test_without_aurora_most_pictures_show_only_the_disk(background: NDArray[np.float64], least: int):
    assert [count.find(draw_counts(background, seed)).count for seed in range(20)].count(1) >= least


@pytest.mark.parametrize("seed", range(5))
def test_aurora_of_6_rayleigh_on_14_native_pixels_is_counted(seed: int):
    radius = NATIVE_PX * np.sqrt(14 / np.pi)
    assert count.find(draw_counts(NIGHT + make_spot(380, 250, radius, 6.0), seed)).count >= 2


def test_each_feature_is_counted_at_its_position():
    centers = [(250.0, 160.0), (400.0, 200.0), (330.0, 330.0)]
    found = count.find(draw_counts(NIGHT + sum(make_spot(x, y, 12, 20.0) for x, y in centers)))
    assert found.count == 4
    for x, y in centers:
        feature = min(found.objects[1:], key=lambda feature: np.hypot(feature.x - x, feature.y - y))
        assert np.hypot(feature.x - x, feature.y - y) < 5
        assert 8 < feature.radius < 25
        assert 300 < feature.area < 1500


def test_first_object_is_the_disk():
    disk = count.find(draw_counts(NIGHT)).objects[0]
    assert (disk.x, disk.y, disk.radius) == (320, 230, 170)
    assert disk.area == pytest.approx(np.pi * 170**2, rel=0.01)


def test_feature_off_the_disk_is_not_counted():
    assert count.find(draw_counts(NIGHT + make_spot(520, 230, 15, 50.0))).count == 1


def test_edge_of_partial_swath_is_not_counted():
    assert count.find(draw_counts(TERMINATOR, observed=np.abs(X - Y * 0.5 - 200) < 90)).count == 1


def test_unobserved_picture_has_no_objects():
    assert count.find(draw_counts(NIGHT, observed=np.zeros(X.shape, bool))).count == 0


def test_picture_saved_again_without_transparency_has_the_same_objects():
    picture = draw_counts(NIGHT + make_spot(380, 250, 12, 20.0))
    colors = cv2.imdecode(np.frombuffer(png.write(picture), np.uint8), cv2.IMREAD_COLOR)
    saved_again = png.read(cv2.imencode(".png", colors)[1].tobytes())
    assert count.find(saved_again) == count.find(picture)
    assert count.find(saved_again).count == 2


@pytest.mark.parametrize(("emission", "objects"), [(OXYGEN_1304, 1), (OXYGEN_1356, 2)])
def test_feature_is_counted_from_the_least_brightness_of_the_emission(emission: Emission, objects: int):
    brightness_R = NIGHT + make_spot(380, 250, 12, 2.5)  # below 4 R, above 1 R
    levels = to_levels(brightness_R.astype(np.float32), emission)
    assert count.find(Picture(levels, emission=emission)).count == objects


@pytest.mark.parametrize("shape", [(10, 10), (480, 480), (640, 480)])
def test_picture_of_another_size_is_rejected(shape: tuple[int, int]):
    with pytest.raises(ValueError, match="px, not 640x480"):
        count.find(Picture(np.ones(shape, np.uint8)))
