"""Labels as other programs read them: pycocotools, and the exports of labeling tools."""

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from pycocotools.coco import COCO
from rendering import render_labels
from test_catalogue_files import PROVENANCE, make_aurora

from mars_aurora.catalogue import labels
from mars_aurora.run.ledger import Outcome, Record
from mars_aurora_model.corrected import read_corrected

BOX = {"box_x0": 200.0, "box_y0": 100.0, "box_x1": 260.0, "box_y1": 150.0}
OUTLINE = "200.5,100.5,259.5,100.5,259.5,149.5;210,120,215,120,215,125,210,125"
MARS = (150.0, 60.0, 490.0, 400.0)
RECORDS = [
    Record("a/x.fits", Outcome.AURORA, auroras=1, mars_box=MARS),
    Record("y.fits", Outcome.DISCARDED, mars_box=MARS),
    Record("z.fits", Outcome.REJECTED, "truncated"),
]
AURORAS = [make_aurora(name="a/x.fits", picture_outline=OUTLINE, **BOX)]


@pytest.fixture
def coco(tmp_path: Path) -> COCO:
    path = tmp_path / "annotations.coco.json"
    path.write_bytes(render_labels(labels.write_coco, RECORDS, AURORAS, PROVENANCE))
    return COCO(str(path))


def test_categories_are_numbered_from_1_and_each_picture_has_mars(coco):
    assert {item["id"]: item["name"] for item in coco.loadCats(coco.getCatIds())} == {1: "mars", 2: "aurora"}
    assert [item["file_name"] for item in coco.loadImgs(coco.getImgIds())] == [
        "images/a/x.fits.png",
        "images/y.fits.png",
    ]
    for number in coco.getImgIds():
        (mars,) = coco.loadAnns(coco.getAnnIds(number, catIds=[1]))
        assert mars["bbox"] == [150, 60, 340, 340]
    assert len(coco.getAnnIds(catIds=[2])) == 1


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of pycocotools
def test_mask_of_an_outline_is_that_of_its_parts_within_the_box(coco):
    (aurora,) = coco.loadAnns(coco.getAnnIds(catIds=[2]))
    mask = coco.annToMask(aurora)
    rows, columns = np.nonzero(mask)
    assert mask.shape == (480, 640)
    assert columns.min() >= 200
    assert columns.max() < 260
    assert rows.min() >= 100
    assert rows.max() < 150
    assert mask.sum() == pytest.approx(59 * 49 / 2 + 25, rel=0.1)
    assert aurora["bbox"] == [200, 100, 60, 50]


def test_yolo_zip_names_its_classes_and_has_a_file_for_each_picture():
    with zipfile.ZipFile(io.BytesIO(render_labels(labels.write_yolo, RECORDS, AURORAS, PROVENANCE))) as archive:
        texts = {name: archive.read(name).decode() for name in archive.namelist()}
    assert set(texts) == {"data.yaml", "classes.txt", "labels/a/x.fits.txt", "labels/y.fits.txt", "provenance.json"}
    assert texts["classes.txt"].split() == ["mars", "aurora"]
    assert texts["data.yaml"].splitlines() == [
        *("path: .", "train: images", "val: images"),
        *("names:", "  0: mars", "  1: aurora"),
    ]
    assert [line.split()[0] for line in texts["labels/a/x.fits.txt"].splitlines()] == ["0", "1"]
    for line in texts["labels/y.fits.txt"].splitlines():
        number, *fractions = line.split()
        assert (number, len(fractions)) == ("0", 4)
        assert all(text.replace(".", "").isdigit() and 0 <= float(text) <= 1 for text in fractions)


def test_export_of_label_studio_keeps_every_box(tmp_path):
    """Ids from 0 in alphabetical order, a hash before each name, and folders of Windows."""
    folder = "..\\..\\label-studio\\media\\upload\\4\\"
    export = {
        "images": [
            {"id": 0, "width": 640, "height": 480, "file_name": f"{folder}ab12cd34-x.fits.png"},
            {"id": 1, "width": 640, "height": 480, "file_name": f"{folder}0012cd34-y.fits.png"},
        ],
        "categories": [{"id": 0, "name": "aurora"}, {"id": 1, "name": "mars"}],
        "annotations": [
            {"id": 0, "image_id": 0, "category_id": 0, "segmentation": [], "bbox": [1.5, 2, 3, 4], "ignore": 0},
            {"id": 1, "image_id": 0, "category_id": 1, "segmentation": [], "bbox": [10, 20, 300, 400], "ignore": 0},
        ],
        "info": {"year": 2026, "version": "1.0", "contributor": "Label Studio"},
    }
    path = tmp_path / "result.json"
    path.write_text(json.dumps(export))
    first, second = read_corrected(path).boxes.values()
    assert [(box.label, *box.corners) for box in first] == [("aurora", 1.5, 2, 4.5, 6), ("mars", 10, 20, 310, 420)]
    assert second == ()
