"""The canvas: limb, index map and lines of sight, on simulated and real swaths."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from mars_aurora import readers
from mars_aurora.box import Box
from mars_aurora.errors import InputError, Reason
from mars_aurora.geometry import canvas
from mars_aurora.geometry.canvas import CENTER_X, CENTER_Y, DISK_RADIUS, HEIGHT, WIDTH, Canvas
from mars_aurora.geometry.index_map import map_pixels
from mars_aurora.observation import Observation
from mars_aurora.perspective import Perspective
from mars_aurora.sphere import MARS_RADIUS_KM
from mars_aurora_model.simulator.simulate import Simulated, observe
from mars_aurora_model.simulator.world import World

WHOLE = World(swaths_per_set=(1,), slit_cut_fraction=0.0, truncated_fraction=0.0, modes=(("os2", 1.0, (50, 155)),))
CUT = replace(WHOLE, slit_cut_fraction=1.0)


@pytest.mark.parametrize(
    ("direction", "expected"),
    [
        ((-1.0, 0.0, 0.0), (320, 230)),
        ((-np.sqrt(3), 0.0, 1.0), (320, 60)),
        ((-np.sqrt(3), 1.0, 0.0), (490, 230)),
        ((-np.sqrt(3), 0.0, -0.5), (320, 315)),
        ((1.0, 0.0, 0.0), (np.nan, np.nan)),
        ((0.0, 1.0, 0.0), (np.nan, np.nan)),
    ],
    ids=["nadir", "north limb", "east limb", "half way south", "zenith", "horizontal"],
)
@pytest.mark.parametrize("length", [1, 7])
def test_direction_from_two_radii_is_drawn_in_perspective(direction, expected, length):
    # at two radii from the center of Mars, over 0 N 0 E, the limb is 30 deg from the nadir
    sight = length * np.array([[direction]])
    x, y = canvas.project(sight, np.zeros(1), np.zeros(1), np.array([MARS_RADIUS_KM]))
    np.testing.assert_allclose([x.item(), y.item()], expected, rtol=1e-12)


def _read(simulated: Simulated, folder: Path) -> Observation:
    path = folder / simulated.name.removesuffix(".gz")
    path.write_bytes(simulated.to_fits())
    return readers.read(path, simulated.name)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Observation:
    """A complete disk with sky all around it."""
    return _read(observe(WHOLE, 3, 0), tmp_path_factory.mktemp("whole"))


def _limb(disk: NDArray[np.bool_], fitted: Canvas) -> NDArray[np.float64]:
    """Find the limb on the canvas: points (K, 2) of the disk next to observed sky."""
    drawn = canvas.to_canvas(disk.astype(np.uint8), fitted, fill=2)
    beside_sky = cv2.dilate((drawn == 0).astype(np.uint8), np.ones((3, 3), np.uint8))
    y, x = np.nonzero((drawn == 1) & (beside_sky > 0))
    return np.stack([x, y], axis=1).astype(np.float64)


def _circle(points: NDArray[np.float64]) -> tuple[float, float, float]:
    """Fit a circle by least squares: center x, y and radius."""
    x, y = points.T
    a, b, c = np.linalg.lstsq(np.stack([2 * x, 2 * y, np.ones_like(x)], axis=1), x**2 + y**2, rcond=None)[0]
    return float(a), float(b), float(np.sqrt(c + a**2 + b**2))


@pytest.mark.parametrize("index", range(4))
def test_limb_of_complete_disk_is_circle_of_nominal_center_and_radius(index: int, tmp_path: Path):
    simulated = observe(WHOLE, 7, index)
    fitted = canvas.fit(_read(simulated, tmp_path))
    x, y, radius = _circle(_limb(simulated.swath.geometry.on_disk, fitted))
    assert np.hypot(x - CENTER_X, y - CENTER_Y) < 1.5
    assert abs(radius - DISK_RADIUS) < 1.5


@pytest.mark.parametrize("index", range(4))
def test_limb_of_disk_cut_by_slit_is_on_nominal_circle(index: int, tmp_path: Path):
    simulated = observe(CUT, 8, index)
    limb = _limb(simulated.swath.geometry.on_disk, canvas.fit(_read(simulated, tmp_path)))
    assert len(limb) > 50
    assert np.abs(np.hypot(*(limb - (CENTER_X, CENTER_Y)).T) - DISK_RADIUS).max() < 4


def test_canvas_pixel_shows_nearby_native_pixel(whole: Observation):
    fitted = canvas.fit(whole)
    assert fitted.index.shape == (HEIGHT, WIDTH)
    row, column = np.nonzero(fitted.index >= 0)
    shown = fitted.index[row, column]
    distance = np.hypot(fitted.x.ravel()[shown] - column, fitted.y.ravel()[shown] - row)
    diagonal = np.hypot(np.nanmax(np.abs(np.diff(fitted.x, axis=0))), np.nanmax(np.abs(np.diff(fitted.x, axis=1))))
    assert distance.max() < 2 * diagonal


def test_native_pixel_is_shown_at_its_own_position(whole: Observation):
    fitted = canvas.fit(whole)
    native = np.arange(fitted.x.size).reshape(fitted.x.shape)
    inside = (fitted.x > 0) & (fitted.x < WIDTH - 1) & (fitted.y > 0) & (fitted.y < HEIGHT - 1)
    found = fitted.index[np.rint(fitted.y[inside]).astype(int), np.rint(fitted.x[inside]).astype(int)]
    assert (found == native[inside]).mean() > 0.99


def test_observed_area_is_partial_and_without_holes(tmp_path: Path):
    fitted = canvas.fit(_read(observe(CUT, 8, 1), tmp_path))
    observed = (fitted.index >= 0).astype(np.uint8)
    assert 0.1 < observed[60:400, 150:490].mean() < 0.95
    gaps, _, sizes, _ = cv2.connectedComponentsWithStats(1 - observed, connectivity=4)
    assert sizes[1:gaps, cv2.CC_STAT_AREA].min() > 1000


def _positions(x: list[float], y: list[float]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Make the positions of a grid of pixels that is parallel to the canvas."""
    columns, rows = np.meshgrid(np.array(x, np.float32), np.array(y, np.float32))
    return columns, rows


def test_pixels_of_a_parallel_grid_meet_halfway_and_extend_half_a_pixel_beyond_the_outer_centers():
    x, y = _positions([4, 10, 16], [5, 13, 21])
    column = np.repeat([-1, 0, 1, 2, -1], [1, 6, 6, 7, 3])  # 1 to 19
    row = np.repeat([-1, 0, 1, 2, -1], [1, 8, 8, 9, 3])  # 1 to 25
    expected = np.where((row[:, None] < 0) | (column < 0), -1, 3 * row[:, None] + column)
    np.testing.assert_array_equal(map_pixels(x, y, expected.shape), expected)


def test_both_sides_of_a_jump_over_integrations_without_position_are_whole():
    x, y = _positions([4, 10, 16], [5, 11, 17, np.nan, np.nan, 57, 63, 69])
    x[np.isnan(y)] = np.nan
    shown = map_pixels(x, y, (80, 23))[:, 10]
    row = np.repeat([-1, 0, 1, 2, -1, 5, 6, 7, -1], [2, 6, 6, 7, 33, 6, 6, 7, 7])
    np.testing.assert_array_equal(shown, np.where(row < 0, -1, 3 * row + 1))


def test_single_bin_and_single_integration_have_the_width_of_a_step():
    along = np.arange(5.0, 35, 5, dtype=np.float32)
    for x, y in ((along[None], np.full((1, 6), 10, np.float32)), (np.full((6, 1), 10, np.float32), along[:, None])):
        shown = np.argwhere(map_pixels(x, y, (40, 40)) >= 0)
        assert np.ptp(shown, axis=0).max() == pytest.approx(29, abs=1)  # half a step beyond both ends


def test_points_behind_the_limb_are_hidden():
    """At two radii over 0 N 0 E the limb is at 60 deg, and the line of sight at 300 km meets it up to 83 deg."""
    at = Perspective(0.0, 0.0, MARS_RADIUS_KM, 0.0, 0.0)
    lon_deg = np.array([0.0, 59.0, 61.0, 80.0, 86.0, 120.0, 180.0])
    for altitude_km, visible in ((0.0, [1, 1, 0, 0, 0, 0, 0]), (300.0, [1, 1, 1, 1, 0, 0, 0])):
        x, y = canvas.project_points(np.zeros(7), lon_deg, altitude_km, at)
        np.testing.assert_array_equal(np.isfinite(x), np.array(visible, bool))
        np.testing.assert_array_equal(np.isfinite(y), np.array(visible, bool))


def test_disk_radii_are_distances_from_the_center_of_the_disk():
    x, y = np.float32([[320, 490, 320, 422]]), np.float32([[230, 230, 60, 366]])
    np.testing.assert_allclose(Canvas(x, y).disk_radii, [[0, 1, 1, 1]])


def test_diagonal_grid_has_no_holes():
    side = 10.5  # px, 15 samples
    down, across = np.meshgrid(np.arange(4), np.arange(4), indexing="ij")
    x, y = 40 + (across - down) * side / np.sqrt(2), 10 + (across + down) * side / np.sqrt(2)
    index = map_pixels(x.astype(np.float32), y.astype(np.float32), (70, 81))
    row, column = np.mgrid[:70, :81]
    i, j = ((row - 10) - (column - 40)) / np.sqrt(2) / side, ((row - 10) + (column - 40)) / np.sqrt(2) / side
    inside = (np.minimum(i, j) > -0.4) & (np.maximum(i, j) < 3.4)
    assert (index[inside] >= 0).all()
    central = inside & (np.maximum(np.abs(i - np.rint(i)), np.abs(j - np.rint(j))) < 0.4)
    np.testing.assert_array_equal(index[central], (4 * np.rint(i) + np.rint(j))[central])


def test_jump_of_scan_is_not_filled(whole: Observation):
    fitted = canvas.fit(whole)
    keep = np.r_[0:60, 140 : whole.shape[0]]
    broken = Canvas(fitted.x[keep], fitted.y[keep])
    missing = (fitted.index >= 64 * whole.shape[1]) & (fitted.index < 136 * whole.shape[1])
    assert (broken.index[missing] >= 0).mean() < 0.01


def test_pixels_without_coordinates_are_placed_by_right_ascension_and_declination(whole: Observation):
    fitted = canvas.fit(whole)
    off_disk = whole.tangent_altitude_km > 0
    without_coordinates = replace(
        whole,
        latitude_deg=np.where(off_disk, np.float32(np.nan), whole.latitude_deg),
        longitude_deg=np.where(off_disk, np.float32(np.nan), whole.longitude_deg),
    )
    found = canvas.fit(without_coordinates)
    near = off_disk & np.isfinite(fitted.x)
    assert near.sum() > 1000
    assert np.hypot(found.x - fitted.x, found.y - fitted.y)[near].max() < 0.7


def test_swath_without_disk_is_rejected(whole: Observation):
    off_disk = replace(whole, tangent_altitude_km=whole.tangent_altitude_km + 1.01)
    with pytest.raises(InputError, match="0 pixels on the disk have known coordinates") as caught:
        canvas.fit(off_disk)
    assert caught.value.reason is Reason.NO_DISK
    assert caught.value.name == whole.facts.name


def test_packed_geometry_preserves_observation_and_canvas(whole: Observation):
    fitted = canvas.fit(whole)
    data = canvas.pack_geometry(whole, fitted)
    observation, unpacked = canvas.unpack_geometry(data)
    assert np.array_equal(unpacked.index, fitted.index)
    assert canvas.pack_geometry(observation, unpacked) == data
    assert observation.facts == whole.facts


def test_pixels_in_box_are_those_with_center_inside(whole: Observation):
    fitted = canvas.fit(whole)
    inside = canvas.pixels_in_box(fitted, Box("aurora", 1.0, 300, 200, 340, 260))
    assert inside.shape == whole.shape
    assert fitted.x[inside].min() >= 300
    assert fitted.x[inside].max() <= 340
    assert fitted.y[inside].min() >= 200
    assert fitted.y[inside].max() <= 260
    assert inside.sum() == ((fitted.x >= 300) & (fitted.x <= 340) & (fitted.y >= 200) & (fitted.y <= 260)).sum() > 100


def test_to_canvas_preserves_dtype_and_fills_unobserved_pixels(whole: Observation):
    fitted = canvas.fit(whole)
    drawn = canvas.to_canvas(np.ones(whole.shape, np.uint8), fitted, fill=7)
    assert drawn.dtype == np.uint8
    assert (drawn == 7).sum() == (fitted.index < 0).sum() > 0


def test_real_swaths_of_one_orbit_cover_half_the_disk_with_little_overlap(iuvs_folder: Path):
    shown = np.zeros((HEIGHT, WIDTH), int)
    limbs = []
    for path in sorted(iuvs_folder.glob("*fuv*.fits.gz"))[1:]:
        observation = readers.read(path, path.name)
        fitted = canvas.fit(observation)
        shown += fitted.index >= 0
        limbs.append(_limb(observation.tangent_altitude_km <= 0, fitted))
    disk = np.hypot(*(np.mgrid[:HEIGHT, :WIDTH] - np.array([[[CENTER_Y]], [[CENTER_X]]]))) < DISK_RADIUS
    assert len(limbs) == 6
    assert (shown[disk] > 0).mean() > 0.5
    assert (shown[disk] > 1).sum() < 0.25 * (shown[disk] > 0).sum()
    x, y, radius = _circle(np.concatenate(limbs))
    assert np.hypot(x - CENTER_X, y - CENTER_Y) < 1.5
    assert abs(radius - DISK_RADIUS) < 1.5
