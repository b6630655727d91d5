"""Unpacking: any content yields a complete FITS file or an InputError that names the input, within the limits."""

from __future__ import annotations

import gzip
import io
import os
import resource
import subprocess
import sys
import zlib

import numpy as np
import pytest
from astropy.io import fits
from damaged_files import NAME, read_bytes
from emus_files import make_spectra, make_tables, write_tables

from mars_aurora import readers
from mars_aurora.errors import InputError, Reason, TransientError
from mars_aurora.observation import to_npz
from mars_aurora.readers import Limits, gate, inflate
from mars_aurora.readers.fitsfile import FitsFile
from mars_aurora.readers.hdus import BLOCK


@pytest.mark.parametrize(
    ("junk", "reason", "message"),
    [
        (b"", Reason.EMPTY, "0 bytes"),
        (gzip.compress(b""), Reason.EMPTY, "0 bytes"),
        (b"Dear all, attached is the file", Reason.NOT_FITS, "b'Dear all,'"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), Reason.NOT_FITS, "a PNG image"),
        (gzip.compress(b"\x89PNG\r\n\x1a\n" + bytes(100)), Reason.NOT_FITS, "a PNG image"),
        (bytes(5760), Reason.NOT_FITS, "not a FITS file"),
        (b"SIMPLE", Reason.TRUNCATED, "inside the header"),
        (b"\x1f\x8b", Reason.TRUNCATED, "end mark"),
        (b"SIMPLE  =" + bytes(500 * BLOCK), Reason.CORRUPT, "no END"),
        (gzip.compress(gzip.compress(b"SIMPLE")), Reason.NOT_FITS, "a gzip file in a gzip file: it was packed twice"),
        (gzip.compress(b"x.fits.gz".ljust(257, b"\0") + b"ustar"), Reason.NOT_FITS, "a tar archive in a gzip file"),
        (b"x.fits".ljust(257, b"\0") + b"ustar", Reason.NOT_FITS, "a tar archive: unpack it"),
        (b"PK\x03\x04" + bytes(9), Reason.NOT_FITS, "a zip archive: unpack it"),
        (b"\xef\xbb\xbf\r\n<!DOCTYPE html>", Reason.NOT_FITS, "an HTML or XML file"),
    ],
    ids=[
        *("empty", "empty gzip", "text", "PNG", "PNG in gzip", "zeros", "one word", "gzip magic", "no END"),
        *("packed twice", "tar in gzip", "tar", "zip", "HTML after blanks"),
    ],
)
def test_content_other_than_fits_is_identified(reject, junk, reason, message):
    error = reject(junk)
    assert error.reason is reason
    assert message in error.detail


def test_folder_pipe_and_missing_file_are_unreadable(tmp_path):
    (tmp_path / "x.fits").mkdir()
    os.mkfifo(tmp_path / "pipe.fits")
    for name, message in (("x.fits", "a folder"), ("pipe.fits", "not a regular file"), ("none.fits", "No such file")):
        with pytest.raises(InputError, match=message) as caught:
            readers.read(tmp_path / name, name)
        assert caught.value.reason is Reason.UNREADABLE


def test_file_without_read_permission_is_unreadable(tmp_path, content):
    path = tmp_path / "x.fits"
    path.write_bytes(content)
    path.chmod(0)
    script = (
        "import os, sys\nfrom pathlib import Path\nfrom mars_aurora.readers import read\n"
        "if os.geteuid() == 0: os.setuid(65534)\n"  # root may read any file
        "try: read(Path(sys.argv[1]), 'x.fits')\n"
        "except Exception as error: print(type(error).__name__, error)\n"
    )
    for folder in [tmp_path, *tmp_path.parents][:3]:
        if folder.stat().st_uid == os.geteuid() and folder.name:
            folder.chmod(0o755)
    done = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "InputError x.fits: unreadable: it cannot be opened: Permission denied"


def test_gzip_members_are_concatenated(tmp_path, content):
    path = tmp_path / "x.fits.gz"
    path.write_bytes(b"".join(gzip.compress(content[at : at + 5000]) for at in range(0, len(content), 5000)))
    assert readers.read(path, "x.fits.gz").shape == (6, 16)


def test_gzip_file_may_be_padded_with_zeros_only(tmp_path, content, reject):
    packed = gzip.compress(content)
    path = tmp_path / "x.fits.gz"
    path.write_bytes(packed + bytes(512))
    assert readers.read(path, "x.fits.gz").shape == (6, 16)
    assert reject(packed + b"garbage of some length").reason is Reason.CORRUPT
    assert reject(packed + b"short").reason is Reason.TRUNCATED  # may be the start of another member


def test_wrong_gzip_checksum_is_rejected(reject, content):
    packed = bytearray(gzip.compress(content))
    packed[-6] ^= 1
    assert reject(bytes(packed)).reason is Reason.CORRUPT


def test_truncated_gzip_is_rejected(reject, content):
    packed = gzip.compress(content)
    cuts = {*range(1, 40), *range(len(packed) - 40, len(packed)), *range(40, len(packed) - 40, 331)}
    for cut in cuts:
        assert reject(packed[:cut]).reason in {Reason.TRUNCATED, Reason.NOT_FITS}, cut
    assert {reject(packed[:cut]).reason for cut in cuts if cut > 1} == {Reason.TRUNCATED}


def test_default_limits_are_1_gib_and_200_times_the_packed_size_above_64_mib():
    limits = Limits()
    assert (limits.unpacked_bytes, limits.ratio, limits.ratio_free_bytes) == (1024**3, 200, 64 * 1024**2)
    assert limits.cpu_s == 5


def test_unpacked_size_is_limited(reject, content):
    error = reject(gzip.compress(content), unpacked_bytes=len(content) - 1)
    assert error.reason is Reason.TOO_LARGE
    assert str(len(content) - 1) in error.detail
    assert reject(content, unpacked_bytes=len(content) - 1).reason is Reason.TOO_LARGE


def test_small_file_may_unpack_to_more_than_200_times_its_size(tmp_path, content):
    path = tmp_path / "x.fits"
    path.write_bytes(content)
    fits.append(path, np.zeros((32, 1000, 1000), np.uint8))
    unpacked = path.read_bytes()
    packed = gzip.compress(unpacked)
    assert len(unpacked) > 200 * len(packed)
    path.write_bytes(packed)
    assert readers.read(path, "x.fits").shape == (6, 16)


def test_gzip_bomb_is_rejected_early(tmp_path):
    path = tmp_path / "bomb.fits.gz"
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    head = b"".join(
        card.ljust(80) for card in (b"SIMPLE  = T", b"BITPIX  = 8", b"NAXIS   = 1", b"NAXIS1  = 9999999999", b"END")
    )
    with path.open("wb") as file:
        file.write(packer.compress(head.ljust(BLOCK)))
        for _ in range(100):
            file.write(packer.compress(bytes(1 << 20)))
        file.write(packer.flush())
    before = resource.getrusage(resource.RUSAGE_SELF)
    with pytest.raises(InputError, match="gzip bomb") as caught:
        readers.read(path, "bomb.fits.gz")
    after = resource.getrusage(resource.RUSAGE_SELF)
    assert caught.value.reason is Reason.TOO_LARGE
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 2
    assert after.ru_maxrss - before.ru_maxrss < 80_000  # kB


def _with_gzip_name(content: bytes, size: int) -> bytes:
    packed = gzip.compress(content, mtime=0)
    return packed[:3] + b"\x08" + packed[4:10] + b"n" * size + b"\0" + packed[10:]


def test_gzip_header_is_limited(tmp_path, content, reject):
    path = tmp_path / "x.fits.gz"
    path.write_bytes(_with_gzip_name(content, 500_000))
    assert readers.read(path, "x.fits.gz").shape == (6, 16)
    for packed in (_with_gzip_name(content, 1_000_000), gzip.compress(content) + _with_gzip_name(b"", 1_000_000)):
        error = reject(packed)
        assert error.reason is Reason.TOO_LARGE
        assert "exceeds 524288 bytes, the limit" in error.detail


def test_blocked_gzip_is_read(tmp_path, content):
    """A file of bgzip: members of at most 64 KiB with an extra field, the last one empty."""
    path = tmp_path / "x.fits.gz"
    blocks = [*(content[at : at + 60_000] for at in range(0, len(content), 60_000)), b""]
    with path.open("wb") as file:
        for block in blocks:
            packed = gzip.compress(block, mtime=0)
            extra = b"BC\x02\0" + (len(packed) + 7).to_bytes(2, "little")
            file.write(packed[:3] + b"\x04" + packed[4:10] + b"\x06\0" + extra + packed[10:])
    assert readers.read(path, "x.fits.gz").shape == (6, 16)


@pytest.mark.parametrize("plain", [False, True])
def test_cpu_time_is_limited(reject, content, plain):
    error = reject(content if plain else gzip.compress(b"") * 1000, cpu_s=0)
    assert error.reason is Reason.TOO_LARGE
    assert error.detail == "reading the file takes over 0 s of CPU time, the limit"


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"rows": 5}, "6 integrations; the limit is 5"),
        ({"bins": 15}, "16 slit bins; the limit is 15"),
        ({"pixels": 95}, "96 pixels; the limit is 95"),
        ({"values": 479}, "480 values in FOV_GEOM.RA; the limit is 479"),
    ],
)
def test_swath_is_limited_in_every_dimension(reject, content, limits, message):
    error = reject(content, **limits)
    assert error.reason is Reason.TOO_LARGE
    assert message in error.detail


def test_length_of_texts_is_limited(reject, tmp_path):
    tables = make_tables(6, 16)
    tables["EMISS"]["NAME"] = np.char.ljust(tables["EMISS"]["NAME"], 200)
    error = reject(write_tables(tmp_path / "y.fits", tables).read_bytes(), values=799)
    assert error.reason is Reason.TOO_LARGE
    assert "800 values in EMISS.NAME" in error.detail


def test_image_of_65_dimensions_is_rejected(reject):
    header = [
        "SIMPLE  = T",
        "BITPIX  = 8",
        "NAXIS   = 65",
        *(f"{f'NAXIS{axis}':<8}= 1" for axis in range(1, 66)),
        "END",
    ]
    primary = "".join(card.ljust(80) for card in header).ljust(2 * BLOCK).encode() + bytes(BLOCK)
    tables = [
        fits.BinTableHDU(name=hdu) for hdu in ("PixelGeometry", "SpacecraftGeometry", "Observation", "Integration")
    ]
    extensions = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), *tables]).writeto(extensions)
    error = reject(primary + extensions.getvalue()[BLOCK:])
    assert error.reason is Reason.WRONG_SHAPE
    assert "PRIMARY has 65 dimensions, expected (integrations" in error.detail


@pytest.fixture
def little_memory(monkeypatch):
    """Reduce the buffer, so that small files are unpacked to disk."""
    monkeypatch.setattr(inflate, "_buffers", [])
    monkeypatch.setattr(inflate, "MEMORY_BYTES", 5000)


@pytest.mark.parametrize("spectra", [False, True])
def test_unpacking_to_disk_and_to_memory_agree(tmp_path, spectra, request):
    tables = {**make_tables(20, 16), **(make_spectra(20, 16) if spectra else {})}
    if spectra:
        del tables["EMISS"]
    path = write_tables(tmp_path / "x.fits.gz", tables)
    in_memory = to_npz(readers.read(path, NAME))
    request.getfixturevalue("little_memory")
    assert to_npz(readers.read(path, NAME)) == in_memory


def test_observation_does_not_share_the_reused_buffer(tmp_path, content):
    path = tmp_path / "x.fits.gz"
    path.write_bytes(gzip.compress(content))
    first = readers.read(path, NAME)
    before = to_npz(first)
    write_tables(tmp_path / "y.fits.gz", make_tables(7, 15))
    readers.read(tmp_path / "y.fits.gz", NAME)
    assert to_npz(first) == before


def test_file_that_is_removed_while_it_is_read_is_unreadable(tmp_path, content):
    path = tmp_path / "x.fits"
    with fits.open(write_tables(tmp_path / "y.fits", make_tables(6, 16))) as hdus:
        hdus.writeto(path, checksum=True)
    with gate.unpack(path, NAME, Limits()) as unpacked:
        path.unlink()
        with pytest.raises(InputError, match="it cannot be read") as caught:
            FitsFile(unpacked, NAME).column("SC_GEOM", "SC_ALT")
    assert caught.value.reason is Reason.UNREADABLE


@pytest.mark.usefixtures("little_memory")
def test_full_disk_is_a_transient_error(tmp_path, content, monkeypatch):
    path = tmp_path / "x.fits.gz"
    path.write_bytes(gzip.compress(content, 1))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limit[1]))  # writes fail as on a full disk; Python ignores SIGXFSZ
    try:
        with pytest.raises(TransientError, match="cannot unpack"):
            readers.read(path, "x.fits.gz")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)


@pytest.mark.usefixtures("little_memory")
def test_temporary_files_are_removed(tmp_path, content, monkeypatch):
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    path = tmp_path / "x.fits.gz"
    path.write_bytes(gzip.compress(content))
    with gate.unpack(path, NAME, Limits()) as unpacked:
        assert unpacked.path.read_bytes() == content
        assert unpacked.path.parent == folder
    read_bytes(path, gzip.compress(content)[:-9])
    assert not list(folder.iterdir())


@pytest.mark.usefixtures("little_memory")
def test_truncated_gzip_unpacked_to_disk_is_rejected(reject, content):
    packed = gzip.compress(content)
    assert {reject(packed[:cut]).reason for cut in range(20, len(packed), 997)} == {Reason.TRUNCATED}


def test_flipped_bits_in_gzip_raise_only_input_errors(tmp_path, content):
    packed = gzip.compress(content)
    rng = np.random.default_rng(2)
    for position in [*range(10), *rng.integers(10, len(packed), 150)]:
        flipped = bytearray(packed)
        flipped[position] ^= 1 << int(rng.integers(8))
        error = read_bytes(tmp_path / "x.fits.gz", bytes(flipped))
        assert error is not None or gzip.decompress(flipped) == content  # some bits have no meaning
