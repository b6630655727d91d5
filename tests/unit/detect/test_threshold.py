"""The published criterion, on simulated swaths and on synthetic brightness."""

import dataclasses

import numpy as np
import pytest

from mars_aurora import readers
from mars_aurora.background import observed
from mars_aurora.box import Detections
from mars_aurora.detect import threshold
from mars_aurora.detect.candidate import Drawn
from mars_aurora.emission import OXYGEN_1304, OXYGEN_1356
from mars_aurora.geometry import canvas
from mars_aurora.observation import Observation
from mars_aurora.picture import heatmap


@pytest.fixture(scope="module")
def swath(broad_aurora, tmp_path_factory) -> Observation:
    path = tmp_path_factory.mktemp("threshold") / "x.fits"
    path.write_bytes(broad_aurora.to_fits())
    return readers.read(path, "x.fits")


@pytest.fixture(scope="module")
def quiet(swath) -> Observation:
    """The same geometry with only its background and the noise of that background."""
    usable = observed.usable_pixels(swath)
    disk = observed.fit(swath, usable, np.zeros_like(usable))
    noise = np.random.default_rng(1).normal(size=swath.shape)
    brightness = np.where(usable, disk.level_R + noise * disk.noise_R, swath.brightness_R).astype(np.float32)
    return dataclasses.replace(swath, brightness_R=brightness)


def _auroras(observation: Observation, **options) -> list:
    return [box for box in threshold.find(observation, canvas.fit(observation), **options) if box.label == "aurora"]


def _iou(box, x0, y0, x1, y1) -> float:
    width, height = min(box.x1, x1) - max(box.x0, x0), min(box.y1, y1) - max(box.y0, y0)
    shared = max(width, 0) * max(height, 0)
    return shared / ((box.x1 - box.x0) * (box.y1 - box.y0) + (x1 - x0) * (y1 - y0) - shared)


def test_broad_aurora_is_boxed_at_its_position(swath, broad_aurora):
    fitted = canvas.fit(swath)
    bright = broad_aurora.aurora_R[0] > OXYGEN_1304.threshold_R
    x, y = fitted.x[bright], fitted.y[bright]
    best = _auroras(swath)[0]
    assert _iou(best, x.min(), y.min(), x.max(), y.max()) > 0.5
    assert best.confidence > 0.8


def test_night_without_aurora_has_no_boxes(quiet):
    assert _auroras(quiet) == []


@pytest.mark.parametrize(("excess_R", "found"), [(3.0, 0), (12.0, 1)])
def test_aurora_is_found_only_above_5_rayleigh(quiet, excess_R, found):
    assert len(_auroras(_brighten(quiet, excess_R, side=9))) == found


def test_threshold_is_that_of_the_emission(quiet):
    of_other_line = dataclasses.replace(quiet, facts=dataclasses.replace(quiet.facts, emission=OXYGEN_1356.name))
    assert len(_auroras(_brighten(of_other_line, 3.0, side=9))) == 1  # 1.25 R there


def test_aurora_of_few_pixels_is_ignored(quiet):
    assert _auroras(_brighten(quiet, 30.0, side=2), min_pixels=40) == []
    assert len(_auroras(_brighten(quiet, 30.0, side=2), min_pixels=4)) == 1


def test_bright_area_outside_the_night_is_ignored(quiet):
    assert _auroras(_brighten(quiet, 3000.0, side=9, sza_deg=90)) == []


def test_observed_part_of_mars_is_boxed(swath):
    mars = next(box for box in threshold.find(swath, canvas.fit(swath)) if box.label == "mars")
    assert (mars.x0, mars.y0, mars.x1, mars.y1) == pytest.approx((150, 60, 490, 400), abs=6)


def test_detect_finds_the_boxes_of_a_candidate(swath):
    fitted = canvas.fit(swath)
    candidate = Drawn(heatmap.draw(swath, fitted), swath, fitted)
    found = threshold.detect(candidate)
    assert found == Detections(tuple(threshold.find(swath, fitted)), sza_missing=False)
    assert {box.label for box in found.boxes} == {"mars", "aurora"}


def _brighten(observation: Observation, excess_R: float, side: int, sza_deg: float = 130) -> Observation:
    """Add a square of even brightness at an SZA of about ``sza_deg``, away from the limb."""
    suitable = (observation.emission_angle_deg < 60) & (observation.tangent_altitude_km <= 0)
    difference = np.where(suitable, np.abs(observation.sza_deg - sza_deg), np.inf)
    row, column = np.unravel_index(np.argmin(difference), difference.shape)
    assert difference[row, column] < 2
    brightness = observation.brightness_R.copy()
    half = side // 2
    brightness[row - half : row - half + side, column - half : column - half + side] += excess_R
    return dataclasses.replace(observation, brightness_R=brightness)
