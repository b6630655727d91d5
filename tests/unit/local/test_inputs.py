"""What a run takes for its inputs."""

import os
from pathlib import Path

import pytest

from mars_aurora.errors import UsageError
from mars_aurora.local.inputs import RUN_FILE, find_inputs


def _touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def _names(*inputs: Path) -> list[str]:
    return find_inputs(inputs).list("")


def test_a_folder_is_searched_at_any_depth_and_everything_in_it_is_listed(tmp_path):
    _touch(tmp_path / "b.fits", tmp_path / "2022/03/a.fits.gz", tmp_path / "notes.txt", tmp_path / ".hidden.fits")
    assert _names(tmp_path) == [".hidden.fits", "2022/03/a.fits.gz", "b.fits", "notes.txt"]


def test_a_file_goes_by_its_own_name_and_is_found_again(tmp_path):
    _touch(tmp_path / "2022/a.fits")
    found = find_inputs([tmp_path / "2022/a.fits"])
    assert found.list("") == ["a.fits"]
    with found.local_file("a.fits") as path:
        assert path == tmp_path / "2022/a.fits"


def test_inputs_add_up_and_the_same_file_twice_is_one(tmp_path):
    _touch(tmp_path / "one/a.fits", tmp_path / "two/b.fits")
    assert _names(tmp_path / "one", tmp_path / "two", tmp_path / "one/a.fits") == ["a.fits", "b.fits"]


def test_two_files_of_one_name_are_refused_and_both_are_named(tmp_path):
    _touch(tmp_path / "one/a.fits", tmp_path / "two/a.fits")
    with pytest.raises(UsageError, match=r"one/a\.fits and .*two/a\.fits would both be called a\.fits"):
        find_inputs([tmp_path / "one", tmp_path / "two"])


def test_what_does_not_exist_is_refused(tmp_path):
    with pytest.raises(UsageError, match="nowhere does not exist"):
        find_inputs([tmp_path / "nowhere"])


def test_an_empty_folder_holds_no_inputs(tmp_path):
    assert _names(tmp_path) == []


def test_a_folder_named_like_fits_is_listed_and_still_searched(tmp_path):
    _touch(tmp_path / "x.fits/inside.fits")
    assert _names(tmp_path) == ["x.fits", "x.fits/inside.fits"]


def test_a_dangling_link_is_listed_and_a_link_to_a_folder_followed_but_not_in_circles(tmp_path):
    _touch(tmp_path / "in/a.fits", tmp_path / "elsewhere/b.fits")
    (tmp_path / "in/dangling.fits").symlink_to(tmp_path / "gone.fits")
    (tmp_path / "in/more").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "in/circle").symlink_to(tmp_path / "in")
    assert _names(tmp_path / "in") == ["a.fits", "dangling.fits", "more/b.fits"]


def test_results_of_runs_are_no_inputs_but_all_else_is(tmp_path):
    _touch(tmp_path / "a.fits", tmp_path / "runs/old/images/a.fits.png", tmp_path / "runs/old" / RUN_FILE)
    _touch(tmp_path / "runs/2022/b.fits")
    assert _names(tmp_path) == ["a.fits", "runs/2022/b.fits"]


def test_the_marker_of_a_cloud_batch_is_no_input(tmp_path):
    _touch(tmp_path / "a.fits", tmp_path / "_READY")
    assert _names(tmp_path) == ["a.fits"]


def test_odd_names_are_kept_as_they_are(tmp_path):
    names = ["a b.fits", "a#b+c.fits", "two\nlines.fits", "火星.fits"]
    _touch(*(tmp_path / name for name in names))
    assert _names(tmp_path) == sorted(names)


def test_bytes_that_are_no_text_are_spelt_out(tmp_path):
    (tmp_path / os.fsdecode(b"\xff.fits")).touch()
    found = find_inputs([tmp_path])
    assert found.list("") == ["\\xff.fits"]
    with found.local_file("\\xff.fits") as path:
        assert path.exists()


def test_the_roots_are_the_folders_that_names_begin_in(tmp_path):
    _touch(tmp_path / "one/a.fits", tmp_path / "two/b.fits", tmp_path / "two/c.fits")
    given = [tmp_path / "two/b.fits", tmp_path / "two/c.fits", tmp_path / "one"]
    assert find_inputs(given).roots == [str(tmp_path / "one"), str(tmp_path / "two")]
