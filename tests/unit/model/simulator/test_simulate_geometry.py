"""The simulated orbit, frames and lines of sight are consistent and agree with a real mission."""

import io
from datetime import UTC, datetime

import numpy as np
import pytest
from astropy.io import fits

from mars_aurora_model.simulator import figure, orbit
from mars_aurora_model.simulator.simulate import Simulated
from mars_aurora_model.simulator.world import MARS_RADIUS_KM


@pytest.fixture(scope="module")
def tables(night_swath: Simulated) -> fits.HDUList:
    return fits.open(io.BytesIO(night_swath.to_fits()))


def angle_deg(a, b):
    return np.degrees(2 * np.arcsin(np.clip(np.linalg.norm(a - b, axis=-1) / 2, 0, 1)))


def test_positions_of_sun_and_mars_agree_with_a_real_file(iuvs_folder):
    path = iuvs_folder / "mvn_iuv_l1b_apoapse-orbit18001-fuv_20230114T071818_v13_r01.fits.gz"
    with fits.open(path) as hdus:
        spacecraft, et = hdus["SpacecraftGeometry"].data, hdus["Integration"].data["ET"].astype(float)
        ls = float(hdus["Observation"].data["SOLAR_LONGITUDE"][0])
        true_sun = orbit.unit(spacecraft["SUB_SOLAR_LAT"].astype(float), spacecraft["SUB_SOLAR_LON"].astype(float))
        pixels, center = hdus["PixelGeometry"].data, (slice(None), slice(None), 4)
        sight = orbit.unit(
            pixels["PIXEL_CORNER_DEC"][center].astype(float), pixels["PIXEL_CORNER_RA"][center].astype(float)
        )
        point = orbit.unit(
            pixels["PIXEL_CORNER_LAT"][center].astype(float), pixels["PIXEL_CORNER_LON"][center].astype(float)
        )
        vertex = orbit.unit(
            spacecraft["SUB_SPACECRAFT_LAT"].astype(float), spacecraft["SUB_SPACECRAFT_LON"].astype(float)
        )
        vertex *= (MARS_RADIUS_KM + spacecraft["SPACECRAFT_ALT"].astype(float))[:, None]
        on_disk = pixels["PIXEL_CORNER_MRH_ALT"][center] == 0
    frames = orbit.frames(et)
    assert orbit.solar_longitude_deg(et[:1])[0] == pytest.approx(ls, abs=0.02)
    assert angle_deg(np.einsum("nij,nj->ni", frames.to_mars, frames.sun), true_sun).max() < 0.1
    turned = np.moveaxis(np.einsum("nij,nkj->nki", frames.to_mars, sight), -1, 1)
    found, _, _ = figure.intersect(vertex, turned, MARS_RADIUS_KM)
    assert np.median(angle_deg(np.moveaxis(found, 1, -1)[on_disk], point[on_disk])) < 1  # IUVS uses an ellipsoid


@pytest.mark.parametrize(
    ("date", "year", "ls"),
    [("2021-02-07T12:00", 36, 0.1), ("2022-12-26T18:00", 37, 0.1), ("2022-07-21T12:00", 36, 270)],
)
def test_mars_time_agrees_with_the_almanac(date, year, ls):
    utc = datetime.fromisoformat(date).replace(tzinfo=UTC)
    found = orbit.solar_longitude_deg(np.array([orbit.to_et(utc)]))[0]
    assert (found - ls + 180) % 360 - 180 == pytest.approx(0, abs=0.4)
    assert orbit.mars_year(utc, found) == year


def test_orbit_is_that_of_hope():
    positions = orbit.position_km(40.0, 70.0, np.linspace(0, 2 * np.pi, 2001))
    altitude = np.linalg.norm(positions, axis=1) - MARS_RADIUS_KM
    assert (altitude.min(), altitude.max()) == pytest.approx((19_970, 42_650), abs=1)
    assert orbit.period_s() / 3600 == pytest.approx(54.5, abs=0.1)
    in_mars = positions @ orbit.frames(np.zeros(1)).to_mars[0].T
    assert np.degrees(np.arcsin(in_mars[:, 2] / np.linalg.norm(in_mars, axis=1))).max() == pytest.approx(25, abs=0.01)


def test_sample_0_is_the_center_of_the_other_four(tables):
    vectors = np.moveaxis(tables["FOV_GEOM"].data["VEC_MSO"], 1, -1)[:, :, 5:-5]  # (nI, 5, nS, 3)
    for sample in range(5):
        others = np.delete(vectors, sample, axis=1).mean(1)
        distance = np.linalg.norm(vectors[:, sample] - others, axis=-1).max()
        assert (distance < 1e-5) == (sample == 0)


def test_corners_are_in_order_around_the_pixel(tables):
    corners = np.moveaxis(tables["FOV_GEOM"].data["VEC_MSO"], 1, -1)[:, 1:, 5:-5]
    sides = angle_deg(corners, np.roll(corners, -1, axis=1))
    assert np.ptp(sides[:, 0]) < 0.001
    assert sides[:, 0].mean() == pytest.approx(10.75 / 128, rel=0.01)
    assert sides[:, 1].mean() == pytest.approx(np.median(tables["FOV_GEOM"].data["SLIT_WIDTH"]), rel=0.01)


def test_tangent_altitude_is_zero_only_on_the_disk(tables):
    fov, spacecraft = tables["FOV_GEOM"].data, tables["SC_GEOM"].data
    toward = -orbit.unit(spacecraft["SUB_SC_LAT"].astype(float), spacecraft["SUB_SC_LON"].astype(float))
    off = angle_deg(np.moveaxis(fov["VEC_MARS"][:, :, 0], 1, -1), toward[:, None])
    radius = np.degrees(np.arcsin(MARS_RADIUS_KM / (MARS_RADIUS_KM + spacecraft["SC_ALT"])))[:, None]
    altitude, seen = fov["MRH_ALT"][:, 0], np.isfinite(fov["RA"][:, 0])
    assert ((altitude == 0) == (off < radius))[seen & (abs(off - radius) > 1e-3)].all()
    assert (altitude[seen] >= 0).all()
    assert np.isfinite(fov["LAT"][:, 0][seen]).all()
    assert (fov["EMISSION_ANGLE"][:, 0][seen & (altitude > 0)] == 90).all()


def test_angles_agree_with_the_sub_solar_and_sub_spacecraft_points(tables):
    fov, spacecraft = tables["FOV_GEOM"].data, tables["SC_GEOM"].data
    disk = (fov["MRH_ALT"][:, 0] == 0) & np.isfinite(fov["RA"][:, 0])
    point = orbit.unit(fov["LAT"][:, 0], fov["LON"][:, 0])
    sun = orbit.unit(spacecraft["SUB_SOLAR_LAT"].astype(float), spacecraft["SUB_SOLAR_LON"].astype(float))[:, None]
    vertex = orbit.unit(spacecraft["SUB_SC_LAT"].astype(float), spacecraft["SUB_SC_LON"].astype(float))
    vertex = vertex[:, None] * (1 + spacecraft["SC_ALT"] / MARS_RADIUS_KM)[:, None, None]
    sight = orbit.normalize(vertex - point)
    assert abs(angle_deg(point, sun) - fov["SOLAR_Z_ANGLE"][:, 0])[disk].max() < 0.1
    assert abs(angle_deg(point, sight) - fov["EMISSION_ANGLE"][:, 0])[disk].max() < 0.1
    assert abs(angle_deg(sight, sun) - fov["PHASE_ANGLE"][:, 0])[disk].max() < 0.1
    noon = (fov["LON"][:, 0] - spacecraft["SUB_SOLAR_LON"][:, None]) / 15
    assert abs((fov["LOCAL_TIME"][:, 0] - 12 - noon + 12) % 24 - 12)[disk].max() < 0.01


def test_right_ascension_and_frames_give_the_same_direction(night_swath, tables):
    fov = tables["FOV_GEOM"].data
    seen = np.isfinite(fov["RA"][:, 0])
    sight = orbit.unit(fov["DEC"][:, 0], fov["RA"][:, 0])
    frames = orbit.frames(tables["TIME"].data["TIME_ET"].astype(float))
    for column, turn in (("VEC_MARS", frames.to_mars), ("VEC_MSO", frames.to_mso)):
        turned = np.einsum("nij,nkj->nki", turn, sight)
        assert angle_deg(turned, np.moveaxis(fov[column][:, :, 0], 1, -1))[seen].max() < 0.05


def test_cells_tile_the_disk_without_overlap(night_swath):
    geometry = night_swath.swath.geometry
    distance = np.linalg.norm(geometry.spacecraft_km, axis=1).mean()
    cap = 2 * np.pi * MARS_RADIUS_KM**2 * (1 - MARS_RADIUS_KM / distance)
    inner = geometry.emission_deg[:, 0] < 80
    assert geometry.cell_km2[inner].sum() < cap
    assert geometry.cell_km2[inner].sum() == pytest.approx(cap * (1 - np.cos(np.radians(75))), rel=0.25)
