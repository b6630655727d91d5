"""Estimates of disk space."""

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from mars_aurora.local import disk
from mars_aurora.local.disk import (
    DiskSpaceError,
    estimate_bytes,
    format_size,
    free_bytes,
    require_space,
    reserve_ledger,
)


def _make(path: Path, size: int) -> Path:
    path.touch()
    os.truncate(path, size)
    return path


def test_estimate_is_that_of_the_measured_run(tmp_path: Path):
    paths = [_make(tmp_path / f"{number}.fits.gz", 9_350_000) for number in range(24)]
    without, stages = (estimate_bytes(paths, keep_stages=keep) / 24 for keep in (False, True))
    assert without == pytest.approx(2_540_000 + 400_000 + 407_000, rel=0.02)
    assert stages - without == pytest.approx(341_000)


def test_plain_file_needs_less_than_a_gzipped_one_of_its_size(tmp_path: Path):
    plain, gzipped = _make(tmp_path / "a.fits", 10**7), _make(tmp_path / "a.FITS.GZ", 10**7)
    assert estimate_bytes([plain], keep_stages=False) < estimate_bytes([gzipped], keep_stages=False)


def test_estimate_of_a_missing_small_or_enormous_file_is_limited(tmp_path: Path):
    gone, small, sparse = (
        tmp_path / "gone.fits",
        _make(tmp_path / "text.fits", 1000),
        _make(tmp_path / "sparse.fits", 10**12),
    )
    assert estimate_bytes([gone], keep_stages=True) == 0
    assert estimate_bytes([small], keep_stages=True) < 3000
    assert estimate_bytes([sparse], keep_stages=True) < 35_000_000


def test_free_space_is_that_of_the_disk_on_which_a_folder_would_be_made(tmp_path: Path):
    assert free_bytes(tmp_path / "not/made/yet") == pytest.approx(free_bytes(tmp_path), rel=0.1)


def test_results_that_do_not_fit_are_an_error_with_both_numbers(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(disk.shutil, "disk_usage", lambda _: SimpleNamespace(free=9_000_000))
    require_space(tmp_path, 9_000_000)
    with pytest.raises(DiskSpaceError, match=f"need about 9.1 MB, but only 9.0 MB are free on the disk of {tmp_path}"):
        require_space(tmp_path, 9_100_000)


def test_sizes_are_in_mb_or_gb():
    assert [format_size(size) for size in (400_000, 123_456_789, 2_340_000_000)] == ["0.4 MB", "123.5 MB", "2.3 GB"]


def test_space_of_the_ledger_is_held_until_it_is_released(tmp_path: Path):
    names = ["x.fits", f"{'火' * 60}.fits"]
    with reserve_ledger(tmp_path, names) as release:
        (held,) = tmp_path.iterdir()
        assert held.stat().st_size > 2 * 700 + 2 * 180
        release()
        assert not held.exists()
    with pytest.raises(KeyboardInterrupt), reserve_ledger(tmp_path, names):
        raise KeyboardInterrupt
    assert not held.exists()
