"""Keys of the files of a run."""

import pytest

from mars_aurora.errors import UsageError
from mars_aurora.run.keys import RunKeys, RunPaths, is_fits


def test_keys_of_an_input_are_distinct_and_contain_run_id_and_name():
    keys, name = RunKeys("r1"), "2022/x.fits.gz"
    made = [
        keys.image(name),
        keys.geometry(name),
        keys.stage(name, "mask"),
        keys.candidate(name),
        keys.prediction(name),
        keys.record(name),
        keys.detection(name),
        keys.plot(name),
        keys.set_picture(name),
    ]
    assert len(set(made)) == len(made)
    assert all(key.startswith("runs/r1/") and name in key for key in made)


def test_prediction_is_named_after_the_candidate_as_by_the_transform_job():
    keys = RunKeys("r1")
    assert keys.prediction("x.fits").removeprefix(keys.predictions) == (
        keys.candidate("x.fits").removeprefix(keys.candidates) + ".out"
    )


def test_paths_are_the_keys_relative_to_the_run_folder():
    keys, paths = RunKeys("r1"), RunPaths()
    assert paths.image("2022/x.fits") == "images/2022/x.fits.png"
    assert keys.image("2022/x.fits") == f"{keys.root}{paths.image('2022/x.fits')}"
    assert keys.predictions == f"{keys.root}{paths.predictions}"


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
        ("x.fit", False),
        ("fits", False),
        ("x.gz", False),
    ],
)
def test_fits_files_are_recognized_by_their_suffix(name: str, expected: bool):  # noqa: FBT001 -- a test parameter
    assert is_fits(name) is expected
