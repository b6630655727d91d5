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
from mars_aurora.geometry.canvas import CENTRE_X, CENTRE_Y, DISK_RADIUS, HEIGHT, WIDTH, Canvas
from mars_aurora.observation import Observation, from_npz, to_npz
from mars_aurora_model.simulator.simulate import Simulated, observe
from mars_aurora_model.simulator.world import World

WHOLE = World(swaths_per_set=(1,), slit_cut_share=0.0, truncated_share=0.0, modes=(("os2", 1.0, (50, 155)),))
CUT = replace(WHOLE, slit_cut_share=1.0)


def _read(simulated: Simulated, folder: Path) -> Observation:
    path = folder / simulated.name.removesuffix(".gz")
    path.write_bytes(simulated.to_fits())
    return readers.read(path, simulated.name)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Observation:
    """A whole disk, with sky all round."""
    return _read(observe(WHOLE, 3, 0), tmp_path_factory.mktemp("whole"))


def _limb(disk: NDArray[np.bool_], view: Canvas) -> NDArray[np.float64]:
    """Find where the drawn disk ends at observed sky, as points (K, 2) on the canvas."""
    drawn = canvas.to_canvas(disk.astype(np.uint8), view, fill=2)
    beside_sky = cv2.dilate((drawn == 0).astype(np.uint8), np.ones((3, 3), np.uint8))
    y, x = np.nonzero((drawn == 1) & (beside_sky > 0))
    return np.stack([x, y], axis=1).astype(np.float64)


def _circle(points: NDArray[np.float64]) -> tuple[float, float, float]:
    """Fit a circle by least squares: centre x, y and radius."""
    x, y = points.T
    a, b, c = np.linalg.lstsq(np.stack([2 * x, 2 * y, np.ones_like(x)], axis=1), x**2 + y**2, rcond=None)[0]
    return float(a), float(b), float(np.sqrt(c + a**2 + b**2))


@pytest.mark.parametrize("index", range(4))
def test_the_limb_of_a_whole_disk_lies_where_it_belongs(index: int, tmp_path: Path):
    simulated = observe(WHOLE, 7, index)
    view = canvas.fit(_read(simulated, tmp_path))
    x, y, radius = _circle(_limb(simulated.swath.geometry.on_disk, view))
    assert np.hypot(x - CENTRE_X, y - CENTRE_Y) < 1.5
    assert abs(radius - DISK_RADIUS) < 1.5


@pytest.mark.parametrize("index", range(4))
def test_the_limb_of_a_disk_cut_by_the_slit_lies_where_it_belongs(index: int, tmp_path: Path):
    simulated = observe(CUT, 8, index)
    limb = _limb(simulated.swath.geometry.on_disk, canvas.fit(_read(simulated, tmp_path)))
    assert len(limb) > 50
    assert np.abs(np.hypot(*(limb - (CENTRE_X, CENTRE_Y)).T) - DISK_RADIUS).max() < 4


def test_each_canvas_pixel_shows_the_native_pixel_that_lies_there(whole: Observation):
    view = canvas.fit(whole)
    row, column = np.nonzero(view.index >= 0)
    shown = view.index[row, column]
    away = np.hypot(view.x.ravel()[shown] - column, view.y.ravel()[shown] - row)
    diagonal = np.hypot(np.nanmax(np.abs(np.diff(view.x, axis=0))), np.nanmax(np.abs(np.diff(view.x, axis=1))))
    assert away.max() < 2 * diagonal


def test_each_native_pixel_is_found_again_where_it_was_put(whole: Observation):
    view = canvas.fit(whole)
    native = np.arange(view.x.size).reshape(view.x.shape)
    inside = (view.x > 0) & (view.x < WIDTH - 1) & (view.y > 0) & (view.y < HEIGHT - 1)
    found = view.index[np.rint(view.y[inside]).astype(int), np.rint(view.x[inside]).astype(int)]
    assert (found == native[inside]).mean() > 0.99


def test_what_was_not_observed_stays_empty_and_what_was_has_no_holes(tmp_path: Path):
    view = canvas.fit(_read(observe(CUT, 8, 1), tmp_path))
    observed = (view.index >= 0).astype(np.uint8)
    assert 0.1 < observed[60:400, 150:490].mean() < 0.95
    gaps, _, sizes, _ = cv2.connectedComponentsWithStats(1 - observed, connectivity=4)
    assert sizes[1:gaps, cv2.CC_STAT_AREA].min() > 1000


def test_a_jump_of_the_scan_is_not_bridged(whole: Observation):
    view = canvas.fit(whole)
    keep = np.r_[0:60, 140 : whole.shape[0]]
    broken = Canvas(view.x[keep], view.y[keep])
    missing = (view.index >= 64 * whole.shape[1]) & (view.index < 136 * whole.shape[1])
    assert (broken.index[missing] >= 0).mean() < 0.01


def test_pixels_without_a_place_are_put_by_their_look_direction(whole: Observation):
    view = canvas.fit(whole)
    off_disk = whole.tangent_altitude_km > 0
    hidden = replace(
        whole,
        latitude_deg=np.where(off_disk, np.float32(np.nan), whole.latitude_deg),
        longitude_deg=np.where(off_disk, np.float32(np.nan), whole.longitude_deg),
    )
    found = canvas.fit(hidden)
    near = off_disk & np.isfinite(view.x)
    assert near.sum() > 1000
    assert np.hypot(found.x - view.x, found.y - view.y)[near].max() < 0.7


def test_no_disk_is_an_input_error_that_says_so(whole: Observation):
    beside = replace(whole, tangent_altitude_km=whole.tangent_altitude_km + 1)
    with pytest.raises(InputError, match="0 pixels look at the disk") as caught:
        canvas.fit(beside)
    assert caught.value.reason is Reason.NO_DISK
    assert caught.value.name == whole.facts.name


def test_the_canvas_survives_packing(whole: Observation):
    view = canvas.fit(whole)
    _, arrays = from_npz(to_npz(whole, **view.to_arrays()))
    assert np.array_equal(Canvas.from_arrays(arrays).index, view.index)


def test_a_box_holds_the_pixels_whose_centres_lie_in_it(whole: Observation):
    view = canvas.fit(whole)
    inside = canvas.pixels_in_box(view, Box("aurora", 1.0, 300, 200, 340, 260))
    assert inside.shape == whole.shape
    assert view.x[inside].min() >= 300
    assert view.x[inside].max() <= 340
    assert view.y[inside].min() >= 200
    assert view.y[inside].max() <= 260
    assert inside.sum() == ((view.x >= 300) & (view.x <= 340) & (view.y >= 200) & (view.y <= 260)).sum() > 100


def test_fill_and_type_are_kept_on_the_way_to_the_canvas(whole: Observation):
    view = canvas.fit(whole)
    drawn = canvas.to_canvas(np.ones(whole.shape, np.uint8), view, fill=7)
    assert drawn.dtype == np.uint8
    assert (drawn == 7).sum() == (view.index < 0).sum() > 0


def test_real_swaths_of_one_orbit_tile_mars(iuvs_folder: Path):
    shown = np.zeros((HEIGHT, WIDTH), int)
    limbs = []
    for path in sorted(iuvs_folder.glob("*fuv*.fits.gz"))[1:]:
        observation = readers.read(path, path.name)
        view = canvas.fit(observation)
        shown += view.index >= 0
        limbs.append(_limb(observation.tangent_altitude_km <= 0, view))
    disk = np.hypot(*(np.mgrid[:HEIGHT, :WIDTH] - np.array([[[CENTRE_Y]], [[CENTRE_X]]]))) < DISK_RADIUS
    assert len(limbs) == 6
    assert (shown[disk] > 0).mean() > 0.5
    assert (shown[disk] > 1).sum() < 0.25 * (shown[disk] > 0).sum()
    x, y, radius = _circle(np.concatenate(limbs))
    assert np.hypot(x - CENTRE_X, y - CENTRE_Y) < 1.5
    assert abs(radius - DISK_RADIUS) < 1.5
