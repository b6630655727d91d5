"""Pixels of an aurora on the emitting shell: positions, footprints, weights and centroid."""

import numpy as np
import pytest
from scenes import RADIUS_KM, SHELL_KM, Scene, distance_km, make_scene, make_shell_pixels

from mars_aurora.background.observed import Background
from mars_aurora.measure.emission_shell import ShellPixels, project_to_shell

ROWS, SLIT_BINS = slice(12, 20), slice(8, 14)


def _make_background(shape: tuple[int, int], level_R: float = 1.0, noise_R: float = 7.0) -> Background:
    level, error, noise = (np.full(shape, value, np.float32) for value in (level_R, 0.1, noise_R))
    return Background(level, error, noise, np.ones(shape, bool))


def _project(scene: Scene, pixels: np.ndarray | None = None) -> ShellPixels:
    pixels = scene.mask(ROWS, SLIT_BINS) if pixels is None else pixels
    return project_to_shell(scene.observation, _make_background(scene.observation.shape), pixels)


@pytest.mark.parametrize("center", [(20.0, 40.0), (0.0, 0.0), (-30.0, 180.0), (89.9, 10.0), (-90.0, 0.0)])
@pytest.mark.parametrize(("offset_km", "emission_deg"), [(0, 6), (2000, 41), (3000, 61), (3600, 75)])
def test_pixels_are_where_the_rays_cross_the_shell(center, offset_km, emission_deg):
    scene = make_scene(center, sub_spacecraft=(300, offset_km))
    pixels, found = scene.mask(ROWS, SLIT_BINS), _project(scene)
    true = (scene.lat_deg, scene.lon_deg, scene.corner_lat_deg, scene.corner_lon_deg)
    lat, lon, corner_lat, corner_lon = (values[pixels] for values in true)
    assert np.median(scene.observation.emission_angle_deg[pixels]) == pytest.approx(emission_deg, abs=1)
    assert distance_km(found.lat_deg, found.lon_deg, lat, lon).max() < 0.01
    assert distance_km(found.corner_lat_deg, found.corner_lon_deg, corner_lat, corner_lon).max() < 0.6


@pytest.mark.parametrize("offset_km", [500, 1500, 3000])
def test_parallax_is_the_angle_between_surface_and_shell_in_the_triangle_with_the_center_of_mars(offset_km):
    scene = make_scene(sub_spacecraft=(45, offset_km))
    pixels = scene.mask(ROWS, SLIT_BINS)
    found, ground = _project(scene), scene.observation
    shift_km = distance_km(found.lat_deg, found.lon_deg, ground.latitude_deg[pixels], ground.longitude_deg[pixels])
    emission = np.radians(ground.emission_angle_deg[pixels], dtype=float)
    on_shell = np.arcsin(RADIUS_KM * np.sin(emission) / (RADIUS_KM + SHELL_KM))
    assert shift_km == pytest.approx(RADIUS_KM * (emission - on_shell), abs=0.1)


@pytest.mark.parametrize("overlap", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("heading_deg", [0, 60, 90, 200])
def test_overlapping_footprints_are_trimmed_to_the_step_of_the_scan(overlap, heading_deg):
    found = _project(make_scene(overlap=overlap, heading_deg=heading_deg, widths_km=70, sub_spacecraft=(10, 800)))
    assert found.area_km2 == pytest.approx(50 * 70, rel=0.01)


def test_footprints_of_different_widths_have_their_own_areas():
    found = _project(make_scene(widths_km=np.linspace(20, 78, 30)))
    assert found.area_km2.reshape(8, 6) == pytest.approx(50 * np.tile(np.linspace(20, 78, 30)[8:14], (8, 1)), rel=0.005)


def test_footprints_shorter_than_the_step_are_not_extended():
    assert _project(make_scene(overlap=-0.3)).area_km2 == pytest.approx(0.7 * 50 * 50, rel=0.005)


@pytest.mark.parametrize("rows", [slice(0, 1), slice(39, 40)])
def test_first_and_last_integrations_are_trimmed_by_the_step_to_their_only_neighbor(rows):
    scene = make_scene(overlap=0.5)
    assert _project(scene, scene.mask(rows, SLIT_BINS)).area_km2 == pytest.approx(2500, rel=0.01)


@pytest.mark.parametrize(("neighbor", "off_disk"), [(16, 14), (14, 16)])
def test_neighbor_off_the_disk_is_not_used_for_the_step(neighbor, off_disk):
    scene = make_scene(overlap=0.5)
    elsewhere = ~np.isin(np.arange(40), (15, neighbor))[:, None]
    scene = scene.change(
        tangent_altitude_km=np.where(np.arange(40)[:, None] == off_disk, 1.5, -5),
        latitude_deg=np.where(elsewhere, 80, scene.observation.latitude_deg),
    )
    assert _project(scene, scene.mask(slice(15, 16), SLIT_BINS)).area_km2 == pytest.approx(2500, rel=0.01)


@pytest.mark.parametrize("row", [0, 15, 39])
def test_neighbors_with_a_tangent_altitude_of_0_are_on_the_disk(row):
    scene = make_scene(overlap=0.5).change(tangent_altitude_km=0)
    assert _project(scene, scene.mask(slice(row, row + 1), SLIT_BINS)).area_km2 == pytest.approx(2500, rel=0.01)


def test_footprints_of_a_single_integration_are_left_whole():
    scene = make_scene(shape=(1, 30), overlap=0.5)
    assert _project(scene, scene.mask(slice(0, 1), SLIT_BINS)).area_km2 == pytest.approx(1.5 * 2500, rel=0.01)


def test_integrations_whose_neighbors_are_off_the_disk_are_left_whole():
    scene = make_scene(overlap=0.5)
    altitude = np.where(scene.mask(slice(15, 16), slice(None)), -1, 5)
    pixels = scene.mask(slice(15, 16), SLIT_BINS)
    found = _project(scene.change(tangent_altitude_km=altitude), pixels)
    assert found.area_km2 == pytest.approx(1.5 * 2500, rel=0.01)


def test_pixels_are_listed_with_their_rows_excess_and_errors():
    scene = make_scene().add(np.arange(1200).reshape(40, 30))
    scene = scene.change(random_error_R=2, systematic_error_R=3)
    pixels = scene.mask(ROWS, SLIT_BINS)
    found = _project(scene)
    assert found.rows.tolist() == np.nonzero(pixels)[0].tolist()
    assert found.excess_R == pytest.approx(np.arange(1200).reshape(40, 30)[pixels])
    assert (found.random_R == 2).all()
    assert (found.systematic_R == 3).all()


def test_unknown_random_errors_are_the_scatter_and_unknown_systematic_errors_are_zero():
    scene = make_scene()
    unknown = np.where(scene.mask(slice(12, 13), slice(8, 9)), np.nan, 2)
    found = _project(scene.change(random_error_R=unknown, systematic_error_R=unknown))
    assert found.random_R.tolist() == [7, *[2] * 47]
    assert found.systematic_R.tolist() == [0, *[2] * 47]


@pytest.mark.parametrize(("overlap", "width_km"), [(0.0, 50.0), (0.5, 50.0), (1.0, 80.0)])
def test_blur_is_the_variance_of_most_footprints_on_the_shell(overlap, width_km):
    widths_km = np.where(np.arange(30) == 10, 300, width_km)
    found = _project(make_scene(overlap=overlap, widths_km=widths_km))
    along_km = 50 * (1 + overlap)
    assert found.blur_km2 == pytest.approx((along_km**2 + width_km**2) / 2 / 12, rel=0.01)
    assert found.pixel_km == pytest.approx(np.sqrt(50 * width_km), rel=0.01)


def test_weights_are_positive_excess_times_area():
    assert make_shell_pixels(excess_R=[2, -1, 3], area_km2=[10, 20, 30]).weights.tolist() == [20, 0, 90]


def test_weights_are_the_areas_where_no_excess_is_positive():
    assert make_shell_pixels(excess_R=[-2, -1, 0], area_km2=[10, 20, 30]).weights.tolist() == [10, 20, 30]


def test_area_fractions_are_areas_over_their_sum():
    assert make_shell_pixels(excess_R=[5, 1], area_km2=[30, 10]).area_fractions.tolist() == [0.75, 0.25]


@pytest.mark.parametrize(
    ("excess_R", "area_km2", "rows", "row"),
    [([1, 1, 8], [1, 1, 1], [10, 11, 20], 18), ([1, 1], [1, 3], [10, 20], 18), ([6, 4], [1, 1], [10, 11], 10)],
)
def test_row_is_the_weighted_mean_row_to_the_nearest(excess_R, area_km2, rows, row):
    assert make_shell_pixels(excess_R=excess_R, area_km2=area_km2, rows=rows).row == row


@pytest.mark.parametrize(
    ("lat_deg", "lon_deg", "centroid"),
    [
        ([10, 10], [358, 4], (10, 2.5)),
        ([10, 10], [178, 184], (10, 182.5)),
        ([-20, 10], [70, 70], (2.5, 70)),
        ([86, 86], [50, 230], (88, 230)),
    ],
)
def test_plane_is_tangent_at_the_weighted_centroid(lat_deg, lon_deg, centroid):
    pixels = make_shell_pixels(excess_R=[1, 1], area_km2=[1, 3], lat_deg=lat_deg, lon_deg=lon_deg)
    plane = pixels.find_plane()
    assert distance_km(plane.lat_deg, plane.lon_deg, *centroid) < 30
    even = make_shell_pixels(excess_R=[3, 1], area_km2=[1, 3], lat_deg=lat_deg, lon_deg=lon_deg).find_plane()
    to_first, to_second = distance_km(even.lat_deg, even.lon_deg, lat_deg, lon_deg)
    assert to_first == pytest.approx(to_second)
