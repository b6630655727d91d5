"""Angles and local time that disagree with the coordinates reject a file; small differences are recorded."""

from collections.abc import Callable

import iuvs_files
import numpy as np
import pytest
from astropy.io import fits
from emus_files import Tables, angle_deg, make_tables

from mars_aurora import readers
from mars_aurora.errors import InputError, Reason
from mars_aurora_model.simulator import orbit
from mars_aurora_model.simulator.simulate import observe
from mars_aurora_model.simulator.world import World

Change = Callable[[Tables], object]
LONGITUDES = (("FOV_GEOM", "LON"), ("SC_GEOM", "SUB_SC_LON"), ("SC_GEOM", "SUB_SOLAR_LON"))
LATITUDES = (("FOV_GEOM", "LAT"), ("SC_GEOM", "SUB_SC_LAT"), ("SC_GEOM", "SUB_SOLAR_LAT"))
ANGLES = (*LONGITUDES, *LATITUDES, ("FOV_GEOM", "SOLAR_Z_ANGLE"), ("FOV_GEOM", "EMISSION_ANGLE"))


def _make_tables(*, moving: bool = True) -> Tables:
    """Tables of a night scan of 20 integrations, 60 s apart, under a Sun that moves west."""
    tables = make_tables(20)
    tables["TIME"]["TIME_UTC"] = (np.datetime64("2022-03-31T21:21:00", "ms") + 60_000 * np.arange(20)).astype(str)
    del tables["TIME"]["TIME_ET"]
    if moving:
        fov, sun = tables["FOV_GEOM"], tables["SC_GEOM"]
        sun["SUB_SOLAR_LON"] -= 360 / 24.66 / 60 * np.arange(20)
        sun_deg = (sun[name][:, None, None] for name in ("SUB_SOLAR_LAT", "SUB_SOLAR_LON"))
        fov["SOLAR_Z_ANGLE"] = angle_deg(orbit.unit(fov["LAT"], fov["LON"]), orbit.unit(*sun_deg))
        fov["LOCAL_TIME"] = (12 + (fov["LON"] - sun["SUB_SOLAR_LON"][:, None, None]) / 15) % 24
    return tables


def _scale(columns: tuple[tuple[str, str], ...], factor: float, period: float | None = None) -> Change:
    def change(tables: Tables) -> None:
        for table, column in columns:
            values = tables[table][column] * factor
            tables[table][column] = values if period is None else values % period

    return change


def _swap(tables: Tables) -> None:
    fov = tables["FOV_GEOM"]
    fov["LAT"], fov["LON"] = fov["LON"].copy(), fov["LAT"].copy()


def _add(table: str, column: str, value: float) -> Change:
    def change(tables: Tables) -> None:
        tables[table][column] = tables[table][column] + value

    return change


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (_scale(LONGITUDES, -1, 360), r"sub-solar point changes by \+14.6 deg/h, expected -14.6"),
        (_scale(LONGITUDES[:1], -1, 360), "solar zenith angle"),
        (_scale(LONGITUDES[1:2], -1, 360), "emission angle"),
        (_scale(LATITUDES[:1], -1), "solar zenith angle"),
        (_swap, "solar zenith angle"),
        (_scale(ANGLES, np.pi / 180), "sub-solar point changes by -0.2"),
        (_scale(ANGLES[-2:], np.pi / 180), "they are in radians"),
        (_scale(ANGLES[-1:], np.pi / 180), "emission angle"),
        (_scale((LONGITUDES[0], LATITUDES[0]), np.pi / 180), "solar zenith angle"),
        (_add("SC_GEOM", "SUB_SOLAR_LON", 14.6), "solar zenith angle"),
        (
            _add("FOV_GEOM", "LOCAL_TIME", -1.0),
            "local time .* by 1 h in the median, at most 0.5 is plausible: 2.* h in the file, 2",
        ),
        (_scale((("FOV_GEOM", "LOCAL_TIME"),), 15), "local time"),
        (
            lambda tables: tables["FOV_GEOM"].update(EMISSION_ANGLE=180 - tables["FOV_GEOM"]["EMISSION_ANGLE"]),
            "emission",
        ),
        (
            lambda tables: tables["FOV_GEOM"]["LAT"][:, :, 12:].fill(np.nan),
            r"2339 pixels .*, but only 219 of them have valid coordinates",
        ),
    ],
)
def test_contradicting_geometry_is_rejected_with_both_numbers(read_tables, change, problem):
    tables = _make_tables()
    change(tables)
    with pytest.raises(InputError, match=problem) as caught:
        read_tables(tables)
    assert caught.value.reason is Reason.INCONSISTENT_GEOMETRY


def test_longitudes_to_the_west_are_found_without_times_and_local_time(read_tables):
    tables = _make_tables()
    _scale(LONGITUDES, -1, 360)(tables)
    del tables["TIME"], tables["FOV_GEOM"]["LOCAL_TIME"]
    with pytest.raises(InputError, match="sub-solar point"):
        read_tables(tables)


def test_longitudes_to_the_west_are_found_by_local_time_where_the_sun_does_not_move(read_tables):
    tables = _make_tables(moving=False)
    _scale(LONGITUDES, -1, 360)(tables)
    with pytest.raises(InputError, match="local time"):
        read_tables(tables)


@pytest.mark.parametrize(("column", "limit"), [("SOLAR_Z_ANGLE", 1.0), ("EMISSION_ANGLE", 2.0), ("LOCAL_TIME", 0.5)])
def test_differences_up_to_the_limit_are_recorded(read_tables, column, limit):
    name = {"SOLAR_Z_ANGLE": "sza_deg", "EMISSION_ANGLE": "emission_angle_deg", "LOCAL_TIME": "local_time_h"}[column]
    tables = _make_tables(moving=False)
    tables["FOV_GEOM"][column] -= 0.9 * limit
    residuals = read_tables(tables).facts.residuals
    assert residuals.pop(name) == pytest.approx(0.9 * limit, abs=0.25 * limit)  # frame and ellipsoid are not known
    assert len(residuals) == 2
    assert max(residuals.values()) < 0.1
    tables["FOV_GEOM"][column] -= 0.4 * limit
    with pytest.raises(InputError):
        read_tables(tables, "above.fits")


def test_local_time_is_compared_across_midnight(read_tables):
    tables = make_tables(10)
    fov, sun = tables["FOV_GEOM"], tables["SC_GEOM"]
    sun["SUB_SOLAR_LON"][:] = 176
    fov["SOLAR_Z_ANGLE"] = angle_deg(orbit.unit(fov["LAT"], fov["LON"]), orbit.unit(12.0, 176.0))
    fov["LOCAL_TIME"] = ((fov["LON"] - 176) / 15 + 12 - 0.45) % 24
    assert read_tables(tables).facts.residuals["local_time_h"] == pytest.approx(0.45, abs=1e-4)


def test_what_a_file_does_not_hold_is_not_checked(read_tables):
    tables = _make_tables()
    for column in ("SUB_SOLAR_LAT", "SUB_SOLAR_LON"):
        del tables["SC_GEOM"][column]
    assert set(read_tables(tables).facts.residuals) == {"emission_angle_deg"}
    del tables["FOV_GEOM"]["LOCAL_TIME"]
    assert set(read_tables(tables, "less.fits").facts.residuals) == {"emission_angle_deg"}


@pytest.mark.parametrize("first", [4, 10, 16])
def test_pause_does_not_reject_a_file_whose_sun_does_not_move_in_it(read_tables, first):
    tables = _make_tables()
    times = tables["TIME"]["TIME_UTC"].astype("datetime64[ms]")
    times[first:] += np.timedelta64(1200, "s")
    tables["TIME"]["TIME_UTC"] = times.astype(str)
    assert set(read_tables(tables).facts.residuals) == {"sza_deg", "emission_angle_deg", "local_time_h"}


@pytest.mark.parametrize("fraction", [1.0, 0.8])
def test_emission_angles_are_computed_where_the_file_has_none_or_few(read_tables, fraction):
    tables = _make_tables()
    stated = read_tables(tables).emission_angle_deg
    angles = tables["FOV_GEOM"]["EMISSION_ANGLE"]
    angles[: round(fraction * len(angles))] = np.nan
    observation = read_tables(tables, "without.fits")
    assert "emission_angle_computed" in observation.facts.notes
    assert set(observation.facts.residuals) >= {"sza_deg", "local_time_h"}
    disk = observation.on_disk
    np.testing.assert_allclose(observation.emission_angle_deg[disk], stated[disk], atol=1e-3)
    lost = ~disk & (np.arange(len(angles)) < round(fraction * len(angles)))[:, None]
    assert np.isnan(observation.emission_angle_deg[lost]).all()


def test_outliers_do_not_reject_a_file(read_tables):
    tables = _make_tables()
    tables["FOV_GEOM"]["SOLAR_Z_ANGLE"][:, :, 20:50] = 100
    tables["SC_GEOM"]["SUB_SOLAR_LON"][3:6] = 77
    assert read_tables(tables).facts.residuals["sza_deg"] < 0.01


def test_longitudes_to_the_west_are_found_in_iuvs_files(tmp_path):
    def change(hdus: fits.HDUList) -> None:
        for table, column in (
            ("PixelGeometry", "PIXEL_CORNER_LON"),
            ("SpacecraftGeometry", "SUB_SPACECRAFT_LON"),
            ("SpacecraftGeometry", "SUB_SOLAR_LON"),
        ):
            hdus[table].data[column] = -hdus[table].data[column] % 360

    path = iuvs_files.write_changed(tmp_path / "x.fits", change)
    with pytest.raises(InputError, match="sub-solar point"):
        readers.read(path, path.name)


def test_simulated_files_agree_with_themselves(tmp_path):
    simulated = observe(World(n_slit=32, scan_step_deg=(0.3, 0.4)), 4, 1)
    path = tmp_path / simulated.plain_name
    path.write_bytes(simulated.to_fits())
    residuals = readers.read(path, path.name).facts.residuals
    assert set(residuals) == {"sza_deg", "emission_angle_deg", "local_time_h"}
    assert max(residuals.values()) < 1e-4
