"""Keys, which a folder and a bucket share."""

import pytest

from mars_aurora.errors import UsageError
from mars_aurora.run.keys import RunKeys, is_fits


def test_every_key_of_an_input_lies_in_its_run_and_holds_its_whole_name():
    keys, name = RunKeys("r1"), "2022/x.fits.gz"
    made = [
        keys.image(name),
        keys.geometry(name),
        keys.stage(name, "mask"),
        keys.candidate(name),
        keys.prediction(name),
        keys.record(name),
        keys.detection(name),
    ]
    assert len(set(made)) == len(made)
    assert all(key.startswith("runs/r1/") and name in key for key in made)


def test_a_prediction_is_the_candidate_with_the_transform_jobs_suffix():
    keys = RunKeys("r1")
    assert keys.prediction("x.fits").removeprefix(keys.predictions) == (
        keys.candidate("x.fits").removeprefix(keys.candidates) + ".out"
    )


@pytest.mark.parametrize("run_id", ["r", "2022-03-31", "a.b_c-d", "x" * 80])
def test_sensible_run_ids_are_taken(run_id: str):
    assert RunKeys(run_id).root == f"runs/{run_id}/"


@pytest.mark.parametrize("run_id", ["", ".", "..", "../x", "a/b", "a b", "-rf", "é", "x" * 81, "a\n"])
def test_run_ids_that_could_stray_are_not(run_id: str):
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
def test_fits_is_known_by_its_name(name: str, expected: bool):  # noqa: FBT001 -- a parameter of the test
    assert is_fits(name) is expected
