"""Keys of the files of a run."""

import re
from functools import partial
from pathlib import Path, PurePosixPath

import pytest

from mars_aurora.errors import UsageError
from mars_aurora.run.escaping import escape_text
from mars_aurora.run.keys import RunKeys, RunPaths, classify_name, is_fits, key_name
from mars_aurora.run.storage import FolderStorage


def test_keys_of_an_input_are_distinct_and_contain_run_id_and_name():
    keys, name = RunKeys("r1"), "2022/x.fits.gz"
    made = [
        keys.image(name),
        keys.geometry(name),
        keys.stage(name, "mask"),
        keys.record(name),
        keys.detection(name),
        keys.plot(name),
        keys.set_picture(name),
    ]
    assert len(set(made)) == len(made)
    assert all(key.startswith("runs/r1/") and name in key for key in made)


def test_prediction_is_named_after_the_candidate_as_by_the_transform_job():
    keys = RunKeys("r1")
    assert keys.prediction("x.fits", "weights").removeprefix(keys.predictions_by("weights")) == (
        keys.candidate("x.fits").removeprefix(keys.candidates) + ".out"
    )
    assert keys.predictions_by("weights") == f"{keys.predictions}weights/"


@pytest.mark.parametrize("name", ["x.fits", "2022/x y.fits.gz", "+é\ud800.fits"])
def test_candidates_have_flat_keys_that_need_no_encoding(name: str):
    key = RunPaths().candidate(name)
    assert re.fullmatch(r"candidates/[0-9a-f]{32}\.png", key)
    assert key != RunPaths().candidate(f"{name}.gz")


def test_paths_are_the_keys_relative_to_the_run_folder():
    keys, paths = RunKeys("r1"), RunPaths()
    assert paths.image("2022/x.fits") == "images/2022/x.fits.png"
    assert keys.image("2022/x.fits") == f"{keys.root}{paths.image('2022/x.fits')}"
    assert keys.predictions == f"{keys.root}{paths.predictions}"


NAMES = [
    "x.fits",
    "2022/x.fits.gz",
    ".aside-x.fits",
    "two%0Alines.fits",
    "a.fits",
    "a.fits.png/b.fits",
    "a.fits.json/b.fits",
    "a.fits.png.out/b.fits",
    "a.fits.NPZ/b.fits",
    f"{'x' * 195}.fits",
    f"{'x' * 196}.fits",
    f"{'x' * 250}.fits",
    f"{'火' * 83}.fits",
    f"{'d/' * 400}x.fits",
    "../x.fits",
    "./x.fits",
    "a//x.fits",
    "/x.fits",
    f"x~{'0' * 32}",
]


def test_keys_of_different_inputs_are_distinct_and_none_is_a_folder_of_another():
    hashed = [key_name(name) for name in NAMES]
    paths = RunPaths()
    for kind in (
        *(
            paths.image,
            paths.geometry,
            paths.candidate,
            partial(paths.prediction, detector="w"),
            paths.measured,
            paths.record,
        ),
        *(paths.detection, paths.plot, paths.set_picture),
    ):
        made = [kind(name) for name in [*NAMES, *hashed]]
        assert len(set(made)) == len({*NAMES, *hashed})
        folders = {str(parent) for key in made for parent in PurePosixPath(key).parents}
        assert folders.isdisjoint(made)


@pytest.mark.parametrize("name", NAMES)
def test_key_is_a_legal_path_and_object_key_of_limited_length(name: str, tmp_path: Path):
    key = RunKeys("r" * 80).measured(name)
    assert len(key.encode()) <= 400
    assert {"", ".", ".."}.isdisjoint(key.split("/"))
    storage = FolderStorage(tmp_path)
    storage.put(key, b"data")
    assert storage.list("") == [key]


def test_name_of_up_to_200_bytes_is_its_own_key_and_a_longer_one_is_recognizable():
    assert key_name(f"{'x' * 195}.fits") == f"{'x' * 195}.fits"
    assert key_name(f"2022/mars_{'x' * 191}.fits").startswith("mars_xxx")
    assert len(key_name("火" * 100).encode()) <= 200


@pytest.mark.parametrize("name", ["+x.fits", "=x.fits", "a\rb.fits", " x.fits", "\ud800.fits", "é +.fits"])
def test_files_of_an_input_are_found_by_its_name_in_the_tables(name: str):
    assert RunPaths().image(name) == RunPaths().image(escape_text(name))


@pytest.mark.parametrize("run_id", ["r", "2022-03-31", "a.b_c-d", "x" * 80])
def test_valid_run_id_is_accepted(run_id: str):
    assert RunKeys(run_id).root == f"runs/{run_id}/"


@pytest.mark.parametrize("run_id", ["", ".", "..", "../x", "a/b", "a b", "-rf", "é", "x" * 81, "a\n"])
def test_invalid_run_id_is_a_usage_error(run_id: str):
    with pytest.raises(UsageError, match="run id"):
        RunKeys(run_id)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("x.fits", True),
        ("a/b/x.FITS.GZ", True),
        ("x.fits.gz.png", False),
        ("x.fit", True),
        ("x.fts.gz", True),
        ("x.fits.fz", True),
        ("x.fits(1).gz", True),
        ("x (2).fits.gz", True),
        ("x.fits (1)", True),
        (".aside-x.fits", True),
        ("x.fitss", False),
        ("x.fits.part", False),
        ("a/._x.fits", False),
        ("x.fits\n", False),
        ("fits", False),
        ("x.gz", False),
    ],
)
def test_fits_files_are_recognized_by_their_suffix(name: str, expected: bool):  # noqa: FBT001 -- a test parameter
    assert is_fits(name) is expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        *((name, "housekeeping") for name in ("._x.fits", "a/._x.fits.gz", "a/.ipynb_checkpoints/x-checkpoint.fits")),
        *((f"x.fits.gz.{ending}", "housekeeping") for ending in ("part", "crdownload", "tmp", "filepart", "TMP")),
        *((name, "housekeeping") for name in (".DS_Store", "a/Thumbs.db", "__MACOSX/x.fits")),
        *((name, "other") for name in ("truth.json", "x.tgz", "a.part/x.txt", "_READY", "tmp", "a._x", "x.fits.md5")),
        *((name, "fits") for name in ("a.part/x.fits", "x._y.fits", "part.fits", ".ipynb_checkpoints.fits")),
    ],
)
def test_housekeeping_files_are_recognized_by_their_names(name: str, expected: str):
    assert classify_name(name) == expected
