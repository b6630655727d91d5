import json

import numpy as np
import pytest

from mars_aurora.errors import UsageError
from mars_aurora_model.labels import Label, LabeledPicture, find_sets, hash_sets, read_set, write_set

COCO = "annotations/instances_train.json"
PICTURES = [
    LabeledPicture(
        "a", "night", b"png of a", (Label("mars", 150, 60, 490, 400), Label("aurora", 200, 100, 264, 148, 7.5))
    ),
    LabeledPicture("b", "day", b"png of b", ()),
]


def test_set_round_trip(tmp_path):
    assert write_set(tmp_path, PICTURES) == 2
    assert list(read_set(tmp_path)) == PICTURES


def test_yolo_labels_are_fractions_of_the_picture(tmp_path):
    write_set(tmp_path, PICTURES)
    lines = (tmp_path / "labels" / "a.txt").read_text().splitlines()
    assert np.array(lines[1].split(), float) == pytest.approx([1, 232 / 640, 124 / 480, 0.1, 0.1], abs=1e-6)
    assert (tmp_path / "labels" / "b.txt").read_text() == ""


def test_coco_boxes_are_corner_width_and_height(tmp_path):
    write_set(tmp_path, PICTURES)
    coco = json.loads((tmp_path / COCO).read_text())
    assert coco["annotations"][1]["bbox"] == [200, 100, 64, 48]
    assert coco["categories"] == [{"id": 1, "name": "mars"}, {"id": 2, "name": "aurora"}]
    assert [annotation["category_id"] for annotation in coco["annotations"]] == [1, 2]


def test_set_of_an_earlier_version_is_read_by_the_names_of_its_classes(tmp_path):
    write_set(tmp_path, PICTURES)
    coco = json.loads((tmp_path / COCO).read_text())
    for image in coco["images"]:
        image["file_name"] = f"images/{image['file_name']}"
    for item in coco["annotations"]:
        item["category_id"] -= 1
    categories = [{"id": number, "name": name} for number, name in enumerate(("mars", "aurora"))]
    (tmp_path / "annotations.json").write_text(json.dumps(coco | {"categories": categories}))
    (tmp_path / COCO).unlink()
    assert find_sets(tmp_path.parent, [tmp_path.name]) == [tmp_path]
    assert list(read_set(tmp_path)) == PICTURES
    write_set(tmp_path, PICTURES)
    assert not (tmp_path / "annotations.json").exists()


def test_faint_auroras_are_crowd_in_coco_and_left_out_of_yolo(tmp_path):
    boxes = tuple(Label("aurora", 0, 0, 10, 10, 3.0, snr) for snr in (9.0, 6.0, 4.0, 0.0))
    write_set(tmp_path, [LabeledPicture("a", "night", b"png", boxes)])
    assert len((tmp_path / "labels" / "a.txt").read_text().splitlines()) == 2
    coco = json.loads((tmp_path / COCO).read_text())
    assert [box["iscrowd"] for box in coco["annotations"]] == [0, 1, 1, 1]


def test_hash_depends_on_the_pictures(tmp_path):
    write_set(tmp_path / "one", PICTURES)
    before = hash_sets([tmp_path / "one"])
    assert before == hash_sets([tmp_path / "one"])
    (tmp_path / "one" / "images" / "b.png").write_bytes(b"another")
    assert hash_sets([tmp_path / "one"]) != before


def test_find_sets_returns_folders_in_order(tmp_path):
    for name in ("train", "real"):
        write_set(tmp_path / name, PICTURES)
    assert find_sets(tmp_path, ["train", "real"]) == [tmp_path / "train", tmp_path / "real"]


def test_missing_and_incomplete_sets_are_named(tmp_path):
    write_set(tmp_path / "train", PICTURES)
    (tmp_path / "slivers" / "images").mkdir(parents=True)  # interrupted before the COCO file was written
    with pytest.raises(UsageError, match=r"slivers.*, .*real: .*--pictures") as caught:
        find_sets(tmp_path, ["train", "slivers", "real"])
    assert str(tmp_path / "train") not in str(caught.value)


def test_set_with_other_classes_or_a_picture_outside_is_refused(tmp_path):
    write_set(tmp_path, PICTURES)
    coco = json.loads((tmp_path / COCO).read_text())
    (tmp_path / COCO).write_text(json.dumps(coco | {"categories": [{"id": 1, "name": "mars"}]}))
    with pytest.raises(UsageError, match="other classes"):
        list(read_set(tmp_path))
    coco["images"][0]["file_name"] = "../secret.png"
    (tmp_path / COCO).write_text(json.dumps(coco))
    with pytest.raises(UsageError, match=r"outside its folder: \.\./secret\.png"):
        list(read_set(tmp_path))
