"""A run over files with all kinds of defects: each is rejected with its reason, and the run succeeds."""

import gzip
import os
import shutil
import struct
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from mars_aurora_model.simulator.simulate import observe

sys.path.insert(0, str(Path(__file__).parents[1] / "unit" / "readers"))
from emus_files import make_tables, write_tables

WITHOUT_PRIVILEGES = (
    "setpriv",
    "--bounding-set=-dac_override,-dac_read_search",
)  # drops the capabilities by which root can read any file


@pytest.fixture(scope="module")
def valid(small_world) -> bytes:
    return observe(small_world, 1, 0).to_fits()


@pytest.fixture(scope="module")
def folder(tmp_path_factory, valid) -> Path:
    """One file for each defect, and valid files."""
    folder = tmp_path_factory.mktemp("bad")
    packed = gzip.compress(valid, 1)
    bytes_of = {
        "empty.fits": b"",
        "empty.fits.gz": b"",
        "nothing_packed.fits.gz": gzip.compress(b""),
        "text.fits": b"not FITS\n",
        "picture.fits": _png(),
        "picture.png": _png(),
        "notes.txt": b"",
        "cut.fits": valid[: len(valid) // 2],
        "cut.fits.gz": packed[: len(packed) // 2],
        "cut_at_the_end.fits.gz": packed[:-5],
        "flipped.fits.gz": _flip(packed, len(packed) // 2),
        "bomb.fits.gz": gzip.compress(valid[:2880] + bytes(400 << 20), 9),
        "valid.fits": valid,
        "a name that is no mission's.fits": valid,
        "two\nlines #1+ü.fits.gz": packed,
    }
    for name, data in bytes_of.items():
        (folder / name).write_bytes(data)
    for name, tables in _broken_tables().items():
        write_tables(folder / name, tables)
    fits.PrimaryHDU(np.zeros((4, 4))).writeto(folder / "other_product.fits")
    (folder / "folder.fits").mkdir()
    (folder / "broken_link.fits").symlink_to(folder / "gone.fits")
    os.mkfifo(folder / "pipe.fits")
    return folder


def _png() -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0\0")) + chunk(b"IEND", b"")


def _flip(data: bytes, at: int) -> bytes:
    flipped = bytearray(data)
    for offset in range(16):
        flipped[at + offset] ^= 0x55
    return bytes(flipped)


def _broken_tables() -> dict[str, dict]:
    """Small valid FITS files with missing or wrong contents."""
    broken = {
        f"{name}.fits": make_tables() for name in ("no_hdu", "no_column", "shapes", "all_nan", "no_disk", "no_line")
    }
    del broken["no_hdu.fits"]["FOV_GEOM"]
    del broken["no_column.fits"]["FOV_GEOM"]["SOLAR_Z_ANGLE"]
    geometry = broken["shapes.fits"]["FOV_GEOM"]
    geometry["LAT"] = geometry["LAT"][:, :, :-3]
    for column in ("RADIANCE", "RAD_ERR_RAND", "RAD_ERR_SYS"):
        broken["all_nan.fits"]["EMISS"][column][:] = np.nan
    for column in ("LAT", "LON"):
        broken["no_disk.fits"]["FOV_GEOM"][column][:] = np.nan
    broken["no_line.fits"]["EMISS"]["NAME"] = np.array(["H I 121.6 singlet", "C I 156.1", "O I 98.9", "O I 135.6"])
    broken["no_integrations.fits"] = make_tables(n_integrations=0)
    broken["two_integrations.fits"] = make_tables(n_integrations=2)
    return broken


EXPECTED = {
    "empty.fits": "empty_file",
    "empty.fits.gz": "empty_file",
    "nothing_packed.fits.gz": "empty_file",
    "text.fits": "not_fits",
    "picture.fits": "not_fits",
    "cut.fits": "truncated",
    "cut.fits.gz": "truncated",
    "cut_at_the_end.fits.gz": "truncated",
    "flipped.fits.gz": "corrupt",
    "bomb.fits.gz": "too_large",
    "no_hdu.fits": "missing_hdu",
    "no_column.fits": "missing_column",
    "shapes.fits": "wrong_shape",
    "all_nan.fits": "no_finite_data",
    "no_disk.fits": "no_disk",
    "no_line.fits": "no_130nm_line",
    "no_integrations.fits": "no_integrations",
    "two_integrations.fits": "too_few_integrations",
    "other_product.fits": "unknown_product",
    "folder.fits": "not_a_file",
    "pipe.fits": "not_a_file",
}
FAILED = {"broken_link.fits": "unreadable"}
IGNORED = {"picture.png", "notes.txt"}
ACCEPTED = {"valid.fits", "a name that is no mission's.fits", "two%0Alines #1+ü.fits.gz"}


@pytest.fixture(scope="module")
def done(run, folder, tmp_path_factory):
    return run(folder, out=tmp_path_factory.mktemp("out"))


def test_run_lists_all_files_and_exits_with_the_code_of_a_failure(done):
    assert done.code == 1
    assert len(done.errors) == 1
    assert "1 failed: unreadable, for example broken_link.fits" in done.stderr
    assert set(done.ledger) == set(EXPECTED) | set(FAILED) | IGNORED | ACCEPTED


def test_file_that_cannot_be_opened_has_failed(done):
    assert {name: row["reason"] for name, row in done.ledger.items() if row["outcome"] == "failed"} == FAILED


@pytest.mark.parametrize("name", EXPECTED)
def test_bad_file_is_rejected_with_its_reason(done, name):
    row = done.ledger[name]
    assert (row["outcome"], row["reason"]) == ("rejected", EXPECTED[name]), row["detail"]
    assert row["detail"]


def test_other_files_are_ignored_and_valid_files_accepted(done):
    assert {name for name, row in done.ledger.items() if row["outcome"] == "ignored"} == IGNORED
    outcomes = [done.ledger[name]["outcome"] for name in ACCEPTED]
    assert outcomes.count("superseded") == len(ACCEPTED) - 1  # all are the same observation
    assert set(outcomes) - {"superseded"} <= {"aurora", "no_aurora", "discarded", "no_night"}


def test_file_without_read_permission_has_failed_and_is_retried(run, valid, tmp_path):
    (tmp_path / "locked.fits").write_bytes(valid)
    (tmp_path / "locked.fits").chmod(0)
    if os.geteuid() == 0 and shutil.which("setpriv") is None:
        pytest.skip("root can read any file, and setpriv is not installed")
    done = run(tmp_path, out=tmp_path, prefix=WITHOUT_PRIVILEGES if os.geteuid() == 0 else ())
    assert (done.ledger["locked.fits"]["outcome"], done.ledger["locked.fits"]["reason"]) == ("failed", "unreadable")
    assert done.code == 1
    (tmp_path / "locked.fits").chmod(0o644)
    assert run(tmp_path, out=tmp_path).code == 0
