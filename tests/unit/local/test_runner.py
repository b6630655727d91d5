"""Failures and progress of the local runner. Whole runs are tested in tests/end_to_end."""

import io
import json
import re
from functools import partial
from pathlib import Path

import pytest
from rich.console import Console

from mars_aurora.catalogue.tables import AURORAS, RowTable
from mars_aurora.catalogue.write import Contents, write_some
from mars_aurora.detect.detectors import DetectorName
from mars_aurora.errors import BusyError, ChangedError, ProductError
from mars_aurora.local import runner
from mars_aurora.local.inputs import InputFiles, find_inputs
from mars_aurora.local.lock import lock_folder
from mars_aurora.local.plan import plan_reading
from mars_aurora.local.pool import TimedOutError, WorkerDiedError, WorkerPool
from mars_aurora.local.progress import Progress
from mars_aurora.local.tasks import Job
from mars_aurora.run.keys import PRODUCTS, RUN_FILE, RunKeys
from mars_aurora.run.provenance import describe_provenance
from mars_aurora.run.records import read_records
from mars_aurora.run.storage import FolderStorage


@pytest.fixture
def progress() -> Progress:
    return Progress(Console(file=io.StringIO(), force_terminal=True, width=200))


class FailingPool:
    """A pool that returns an error for each task."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def map(self, _function, tasks):
        return ((task, self.error) for task in tasks)

    def fail(self, *_arguments, **_options):
        raise self.error


@pytest.mark.parametrize(
    ("error", "reason", "detail"),
    [
        (WorkerDiedError("killed"), "worker_died", "killed"),
        (TimedOutError("too long"), "timed_out", "too long"),
        (MemoryError("8 GB"), "out_of_memory", "8 GB"),
        (ChangedError("it was cut"), "changed_during_run", "it was cut"),
        (PermissionError(13, "Permission denied"), "not_written", "[Errno 13] Permission denied"),
        (KeyError("a picture"), "missing_object", "a picture is missing"),
        (OSError(28, "No space left on device"), "disk_full", "[Errno 28] No space left on device"),
        (ValueError("a number"), "error", "ValueError: a number"),
    ],
)
def test_error_of_the_pool_is_a_failure_and_is_retried(tmp_path, progress, error, reason, detail):
    (tmp_path / "in").mkdir()
    (tmp_path / "in/x.fits").write_bytes(b"text")
    inputs, job = find_inputs([tmp_path / "in"]), Job("r", tmp_path)
    runner._read_and_classify(job, plan_reading(job, inputs), inputs, FailingPool(error), progress)
    record = read_records(["x.fits"], job.work, job.keys)["x.fits"]
    assert (record.outcome, record.reason, record.detail) == ("failed", reason, detail)
    again = runner.run(job, inputs, 1, progress)
    assert again.counts["rejected"] == 1


def test_picture_that_cannot_be_written_fails_alone_and_is_retried(tmp_path, simulated_folder, progress):
    sources = sorted(simulated_folder.glob("*.fits.gz"))[:2]
    inputs, job = InputFiles({path.name: path for path in sources}), Job("r", tmp_path, min_objects=1)
    obstacle = tmp_path / job.keys.image(sources[0].name)
    obstacle.mkdir(parents=True)
    result = runner.run(job, inputs, 2, progress)
    assert result.counts["failed"] == 1
    assert f"{sources[0].name},failed,not_written," in job.work.get(job.keys.product("ledger.csv")).decode()
    obstacle.rmdir()
    assert runner.run(job, inputs, 2, progress).counts["failed"] == 0


def test_input_that_vanishes_after_it_is_listed_fails_alone(tmp_path, progress):
    (tmp_path / "in").mkdir()
    for name in ("gone.fits", "text.fits"):
        (tmp_path / "in" / name).write_bytes(b"text")
    inputs, job = find_inputs([tmp_path / "in"]), Job("r", tmp_path)
    (tmp_path / "in/gone.fits").unlink()
    result = runner.run(job, inputs, 1, progress)
    assert (result.counts["failed"], result.counts["rejected"]) == (1, 1)
    assert "gone.fits,failed,unreadable," in job.work.get(job.keys.product("ledger.csv")).decode()


def test_products_of_an_earlier_run_do_not_outlive_the_start_of_one_that_fails(tmp_path, progress, monkeypatch):
    (tmp_path / "in").mkdir()
    inputs, job = find_inputs([tmp_path / "in"]), Job("r", tmp_path)
    runner.run(job, inputs, 1, progress)
    products = [job.keys.product(name) for name in PRODUCTS]
    assert all((tmp_path / key).exists() for key in products)
    monkeypatch.setattr(runner, "join_slices", FailingPool(OSError(28, "No space left on device")).fail)
    with pytest.raises(OSError, match="No space left"):
        runner.run(job, inputs, 1, progress)
    assert not any((tmp_path / key).exists() for key in products)


def test_run_in_a_folder_where_another_works_is_refused_and_leaves_its_products(tmp_path, progress, monkeypatch):
    (tmp_path / "in").mkdir()
    inputs, job = find_inputs([tmp_path / "in"]), Job("r", tmp_path)
    runner.run(job, inputs, 1, progress)
    monkeypatch.setattr(runner, "lock_folder", partial(lock_folder, wait_s=0))
    with lock_folder(tmp_path / job.keys.root), pytest.raises(BusyError):
        runner.run(job, inputs, 1, progress)
    assert all((tmp_path / job.keys.product(name)).exists() for name in PRODUCTS)


def test_progress_shows_phase_number_rate_and_outcomes(tmp_path, simulated_folder):
    screen = io.StringIO()
    inputs, job = find_inputs([simulated_folder]), Job("r", tmp_path)
    with Progress(Console(file=screen, force_terminal=True, width=200)) as progress, WorkerPool(1) as pool:
        runner._read_and_classify(job, plan_reading(job, inputs), inputs, pool, progress)
    shown = screen.getvalue()
    assert "Reading and classifying" in shown
    assert "12/12" in shown
    assert "candidate" in shown
    assert "/s" in shown


def test_without_a_terminal_each_phase_with_work_has_a_line(tmp_path):
    screen = io.StringIO()
    (tmp_path / "in").mkdir()
    (tmp_path / "in/x.fits").write_bytes(b"text")
    with Progress(Console(file=screen)) as progress:
        runner.run(Job("r", tmp_path), find_inputs([tmp_path / "in"]), 1, progress)
    lines = screen.getvalue().splitlines()
    assert re.fullmatch(r"Reading and classifying 1/1 [\d.]+/s 0:\d\d:\d\d 1 rejected", lines[0])
    assert re.match(r"Writing (\d+)/\1 ", lines[-1])


class ForgetfulStorage(FolderStorage):
    """A folder that keeps nothing."""

    def put_file(self, key: str, path: Path) -> None:
        """Keep nothing."""


def test_product_that_cannot_be_read_back_ends_the_run_by_name(tmp_path, progress):
    made_by = describe_provenance(DetectorName.YOLO, 2, "")
    contents = Contents([], RowTable([], made_by), RowTable([], made_by, AURORAS))
    write = partial(write_some, contents=contents, keys=RunKeys("r"), storage=FolderStorage(tmp_path))
    lost = partial(write_some, contents=contents, keys=RunKeys("r"), storage=ForgetfulStorage(tmp_path))
    with WorkerPool(1) as pool:
        written = runner._write(write, [("jmars.csv", "catalogue.csv")], pool=pool, progress=progress)
        assert [[item.key for item in found] for found in written] == [["runs/r/jmars.csv", "runs/r/catalogue.csv"]]
        with pytest.raises(ProductError, match=r"^runs/r/auroras\.csv: it was removed"):
            list(runner._write(lost, [("auroras.csv",)], pool=pool, progress=progress))


def test_run_folder_of_an_earlier_version_is_made_again_and_says_so_once(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in/x.fits").write_bytes(b"text")
    inputs, job = find_inputs([tmp_path / "in"]), Job("r", tmp_path)
    job.work.put(job.keys.product(RUN_FILE), json.dumps({"inputs": inputs.roots, "min_objects": 2}).encode())
    job.work.put(job.keys.record("x.fits"), b'{"name": "x.fits", "outcome": "no_aurora", "objects": 3}')
    output = io.StringIO()
    for _ in range(2):
        assert runner.run(job, inputs, 1, Progress(Console(file=output))).counts["rejected"] == 1
    assert output.getvalue().count("was made by an earlier version of mars-aurora: everything is done again") == 1
