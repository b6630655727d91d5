"""Options, output and exit codes of the command line. Whole runs are tested in tests/end_to_end."""

import os

import pytest

from mars_aurora import __version__
from mars_aurora.catalogue.ledger_table import to_csv
from mars_aurora.local import cli, plan
from mars_aurora.local.tasks import Job
from mars_aurora.run.ledger import Outcome, Record


def _call(capsys, *arguments: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as end:
        cli.main([str(argument) for argument in arguments])
    output = capsys.readouterr()
    return end.value.code, output.out, output.err


def test_version(capsys):
    assert _call(capsys, "--version") == (0, f"mars-aurora {__version__}\n", "")


def test_help_lists_all_commands_including_those_of_other_packages(capsys):
    code, out, err = _call(capsys, "--help")
    assert (code, err) == (0, "")
    for command in ("run", "inspect", "simulate"):
        assert f" {command} " in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run"], "Missing argument 'INPUT'"),
        (["run", "/nowhere", "--out", "o"], "/nowhere does not exist"),
        (["run", ".", "--out", "o", "--workers", "0"], "--workers"),
        (["run", ".", "--out", "o", "--detector", "magic"], "'magic' is not one of 'threshold', 'yolo'"),
        (["run", ".", "--out", "o", "--run-id", "../up"], "the run id '../up' is invalid"),
        (["run", ".", "--out", "o", "--again", "some"], "'some' is not one of 'rejected', 'all'"),
        (["run", ".", "--nonsense"], "No such option: --nonsense"),
        (["inspect"], "Missing argument 'INPUT'"),
        (["inspect", "/nowhere.fits"], "/nowhere.fits does not exist"),
        (["inspect", ".", "--emission", "X"], "the emission 'X' is not known"),
        (["fly"], "No such command 'fly'"),
    ],
)
def test_usage_error_is_printed_in_one_line(capsys, arguments, message):
    code, out, err = _call(capsys, *arguments)
    assert (code, out) == (2, "")
    assert err.startswith("mars-aurora: ")
    assert err.count("\n") == 1
    assert message in err


def test_folders_whose_names_are_not_text_are_printed(capsys, tmp_path):
    folder = tmp_path / os.fsdecode(b"\xff")
    folder.mkdir()
    code, out, err = _call(capsys, "run", folder, "--out", folder / "out")
    assert (code, err) == (0, "")
    assert "\\udcff/out/runs/" in out


def test_output_folder_that_cannot_be_written_is_an_error_in_one_line(capsys, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "file").touch()
    code, _, err = _call(capsys, "run", tmp_path / "in", "--out", tmp_path / "file")
    assert code == 1
    assert err.count("\n") == 1
    assert str(tmp_path / "file") in err


def test_dry_run_writes_nothing(capsys, simulated_folder, tmp_path):
    code, out, err = _call(capsys, "run", simulated_folder, "--out", tmp_path / "out", "--dry-run")
    assert (code, err) == (0, "")
    assert "reading: 12 new" in out.splitlines()
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("option", "again"), [([], ""), (["--again", "rejected"], "rejected"), (["--again", "all"], "all")]
)
def test_inputs_to_process_again_are_passed_to_the_run(capsys, tmp_path, monkeypatch, option, again):
    seen = []
    monkeypatch.setattr(plan, "describe_plan", lambda job, _: seen.append(job.again) or "")
    _call(capsys, "run", tmp_path, "--out", tmp_path, "--dry-run", *option)
    assert seen == [again]


def test_cleaning_can_be_turned_off_in_a_run_of_its_own(capsys, tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(plan, "describe_plan", lambda job, _: seen.append(job) or "")
    for options in ([], ["--cleaning"], ["--no-cleaning"]):
        _call(capsys, "run", tmp_path, "--out", tmp_path, "--dry-run", *options)
    assert [job.cleaning for job in seen] == [True, True, False]
    assert seen[0].run_id == seen[1].run_id != seen[2].run_id


def test_the_most_frequent_reasons_of_failure_are_printed_with_an_example(capsys, tmp_path):
    job = Job("r", tmp_path)
    records = [
        Record(f"{reason}{number}.fits", Outcome.FAILED, f"reason{reason}", detail=f"detail {number}")
        for reason in range(7)
        for number in range(reason + 1)
    ]
    records.append(Record("sound.fits", Outcome.NO_AURORA))
    job.work.put(job.keys.product("ledger.csv"), to_csv(records))
    cli._print_failures(job)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 5
    assert lines[0] == "mars-aurora: 7 failed: reason6, for example 60.fits: detail 0"


def test_default_run_id_depends_on_inputs_and_settings(tmp_path):
    run_id = cli._default_run_id([tmp_path], "2 threshold")
    assert run_id == cli._default_run_id([tmp_path], "2 threshold")
    assert run_id.startswith(tmp_path.name[:20])
    assert (
        len({run_id, cli._default_run_id([tmp_path], "3"), cli._default_run_id([tmp_path.parent], "2 threshold")}) == 3
    )
