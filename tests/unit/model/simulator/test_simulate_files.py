"""Simulated files have the names, tables and shapes of the mission's files and are reproducible."""

import gzip
import io
import json
from dataclasses import replace

import numpy as np
import pytest
from astropy.io import fits

from mars_aurora.readers.names import parse_name
from mars_aurora_model.simulator.simulate import observe, simulate, truth_path

HDUS = {"TIME", "WAVELENGTH", "SC_GEOM", "FOV_GEOM", "EMISS"}


def open_fits(data):
    return fits.open(io.BytesIO(data))


def oxygen_row(emissions):
    return [name.strip() for name in emissions["NAME"]].index("O I 130.4 triplet")


def test_same_seed_and_index_give_the_same_bytes(small_world):
    assert observe(small_world, 3, 4).to_gzip() == observe(small_world, 3, 4).to_gzip()
    assert observe(small_world, 3, 4).to_fits() != observe(small_world, 4, 4).to_fits()


def test_files_in_a_folder_equal_those_in_memory(simulated_folder, small_world):
    third = observe(small_world, 1, 2)
    assert (simulated_folder / third.name).read_bytes() == third.to_gzip()
    record = json.loads(truth_path(simulated_folder).read_text())
    assert record["files"][2] == json.loads(json.dumps(third.truth))
    names = sorted(path.name for path in simulated_folder.glob("*.fits.gz"))
    assert names == sorted(entry["name"] for entry in record["files"])


def test_gzip_contains_the_fits_file(small_world):
    simulated = observe(small_world, 3, 1)
    assert gzip.decompress(simulated.to_gzip()) == simulated.to_fits()


def test_emiss_has_the_slit_axis_before_the_integration_axis(night_swath):
    with open_fits(night_swath.to_fits()) as hdus:
        hdus.verify("exception")
        assert {hdu.name for hdu in hdus[1:]} == HDUS
        n_integrations, n_slit = night_swath.swath.brightness_R.shape
        emissions, fov = hdus["EMISS"].data, hdus["FOV_GEOM"].data
        n_lines = len(emissions)
        assert emissions["RADIANCE"].shape == (n_lines, n_slit, n_integrations)
        assert fov["LAT"].shape == (n_integrations, 5, n_slit)
        assert fov["VEC_MSO"].shape == (n_integrations, 3, 5, n_slit)
        assert len(hdus["FOV_GEOM"].columns) == 24
        assert len(hdus["TIME"].data) == len(hdus["SC_GEOM"].data) == n_integrations
        assert emissions["RADIANCE"].dtype.newbyteorder("=") == np.float32
        measured = emissions["RADIANCE"][oxygen_row(emissions)].T
        np.testing.assert_array_equal(measured, night_swath.swath.brightness_R.astype(np.float32))


def test_number_and_order_of_emissions_and_order_of_tables_vary(small_world):
    rows, counts, orders = set(), set(), set()
    for index in range(12):
        with open_fits(observe(small_world, 2, index).to_fits()) as hdus:
            emissions = hdus["EMISS"].data
            rows.add(oxygen_row(emissions))
            counts.add(len(emissions))
            orders.add(tuple(hdu.name for hdu in hdus))
    assert counts == {27, 28, 29}
    assert len(rows) > 1
    assert rows <= set(range(14, 19))
    assert len(orders) > 3


def test_bin_0_has_no_signal_and_bins_off_the_slit_have_no_direction(small_world):
    off = []
    for index in range(12):
        simulated = observe(small_world, 2, index)
        with open_fits(simulated.to_fits()) as hdus:
            emissions, ra = hdus["EMISS"].data, hdus["FOV_GEOM"].data["RA"][:, 0]
            dark = np.isnan(emissions["RADIANCE"]).all((0, 2))
            unknown = np.isnan(ra).all(0)
            assert dark[0]
            assert dark[unknown].all()
            assert not np.isnan(ra[:, ~unknown]).any()
            off.append(int(unknown.sum()))
    assert min(off) < max(off)


def test_names_are_valid_and_unique(small_world):
    names = [observe(small_world, 6, index).name for index in range(100)]
    parsed = [parse_name(name) for name in names]
    assert len({name.observation for name in parsed}) == 100
    assert {name.mode for name in parsed} == {"os1", "os2", "osr"}
    assert {name.swath for name in parsed} >= {(1, 1), (1, 2), (2, 2), (3, 3), None}


def test_header_name_and_tables_have_the_same_time(night_swath):
    with open_fits(night_swath.to_fits()) as hdus:
        header, times = hdus[0].header, hdus["TIME"].data
        assert parse_name(night_swath.name).start_utc == header["OBS_UTC"] == times["TIME_UTC"][0]
        assert header["END_UTC"] > times["TIME_UTC"][-1]
        np.testing.assert_allclose(np.diff(times["TIME_ET"]), 6)
        assert header["MARSYEAR"] in range(36, 39)
        assert 0 <= header["SOL_LONG"] < 360


def test_swaths_of_a_set_share_a_scene_and_are_consecutive(small_world):
    world = replace(small_world, swaths_per_set=(3,))
    first, second, third = (observe(world, 8, index) for index in range(3))
    assert [item.truth["swath"] for item in (first, second, third)] == [(1, 3), (2, 3), (3, 3)]
    assert first.truth["end_utc"] < second.truth["obs_utc"] < third.truth["obs_utc"]
    outlines = [[aurora["outline"] for aurora in item.truth["auroras"]] for item in (first, second, third)]
    assert outlines[0] == outlines[1] == outlines[2]


@pytest.mark.parametrize("level", ["l2b", "l2a"])
def test_spectra_agree_with_emiss(small_world, level):
    simulated = observe(small_world, 3, 0)
    with open_fits(simulated.to_fits(spectra=True, level=level)) as hdus:
        assert {hdu.name for hdu in hdus[1:]} == (HDUS | {"CAL"}) - ({"EMISS"} if level == "l2a" else set())
        wavelength = hdus["WAVELENGTH"].data["WAVELENGTH_L2A"][0]
        spectra = hdus["CAL"].data["RADIANCE"]
        assert spectra.shape == (*simulated.swath.brightness_R.shape, wavelength.shape[1])
        near = (wavelength > 128.9) & (wavelength < 131.9)
        step = np.diff(wavelength, axis=1).mean()
        line = (np.where(near, spectra - 0.2, 0)).sum(-1) * step
        bright = simulated.swath.brightness_R > 100
        ratio = line[bright] / simulated.swath.brightness_R[bright]
        assert np.median(ratio) == pytest.approx(1, abs=0.1)


def test_cal_is_before_or_after_emiss(small_world):
    cal_first = set()
    for index in range(8):
        with open_fits(observe(small_world, 3, index).to_fits(spectra=True)) as hdus:
            cal_first.add(hdus.index_of("CAL") < hdus.index_of("EMISS"))
    assert cal_first == {True, False}


def test_slit_of_192_bins(tmp_path, small_world):
    paths = simulate(tmp_path, 1, 9, replace(small_world, n_slit=192))
    with fits.open(paths[0]) as hdus:
        assert hdus["FOV_GEOM"].data["RA"].shape[-1] == 192
