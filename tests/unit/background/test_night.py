"""Whether all of the night is bright: the prior, the sky beside it, and the files in which that is decided."""

from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from mars_aurora.background import night
from mars_aurora.background.search import Search
from mars_aurora.emission import OXYGEN_1304, OXYGEN_1356, Emission
from mars_aurora.night import Night
from mars_aurora.observation import Facts

SHAPE = (40, 30)
DISK_BINS = 24  # the other bins are sky
FACTS = Facts(name="x.fits", instrument="EMM/EMUS", level="l2b", start_utc="2022-03-31T21:21:07.000")
AREA_KM2, LIMIT_R = 2000.0, 3.0


@dataclass(frozen=True)
class _Scan:
    """What of an observation the night level is decided on: a night with sky beside it."""

    brightness_R: np.ndarray = field(default_factory=lambda: np.full(SHAPE, 1.0, np.float32))
    sza_deg: np.ndarray = field(default_factory=lambda: np.full(SHAPE, 150.0, np.float32))
    emission_angle_deg: np.ndarray = field(
        default_factory=lambda: np.tile(np.linspace(0, 70, SHAPE[1], dtype=np.float32), (SHAPE[0], 1))
    )
    tangent_altitude_km: np.ndarray = field(
        default_factory=lambda: np.tile(np.where(np.arange(SHAPE[1]) < DISK_BINS, 0.0, 500.0), (SHAPE[0], 1))
    )
    facts: Facts = FACTS
    emission: Emission = OXYGEN_1304

    @property
    def search(self) -> Search:
        pixels = (self.tangent_altitude_km == 0) & self.emission.search_area(self.sza_deg)
        area_km2 = np.where(pixels, AREA_KM2, np.nan)
        return Search(pixels, area_km2, np.where(pixels, LIMIT_R, np.nan).astype(np.float32))

    def find(self) -> Night:
        return night.find_night(self, self.search)


def _scan(disk_R: float | np.ndarray, sky_R: float = 0.6, **more: object) -> _Scan:
    scan = _Scan(**more)
    brightness = np.where(scan.tangent_altitude_km == 0, disk_R, sky_R).astype(np.float32)
    return replace(scan, brightness_R=brightness)


def _slanted(level_R: float) -> np.ndarray:
    """The brightness of a shell of that brightness at normal incidence."""
    return level_R * night.find_slant(_Scan())


def test_what_was_searched_is_counted():
    found = _scan(1.0).find()
    assert found.pixels == SHAPE[0] * DISK_BINS
    assert found.area_km2 == pytest.approx(found.pixels * AREA_KM2)
    assert (found.level_R, found.limit_R) == (pytest.approx(1.0), pytest.approx(LIMIT_R))
    assert found.sky_R == pytest.approx(0.6)
    assert not found.is_diffuse
    assert not found.is_sky_bright


def test_without_a_searched_pixel_nothing_is_known():
    found = _scan(30.0, sza_deg=np.full(SHAPE, 100.0, np.float32)).find()
    assert found == Night()
    assert not found.is_in_view


@pytest.mark.parametrize(("pixels", "is_in_view"), [(11, False), (12, True)])
def test_twelve_pixels_are_the_night_in_view(pixels, is_in_view):
    assert Night(pixels=pixels).is_in_view == is_in_view


def test_level_of_the_night_is_that_of_most_of_it():
    bright = np.full(SHAPE, 1.0)
    bright[:10, :10] = 50.0
    assert _scan(bright).find().level_R == pytest.approx(1.0)


@pytest.mark.parametrize("level_R", [8.0, 30.0])
def test_diffuse_aurora_over_all_of_the_night_is_found(level_R):
    found = _scan(1.0 + _slanted(level_R)).find()
    assert found.is_diffuse
    assert found.excess_R == found.excess_over_sky_R
    assert found.excess_R == pytest.approx(1.0 - 1.25 + np.median(_slanted(level_R)[:, :DISK_BINS]), rel=0.05)


@pytest.mark.parametrize("level_R", [0.5, 2.0, 3.5])
def test_nightglow_is_not_a_diffuse_aurora(level_R):
    assert not _scan(level_R).find().is_diffuse


@pytest.mark.parametrize(("rows", "is_diffuse"), [(0.65, False), (0.75, True)])
def test_three_quarters_of_the_night_must_be_bright(rows, is_diffuse):
    bright = np.where(np.arange(SHAPE[0])[:, None] < rows * SHAPE[0], 30.0, 1.0)
    assert _scan(bright).find().is_diffuse == is_diffuse


@pytest.mark.parametrize(("rows", "is_diffuse"), [(0, False), (1, True)])
def test_only_the_dark_part_of_the_night_is_decisive(rows, is_diffuse):
    sza = np.full(SHAPE, 121.9, np.float32)
    sza[:rows], sza[:, DISK_BINS:] = 122.1, 150.0
    assert _scan(60.0 + _slanted(20.0), sza_deg=sza).find().is_diffuse == is_diffuse


@pytest.mark.parametrize(("bins", "is_diffuse"), [(11, False), (12, True)])
def test_decision_needs_twelve_dark_pixels(bins, is_diffuse):
    sza = np.full(SHAPE, 121.0, np.float32)
    sza[0, :bins] = 150.0
    sza[:, DISK_BINS:] = 150.0
    assert _scan(60.0 + _slanted(20.0), sza_deg=sza).find().is_diffuse == is_diffuse


@pytest.mark.parametrize("sza_deg", [123.0, 126.0, 130.0])
def test_brightest_twilight_is_not_a_diffuse_aurora(sza_deg):
    sza = np.full(SHAPE, sza_deg, np.float32)
    assert not _scan(0.99 * (night.find_twilight_R(sza) + 2), sza_deg=sza).find().is_diffuse


@pytest.mark.parametrize(
    ("sza_deg", "twilight_R"),
    [
        (112.5, np.sqrt(180 * 84)),
        (109, 180),
        (110, 180),
        (115, 84),
        (120, 21),
        (125, 5.6),
        (130, 1.7),
        (136, 0.42),
        (145, 0.0014),
        (170, 0.0014),
    ],
)
def test_brightest_twilight_follows_its_table(sza_deg, twilight_R):
    assert night.find_twilight_R(np.array([sza_deg])) == pytest.approx([twilight_R])


@pytest.mark.parametrize(
    ("sza_deg", "slant", "limit_R"),
    [(150, 1.0, np.sqrt(2 * 8.5)), (150, 2.0, np.sqrt(2 * 16.5)), (125, 2.0, np.sqrt(7.6 * 16.5)), (120, 1.0, 23.0)],
)
def test_limit_is_between_the_brightest_night_and_the_faintest_diffuse_aurora(sza_deg, slant, limit_R):
    emission_angle = np.degrees(np.arcsin(np.sqrt(1 - 1 / slant**2) * (3396.19 + 130) / 3396.19))
    scan = replace(_Scan(), sza_deg=np.array([sza_deg]), emission_angle_deg=np.array([emission_angle]))
    assert night.find_limit_R(scan) == pytest.approx([limit_R], rel=1e-3)


@pytest.mark.parametrize(("exponent", "is_diffuse"), [(0.45, False), (0.55, True)])
def test_without_sky_the_brightness_is_nearer_to_a_shell_than_to_the_instrument(exponent, is_diffuse):
    disk_R = 25.0 * _slanted(1.0) ** exponent
    assert _scan(disk_R, tangent_altitude_km=np.zeros(SHAPE)).find().is_diffuse == is_diffuse


def test_twilight_decreases_to_nothing():
    twilight = night.find_twilight_R(np.arange(110.0, 150.0))
    assert twilight[0] == pytest.approx(180)
    assert (np.diff(twilight) <= 0).all()
    assert twilight[-1] < 0.01


def test_light_that_the_sky_has_too_is_not_from_mars():
    found = _scan(21.0, sky_R=20.6).find()
    assert not found.is_diffuse
    assert found.is_sky_bright
    assert found.excess_R == pytest.approx(21.0 - 1.25, abs=0.01)
    assert found.excess_over_sky_R == pytest.approx(21.0 - 1.25 - (20.6 - 1.6), abs=0.01)


def test_diffuse_aurora_below_a_bright_sky_is_found_and_marked():
    found = _scan(21.0 + _slanted(8.0), sky_R=20.6).find()
    assert found.is_diffuse
    assert found.is_sky_bright


@pytest.mark.parametrize(("particles_R", "is_bright"), [(0.7, False), (0.9, True)])
def test_background_of_particles_that_was_removed_is_known(particles_R, is_bright):
    found = _scan(1.0, facts=replace(FACTS, cleaning={"particle_background_R": particles_R})).find()
    assert found.is_sky_bright == is_bright
    assert found.excess_R - found.excess_over_sky_R == pytest.approx(particles_R)


@pytest.mark.parametrize(("pixels", "is_seen"), [(49, False), (50, True)])
def test_sky_needs_fifty_pixels(pixels, is_seen):
    altitude = np.zeros(SHAPE)
    altitude.flat[:pixels] = 300.1
    scan = _scan(1.0, tangent_altitude_km=altitude)
    assert (scan.find().sky_R is not None) == is_seen


@pytest.mark.parametrize(
    ("altitude_km", "sza_deg", "is_seen"), [(300, 150, False), (301, 122, False), (301, 123, True)]
)
def test_sky_is_dark_and_above_the_emitting_shell(altitude_km, sza_deg, is_seen):
    altitude = np.where(np.arange(SHAPE[1]) < DISK_BINS, 0.0, altitude_km) * np.ones(SHAPE)
    sza = np.where(altitude == 0, 150.0, sza_deg).astype(np.float32)
    assert (_scan(1.0, tangent_altitude_km=altitude, sza_deg=sza).find().sky_R is not None) == is_seen


def test_without_sky_the_night_must_brighten_with_the_slant():
    no_sky = np.zeros(SHAPE)
    assert _scan(1.0 + _slanted(10.0), tangent_altitude_km=no_sky).find().is_diffuse
    assert not _scan(20.0, tangent_altitude_km=no_sky).find().is_diffuse
    assert not _scan(20.0 + _slanted(2.0), tangent_altitude_km=no_sky).find().is_diffuse


def test_slant_is_that_of_a_line_through_the_shell():
    scan = replace(_Scan(), emission_angle_deg=np.array([0.0, 60.0]))
    sine = np.sin(np.radians(60)) * 3396.19 / (3396.19 + 130)
    assert night.find_slant(scan) == pytest.approx([1.0, 1 / np.cos(np.arcsin(sine))])


@pytest.mark.parametrize(("level_R", "is_diffuse"), [(0.8, False), (2.5, True)])
def test_other_emission_has_its_own_scale(level_R, is_diffuse):
    assert _scan(0.2 + _slanted(level_R), sky_R=0.2, emission=OXYGEN_1356).find().is_diffuse == is_diffuse


def test_day_side_emission_has_no_diffuse_night():
    day = replace(OXYGEN_1304, side="day")
    found = _scan(300.0, emission=day, sza_deg=np.full(SHAPE, 40.0, np.float32)).find()
    assert found.pixels > 0
    assert not found.is_diffuse


def test_usual_night_has_a_spread_that_grows_in_twilight():
    usual_R, spread_R = night.find_usual_R(_scan(1.0), None)
    assert (usual_R[0, 0], spread_R[0, 0]) == (pytest.approx(1.25, abs=0.01), pytest.approx(0.375, abs=0.01))
    dusk = replace(_Scan(), sza_deg=np.full(SHAPE, 120.0, np.float32))
    usual_R, spread_R = night.find_usual_R(dusk, 5.0)
    assert usual_R[0, 0] == pytest.approx(1.25 + 21 / 4 + 5.0 - 1.6)
    assert spread_R[0, 0] == pytest.approx(np.hypot(0.375, 21 / 4))
