"""``mars-aurora inspect``: contents, outcome, exit code; as text and as JSON."""

import json
import os
import re
from pathlib import Path

import numpy as np
import pytest

from mars_aurora.local import cli, inspection
from mars_aurora.local.inspection_text import describe
from mars_aurora.night import Night
from mars_aurora_model.simulator.simulate import Simulated

PAGE = (Path(__file__).parents[3] / "docs" / "inspect.md").read_text()
REPORT = inspection._EMPTY | dict.fromkeys(inspection.OF_RECORD) | {"name": "x.fits", "outcome": "candidate"}


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory, broad_aurora: Simulated) -> Path:
    path = tmp_path_factory.mktemp("broad") / "x.fits"
    path.write_bytes(broad_aurora.to_fits())
    return path


def _call(capsys, *arguments: object) -> tuple[int, str]:
    with pytest.raises(SystemExit) as end:
        cli.main(["inspect", *map(str, arguments)])
    return end.value.code, capsys.readouterr().out


def _inspect(capsys, *arguments: object) -> tuple[int, list[dict]]:
    code, out = _call(capsys, *arguments, "--json")
    return code, json.loads(out)


def test_contents_and_outcome_of_a_usable_file_are_shown(capsys, file):
    code, out = _call(capsys, file)
    assert code == 0
    lines = out.splitlines()
    assert re.fullmatch(r"x\.fits: candidate: \d objects", lines[0])
    assert max(map(len, lines)) <= 120
    for item in ("EMM/EMUS L2B", "EMISS (", "disk: SZA ", "night: ", " million km2, level ", "cleaning: error_factor "):
        assert f"  {item}" in out or item in out


def test_report_has_the_ranges_of_the_disk_the_night_and_the_documented_keys(capsys, file, broad_aurora):
    code, (report,) = _inspect(capsys, file)
    assert code == 0
    shown = broad_aurora.swath.geometry
    sza_deg = shown.sza_deg[:, 0][shown.on_disk]
    assert report["sza_deg"] == pytest.approx([sza_deg.min(), sza_deg.max()], abs=2)
    assert report["latitude_deg"][0] < report["latitude_deg"][1]
    assert [report["integrations"], report["slit_bins"]] == list(shown.on_disk.shape)
    assert report["night"]["area_km2"] > 5e6
    assert 0.5 < report["night"]["limit_R"] < 10
    assert report["brightness_R"] == sorted(report["brightness_R"])
    documented = [
        key for row in re.findall(r"^\| (`.*?) \|", PAGE, re.MULTILINE) for key in re.findall(r"`(\w+)`", row)
    ]
    assert sorted(report) == sorted(documented)


@pytest.mark.parametrize("emission", ["O I 130.4", "O I 135.6"])
def test_emission_that_is_given_is_read(capsys, file, emission):
    code, (report,) = _inspect(capsys, file, "--emission", emission)
    assert (code, report["emission"]) == (0, emission)


def test_options_of_the_run_are_applied(capsys, file):
    _, (report,) = _inspect(capsys, file, "--min-objects", "99", "--no-cleaning")
    assert (report["outcome"], report["reason"], report["cleaning"]) == ("discarded", "too_few_objects", {})


def test_nothing_is_kept(capsys, file, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    _call(capsys, file)
    assert [path.name for path in file.parent.iterdir()] == ["x.fits"]
    assert list(tmp_path.iterdir()) == []


def test_rejected_file_has_its_reason_and_ends_with_1(capsys, tmp_path):
    (tmp_path / "x.fits").write_bytes(b"text")
    code, out = _call(capsys, tmp_path / "x.fits")
    assert code == 1
    assert out.startswith("x.fits: rejected: not_fits: ")
    assert _inspect(capsys, tmp_path / "x.fits")[1][0]["night"] is None


def test_ignored_name_ends_with_1_where_it_is_given_and_its_contents_are_shown(capsys, file, tmp_path):
    (tmp_path / "x.dat").symlink_to(file)
    code, out = _call(capsys, tmp_path / "x.dat")
    assert code == 1
    assert out.startswith("x.dat: ignored: not_fits_name: ")
    assert "EMM/EMUS L2B" in out
    (tmp_path / "y.fits").symlink_to(file)
    code, out = _call(capsys, tmp_path)
    assert code == 0
    assert out.startswith("x.dat: ignored: not_fits_name: ")


def test_files_and_folders_are_reported_by_name_and_copies_superseded(capsys, file, tmp_path):
    (tmp_path / "y.fits").symlink_to(file)
    (tmp_path / "notes.txt").write_text("x")
    code, reports = _inspect(capsys, file, tmp_path)
    assert code == 1
    assert [(report["name"], report["outcome"], report["superseded_by"]) for report in reports] == [
        ("notes.txt", "ignored", ""),
        ("x.fits", "candidate", ""),
        ("y.fits", "superseded", "x.fits"),
    ]


def test_pipe_is_rejected_without_opening_it(capsys, tmp_path):
    os.mkfifo(tmp_path / "x.fits")
    code, reports = _inspect(capsys, tmp_path)
    assert (code, reports[0]["outcome"], reports[0]["reason"]) == (1, "rejected", "not_a_file")


def test_folder_without_fits_files_is_a_usage_error(capsys, tmp_path):
    (tmp_path / "x.dat").touch()
    assert _call(capsys, tmp_path, "--json") == (2, "")


def test_name_that_is_not_text_is_printed(capsys, tmp_path):
    path = tmp_path / os.fsdecode(b"\xff.fits")
    path.write_bytes(b"text")
    assert _call(capsys, path)[1].startswith("%FF.fits: rejected: not_fits: ")
    assert _inspect(capsys, path)[1][0]["name"] == "%FF.fits"


@pytest.mark.parametrize(
    ("longitudes", "arc"),
    [
        ([10.0, 30.0, 20.0], [10, 30]),
        ([350.0, 5.0, 359.0], [350, 5]),
        ([-10.0, 5.0], [350, 5]),
        ([7.0, np.nan], [7, 7]),
        ([np.nan], None),
        (np.arange(0.0, 360.0, 1.0), [0, 359]),
    ],
)
def test_longitudes_are_the_shortest_arc_with_all(longitudes, arc):
    assert inspection._find_arc(np.array(longitudes)) == arc


def test_numbers_that_are_not_finite_are_null():
    assert json.loads(inspection.to_json([{"a": [float("nan"), 1.5], "b": float("inf")}])) == [
        {"a": [None, 1.5], "b": None}
    ]


def test_latitude_frame_residuals_flags_and_diffuse_aurora_are_in_the_text():
    found = {"instrument": "EMM/EMUS", "level": "l2b", "swath": [1, 3], "latitude_frame": "planetographic"}
    found |= {"residuals": {"sza_deg": 0.05}, "flags": ["odd", "cut"], "sza_deg": [80.4, 150.6]}
    found |= {"night": Night(pixels=20, area_km2=1.5e6, level_R=12.0, is_diffuse=True).__dict__}
    lines = describe(REPORT | found).splitlines()
    assert (
        "  latitudes planetographic; geometry recomputed: sza deg 0.050, emission angle not checked, "
        "local time not checked"
    ) in lines
    assert "  flags: odd, cut" in lines
    assert "  disk: SZA 80 to 151 deg, latitudes unknown deg, longitudes unknown deg E" in lines
    night = "  night: 20 pixels, 1.50 million km2, level 12.00 R, detection limit unknown R"
    assert f"{night}, a diffuse aurora over most of it" in lines


def test_night_that_is_not_in_view_is_in_the_text():
    assert "  night: not in view" in describe(REPORT | {"night": Night().__dict__}).splitlines()


def test_outcome_has_reason_detail_and_objects():
    found = {"outcome": "discarded", "reason": "too_few_objects", "detail": "", "objects": 1}
    assert describe(REPORT | found) == "x.fits: discarded: too_few_objects: 1 object"
