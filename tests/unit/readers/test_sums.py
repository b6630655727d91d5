"""Checksums of FITS files: a wrong sum of the data rejects a file, a wrong sum of a header is noted."""

from __future__ import annotations

import gzip

import numpy as np
import pytest
from astropy.io import fits
from emus_files import make_spectra, make_tables, write_tables

from mars_aurora import readers
from mars_aurora.errors import Reason
from mars_aurora.readers import inflate, sums
from mars_aurora.readers.hdus import BLOCK


@pytest.fixture
def summed(tmp_path) -> bytes:
    """A file with checksums and spectra, which the reader does not need."""
    path = write_tables(tmp_path / "summed.fits", {**make_tables(), **make_spectra()}, MARSYEAR=36)
    with fits.open(path) as hdus:
        hdus.writeto(path, overwrite=True, checksum=True)
    return path.read_bytes()


def read(path, content: bytes) -> readers.Inspection:
    path.write_bytes(content)
    return readers.inspect(path, path.name)


def flip(content: bytes, hdu: str, block: int, offset: int = 100) -> bytes:
    """Flip a bit in a block after the header of an HDU; block 0 is the header."""
    name_at = content.index(f"EXTNAME = '{hdu:<8}'".encode())
    at = content.index(b"END".ljust(80), name_at) + 80 if block else name_at
    at += -at % BLOCK + (block - 1) * BLOCK + offset if block else 70  # in the comment
    flipped = bytearray(content)
    flipped[at] ^= 0x40
    return bytes(flipped)


@pytest.mark.parametrize("hdu", ["EMISS", "FOV_GEOM", "SC_GEOM", "TIME"])
def test_changed_data_are_rejected_naming_the_hdu(tmp_path, summed, hdu):
    assert read(tmp_path / "x.fits", summed).error is None
    error = read(tmp_path / "x.fits", flip(summed, hdu, 1)).error
    assert error.reason is Reason.CORRUPT
    assert f"the data of HDU {hdu} add up to" in error.detail


def test_data_that_are_not_read_are_not_summed(tmp_path, summed):
    assert read(tmp_path / "x.fits", flip(summed, "CAL", 1)).error is None


@pytest.mark.parametrize("in_memory", [True, False])
def test_last_byte_of_spectra_that_are_read_in_pieces_is_summed(tmp_path, monkeypatch, in_memory):
    monkeypatch.setattr(sums, "_PIECE_BYTES", 7 * BLOCK)
    if not in_memory:
        monkeypatch.setattr(inflate, "_buffers", [])
        monkeypatch.setattr(inflate, "MEMORY_BYTES", 5000)
    tables = {**make_tables(), **make_spectra()}
    del tables["EMISS"]
    path = write_tables(tmp_path / "x.fits", tables)
    with fits.open(path) as hdus:
        hdus.writeto(path, overwrite=True, checksum=True)
    content = path.read_bytes()
    assert read(tmp_path / "y.fits.gz", gzip.compress(content, 1)).error is None
    last = len(content.rstrip(b"\0")) - 1
    flipped = content[:last] + bytes([content[last] ^ 1]) + content[last + 1 :]
    error = read(tmp_path / "y.fits.gz", gzip.compress(flipped, 1)).error
    assert error.reason is Reason.CORRUPT
    assert "HDU CAL" in error.detail


def test_wrong_sum_of_a_header_is_noted(tmp_path, summed):
    observation = read(tmp_path / "x.fits", flip(summed, "EMISS", 0)).observation
    assert "header_checksum" in observation.facts.notes
    assert "header_checksum" not in read(tmp_path / "y.fits", summed).observation.facts.notes


@pytest.mark.parametrize("value", ["''", "'none'", "NaN", ""])
def test_invalid_sum_is_ignored(tmp_path, summed, value):
    at = summed.index(b"DATASUM =", summed.index(b"EXTNAME = 'EMISS"))
    content = summed[:at] + f"DATASUM = {value}".ljust(80).encode() + summed[at + 80 :]
    assert read(tmp_path / "x.fits", content).error is None


def test_sum_of_an_hdu_without_data_is_not_verified(tmp_path, summed):
    at = summed.index(b"DATASUM =")
    content = summed[:at] + b"DATASUM = '123456789'".ljust(80) + summed[at + 80 :]
    assert read(tmp_path / "x.fits", content).error is None


def test_sum_of_words_is_that_of_the_standard():
    words = np.array([0x80000000, 0x80000001, 0x12345678], ">u4")
    content = np.zeros(2 * BLOCK, np.uint8)
    content[BLOCK - 8 : BLOCK + 4] = words.view(np.uint8)
    assert sums.sum_words(content) == 0x1234567A  # the carry of the first two is added
    assert sums.sum_words(np.full(BLOCK, 255, np.uint8)) == 0
