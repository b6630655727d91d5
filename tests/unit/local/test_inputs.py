"""The inputs of a local run."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mars_aurora.errors import UsageError
from mars_aurora.local.inputs import find_inputs
from mars_aurora.run.keys import RUN_FILE


def _touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def _names(*inputs: Path) -> list[str]:
    return find_inputs(inputs).list("")


def test_all_files_of_a_folder_are_listed_recursively(tmp_path):
    _touch(tmp_path / "b.fits", tmp_path / "2022/03/a.fits.gz", tmp_path / "notes.txt", tmp_path / ".hidden.fits")
    assert _names(tmp_path) == [".hidden.fits", "2022/03/a.fits.gz", "b.fits", "notes.txt"]


def test_given_file_is_named_by_its_file_name(tmp_path):
    _touch(tmp_path / "2022/a.fits")
    found = find_inputs([tmp_path / "2022/a.fits"])
    assert found.list("") == ["a.fits"]
    with found.local_file("a.fits", found.version("a.fits")) as path:
        assert path == tmp_path / "2022/a.fits"


def test_file_given_twice_is_listed_once(tmp_path):
    _touch(tmp_path / "one/a.fits", tmp_path / "two/b.fits")
    assert _names(tmp_path / "one", tmp_path / "two", tmp_path / "one/a.fits") == ["a.fits", "b.fits"]


def test_two_files_of_the_same_name_are_a_usage_error_naming_both(tmp_path):
    _touch(tmp_path / "one/a.fits", tmp_path / "two/a.fits")
    with pytest.raises(UsageError, match=r"one/a\.fits and .*two/a\.fits would both be named a\.fits"):
        find_inputs([tmp_path / "one", tmp_path / "two"])


def test_missing_input_is_a_usage_error(tmp_path):
    with pytest.raises(UsageError, match="nowhere does not exist"):
        find_inputs([tmp_path / "nowhere"])


def test_empty_folder_has_no_inputs(tmp_path):
    assert _names(tmp_path) == []


def test_folder_with_a_fits_suffix_is_listed_and_searched(tmp_path):
    _touch(tmp_path / "x.fits/inside.fits")
    assert _names(tmp_path) == ["x.fits", "x.fits/inside.fits"]


def test_broken_links_are_listed_and_each_folder_is_listed_once(tmp_path):
    _touch(tmp_path / "in/a.fits", tmp_path / "in/z/c.fits", tmp_path / "elsewhere/b.fits")
    (tmp_path / "in/broken.fits").symlink_to(tmp_path / "gone.fits")
    (tmp_path / "in/itself.fits").symlink_to("itself.fits")
    (tmp_path / "in/more").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "in/cycle").symlink_to(tmp_path / "in")
    (tmp_path / "in/alias").symlink_to(tmp_path / "in/z")
    found = find_inputs([tmp_path / "in"])
    expected = ["a.fits", "alias", "broken.fits", "cycle", "itself.fits", "more/b.fits", "z/c.fits"]
    assert found.list("") == expected
    assert {name: (record.outcome, record.reason) for name, record in found.records.items()} == {
        "alias": ("ignored", "linked_folder"),
        "cycle": ("ignored", "linked_folder"),
    }


def test_folder_deeper_than_a_path_may_be_long_gets_a_record(tmp_path):
    _touch(tmp_path / "a.fits")
    with _deep_folder(tmp_path):
        found = find_inputs([tmp_path])
    (name,) = found.records
    assert found.records[name].reason == "unreadable"
    assert "File name too long" in found.records[name].detail
    assert "a.fits" in found.paths


@contextmanager
def _deep_folder(root: Path) -> Iterator[None]:
    """Make nested folders whose path has more than 4096 bytes."""
    here = os.open(".", os.O_RDONLY)
    os.chdir(root)
    try:
        for _ in range(17):
            Path("d" * 250).mkdir()
            os.chdir("d" * 250)
        os.chdir(here)
        yield
    finally:
        os.chdir(here)
        os.close(here)
        subprocess.run(["rm", "-r", root / ("d" * 250)], check=True)


def test_links_between_many_folders_do_not_multiply_them(tmp_path):
    folders = [tmp_path / f"{number}" for number in range(12)]
    _touch(*(folder / "x.fits" for folder in folders))
    for folder in folders:
        for other in folders:
            (folder / f"to{other.name}").symlink_to(other)
    assert [name for name in _names(tmp_path) if name.endswith(".fits")] == sorted(f"{n}/x.fits" for n in range(12))


def test_folder_that_cannot_be_listed_gets_a_record_and_others_are_listed(tmp_path, monkeypatch):
    _touch(tmp_path / "in/a.fits", tmp_path / "in/locked/b.fits", tmp_path / "in/locked.fits/c.fits", tmp_path / "l/d")
    scandir = os.scandir

    def refuse(folder: Path):
        if "l" in folder.name[:1]:
            raise PermissionError(13, "Permission denied")
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", refuse)
    found = find_inputs([tmp_path / "in", tmp_path / "l"])
    assert found.list("") == ["a.fits", "l", "locked", "locked.fits"]
    assert set(found.records) == {"l", "locked", "locked.fits"}
    assert {(record.outcome, record.reason, record.detail) for record in found.records.values()} == {
        ("failed", "unreadable", "the folder cannot be listed: Permission denied")
    }


def test_run_folders_are_skipped_but_other_folders_are_not(tmp_path):
    _touch(tmp_path / "a.fits", tmp_path / "runs/old/images/a.fits.png", tmp_path / "runs/old" / RUN_FILE)
    _touch(tmp_path / "runs/2022/b.fits")
    assert _names(tmp_path) == ["a.fits", "runs/2022/b.fits"]


def test_ready_marker_is_not_an_input(tmp_path):
    _touch(tmp_path / "a.fits", tmp_path / "_READY")
    assert _names(tmp_path) == ["a.fits"]


def test_names_are_kept_but_for_characters_that_tables_cannot_hold(tmp_path):
    names = ["a b.fits", "a#b+c.fits", "two\nlines.fits", "火星.fits"]
    _touch(*(tmp_path / name for name in names))
    assert _names(tmp_path) == ["a b.fits", "a#b+c.fits", "two%0Alines.fits", "火星.fits"]


def test_invalid_utf8_in_names_is_escaped(tmp_path):
    (tmp_path / os.fsdecode(b"\xff.fits")).touch()
    found = find_inputs([tmp_path])
    assert found.list("") == ["%FF.fits"]
    with found.local_file("%FF.fits", found.version("%FF.fits")) as path:
        assert path.exists()


def test_roots_are_the_folders_that_names_are_relative_to(tmp_path):
    _touch(tmp_path / "one/a.fits", tmp_path / "two/b.fits", tmp_path / "two/c.fits")
    given = [tmp_path / "two/b.fits", tmp_path / "two/c.fits", tmp_path / "one"]
    assert find_inputs(given).roots == [str(tmp_path / "one"), str(tmp_path / "two")]
