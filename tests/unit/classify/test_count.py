import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from mars_aurora.classify import count
from mars_aurora.picture import heatmap

Y, X = np.mgrid[:480, :640]
RADIUS = np.hypot(X - 320, Y - 230)
DISK = RADIUS <= 170
NATIVE_PX = 3
COUNTS_PER_R = 0.36


def _picture(brightness_R: NDArray[np.float64], seed: int = 0, observed: NDArray[np.bool_] | None = None) -> bytes:
    """Count photons in native pixels of 3 by 3 and draw them."""
    native = brightness_R[1::NATIVE_PX, 1::NATIVE_PX] * COUNTS_PER_R
    counted = np.random.default_rng(seed).poisson(native) / COUNTS_PER_R
    whole = np.repeat(np.repeat(counted, NATIVE_PX, axis=0), NATIVE_PX, axis=1)[:480, :640]
    levels = np.zeros((480, 640), np.uint8)
    levels[: whole.shape[0], : whole.shape[1]] = heatmap.to_levels(whole.astype(np.float32))
    if observed is not None:
        levels[~observed] = heatmap.UNOBSERVED
    return heatmap.encode(levels)


def _spot(x: float, y: float, radius: float, excess_R: float) -> NDArray[np.float64]:
    return np.where(np.hypot(X - x, Y - y) < radius, excess_R, 0.0)


NIGHT = np.full(X.shape, 0.7)
TERMINATOR = 0.7 + 300 / (1 + np.exp((X - 260) / 8))


@pytest.mark.parametrize(("background", "least"), [(NIGHT, 18), (TERMINATOR, 7)])
def test_without_aurora_the_disk_is_mostly_all_there_is(background: NDArray[np.float64], least: int):
    assert [count.find(_picture(background, seed)).count for seed in range(20)].count(1) >= least


@pytest.mark.parametrize("seed", range(5))
def test_an_aurora_of_6_rayleigh_on_14_native_pixels_counts(seed: int):
    radius = NATIVE_PX * np.sqrt(14 / np.pi)
    assert count.find(_picture(NIGHT + _spot(380, 250, radius, 6.0), seed)).count >= 2


def test_each_feature_counts_where_it_is():
    places = [(250.0, 160.0), (400.0, 200.0), (330.0, 330.0)]
    found = count.find(_picture(NIGHT + sum(_spot(x, y, 12, 20.0) for x, y in places)))
    assert found.count == 4
    for x, y in places:
        feature = min(found.objects[1:], key=lambda feature: np.hypot(feature.x - x, feature.y - y))
        assert np.hypot(feature.x - x, feature.y - y) < 5
        assert 8 < feature.radius < 25
        assert 300 < feature.area < 1500


def test_the_disk_is_the_first_object():
    disk = count.find(_picture(NIGHT)).objects[0]
    assert (disk.x, disk.y, disk.radius) == (320, 230, 170)
    assert disk.area == pytest.approx(np.pi * 170**2, rel=0.01)


def test_what_lies_outside_the_disk_does_not_count():
    assert count.find(_picture(NIGHT + _spot(520, 230, 15, 50.0))).count == 1


def test_the_edge_of_a_partial_swath_does_not_count():
    assert count.find(_picture(TERMINATOR, observed=np.abs(X - Y * 0.5 - 200) < 90)).count == 1


def test_an_empty_picture_holds_nothing():
    assert count.find(_picture(NIGHT, observed=np.zeros(X.shape, bool))).count == 0


def test_a_picture_without_transparency_is_taken_as_observed_all_over():
    image = cv2.imdecode(np.frombuffer(_picture(NIGHT + _spot(380, 250, 12, 20.0)), np.uint8), cv2.IMREAD_COLOR)
    assert count.find(cv2.imencode(".png", image)[1].tobytes()).count == 2


def test_every_stage_can_be_drawn():
    stages = count.draw_stages(_picture(NIGHT + _spot(380, 250, 12, 20.0)))
    images = {name: cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED) for name, png in stages.items()}
    assert len(images) == 11
    assert {image.shape[:2] for image in images.values()} == {(341, 341)}
    assert np.array_equal(images["6_inverted"], 255 - images["5_binary"])
    assert np.array_equal(images["8_edges"], 255 - images["7_eroded"])
    assert (images["8_edges"] > 0).sum() > (images["5_binary"] > 0).sum() > 0
    assert len(np.unique(images["10_flooded"])) == 2
    assert not images["2_masked"][0, 0, 3]


@pytest.mark.parametrize(
    "data", [b"", b"not a picture", cv2.imencode(".png", np.zeros((10, 10, 3), np.uint8))[1].tobytes()]
)
def test_what_is_no_such_picture_is_refused(data: bytes):
    with pytest.raises(ValueError, match="not a 640x480 colour picture"):
        count.find(data)
