"""Options, output and exit codes of the command line. Whole runs are tested in tests/end_to_end."""

import json
import os
import re
import shutil
import sys

import pytest

from mars_aurora import __version__
from mars_aurora.local import cli, commands, plan, summary


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
        (["run", ".", "--out", "o", "--workers", "0"], "it must be at least 1; see `mars-aurora run --help`"),
        (["run", ".", "--out", "o", "--workers", "x"], "'--workers': it must be a whole number"),
        (["run", ".", "--out", "o", "--detector", "magic"], "'--detector': 'magic' is not one of 'threshold', 'yolo'"),
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


def test_folders_whose_names_are_not_text_are_printed(capsys, night_file, tmp_path):
    folder = tmp_path / os.fsdecode(b"\xff")
    folder.mkdir()
    shutil.copy(night_file, folder)
    code, out, _ = _call(capsys, "run", folder, "--out", folder / "out")
    assert code == 0
    assert "\\udcff/out/runs/" in out


def test_output_folder_that_cannot_be_written_is_an_error_in_one_line(capsys, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in/x.fits").touch()
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
    (tmp_path / "x.fits").touch()
    monkeypatch.setattr(plan, "describe_plan", lambda job, _: seen.append(job.again) or "")
    _call(capsys, "run", tmp_path, "--out", tmp_path, "--dry-run", *option)
    assert seen == [again]


def test_cleaning_can_be_turned_off_in_a_run_of_its_own(capsys, tmp_path, monkeypatch):
    seen = []
    (tmp_path / "x.fits").touch()
    monkeypatch.setattr(plan, "describe_plan", lambda job, _: seen.append(job) or "")
    for options in ([], ["--cleaning"], ["--no-cleaning"]):
        _call(capsys, "run", tmp_path, "--out", tmp_path, "--dry-run", *options)
    assert [job.cleaning for job in seen] == [True, True, False]
    assert seen[0].run_id == seen[1].run_id != seen[2].run_id


def test_folder_without_fits_files_is_a_usage_error_and_nothing_is_written(capsys, tmp_path):
    (tmp_path / "notes.txt").touch()
    for command in (["run", tmp_path, "--out", tmp_path / "out"], ["inspect", tmp_path]):
        code, out, err = _call(capsys, *command)
        assert (code, out) == (2, "")
        assert err.startswith(f"mars-aurora: no FITS files in {tmp_path} among 1 files: their names end in .fits, ")
    assert not (tmp_path / "out").exists()


def test_run_without_a_usable_input_ends_with_code_2_and_why(capsys, tmp_path):
    (tmp_path / "x.fits").write_bytes(b"text")
    code, out, err = _call(capsys, "run", tmp_path / "x.fits", "--out", tmp_path / "out", "--run-id", "r")
    assert code == 2
    assert "rejected: 1 not_fits; for example x.fits: " in out
    assert err.splitlines()[-1].startswith("mars-aurora: no input was usable (1 rejected): `mars-aurora inspect FILE`")
    assert (tmp_path / "out/runs/r/ledger.csv").is_file()


@pytest.mark.parametrize("name", ["a.fits", "a.FIT", "a.fts.gz", "a.fits.fz", "a.fits.bz2", "a.dat", "._a.fits"])
def test_run_and_inspect_have_one_rule_for_names(capsys, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    for file in (name, "b.fits"):
        (tmp_path / file).write_bytes(b"text")
    _, out, _ = _call(capsys, "inspect", ".", "--json")
    inspected = {item["name"]: (item["outcome"], item["reason"]) for item in json.loads(out)}
    _call(capsys, "run", ".", "--out", "out", "--run-id", "r", "--workers", "1")
    run = {row["name"]: (row["outcome"], row["reason"]) for row in summary.read_ledger(tmp_path / "out/runs/r")}
    assert inspected == run


@pytest.mark.parametrize(
    ("arguments", "extra"),
    [(["plot", "RUN"], "matplotlib plots"), (["submit", "IN"], "boto3 cloud"), (["status"], "boto3 cloud")],
)
def test_command_without_its_extra_names_it(capsys, tmp_path, monkeypatch, arguments, extra):
    module, extra = extra.split()
    (tmp_path / "x.fits").touch()
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.delitem(sys.modules, "mars_aurora.catalogue.plots", raising=False)
    code, out, err = _call(capsys, *(tmp_path if word.isupper() else word for word in arguments))
    assert (code, out) == (2, "")
    assert err == f"mars-aurora: this command needs {module}: pip install 'mars-aurora[{extra}]'\n"


def test_help_is_in_groups_without_names_of_types(capsys):
    _, out, _ = _call(capsys, "--help")
    groups = [line.strip("╭─╮ ") for line in out.splitlines() if line.startswith("╭")]
    assert groups == ["Options", "On this computer", "In the cloud", "Data"]
    for command in ("run", "inspect", "simulate", "label", "plot", "submit", "status", "fetch", "resume"):
        _, out, _ = _call(capsys, command, "--help")
        assert not re.search(r"<(bool|str|int|list|path)|int range", out)


def test_default_run_id_depends_on_inputs_and_settings(tmp_path):
    run_id = commands._default_run_id([tmp_path], "2 threshold")
    assert run_id == commands._default_run_id([tmp_path], "2 threshold")
    assert run_id.startswith(tmp_path.name[:20])
    assert (
        len(
            {
                run_id,
                commands._default_run_id([tmp_path], "3"),
                commands._default_run_id([tmp_path.parent], "2 threshold"),
            }
        )
        == 3
    )
