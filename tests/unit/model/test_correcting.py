"""Export of a run's boxes to a labeling tool, and import of corrected boxes as a training set."""

import json
from pathlib import Path

import pytest

from mars_aurora.errors import UsageError
from mars_aurora.run.ledger import Outcome, Record
from mars_aurora_model import correcting
from mars_aurora_model.labels import read_set

MARS = {"label": "mars", "confidence": 1.0, "x0": 150.0, "y0": 60.0, "x1": 490.0, "y1": 400.0}


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    for name, outcome in (("a/x.fits", Outcome.CANDIDATE), ("y.fits", Outcome.DISCARDED), ("z.fits", Outcome.REJECTED)):
        for part, suffix, data in (
            ("ledger", ".json", Record(name, outcome).to_json()),
            ("images", ".png", name.encode()),
            ("predictions", ".png.out", json.dumps({"boxes": [MARS]}).encode()),
        ):
            path = folder / part / f"{name}{suffix}"
            path.parent.mkdir(parents=True, exist_ok=True)
            if part != "predictions" or outcome is Outcome.CANDIDATE:
                path.write_bytes(data)
    return folder


def test_pictures_are_exported_with_the_detectors_boxes(run, tmp_path):
    correcting.label(run, tmp_path / "set")
    first, second = read_set(tmp_path / "set")
    assert (first.name, first.png, [box.label for box in first.labels]) == ("a__x.fits", b"a/x.fits", ["mars"])
    assert (second.name, second.labels) == ("y.fits", ())


def test_picture_with_error_record_is_exported_without_boxes(run, tmp_path):
    (run / "predictions" / "a" / "x.fits.png.out").write_bytes(json.dumps({"boxes": [], "error": "timeout"}).encode())
    correcting.label(run, tmp_path / "set")
    assert [picture.labels for picture in read_set(tmp_path / "set")] == [(), ()]


def test_corrected_boxes_are_imported_with_any_ids(run, tmp_path, capsys):
    correcting.label(run, tmp_path / "set")
    coco = {
        "categories": [{"id": 7, "name": "aurora"}, {"id": 9, "name": "mars"}],
        "images": [{"id": 40, "file_name": "data/a__x.fits.png"}],
        "annotations": [{"id": 1, "image_id": 40, "category_id": 7, "bbox": [10, 20, 30, 40]}],
    }
    (tmp_path / "tool.json").write_text(json.dumps(coco))
    (tmp_path / "train").mkdir()
    correcting.label(run, tmp_path / "real", tmp_path / "tool.json")
    (picture,) = read_set(tmp_path / "real")
    assert picture.group == "corrected"
    assert [(box.label, *box.corners) for box in picture.labels] == [("aurora", 10, 20, 40, 60)]
    assert f"train --data {tmp_path} --pictures train,further,slivers,real" in capsys.readouterr().out


@pytest.mark.parametrize("text", ["not json", "[]", '{"categories": [{"id": 1, "name": "cat"}]}'])
def test_file_that_is_not_coco_is_rejected(run, tmp_path, text):
    (tmp_path / "tool.json").write_text(text)
    with pytest.raises(UsageError, match="COCO"):
        correcting.label(run, tmp_path / "set", tmp_path / "tool.json")


def test_folder_without_a_run_is_rejected(tmp_path):
    with pytest.raises(UsageError, match="no pictures"):
        correcting.label(tmp_path, tmp_path / "set")
    assert not (tmp_path / "set").exists()


def test_set_outside_the_data_folder_is_to_be_moved_there(run, tmp_path, capsys):
    correcting.label(run, tmp_path / "set")
    correcting.label(run, tmp_path / "real", tmp_path / "set" / "annotations.json")
    output = capsys.readouterr().out
    assert "move it into the trainer's data folder and add real to --pictures" in output
    assert "python -m" not in output
