"""The choice of the reader, and the inspection of a file."""

from __future__ import annotations

import gzip
from types import SimpleNamespace

import numpy as np
from astropy.io import fits
from emus_files import MISSION_NAME, make_tables, write_tables

from mars_aurora import readers
from mars_aurora.emission import OXYGEN_1356
from mars_aurora.errors import Reason
from mars_aurora.readers import reading


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

    reader = SimpleNamespace(SUPPORTED="a new instrument", HDUS=frozenset({"SCI"}), read=read)
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
