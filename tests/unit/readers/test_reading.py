"""The choice of the reader, and the inspection of a file."""

from __future__ import annotations

import gzip
import re
from types import SimpleNamespace

import numpy as np
import pytest
from astropy.io import fits
from emus_files import MISSION_NAME, make_tables, write_tables

from mars_aurora import readers
from mars_aurora.emission import OXYGEN_1356
from mars_aurora.errors import Reason
from mars_aurora.readers import reading

ANY = re.compile("")


def test_unsupported_fits_file_lists_its_hdus(reject, tmp_path):
    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(np.zeros((3, 3)), name="SCI")]).writeto(tmp_path / "o.fits")
    error = reject((tmp_path / "o.fits").read_bytes())
    assert error.reason is Reason.UNKNOWN_PRODUCT
    assert "SCI" in error.detail
    assert "supported: EMM/EMUS L2A and L2B, MAVEN/IUVS L1b" in error.detail


def test_registered_reader_is_used(tmp_path, monkeypatch):
    observation = readers.read(write_tables(tmp_path / "y.fits", make_tables()), "y.fits")

    def read(fits, emission):
        assert (fits.hdu_names, emission) == (["PRIMARY", "SCI"], OXYGEN_1356)
        return observation

    reader = SimpleNamespace(
        SUPPORTED="a new instrument", HDUS=frozenset({"SCI"}), MISSION=ANY, INSTRUMENT=ANY, read=read
    )
    monkeypatch.setattr(reading, "_READERS", (*reading._READERS, reader))
    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(np.zeros((3, 3)), name="SCI")]).writeto(tmp_path / "x.fits")
    assert readers.read(tmp_path / "x.fits", "x.fits", OXYGEN_1356).facts == observation.facts


def test_inspection_lists_the_contents_and_the_error_of_an_unusable_file(tmp_path):
    tables = make_tables()
    del tables["SC_GEOM"]
    path = write_tables(tmp_path / "x.fits.gz", tables)
    inspection = readers.inspect(path, "x.fits.gz")
    assert not inspection.usable
    assert inspection.error.reason is Reason.MISSING_HDU
    assert [hdu.name for hdu in inspection.hdus] == ["PRIMARY", "TIME", "FOV_GEOM", "EMISS"]
    assert inspection.hdus[3].shape == (4,)
    assert inspection.hdus[3].columns[:2] == ("NAME", "RADIANCE")
    assert inspection.unpacked_bytes == len(gzip.decompress(path.read_bytes()))


def test_inspection_of_a_usable_file_has_its_observation(tmp_path):
    path = write_tables(tmp_path / MISSION_NAME, make_tables())
    inspection = readers.inspect(path, MISSION_NAME)
    assert inspection.usable
    assert inspection.observation.shape == (8, 128)


@pytest.mark.parametrize(
    ("cards", "named"),
    [
        ({"MISSION": "Cassini", "INSTRUME": "UVIS"}, "MISSION Cassini, INSTRUME UVIS"),
        ({"MISSION": "EMM", "INSTRUME": "EXI"}, "MISSION EMM, INSTRUME EXI"),
        ({"INSTRUME": "IUVS"}, "INSTRUME IUVS"),
        ({"TELESCOP": "MAVEN"}, "TELESCOP MAVEN"),
    ],
)
def test_file_of_another_mission_or_instrument_is_named_as_such(reject_tables, cards, named):
    error = reject_tables(make_tables(), **cards)
    assert error.reason is Reason.UNKNOWN_PRODUCT
    assert f"its header names {named};" in error.detail


@pytest.mark.parametrize(
    "cards",
    [
        {"MISSION": "EMM", "INSTRUME": "EMUS"},
        {"MISSION": "Emirates Mars Mission (Hope)", "INSTRUME": "Emirates Mars Ultraviolet Spectrometer"},
        {"TELESCOP": "EMM", "INSTRUME": "EMU"},
        {"TELESCOP": "EMUS", "MISSION": ""},
        {"TELESCOP": "N/A", "MISSION": "unknown", "INSTRUME": "-999"},
    ],
)
def test_own_mission_may_be_named_in_any_way(read_tables, cards):
    assert read_tables(make_tables(), **cards).facts.instrument == "EMM/EMUS"


@pytest.mark.parametrize(("hdu", "is_named"), [("FOV_GEOM", True), ("COMPRESSED_IMAGE", True), ("QUICKLOOK", False)])
def test_file_packed_with_fpack_is_named_as_such(tmp_path, hdu, is_named):
    path = write_tables(tmp_path / "x.fits", make_tables())
    with fits.open(path) as hdus:
        hdus.insert(1, fits.CompImageHDU(np.zeros((20, 20), "i2"), name=hdu))
        hdus.writeto(tmp_path / "y.fits")
    error = readers.inspect(tmp_path / "y.fits", "y.fits").error
    assert is_named == (error is not None)
    if error:
        assert error.reason is Reason.UNKNOWN_PRODUCT
        assert "unpack it with funpack" in error.detail


def test_names_in_lower_case_are_read(read_tables):
    tables = {
        hdu.lower(): {column.lower(): values for column, values in columns.items()}
        for hdu, columns in make_tables().items()
    }
    assert read_tables(tables).brightness_R[2, 5] == pytest.approx(3.005)
