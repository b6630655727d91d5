"""The solar zenith angle as nine coefficients."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mars_aurora import readers
from mars_aurora.geometry import canvas
from mars_aurora.geometry.canvas import CENTER_X, CENTER_Y, DISK_RADIUS
from mars_aurora.observation import Observation
from mars_aurora.picture import heatmap, png, sun_angle
from mars_aurora_model.simulator.simulate import observe
from mars_aurora_model.simulator.world import World

FAST = World(swaths_per_set=(1,), altitude_km=((19_970, 21_000),) * 3)  # near periapsis the motion is fastest


def _errors_deg(observation: Observation) -> np.ndarray:
    fitted = canvas.fit(observation)
    coefficients = png.read(png.write(heatmap.draw(observation, fitted))).sza_coefficients
    found = sun_angle.sza_deg(coefficients, sun_angle.find_terms(fitted.x, fitted.y))
    near = np.hypot(fitted.x - CENTER_X, fitted.y - CENTER_Y) < 1.03 * DISK_RADIUS
    errors = np.abs(found - observation.sza_deg)
    return errors[near & np.isfinite(errors)]


@pytest.mark.parametrize("index", range(4))
def test_sza_from_coefficients_is_that_of_a_simulated_file(index: int, tmp_path: Path):
    simulated = observe(FAST, 12, index)
    path = tmp_path / simulated.plain_name
    path.write_bytes(simulated.to_fits())
    errors = _errors_deg(readers.read(path, simulated.name))
    assert len(errors) > 1000
    assert np.percentile(errors, 99) < 1.5
    assert np.median(errors) < 0.2


def test_sza_from_coefficients_is_that_of_a_real_file(iuvs_folder: Path):
    name = "mvn_iuv_l1b_apoapse-orbit18001-fuv_20230114T071818_v13_r01.fits.gz"
    errors = _errors_deg(readers.read(iuvs_folder / name, name))
    assert len(errors) > 100
    assert np.percentile(errors, 99) < 2


def test_coefficients_are_rounded_as_they_are_written(night_file: Path):
    observation = readers.read(night_file, night_file.name)
    picture = heatmap.draw(observation, canvas.fit(observation))
    assert picture.sza_coefficients.shape == (sun_angle.TERMS,)
    assert np.array_equal(png.read(png.write(picture)).sza_coefficients, picture.sza_coefficients)


def test_observation_without_sza_has_no_coefficients(night_file: Path):
    observation = readers.read(night_file, night_file.name)
    fitted = canvas.fit(observation)
    without_sza = replace(observation, sza_deg=np.full_like(observation.sza_deg, np.nan))
    assert sun_angle.fit(without_sza, fitted) is None
    bare, full = png.write(heatmap.draw(without_sza, fitted)), png.write(heatmap.draw(observation, fitted))
    assert png.read(bare).sza_coefficients is None
    assert np.array_equal(png.read(bare).levels, png.read(full).levels)
    assert 0 < len(full) - len(bare) < 120
