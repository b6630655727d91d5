"""Whatever is put in: an observation or an InputError that names the file, within bounds; nothing else, no warning."""

from __future__ import annotations

import gzip
import os
import resource
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from emus_files import make_spectra, make_tables, write_tables

from mars_aurora import readers
from mars_aurora.errors import InputError, Reason, TransientError
from mars_aurora.observation import to_npz
from mars_aurora.readers import gate
from mars_aurora.readers.gate import BLOCK, Limits

NAME = "batch/x.fits"


@pytest.fixture(scope="module")
def content(tmp_path_factory) -> bytes:
    """A sound little EMUS file."""
    return write_tables(tmp_path_factory.mktemp("sound") / "x.fits", make_tables(6, 16), MARSYEAR=36).read_bytes()


@pytest.fixture
def reject(tmp_path):
    def read(content: bytes, **limits: int) -> InputError:
        path = tmp_path / "x.fits"
        path.write_bytes(content)
        with pytest.raises(InputError) as caught:
            readers.read(path, NAME, Limits(**limits))
        assert str(caught.value).startswith(f"{NAME}: {caught.value.reason}: ")
        assert "\n" not in str(caught.value)
        return caught.value

    return read


def read_bytes(path: Path, content: bytes) -> InputError | None:
    """Read what may be damaged; give the error, or None where it made an observation of finite sense."""
    path.write_bytes(content)
    try:
        observation = readers.read(path, NAME)
    except InputError as error:
        return error
    latitude = observation.latitude_deg[np.isfinite(observation.latitude_deg)]
    assert np.all(np.abs(latitude) <= 90)
    assert not np.isinf(observation.brightness_R).any()
    return None


@pytest.mark.parametrize(
    ("junk", "reason", "says"),
    [
        (b"", Reason.EMPTY, "0 bytes"),
        (gzip.compress(b""), Reason.EMPTY, "0 bytes"),
        (b"Dear all, attached is the file", Reason.NOT_FITS, "b'Dear all,'"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), Reason.NOT_FITS, "a PNG image"),
        (gzip.compress(b"\x89PNG\r\n\x1a\n" + bytes(100)), Reason.NOT_FITS, "a PNG image"),
        (bytes(5760), Reason.NOT_FITS, "no FITS file"),
        (b"SIMPLE", Reason.TRUNCATED, "inside the header"),
        (b"\x1f\x8b", Reason.TRUNCATED, "end mark"),
        (b"SIMPLE  =" + bytes(500 * BLOCK), Reason.CORRUPT, "no END"),
    ],
    ids=["nothing", "nothing packed", "text", "PNG", "PNG packed", "zeros", "one word", "gzip magic", "no end"],
)
def test_says_what_a_file_is_that_is_no_fits(reject, junk, reason, says):
    error = reject(junk)
    assert error.reason is reason
    assert says in error.detail


def test_sound_fits_of_another_kind_names_its_hdus(reject, tmp_path):
    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(np.zeros((3, 3)), name="SCI")]).writeto(tmp_path / "o.fits")
    error = reject((tmp_path / "o.fits").read_bytes())
    assert error.reason is Reason.UNKNOWN_PRODUCT
    assert "SCI" in error.detail


def test_a_folder_a_pipe_and_nothing_at_all(tmp_path):
    (tmp_path / "x.fits").mkdir()
    os.mkfifo(tmp_path / "pipe.fits")
    for name, says in (("x.fits", "a folder"), ("pipe.fits", "not a regular file"), ("none.fits", "No such file")):
        with pytest.raises(InputError, match=says) as caught:
            readers.read(tmp_path / name, name)
        assert caught.value.reason is Reason.UNREADABLE


def test_a_file_one_may_not_read(tmp_path, content):
    path = tmp_path / "x.fits"
    path.write_bytes(content)
    path.chmod(0)
    script = (
        "import os, sys\nfrom pathlib import Path\nfrom mars_aurora.readers import read\n"
        "if os.geteuid() == 0: os.setuid(65534)\n"  # root may read anything
        "try: os.chmod, read(Path(sys.argv[1]), 'x.fits')\n"
        "except Exception as error: print(type(error).__name__, error)\n"
    )
    for folder in [tmp_path, *tmp_path.parents][:3]:
        if folder.stat().st_uid == os.geteuid() and folder.name:
            folder.chmod(0o755)
    done = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "InputError x.fits: unreadable: it cannot be opened: Permission denied"


def test_many_gzip_members_are_one_file(tmp_path, content):
    path = tmp_path / "x.fits.gz"
    path.write_bytes(b"".join(gzip.compress(content[at : at + 5000]) for at in range(0, len(content), 5000)))
    assert readers.read(path, "x.fits.gz").shape == (6, 16)


def test_a_gzip_file_may_be_padded_with_zeros_but_not_with_more(tmp_path, content, reject):
    packed = gzip.compress(content)
    path = tmp_path / "x.fits.gz"
    path.write_bytes(packed + bytes(512))
    assert readers.read(path, "x.fits.gz").shape == (6, 16)
    assert reject(packed + b"garbage of some length").reason is Reason.CORRUPT
    assert reject(packed + b"short").reason is Reason.TRUNCATED  # it could be the start of another member


def test_a_wrong_checksum_is_found_at_the_very_end(reject, content):
    packed = bytearray(gzip.compress(content))
    packed[-6] ^= 1
    assert reject(bytes(packed)).reason is Reason.CORRUPT


def test_gzip_cut_anywhere_is_rejected(reject, content):
    packed = gzip.compress(content)
    cuts = {*range(1, 40), *range(len(packed) - 40, len(packed)), *range(40, len(packed) - 40, 331)}
    for cut in cuts:
        assert reject(packed[:cut]).reason in {Reason.TRUNCATED, Reason.NOT_FITS}, cut
    assert {reject(packed[:cut]).reason for cut in cuts if cut > 1} == {Reason.TRUNCATED}


def test_plain_fits_cut_anywhere_is_rejected(reject, content):
    reasons = {cut: reject(content[:cut]).reason for cut in range(9, len(content), 317)}
    at_hdu = {cut: reason for cut, reason in reasons.items() if reason is not Reason.TRUNCATED}
    assert all(reason is Reason.MISSING_HDU for reason in at_hdu.values())
    assert len(at_hdu) < 3  # a cut between two HDUs leaves sound FITS that lacks the rest


def test_a_file_without_its_last_padding_is_truncated(reject, content):
    assert reject(content[:-1]).reason is Reason.TRUNCATED


def test_bytes_after_the_last_hdu(tmp_path, content, reject):
    path = tmp_path / "y.fits"
    path.write_bytes(content + bytes(BLOCK))
    assert readers.read(path, "y.fits").shape == (6, 16)
    assert reject(content + b"x" * BLOCK).reason is Reason.CORRUPT


def test_unpacked_size_is_bounded(reject, content):
    error = reject(gzip.compress(content), unpacked_bytes=len(content) - 1)
    assert error.reason is Reason.TOO_LARGE
    assert str(len(content) - 1) in error.detail
    assert reject(content, unpacked_bytes=len(content) - 1).reason is Reason.TOO_LARGE


def test_a_gzip_bomb_costs_neither_time_nor_memory(tmp_path):
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


def test_a_header_that_declares_the_impossible_is_no_memory_error(reject, content):
    at = content.index(b"NAXIS2  =", content.index(b"EXTNAME = 'FOV_GEOM") - 5 * 2880)
    absurd = content[:at] + b"NAXIS2  =  999999999999999999".ljust(80) + content[at + 80 :]
    assert reject(absurd).reason is Reason.TRUNCATED


@pytest.fixture
def little_memory(monkeypatch):
    """Let files take the way of the large ones, over the disk."""
    monkeypatch.setattr(gate, "_buffers", [])
    monkeypatch.setattr(gate, "MEMORY_BYTES", 5000)


@pytest.mark.parametrize("spectra", [False, True])
def test_over_the_disk_or_in_memory_comes_the_same(tmp_path, spectra, request):
    tables = {**make_tables(20, 16), **(make_spectra(20, 16) if spectra else {})}
    if spectra:
        del tables["EMISS"]
    path = write_tables(tmp_path / "x.fits.gz", tables)
    in_memory = to_npz(readers.read(path, NAME))
    request.getfixturevalue("little_memory")
    assert to_npz(readers.read(path, NAME)) == in_memory


def test_an_observation_outlives_the_memory_it_was_read_in(tmp_path, content):
    path = tmp_path / "x.fits.gz"
    path.write_bytes(gzip.compress(content))
    first = readers.read(path, NAME)
    before = to_npz(first)
    write_tables(tmp_path / "y.fits.gz", make_tables(7, 15))
    readers.read(tmp_path / "y.fits.gz", NAME)
    assert to_npz(first) == before


@pytest.mark.usefixtures("little_memory")
def test_a_full_disk_is_not_the_files_fault(tmp_path, content, monkeypatch):
    path = tmp_path / "x.fits.gz"
    path.write_bytes(gzip.compress(content, 1))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limit[1]))  # as a full disk: writing fails; Python ignores SIGXFSZ
    try:
        with pytest.raises(TransientError, match="cannot unpack"):
            readers.read(path, "x.fits.gz")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)


@pytest.mark.usefixtures("little_memory")
def test_nothing_is_left_behind(tmp_path, content, monkeypatch):
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
def test_gzip_cut_anywhere_is_rejected_over_the_disk_too(reject, content):
    packed = gzip.compress(content)
    assert {reject(packed[:cut]).reason for cut in range(20, len(packed), 997)} == {Reason.TRUNCATED}


def test_bits_flipped_anywhere_never_crash(tmp_path, content):
    rng = np.random.default_rng(1)
    headers = [at for at in range(0, len(content), BLOCK) if content[at : at + 8] in {b"SIMPLE  ", b"XTENSION"}]
    spots = [int(at + spot) for at in headers for spot in rng.integers(0, BLOCK, 60)]
    spots += [int(spot) for spot in rng.integers(0, len(content), 150)]
    outcomes = set()
    for spot in spots:
        flipped = bytearray(content)
        flipped[spot] ^= 1 << int(rng.integers(8))
        error = read_bytes(tmp_path / "x.fits", bytes(flipped))
        outcomes.add(error.reason if error else None)
    assert {None, Reason.CORRUPT} <= outcomes


def test_bits_flipped_in_gzip_never_crash(tmp_path, content):
    packed = gzip.compress(content)
    rng = np.random.default_rng(2)
    for spot in [*range(10), *rng.integers(10, len(packed), 150)]:
        flipped = bytearray(packed)
        flipped[spot] ^= 1 << int(rng.integers(8))
        error = read_bytes(tmp_path / "x.fits.gz", bytes(flipped))
        assert error is not None or spot < 10  # name, time and system in the gzip header carry no checksum


_MUTATIONS = [
    (key, value)
    for key in (
        "BITPIX",
        "NAXIS",
        "NAXIS1",
        "NAXIS2",
        "PCOUNT",
        "GCOUNT",
        "TFIELDS",
        "TFORM1",
        "TFORM2",
        "TDIM1",
        "TDIM2",
    )
    for value in (
        "0",
        "-1",
        "3",
        "99999999999",
        "T",
        "'80P'",
        "'1PD(9)'",
        "'QD'",
        "'(5,-3)'",
        "'(0,0)'",
        "''",
        "1.5",
        "",
    )
] + [("TTYPE1", "'LON'"), ("TTYPE2", "1"), ("EXTNAME", "''"), ("EXTNAME", "'PRIMARY'"), ("XTENSION", "'IMAGE'")]


@pytest.mark.parametrize("hdu", ["SC_GEOM", "FOV_GEOM", "EMISS"])
def test_headers_that_lie_never_crash(tmp_path, content, hdu):
    name_at = content.index(f"EXTNAME = '{hdu}".encode())
    start = content.rindex(b"XTENSION=", 0, name_at)
    end = content.index(b"END".ljust(80), name_at)
    cards = {content[at : at + 8].decode().strip(): at for at in range(start, end, 80)}
    rejected = 0
    for key, value in _MUTATIONS:
        if key in cards:
            card, at = f"{key:<8}= {value}".ljust(80).encode(), cards[key]
            rejected += read_bytes(tmp_path / "x.fits", content[:at] + card + content[at + 80 :]) is not None
    assert rejected > 80  # few lies are harmless
