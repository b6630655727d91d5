"""The large view of the report in a real browser: what is drawn over a picture, its facts, and marks of boxes."""

import json
import time
from dataclasses import astuple, replace
from pathlib import Path

import numpy as np
import pytest
from report_pages import PERSPECTIVE, PROVENANCE, list_errors, make_aurora, read_title, write_picture, write_report
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select

from mars_aurora.geometry.canvas import project_points
from mars_aurora.run.keys import RunPaths
from mars_aurora.run.ledger import Outcome, Record
from mars_aurora_model import correcting
from mars_aurora_model.labels import read_set

DOCS = Path(__file__).parents[2] / "docs" / "report.md"
MARS = (150.0, 60.0, 490.0, 400.0)
RECORDS = [
    Record("d/two.fits", Outcome.AURORA, objects=3, flags=("no_sky",), perspective=PERSPECTIVE, mars_box=MARS),
    Record("one.fits", Outcome.AURORA, objects=2, perspective=PERSPECTIVE),
    Record("none.fits", Outcome.DISCARDED, "too_few_objects", objects=1),
]
AURORAS = [
    make_aurora("d/two.fits", 7.0, detection=1),
    make_aurora("d/two.fits", 8.0, detection=2, box_x0=310.0, box_x1=360.0, aurora_id="other"),
    make_aurora("one.fits", 9.0, detection=1),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for record in RECORDS:
        write_picture(tmp_path, record)
    write_report(tmp_path, RECORDS, AURORAS)
    return tmp_path


@pytest.fixture
def page(browser: webdriver.Chrome, folder: Path) -> webdriver.Chrome:
    list_errors(browser)  # those of earlier tests
    browser.get((folder / "report.html").as_uri())
    browser.execute_script("localStorage.clear()")
    browser.refresh()
    return browser


def _open(page: webdriver.Chrome, name: str) -> None:
    page.find_element(By.CSS_SELECTOR, f'#cards [data-name="{name}"]').click()
    assert read_title(page) == name


def _press(page: webdriver.Chrome, of: int | str, mark: str) -> None:
    page.find_element(By.CSS_SELECTOR, f'#large-side [data-of="{of}"] [data-mark={mark}]').click()


def _step(page: webdriver.Chrome) -> None:
    page.find_element(By.ID, "next").click()


def test_boxes_have_the_numbers_of_their_facts_and_outlines(page):
    _open(page, "d/two.fits")
    assert [text.text for text in page.find_elements(By.CSS_SELECTOR, "#large-overlay .number")] == ["1", "2"]
    heads = [head.text for head in page.find_elements(By.CSS_SELECTOR, "#large-side h4")]
    assert heads == ["1: patch", "2: patch"]
    assert page.find_elements(By.CSS_SELECTOR, "#large-overlay .box")[1].get_attribute("x") == "310"
    assert len(page.find_elements(By.CSS_SELECTOR, "#large-overlay .outline")) == 2
    assert "no_sky" in page.find_element(By.ID, "large-side").text
    assert list_errors(page) == []


def test_outline_is_that_on_the_picture(page):
    _open(page, "one.fits")
    (outline,) = page.find_elements(By.CSS_SELECTOR, "#large-overlay .outline")
    assert outline.get_attribute("points") == "210,160 290,160 290,250 210,250 210,160"


def test_detection_without_signal_is_shown_and_not_counted_as_aurora(browser, tmp_path):
    record = Record("x.fits", Outcome.NO_AURORA, objects=2)
    page = write_report(tmp_path, [record], [make_aurora("x.fits", -1.0, quality_flags="no_signal")])
    browser.get(page.as_uri())
    assert browser.find_element(By.CSS_SELECTOR, "#cards .facts").text == "no aurora · 2 objects"
    assert browser.find_element(By.ID, "shown-auroras").text == "0 of 0"
    assert "0 auroras in 0 sightings" in browser.find_element(By.TAG_NAME, "main").text
    point = browser.find_element(By.CSS_SELECTOR, "#map-longitude .no-signal")
    browser.execute_script("arguments[0].dispatchEvent(new MouseEvent('click', {bubbles: true}))", point)
    assert "no_signal" in browser.find_element(By.ID, "large-side").text


def test_grid_is_that_of_the_canvas(page):
    generator = np.random.default_rng(1)
    lat, lon = generator.uniform(-90, 90, 200), generator.uniform(0, 360, 200)
    code = "const project = seenFrom(arguments[0]); return arguments[1].map(([lat, lon]) => project(lat, lon))"
    drawn = page.execute_script(code, list(astuple(PERSPECTIVE)), np.column_stack([lat, lon]).tolist())
    expected = np.column_stack(project_points(lat, lon, 0.0, PERSPECTIVE))
    found = np.array([[np.nan] * 2 if point is None else point for point in drawn])
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_limb_grid_terminator_and_scale_are_drawn_and_can_be_hidden(page):
    _open(page, "one.fits")
    limb = page.find_element(By.CSS_SELECTOR, "#large-overlay .limb")
    assert [limb.get_attribute(name) for name in ("cx", "cy", "r")] == ["320", "230", "170"]
    assert len(page.find_element(By.CSS_SELECTOR, "#large-overlay .grid").get_attribute("d")) > 1000
    assert page.find_element(By.CSS_SELECTOR, "#large-overlay .terminator").get_attribute("d")
    assert page.find_element(By.CSS_SELECTOR, "#picture-key .ticks").text.split()[:3] == ["0.3", "1", "3"]
    page.find_element(By.CSS_SELECTOR, "input[data-layer=grid]").click()
    assert not limb.is_displayed()
    _step(page)
    assert not page.find_element(By.CSS_SELECTOR, "#large-overlay .limb").is_displayed(), "it stays hidden"


def test_picture_of_unknown_perspective_has_the_limb_and_no_grid(page):
    _open(page, "none.fits")
    assert page.find_elements(By.CSS_SELECTOR, "#large-overlay .limb")
    assert page.find_elements(By.CSS_SELECTOR, "#large-overlay .grid") == []


@pytest.mark.parametrize(("width", "is_beside"), [(1280, True), (390, False)])
def test_facts_are_beside_the_picture_where_there_is_room(page, width, is_beside):
    size = page.get_window_size()
    page.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    )
    try:
        _open(page, "one.fits")
        picture, facts = (page.find_element(By.CSS_SELECTOR, name).rect for name in (".frame", "#large-side"))
        assert (facts["x"] > picture["x"] + picture["width"]) == is_beside
        assert (facts["y"] > picture["y"] + picture["height"]) != is_beside
        assert page.execute_script("return document.documentElement.scrollWidth <= innerWidth")
    finally:
        page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert size == page.get_window_size()


def test_marks_are_kept_by_the_browser_and_can_be_filtered(page):
    _open(page, "d/two.fits")
    _press(page, 1, "good")
    _press(page, 2, "fix")
    page.refresh()
    page.find_element(By.ID, "close").click()  # the picture is in the address
    assert page.find_element(By.ID, "marked").text == "Marks: 1 good, 0 bad, 1 fix."
    card = page.find_element(By.CSS_SELECTOR, '#cards [data-name="d/two.fits"]')
    assert card.get_attribute("data-mark") == "fix"
    Select(page.find_element(By.ID, "mark")).select_by_value("fix")
    assert page.find_element(By.ID, "shown").text == "1 of 3"
    card.click()
    _press(page, 2, "fix")  # once more removes it
    assert page.find_element(By.ID, "marked").get_attribute("textContent") == "Marks: 1 good, 0 bad, 0 fix."


def _save(page: webdriver.Chrome, folder: Path) -> Path:
    """Save the marks as a user does; return the file."""
    page.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(folder)})
    page.execute_script("document.getElementById('save-marks').click()")
    path = folder / "browser.marks.json"
    for _ in range(600):
        if path.exists():
            return path
        time.sleep(0.05)
    raise TimeoutError(path)


def _write_run(folder: Path) -> None:
    """Write records and pictures as a run does, in which pictures with auroras are candidates."""
    paths = RunPaths()
    for record in RECORDS:
        outcome = Outcome.CANDIDATE if record.outcome is Outcome.AURORA else record.outcome
        stored = replace(record, outcome=outcome).to_json()
        for key, data in ((paths.record(record.name), stored), (paths.image(record.name), b"png")):
            (folder / key).parent.mkdir(parents=True, exist_ok=True)
            (folder / key).write_bytes(data)


def test_saved_marks_are_a_training_set_by_the_command_label(page, folder, tmp_path):
    _open(page, "d/two.fits")
    _press(page, 1, "good")
    _press(page, 2, "bad")
    _step(page)
    _press(page, 1, "fix")
    _step(page)
    _press(page, "picture", "good")
    marks = _save(page, tmp_path)
    _write_run(folder)
    correcting.label(folder, tmp_path / "set", marks)
    found = {
        picture.name: [(box.label, box.corners) for box in picture.labels] for picture in read_set(tmp_path / "set")
    }
    assert found == {
        "d__two.fits": [("mars", MARS), ("aurora", (200.0, 150.0, 300.0, 260.0))],
        "none.fits": [],
    }, "what has to be fixed is left out"


def test_saved_marks_are_loaded_again(page, tmp_path):
    _open(page, "d/two.fits")
    _press(page, "picture", "bad")
    _step(page)
    _press(page, 1, "good")
    page.find_element(By.ID, "close").click()
    path = _save(page, tmp_path)
    saved = json.loads(path.read_text())
    assert saved["marks"] == [
        {"name": "d/two.fits", "mark": "bad"},
        {"name": "one.fits", "detection": 1, "box": [200, 150, 300, 260], "mark": "good"},
    ]
    assert saved["info"]["run_created_utc"] == PROVENANCE.created_utc
    documented = json.loads(DOCS.read_text().split("```json\n")[1].split("```")[0])
    assert saved.keys() == documented.keys()
    assert saved["info"].keys() == documented["info"].keys()
    for member in ("images", "annotations", "marks"):
        assert {frozenset(item) for item in saved[member]} == {frozenset(item) for item in documented[member]}
    page.execute_script("localStorage.clear()")
    page.refresh()
    assert page.find_element(By.ID, "marked").text == "No marks."
    page.find_element(By.ID, "load-marks").send_keys(str(path))
    page.execute_async_script("setTimeout(arguments[0], 200)")
    assert page.find_element(By.ID, "marked").text == "Marks: 1 good, 1 bad, 0 fix."
    assert page.find_element(By.CSS_SELECTOR, '#cards [data-name="d/two.fits"]').get_attribute("data-mark") == "bad"


@pytest.mark.parametrize("text", ["", "[]", "null", '{"info": {"description": "other"}}'])
def test_file_that_has_no_marks_is_refused_by_name(page, tmp_path, text):
    path = tmp_path / "other.json"
    path.write_text(text)
    page.find_element(By.ID, "load-marks").send_keys(str(path))
    page.execute_async_script("setTimeout(arguments[0], 200)")
    assert page.find_element(By.ID, "marks-status").text.startswith("other.json is not a file of marks: ")
    assert page.find_element(By.ID, "marked").text == "No marks."


def test_mark_belongs_to_the_box_at_its_place(page, folder):
    _open(page, "one.fits")
    _press(page, 1, "good")
    moved = [make_aurora("one.fits", 9.0, detection=1, box_x0=210.0)]
    write_report(folder, RECORDS, [*AURORAS[:2], *moved])
    page.get("about:blank")
    page.get((folder / "report.html").as_uri())
    assert page.find_element(By.CSS_SELECTOR, '#cards [data-name="one.fits"]').get_attribute("data-mark") is None
