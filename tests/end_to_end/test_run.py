"""Runs of the command line from a folder of files to ledger and catalogue."""

import os
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path

import pytest
from machine import slowness

COLUMNS = [
    "name",
    "detection",
    "lat_deg",
    "lon_deg",
    "area_km2",
    "mean_brightness_R",
    "peak_brightness_R",
    "confidence",
]


@pytest.fixture(scope="module")
def whole(run, simulated_folder, tmp_path_factory):
    """An uninterrupted run over the simulated files."""
    return run(simulated_folder, out=tmp_path_factory.mktemp("whole"))


@pytest.fixture(scope="module")
def many(simulated_folder, tmp_path_factory) -> Path:
    """Five copies of the simulated files, so that a run can be interrupted before its end."""
    folder = tmp_path_factory.mktemp("many")
    for copy in range(5):
        (folder / str(copy)).symlink_to(simulated_folder)
    return folder


def test_every_file_has_one_row_in_the_ledger(whole, simulated_folder):
    assert (whole.code, whole.errors) == (0, [])
    assert set(whole.ledger) == {path.name for path in simulated_folder.iterdir()}
    assert whole.ledger["notes.txt"]["outcome"] == "ignored"
    assert list(whole.table("ledger.csv")[0])[:5] == ["name", "outcome", "reason", "objects", "auroras"]
    counts = Counter(row["outcome"] for row in whole.ledger.values())
    assert set(counts) <= {"aurora", "no_aurora", "discarded", "no_night", "superseded", "ignored"}
    assert f"{len(whole.ledger)} inputs: " in whole.stdout
    assert f"{counts['aurora']} aurora," in whole.stdout


def test_catalogue_agrees_with_ledger_and_detections(whole):
    rows = whole.table("catalogue.csv")
    assert list(rows[0])[:8] == COLUMNS
    found = Counter(row["name"] for row in rows if "no_signal" not in row["quality_flags"].split())
    assert found == {name: int(row["auroras"]) for name, row in whole.ledger.items() if row["outcome"] == "aurora"}
    assert {path.name for path in (whole.folder / "detections").iterdir()} == {f"{name}.png" for name in found}
    assert {path.name for path in (whole.folder / "native").iterdir()} == {f"{name}.fits" for name in found}
    for row in rows:
        assert -90 <= float(row["lat_deg"]) <= 90
        assert 0 <= float(row["lon_deg"]) < 360


def test_only_discarded_pictures_have_fewer_than_two_objects(whole):
    for row in whole.ledger.values():
        if row["outcome"] in {"aurora", "no_aurora", "discarded"}:
            assert (int(row["objects"]) < 2) == (row["outcome"] == "discarded")


def test_results_do_not_depend_on_the_number_of_workers(run, whole, simulated_folder, tmp_path):
    again = run(simulated_folder, out=tmp_path, options=("--workers", "1"))
    assert again.results == whole.results


def test_repeated_run_writes_nothing_again(run, simulated_folder, tmp_path):
    def times() -> dict[Path, int]:
        made = (first.folder / kind for kind in ("images", "geometry", "candidates", "predictions", "ledger"))
        return {path: path.stat().st_mtime_ns for folder in made for path in folder.rglob("*.*")}

    first = run(simulated_folder, out=tmp_path)
    before = times()
    again = run(simulated_folder, out=tmp_path)
    assert again.results == first.results
    assert times() == before


def test_default_run_id_resumes_only_with_the_same_settings(command, simulated_folder, tmp_path):
    plain = [command, "run", simulated_folder, "--out", tmp_path]
    for options in ([], [], ["--min-objects", "3"]):
        subprocess.run([*plain, *options], check=True, capture_output=True, timeout=300 * slowness())
    assert len(list((tmp_path / "runs").iterdir())) == 2


def test_run_with_changed_settings_counts_again_and_gives_what_a_new_run_gives(run, simulated_folder, tmp_path):
    run(simulated_folder, out=tmp_path)
    changed = run(simulated_folder, out=tmp_path, options=("--min-objects", "4"))
    new = run(simulated_folder, out=tmp_path / "new", options=("--min-objects", "4"))
    assert changed.ledger == new.ledger


def test_other_inputs_of_a_run_are_a_usage_error(run, simulated_folder, tmp_path):
    run(simulated_folder, out=tmp_path)
    (tmp_path / "other").mkdir()
    (tmp_path / "other/x.fits").touch()
    other = run(tmp_path / "other", out=tmp_path)
    assert other.code == 2
    assert "use another --run-id" in other.stderr


def test_results_in_the_input_folder_are_not_inputs(run, simulated_folder, tmp_path):
    source = next(path for path in simulated_folder.iterdir() if path.suffix == ".gz")
    (tmp_path / source.name).symlink_to(source)
    first = run(tmp_path, out=tmp_path)
    second = run(tmp_path, out=tmp_path, run_id="second")
    assert set(first.ledger) == set(second.ledger) == {source.name}


def test_stage_pictures_are_kept_on_request(run, night_file, tmp_path):
    done = run(night_file, out=tmp_path, options=("--keep-stages",))
    stages = list((done.folder / "stages" / night_file.name).glob("*.png"))
    assert done.code == 0
    assert len(stages) >= 4


def test_aurora_on_the_night_side_is_in_the_catalogue(run, broad_aurora, tmp_path):
    path = tmp_path / broad_aurora.name
    path.write_bytes(broad_aurora.to_gzip())
    done = run(path, out=tmp_path)
    assert done.ledger[path.name]["outcome"] == "aurora"
    truth = broad_aurora.truth["auroras"][0]["seen"]
    best = max(done.table("catalogue.csv"), key=lambda row: float(row["area_km2"]))
    assert float(best["lat_deg"]) == pytest.approx(truth["lat_deg"], abs=5)
    assert (float(best["lon_deg"]) - truth["lon_deg"] + 180) % 360 - 180 == pytest.approx(0, abs=5)


def test_run_without_a_usable_input_writes_empty_tables(run, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in/x.fits").write_text("text")
    done = run(tmp_path / "in", out=tmp_path)
    assert (done.code, list(done.ledger), done.table("catalogue.csv")) == (2, ["x.fits"], [])
    assert (done.folder / "catalogue.csv").read_text().startswith(",".join(COLUMNS))


def test_run_on_real_files_of_another_instrument_succeeds(run, iuvs_folder, tmp_path):
    done = run(iuvs_folder, out=tmp_path)
    reasons = Counter(row["reason"] or row["outcome"] for row in done.ledger.values())
    assert done.code == 0
    assert len(done.ledger) == 9
    assert reasons["too_few_integrations"] == 2
    assert reasons["no_130nm_line"] == 1


@pytest.mark.slow
@pytest.mark.parametrize("stop", [signal.SIGKILL, signal.SIGINT])
def test_interrupted_run_resumes_to_the_same_results(run, command, many, tmp_path, stop):
    expected = run(many, out=tmp_path / "whole")
    interrupted = [command, "run", many, "--out", tmp_path / "cut", "--run-id", "r", "--workers", "2"]
    process = subprocess.Popen(
        interrupted, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    records = tmp_path / "cut/runs/r/ledger"
    while len(list(records.rglob("*.json"))) < 6:
        assert process.poll() is None
        time.sleep(0.005)
    os.killpg(process.pid, stop) if stop is signal.SIGINT else process.kill()
    _, message = process.communicate(timeout=60 * slowness())
    done = len(list(records.rglob("*.json")))
    assert done < len(expected.ledger) - 5
    assert not (records.parent / "ledger.csv").exists()
    if stop is signal.SIGINT:
        assert process.returncode == 130
        *progress, last = message.splitlines()  # a slow run has printed its progress by then
        assert all(line.startswith("Reading and classifying") for line in progress)
        assert "--run-id r" in last
        assert not list(tmp_path.rglob(".aside-*"))
    finished = run(many, out=tmp_path / "cut")
    assert finished.code == 0
    assert finished.results == expected.results
