"""What a dry run prints, after runs on simulated files."""

import io
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from mars_aurora.detect.detectors import DetectorName, describe_detector
from mars_aurora.local import runner
from mars_aurora.local.disk import DiskSpaceError
from mars_aurora.local.inputs import find_inputs
from mars_aurora.local.plan import describe_plan
from mars_aurora.local.progress import Progress
from mars_aurora.local.tasks import Job
from mars_aurora.run.messages import Again

AFTER = "after the stage before"


@pytest.fixture(scope="module")
def done(tmp_path_factory, simulated_folder) -> tuple[Path, Job]:
    """Three files, one of them rejected, and the settings of a run on them that is done; every picture a candidate."""
    folder = tmp_path_factory.mktemp("plan")
    (folder / "in").mkdir()
    for source in sorted(simulated_folder.glob("*.fits.gz"))[:2]:
        shutil.copy(source, folder / "in")
    (folder / "in/text.fits").write_bytes(b"text")
    (folder / "in/notes.txt").touch()
    job = Job("r", folder, min_objects=1, detector=DetectorName.THRESHOLD)
    runner.run(job, find_inputs([folder / "in"]), 1, Progress(Console(file=io.StringIO())))
    return folder, job


def _stages(folder: Path, job: Job) -> list[str]:
    first, *stages, _ = describe_plan(job, find_inputs([folder / "in"])).splitlines()
    assert first == "4 inputs: 3 FITS files, 1 others"
    return stages


def test_before_the_first_run_everything_is_new(done):
    folder, job = done
    after = f"up to 3 {AFTER}"
    assert "needed" in describe_plan(replace(job, run_id="other"), find_inputs([folder / "in"]))
    assert "disk: about 0.0 MB" not in describe_plan(replace(job, run_id="other"), find_inputs([folder / "in"]))
    assert _stages(folder, replace(job, run_id="other")) == [
        "reading: 3 new",
        f"counting: {after}",
        f"detecting: {after}",
        f"measuring: {after}",
    ]


def test_after_a_run_everything_is_done(done):
    folder, job = done
    assert _stages(folder, job) == ["reading: 3 done", "counting: 2 done", "detecting: 2 done", "measuring: 2 done"]
    assert "disk: about 0.0 MB needed" in describe_plan(job, find_inputs([folder / "in"]))


def test_missing_products_are_made_again(done, tmp_path):
    folder, job = done
    shutil.copytree(folder / "runs", tmp_path / "runs")
    job = replace(job, out=tmp_path)
    name = min((folder / "in").glob("*.fits.gz")).name
    (tmp_path / job.keys.measured(name)).unlink()
    assert _stages(folder, job)[3] == "measuring: 1 done, 1 new"
    (tmp_path / job.keys.measured(name)).write_bytes(b"{}")
    assert _stages(folder, job)[3] == "measuring: 1 done, 1 to be measured again"
    (tmp_path / job.keys.prediction(name, describe_detector(job.detector).folder)).write_bytes(b"{}")
    assert _stages(folder, job)[2:] == ["detecting: 1 done, 1 failed before", f"measuring: 1 done, up to 1 {AFTER}"]
    (tmp_path / job.keys.image(name)).write_bytes(b"")
    assert _stages(folder, job)[0] == "reading: 2 done, 1 to be read again"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            {"detector": DetectorName.YOLO},
            ["3 done", "2 done", "2 new", f"up to 2 {AFTER}"],
        ),
        ({"min_objects": 2}, ["3 done", "2 to be counted again", f"up to 2 {AFTER}", f"up to 2 {AFTER}"]),
        ({"again": Again.REJECTED}, ["2 done, 1 requested again", *[f"2 done, up to 1 {AFTER}"] * 3]),
        ({"emission": "O I 135.6"}, ["3 to be read again", *[f"up to 3 {AFTER}"] * 3]),
        ({"cleaning": False}, ["3 to be read again", *[f"up to 3 {AFTER}"] * 3]),
    ],
)
def test_changed_settings_reach_as_far_as_they_have_an_effect(done, change, expected):
    folder, job = done
    assert [line.partition(": ")[2] for line in _stages(folder, replace(job, **change))] == expected


def test_run_that_does_not_fit_on_the_disk_stops_before_any_work(done, monkeypatch):
    folder, job = done
    ledger = (folder / job.keys.product("ledger.csv")).read_bytes()
    monkeypatch.setattr(runner, "estimate_growth", lambda *_: 10**18)
    with pytest.raises(DiskSpaceError, match=r"need about 1000000000\.0 GB"):
        runner.run(job, find_inputs([folder / "in"]), 1, Progress(Console(file=io.StringIO())))
    assert (folder / job.keys.product("ledger.csv")).read_bytes() == ledger


def test_changed_file_is_read_again(done):
    folder, job = done
    os.utime(folder / "in/text.fits", ns=(0, 0))
    assert _stages(folder, job)[0] == "reading: 2 done, 1 changed"
