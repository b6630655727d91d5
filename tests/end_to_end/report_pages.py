"""Reports of made-up runs, and what tests read from their pages."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from selenium import webdriver
from selenium.webdriver.common.by import By

from mars_aurora.aurora import COLUMNS, Aurora
from mars_aurora.catalogue import report
from mars_aurora.catalogue.entries import list_entries
from mars_aurora.detect.detectors import DetectorName
from mars_aurora.perspective import Perspective
from mars_aurora.run.keys import RunKeys, RunPaths
from mars_aurora.run.ledger import Outcome, Record
from mars_aurora.run.provenance import describe_provenance

KEYS = RunKeys("browser")
PROVENANCE = describe_provenance(DetectorName.YOLO, 2, "mars-aurora run <b> --out x")
OUTLINE = "POLYGON ((350 -50, 358 -50, 358 -40, 350 -40, 350 -50))"
PERSPECTIVE = Perspective(-20.0, 340.0, 20000.0, 10.0, 160.0)


def make_aurora(name: str, brightness: float, **more: object) -> Aurora:
    fill = {int: 1, float: 0.5, str: ""}
    row = {column.name: fill[column.kind] for column in COLUMNS}
    box = {"box_x0": 200.0, "box_y0": 150.0, "box_x1": 300.0, "box_y1": 260.0}
    coordinates = {"lat_deg": -45.0, "lon_deg": 354.0, "local_time_h": 1.5, "area_km2": 3e5, "outline_wkt": OUTLINE}
    given = {"name": name, "mean_brightness_R": brightness, "aurora_id": name, "morphology": "patch"}
    given["picture_outline"] = "210,160,290,160,290,250,210,250"
    return Aurora(**(row | box | coordinates | given | more))


def write_report(
    folder: Path, records: Sequence[Record], auroras: Sequence[Aurora], products: Sequence[str] = ()
) -> Path:
    """Write the files of a report; return the page."""
    entries = list_entries(auroras)
    for name, file in report.build(KEYS, records, auroras, entries, products, PROVENANCE):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(file.data)
    return folder / report.REPORT


def write_picture(folder: Path, record: Record, level: int = 90) -> None:
    paths = RunPaths()
    key = paths.detection(record.name) if record.outcome is Outcome.AURORA else paths.image(record.name)
    (folder / key).parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(folder / key), np.full((480, 640, 3), level, np.uint8))


def make_run(pictures: int) -> tuple[list[Record], list[Aurora]]:
    """Make a run in which every fourth picture has an aurora; brightness grows with the number of the picture."""
    records = [Record("bad <b>.fits", Outcome.REJECTED, "truncated", detail="it ends early & <badly>")]
    auroras = []
    for number in range(pictures):
        mode, time = ("os1", "os2", "osr")[number % 3], f"2022{1 + number % 12:02d}28t2121{number % 60:02d}"
        name = f"d/emm_emu_l2b_{time}_{number:04d}_{mode}_sw1of3_r_v01-04.fits"
        outcome = Outcome.AURORA if number % 4 == 0 else Outcome.DISCARDED
        records.append(Record(name, outcome, objects=1 + number % 5, perspective=PERSPECTIVE))
        if outcome is Outcome.AURORA:
            position = {"lat_deg": -80.0 + 4 * (number % 40), "lon_deg": (9.0 * number) % 360}
            auroras.append(make_aurora(name, 3.0 + number, confidence=0.9, **position))
    return records, auroras


def write_run(folder: Path, pictures: int) -> Path:
    """Write the report of `make_run`, with its pictures; return the page."""
    records, auroras = make_run(pictures)
    for number, record in enumerate(records[1:]):
        write_picture(folder, record, 40 + 10 * (number % 20))
    (folder / "ledger.csv").write_text("name\n")
    return write_report(folder, records, auroras, ["ledger.csv"])


def list_cards(page: webdriver.Chrome, of: str = "cards") -> list[str]:
    return [card.get_attribute("data-name") for card in page.find_elements(By.CSS_SELECTOR, f"#{of} .card")]


def list_errors(page: webdriver.Chrome) -> list[str]:
    return [entry["message"] for entry in page.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]


def read_title(page: webdriver.Chrome) -> str:
    """Return the name of the picture in the large view."""
    return page.find_element(By.ID, "large-name").text
