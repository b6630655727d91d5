import json

import numpy as np
import pytest

from mars_aurora_model.labels import Label, Picture, hash_sets, read_set, write_set

PICTURES = [
    Picture("a", "night", b"png of a", (Label("mars", 150, 60, 490, 400), Label("aurora", 200, 100, 264, 148, 7.5))),
    Picture("b", "day", b"png of b", ()),
]


def test_a_set_comes_back_as_it_was_written(tmp_path):
    assert write_set(tmp_path, PICTURES) == 2
    assert list(read_set(tmp_path)) == PICTURES


def test_yolo_labels_are_fractions_of_the_picture(tmp_path):
    write_set(tmp_path, PICTURES)
    lines = (tmp_path / "labels" / "a.txt").read_text().splitlines()
    assert np.array(lines[1].split(), float) == pytest.approx([1, 232 / 640, 124 / 480, 0.1, 0.1], abs=1e-6)
    assert (tmp_path / "labels" / "b.txt").read_text() == ""


def test_coco_boxes_are_corner_and_size(tmp_path):
    write_set(tmp_path, PICTURES)
    whole = json.loads((tmp_path / "annotations.json").read_text())
    assert whole["annotations"][1]["bbox"] == [200, 100, 64, 48]
    assert [category["name"] for category in whole["categories"]] == ["mars", "aurora"]


def test_what_is_too_faint_is_neither_a_yolo_label_nor_counted_in_coco(tmp_path):
    boxes = tuple(Label("aurora", 0, 0, 10, 10, 3.0, snr) for snr in (9.0, 6.0, 4.0, 0.0))
    write_set(tmp_path, [Picture("a", "night", b"png", boxes)])
    assert len((tmp_path / "labels" / "a.txt").read_text().splitlines()) == 2
    whole = json.loads((tmp_path / "annotations.json").read_text())
    assert [box["iscrowd"] for box in whole["annotations"]] == [0, 1, 1, 1]


def test_the_hash_names_the_data(tmp_path):
    write_set(tmp_path / "one", PICTURES)
    before = hash_sets([tmp_path / "one"])
    assert before == hash_sets([tmp_path / "one"])
    (tmp_path / "one" / "images" / "b.png").write_bytes(b"another")
    assert hash_sets([tmp_path / "one"]) != before
