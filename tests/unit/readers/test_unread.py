"""Spectra that no reader needs are left out of the temporary file, and the file is read as with them."""

import gzip

import pytest
from damaged_files import NAME
from emus_files import make_spectra, make_tables, write_tables

from mars_aurora import readers
from mars_aurora.errors import InputError, Reason
from mars_aurora.observation import to_npz
from mars_aurora.readers import Limits, gate, inflate
from mars_aurora.readers.hdus import BLOCK

SHAPE = 20, 16


@pytest.fixture
def little_memory(monkeypatch):
    """Reduce buffer and pieces, so that small files are unpacked to disk, in many pieces."""
    monkeypatch.setattr(inflate, "_buffers", [])
    monkeypatch.setattr(inflate, "MEMORY_BYTES", 5000)
    monkeypatch.setattr(inflate, "CHUNK_BYTES", 5000)


def write(path, *order):
    """Write the tables of a Level 2B file with spectra, in an order; return its content."""
    tables = {**make_tables(*SHAPE), **make_spectra(*SHAPE)}
    ordered = [*order, *(name for name in tables if name not in order)]
    return write_tables(path, {name: tables[name] for name in ordered}).read_bytes()


def unpack(path, content):
    """Return a gzipped file as it is unpacked, and its data of CAL."""
    path.write_bytes(gzip.compress(content))
    with gate.unpack(path, NAME, Limits()) as unpacked:
        (cal,) = (hdu for hdu in unpacked.hdus if hdu.name == "CAL")
        data = unpacked.content.tobytes()
        return data, data[cal.start : cal.start + cal.size]


@pytest.mark.usefixtures("little_memory")
@pytest.mark.parametrize("order", [("EMISS", "CAL"), ("FOV_GEOM", "EMISS", "SC_GEOM", "CAL")])
def test_spectra_after_the_emissions_are_left_out(tmp_path, order):
    content = write(tmp_path / "x.fits", *order)
    data, cal = unpack(tmp_path / "x.fits.gz", content)
    assert len(data) == len(content)
    assert not any(cal[2 * 5000 :])
    kept = data.replace(cal, b"")
    assert all(kept[at : at + BLOCK] in content for at in range(0, len(kept) - BLOCK, BLOCK))


@pytest.mark.usefixtures("little_memory")
def test_spectra_before_the_emissions_are_kept(tmp_path):
    content = write(tmp_path / "x.fits", "CAL", "EMISS")
    assert unpack(tmp_path / "x.fits.gz", content)[0] == content


@pytest.mark.parametrize("order", [("EMISS", "CAL"), ("CAL", "EMISS"), ("FOV_GEOM", "SC_GEOM", "EMISS", "CAL")])
def test_observation_is_that_of_the_whole_file(tmp_path, order, request):
    content = write(tmp_path / "x.fits", *order)
    path = tmp_path / "x.fits.gz"
    path.write_bytes(gzip.compress(content))
    in_memory = to_npz(readers.read(path, NAME))
    request.getfixturevalue("little_memory")
    assert to_npz(readers.read(path, NAME)) == in_memory


@pytest.mark.usefixtures("little_memory")
def test_sum_of_the_gzip_file_is_verified_over_what_is_left_out(tmp_path):
    packed = bytearray(gzip.compress(write(tmp_path / "x.fits", "EMISS", "CAL")))
    packed[-8] ^= 1
    path = tmp_path / "x.fits.gz"
    path.write_bytes(packed)
    with pytest.raises(InputError) as caught:
        readers.read(path, NAME)
    assert caught.value.reason is Reason.CORRUPT


@pytest.mark.usefixtures("little_memory")
def test_file_that_ends_in_what_is_left_out_is_truncated(tmp_path):
    content = write(tmp_path / "x.fits", *make_tables(*SHAPE), "WAVELENGTH", "CAL")
    path = tmp_path / "x.fits.gz"
    path.write_bytes(gzip.compress(content[: len(content) - 3 * BLOCK]))
    with pytest.raises(InputError) as caught:
        readers.read(path, NAME)
    assert caught.value.reason is Reason.TRUNCATED
