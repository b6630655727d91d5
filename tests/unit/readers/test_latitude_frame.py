"""The frame of the latitudes is found from simulated files of both frames and instruments, and from real ones."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from numpy.testing import assert_allclose
from pyproj import Transformer

from mars_aurora import readers
from mars_aurora.observation import Observation
from mars_aurora.readers import ellipsoid
from mars_aurora_model.simulator import orbit
from mars_aurora_model.simulator.simulate import Simulated, observe
from mars_aurora_model.simulator.world import World
from mars_aurora_model.simulator.writers import iuvs

FRAMES = ("planetographic", "planetocentric", "sphere")
WORLD = World(n_slit=24, scan_step_deg=(0.4, 0.5), slit_cut_fraction=0, truncated_fraction=0, swaths_per_set=(1,))
AXES = {"a": 3396.19, "b": 3376.20}
LATITUDE, LONGITUDE = (
    np.array([-89.9, -60, -45, -0.1, 0, 30, 75, 90.0]),
    np.array([0, 10, 100, 180, 200, 300, 359, 0.0]),
)


@cache
def _observe(frame: str) -> Simulated:
    return observe(replace(WORLD, latitude_frame=frame), 5, 2)


def _read(path: Path, content: bytes) -> Observation:
    path.write_bytes(content)
    return readers.read(path, path.name)


@pytest.fixture
def read_changed(tmp_path):
    """Read the EMUS file of a frame after a change of its HDUs."""

    def read(frame: str, change) -> Observation:
        path = tmp_path / "plain.fits"
        path.write_bytes(_observe(frame).to_fits())
        with fits.open(path) as hdus:
            change(hdus)
            hdus.writeto(tmp_path / "x.fits")
        return readers.read(tmp_path / "x.fits", "x.fits")

    return read


def _expected(frame: str) -> str:
    return "undetermined" if frame == "sphere" else frame


def _without(column: str, table: str):
    def change(hdus: fits.HDUList) -> None:
        columns = [one for one in hdus[table].columns if one.name != column]
        hdus[table] = fits.BinTableHDU.from_columns(columns, name=table)

    return change


@pytest.mark.parametrize("frame", FRAMES)
def test_frame_of_emus_files_is_found(tmp_path, frame):
    facts = _read(tmp_path / "x.fits", _observe(frame).to_fits()).facts
    assert facts.latitude_frame == _expected(frame)
    assert max(facts.residuals.values()) < 1e-4


@pytest.mark.parametrize("frame", FRAMES)
def test_frame_of_iuvs_files_is_found(tmp_path, frame):
    content = iuvs.write(_observe(frame).swath, WORLD, np.random.default_rng(0))
    assert _read(tmp_path / "x.fits", content).facts.latitude_frame == _expected(frame)


@pytest.mark.parametrize("frame", FRAMES)
def test_frame_is_found_from_the_angles_where_there_is_no_vector(read_changed, frame):
    facts = read_changed(frame, _without("VEC_MARS", "FOV_GEOM")).facts
    assert facts.latitude_frame == _expected(frame)


@pytest.mark.parametrize("scale", [1.0, 3390.0])
@pytest.mark.parametrize("frame", FRAMES[:2])
def test_vectors_may_be_positions_of_any_length(read_changed, frame, scale):
    planetographic = (lambda values: values) if frame == "planetographic" else ellipsoid.to_planetographic

    def change(hdus: fits.HDUList) -> None:
        fov = hdus["FOV_GEOM"].data
        points = ellipsoid.find_points(planetographic(fov["LAT"]), fov["LON"])
        fov["VEC_MARS"] = scale * np.moveaxis(points / np.linalg.norm(points, axis=-1, keepdims=True), -1, 1)

    assert read_changed(frame, change).facts.latitude_frame == frame


@pytest.mark.parametrize("frame", FRAMES)
def test_position_of_the_spacecraft_tells_the_frame_by_its_geodetic_latitude(read_changed, frame):
    def change(hdus: fits.HDUList) -> None:
        position = _observe(frame).swath.geometry.spacecraft_mars_km
        columns = [*hdus["SC_GEOM"].columns, fits.Column("V_SC_POS_MARS", "3D", array=position)]
        hdus["SC_GEOM"] = fits.BinTableHDU.from_columns(columns, name="SC_GEOM")

    assert read_changed(frame, change).facts.latitude_frame == _expected(frame)


def test_position_of_the_spacecraft_contradicts_a_latitude_that_is_not_geodetic(read_changed):
    def change(hdus: fits.HDUList) -> None:
        position = _observe("planetographic").swath.geometry.spacecraft_mars_km
        columns = [*hdus["SC_GEOM"].columns, fits.Column("V_SC_POS_MARS", "3D", array=position)]
        hdus["SC_GEOM"] = fits.BinTableHDU.from_columns(columns, name="SC_GEOM")
        own = np.degrees(np.arcsin(position[:, 2] / np.linalg.norm(position, axis=1)))
        hdus["SC_GEOM"].data["SUB_SC_LAT"] = own
        _without("VEC_MARS", "FOV_GEOM")(hdus)

    assert read_changed("planetographic", change).facts.latitude_frame == "undetermined"


def test_frame_is_undetermined_where_angles_and_vectors_disagree(read_changed):
    def change(hdus: fits.HDUList) -> None:  # measures the solar zenith angle from the radius
        fov, craft = hdus["FOV_GEOM"].data, hdus["SC_GEOM"].data
        sun = orbit.unit(craft["SUB_SOLAR_LAT"], craft["SUB_SOLAR_LON"])[:, None, None]
        fov["SOLAR_Z_ANGLE"] = np.degrees(np.arccos((orbit.unit(fov["LAT"], fov["LON"]) * sun).sum(-1)))

    assert read_changed("planetocentric", change).facts.latitude_frame == "undetermined"


def test_real_iuvs_files_are_planetographic_and_agree_with_themselves(iuvs_folder):
    paths = [path for path in sorted(iuvs_folder.glob("*fuv*.gz")) if "071804" not in path.name]
    assert len(paths) == 6
    for path in paths:
        facts = readers.read(path, path.name).facts
        assert facts.latitude_frame == "planetographic"
        assert facts.residuals["sza_deg"] < 0.001
        assert facts.residuals["emission_angle_deg"] < 0.005
        assert facts.residuals["local_time_h"] < 0.0002


def test_points_and_latitudes_are_those_of_pyproj():
    to_geocentric = Transformer.from_pipeline("+proj=cart +a={a}e3 +b={b}e3".format(**AXES))
    height = np.linspace(0, 40_000, LATITUDE.size)
    expected = np.stack(to_geocentric.transform(LONGITUDE, LATITUDE, 1000 * height), axis=-1) / 1000
    assert_allclose(ellipsoid.find_points(LATITUDE, LONGITUDE, height), expected, atol=1e-6)
    assert_allclose(ellipsoid.find_latitude(expected), LATITUDE, atol=1e-9)


def test_planetocentric_latitudes_are_those_of_pyproj():
    _, planetocentric = Transformer.from_pipeline("+proj=geoc +a={a}e3 +b={b}e3".format(**AXES)).transform(
        LONGITUDE, LATITUDE
    )
    assert_allclose(ellipsoid.to_planetocentric(LATITUDE), planetocentric, atol=1e-9)
    assert_allclose(ellipsoid.to_planetographic(planetocentric), LATITUDE, atol=1e-9)
