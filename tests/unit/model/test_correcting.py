"""Export of a run's boxes to a labeling tool, and import of corrected boxes as a training set."""

import json
from pathlib import Path

import pytest

from mars_aurora.catalogue.labels import coco_categories
from mars_aurora.errors import UsageError
from mars_aurora.run.keys import RunPaths
from mars_aurora.run.ledger import Outcome, Record
from mars_aurora_model import correcting
from mars_aurora_model.labels import read_set

MARS = {"label": "mars", "confidence": 1.0, "x0": 150.0, "y0": 60.0, "x1": 490.0, "y1": 400.0}
MADE = {"picture_sha256": "a", "detector": "yolo", "weights_sha256": "b", "read": "", "result_version": 1}


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    for name, outcome in (("a/x.fits", Outcome.CANDIDATE), ("y.fits", Outcome.DISCARDED), ("z.fits", Outcome.REJECTED)):
        for part, suffix, data in (
            ("ledger", ".json", Record(name, outcome, "truncated" if outcome is Outcome.REJECTED else "").to_json()),
            ("images", ".png", name.encode()),
            ("predictions", ".png.out", json.dumps({"boxes": [MARS], "made": MADE}).encode()),
        ):
            key = RunPaths().prediction(name, "b") if part == "predictions" else f"{part}/{name}{suffix}"
            path = folder / key
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
    (run / RunPaths().prediction("a/x.fits", "b")).write_bytes(
        json.dumps({"boxes": [], "error": "timeout", "made": MADE}).encode()
    )
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


def _import(run: Path, annotations: list[dict], file: str = "y.fits.png", **changes: object) -> list:
    """Import boxes of one picture; return its labels."""
    for item in annotations:
        item.setdefault("image_id", 40)
        item.setdefault("category_id", 2)
    coco = {"categories": coco_categories(), "images": [{"id": 40, "file_name": file}], "annotations": annotations}
    tool = run.parent / "tool.json"
    tool.write_text(json.dumps(coco | changes))
    correcting.label(run, run.parent / "real", tool)
    (picture,) = read_set(run.parent / "real")
    return [(box.label, *box.corners) for box in picture.labels]


@pytest.mark.parametrize(
    "text", ["not json", "[]", '{"categories": [{"id": 1, "name": "cat"}]}', "[" * 100_000, "\udcff"]
)
def test_file_that_is_not_coco_is_rejected(run, tmp_path, text):
    (tmp_path / "tool.json").write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(UsageError, match="COCO"):
        correcting.label(run, tmp_path / "set", tmp_path / "tool.json")


@pytest.mark.parametrize(
    ("bbox", "reason"),
    [
        ([float("nan"), 1, 2, 3], "not four finite numbers"),
        ([1, 1, float("inf"), 3], "not four finite numbers"),
        ([1, 1, 10**400, 3], "not four finite numbers"),
        ([1, 1, "2", 3], "not four finite numbers"),
        ([1, 1, True, 3], "not four finite numbers"),
        ([1, 2, 3], "not four finite numbers"),
        (None, "not four finite numbers"),
        ([10, 10, 0, 5], "no area: it is 0 px wide"),
        ([10, 10, 5, -5], "no area: it is 5 px wide and -5 px high"),
        ([-20, 10, 20, 20], "inside the picture"),
        ([700, 10, 20, 20], "inside the picture"),
    ],
)
def test_invalid_box_is_refused_by_picture_and_number(run, bbox, reason):
    with pytest.raises(UsageError, match=rf"tool\.json: y\.fits\.png, annotation 2: .*{reason}"):
        _import(run, [{"bbox": [1, 2, 3, 4]}, {"bbox": bbox}])


def test_all_invalid_boxes_are_named_up_to_ten(run):
    with pytest.raises(UsageError, match=r"annotation 10: .*; and 2 more$"):
        _import(run, [{"bbox": []} for _ in range(12)])


def test_box_beyond_the_edge_is_clipped_and_reported(run, capsys):
    found = _import(run, [{"bbox": [-10, 470, 30, 40]}, {"bbox": [600, 0, 40.5, 10]}])
    assert found == [("aurora", 0, 470, 20, 480), ("aurora", 600, 0, 640, 10)]
    errors = capsys.readouterr().err
    assert "y.fits.png, annotation 1: the box was clipped" in errors
    assert "annotation 2" not in errors  # less than a pixel


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        ({"category_id": 7}, "no category has the id 7"),
        ({"category_id": [1]}, r"no category has the id \[1\]"),
        ({"image_id": [40]}, "not a COCO file"),
        ({"image_id": 9}, "picture 9, annotation 1: no picture has this id"),
        ({"score": 1.5}, "the score is 1.5"),
        ({"score": float("nan")}, "the score is nan"),
    ],
)
def test_annotation_that_refers_to_nothing_is_refused(run, item, reason):
    with pytest.raises(UsageError, match=reason):
        _import(run, [{"bbox": [1, 2, 3, 4], **item}])


def test_unknown_class_is_refused_and_case_is_ignored(run):
    with pytest.raises(UsageError, match="unknown class 'cat': use one of mars, aurora"):
        _import(run, [{"bbox": [1, 2, 3, 4]}], categories=[{"id": 2, "name": "cat"}])
    assert _import(run, [{"bbox": [1, 2, 3, 4]}], categories=[{"id": 2, "name": "Aurora "}]) == [("aurora", 1, 2, 4, 6)]


def test_pictures_of_another_size_and_duplicates_are_refused(run):
    image = {"id": 40, "file_name": "y.fits.png"}
    with pytest.raises(
        UsageError, match=r"y\.fits\.png has 640 x 640 px, not 640 x 480: export the pictures without resizing"
    ):
        _import(run, [], images=[image | {"width": 640, "height": 640}])
    with pytest.raises(UsageError, match="two pictures have the same file name"):
        _import(run, [], images=[image, image | {"id": 41}])
    with pytest.raises(UsageError, match="1 pictures have the id of another"):
        _import(run, [], images=[image, image | {"file_name": "z"}])


@pytest.mark.parametrize(
    "file",
    ["images/ab12cd34-y.fits.png", "y_fits_png.rf.0a1B2c3D4e5F.jpg", "C:\\tool\\y.fits.PNG", "/data/?d=y.fits.png"],
)
def test_names_that_a_tool_changed_are_understood(run, file):
    assert _import(run, [{"bbox": [1, 2, 3, 4]}], file) == [("aurora", 1, 2, 4, 6)]


def test_file_without_a_picture_is_reported_with_the_reason(run, capsys):
    files = ["y.fits.png", "z.fits.png", "other.png"]
    _import(run, [], images=[{"id": number, "file_name": file} for number, file in enumerate(files)])
    errors = capsys.readouterr().err
    assert "z.fits.png is not used: the run has no picture of it: rejected truncated" in errors
    assert "other.png is not used: the run has no picture of this name: is it of another run" in errors
    assert "y.fits.png" not in errors
    with pytest.raises(UsageError, match="no picture of this run"):
        _import(run, [], "other.png")


def test_folder_without_a_run_is_rejected(tmp_path):
    with pytest.raises(UsageError, match="no pictures"):
        correcting.label(tmp_path, tmp_path / "set")
    assert not (tmp_path / "set").exists()


def test_set_outside_the_data_folder_is_to_be_moved_there(run, tmp_path, capsys):
    correcting.label(run, tmp_path / "set")
    correcting.label(run, tmp_path / "real", tmp_path / "set" / "annotations" / "instances_train.json")
    output = capsys.readouterr().out
    assert "move it into the trainer's data folder and add real to --pictures" in output
    assert "python -m" not in output


def _forge(run: Path, file: str, name: str) -> None:
    path = run / "ledger" / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(Record(name, Outcome.CANDIDATE).to_json())


@pytest.mark.parametrize("name", ["../../secret", "/etc/passwd", "../images/y.fits", "q/../../../secret", "y.fits"])
def test_forged_record_is_refused_and_copies_nothing(run, tmp_path, name):
    (tmp_path / "secret.png").write_bytes(b"secret")
    _forge(run, "forged.json", name)
    with pytest.raises(UsageError, match="is not the record of"):
        correcting.label(run, tmp_path / "set")
    assert not (tmp_path / "set").exists()


def test_record_whose_name_leads_outside_has_its_picture_inside(run, tmp_path):
    name = "../../secret"
    (tmp_path / "secret.png").write_bytes(b"secret")
    _forge(run, RunPaths().record(name).removeprefix("ledger/"), name)
    with pytest.raises(UsageError, match="is not a file in the folder of the run"):
        correcting.label(run, tmp_path / "set")
    assert b"secret" not in [path.read_bytes() for path in (tmp_path / "set").rglob("*.png")]


@pytest.mark.parametrize("link", ["images/a/x.fits.png", "images/a", "ledger/a/x.fits.json"])
def test_link_to_the_outside_is_not_followed(run, tmp_path, link):
    outside = tmp_path / "outside"
    (run / link).rename(outside)
    (run / link).symlink_to(outside)
    with pytest.raises(UsageError, match="is not a file in the folder of the run"):
        correcting.label(run, tmp_path / "set")
    assert not (tmp_path / "set" / "annotations" / "instances_train.json").exists()


def test_record_that_is_not_json_is_named(run, tmp_path):
    (run / "ledger" / "bad.json").write_text("[1]")
    with pytest.raises(UsageError, match=r"bad\.json is not the record of an input"):
        correcting.label(run, tmp_path / "set")


def test_inputs_whose_pictures_would_have_one_name_are_kept_apart(run, tmp_path):
    for folder, file in (("ledger", "a__x.fits.json"), ("images", "a__x.fits.png")):
        (run / folder / file).write_bytes(Record("a__x.fits", Outcome.DISCARDED).to_json())
    correcting.label(run, tmp_path / "set")
    names = [picture.name for picture in read_set(tmp_path / "set")]
    assert len(names) == len(set(names)) == 3
