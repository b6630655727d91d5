from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mars_aurora import readers
from mars_aurora.geometry import canvas
from mars_aurora.geometry.canvas import CENTRE_X, CENTRE_Y, DISK_RADIUS
from mars_aurora.picture import heatmap, sun_angle
from mars_aurora_model.simulator.simulate import observe
from mars_aurora_model.simulator.world import World

MOVING = World(swaths_per_set=(1,), altitude_km=((19_970, 21_000),) * 3)  # nearest, where the orbit turns fastest


def misfit_deg(observation):
    view = canvas.fit(observation)
    coefficients = heatmap.read_sun(heatmap.draw(observation, view))  # as written into the picture, rounded
    fitted = sun_angle.zenith_angle_deg(coefficients, sun_angle.find_terms(view.x, view.y))
    near = np.hypot(view.x - CENTRE_X, view.y - CENTRE_Y) < 1.03 * DISK_RADIUS
    misfit = np.abs(fitted - observation.sza_deg)
    return misfit[near & np.isfinite(misfit)]


@pytest.mark.parametrize("index", range(4))
def test_the_sun_stands_where_the_file_says(index: int, tmp_path: Path):
    simulated = observe(MOVING, 12, index)
    path = tmp_path / simulated.name.removesuffix(".gz")
    path.write_bytes(simulated.to_fits())
    misfit = misfit_deg(readers.read(path, simulated.name))
    assert len(misfit) > 1000
    assert np.percentile(misfit, 99) < 1.5
    assert np.median(misfit) < 0.2


def test_the_sun_stands_where_a_real_file_says(iuvs_folder: Path):
    name = "mvn_iuv_l1b_apoapse-orbit18001-fuv_20230114T071818_v13_r01.fits.gz"
    misfit = misfit_deg(readers.read(iuvs_folder / name, name))
    assert len(misfit) > 100
    assert np.percentile(misfit, 99) < 2


def test_without_zenith_angles_a_picture_tells_nothing_of_the_sun(night_file: Path):
    observation = readers.read(night_file, night_file.name)
    view = canvas.fit(observation)
    blind = replace(observation, sza_deg=np.full_like(observation.sza_deg, np.nan))
    assert sun_angle.fit(blind, view) is None
    png, full = heatmap.draw(blind, view), heatmap.draw(observation, view)
    assert heatmap.read_sun(png) is None
    assert np.array_equal(heatmap.decode(png), heatmap.decode(full))
    assert 0 < len(full) - len(png) < 120
