"""The report in a real browser."""

import functools
import http.server
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

from mars_aurora.aurora import COLUMNS, Aurora
from mars_aurora.catalogue import report
from mars_aurora.detect.detectors import DetectorName
from mars_aurora.run.keys import RunKeys, RunPaths
from mars_aurora.run.ledger import Outcome, Record
from mars_aurora.run.provenance import describe_provenance

FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --window-size=1280,1600"
)
KEYS = RunKeys("browser")
PROVENANCE = describe_provenance(DetectorName.YOLO, 2, "mars-aurora run <b> --out x")
OUTLINE = "POLYGON ((350 -50, 358 -50, 358 -40, 350 -40, 350 -50))"


def _aurora(name: str, brightness: float, **more: object) -> Aurora:
    fill = {int: 1, float: 0.5, str: ""}
    row = {column.name: fill[column.kind] for column in COLUMNS}
    box = {"box_x0": 200.0, "box_y0": 150.0, "box_x1": 300.0, "box_y1": 260.0}
    coordinates = {"lat_deg": -45.0, "lon_deg": 354.0, "local_time_h": 1.5, "area_km2": 3e5, "outline_wkt": OUTLINE}
    return Aurora(
        **(row | box | coordinates | {"name": name, "mean_brightness_R": brightness, "aurora_id": name} | more)
    )


def _write_run(folder: Path, pictures: int) -> Path:
    records = [Record("bad <b>.fits", Outcome.REJECTED, "truncated", detail="it ends early & <badly>")]
    auroras = []
    for number in range(pictures):
        mode = ("os1", "os2", "osr")[number % 3]
        name = (
            f"d/emm_emu_l2b_2022{1 + number % 12:02d}28t2121{number % 60:02d}_{number:04d}_{mode}_sw1of3_r_v01-04.fits"
        )
        outcome = Outcome.AURORA if number % 4 == 0 else Outcome.DISCARDED
        records.append(Record(name, outcome, objects=1 + number % 5))
        auroras += [_aurora(name, 3.0 + number, confidence=0.9)] if outcome is Outcome.AURORA else []
        path = folder / ("detections" if outcome is Outcome.AURORA else "images") / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), np.full((480, 640, 3), 40 + 10 * (number % 20), np.uint8))
    (folder / "report.html").write_bytes(report.build(KEYS, records, auroras, ["ledger.csv"], PROVENANCE))
    (folder / "ledger.csv").write_text("name\n")
    return folder


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not chromium or not driver:
        pytest.skip("no chromium and chromedriver on the PATH (Debian: apt-get install chromium chromium-driver)")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in [*FLAGS.split(), f"--user-data-dir={tmp_path_factory.mktemp('profile')}"]:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    browser = webdriver.Chrome(options, webdriver.ChromeService(driver))
    yield browser
    browser.quit()


@pytest.fixture
def page(browser: webdriver.Chrome, tmp_path: Path) -> webdriver.Chrome:
    browser.get((_write_run(tmp_path, 40) / "report.html").as_uri())
    return browser


def _cards(page: webdriver.Chrome) -> list[str]:
    return [card.get_attribute("data-name") for card in page.find_elements(By.CSS_SELECTOR, "#cards .card")]


def _errors(page: webdriver.Chrome) -> list[str]:
    return [entry["message"] for entry in page.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]


def test_report_loads_from_disk_without_errors_and_shows_all_pictures(page):
    assert len(_cards(page)) == 40
    assert _errors(page) == []
    assert "outcome counts add up" in page.find_element(By.TAG_NAME, "body").text
    assert "it ends early & <badly>" in page.page_source.replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">")


def test_report_sends_no_requests_to_servers(page):
    requested = page.execute_script("return performance.getEntriesByType('resource').map((entry) => entry.name)")
    assert [url for url in requested if not url.startswith(("file:", "data:"))] == []


def test_pictures_are_filtered_by_outcome_mode_brightness_and_name(page):
    Select(page.find_element(By.ID, "outcome")).select_by_value("aurora")
    assert len(_cards(page)) == 10
    Select(page.find_element(By.ID, "mode")).select_by_value("os1")
    assert all("_os1_" in name for name in _cards(page))
    Select(page.find_element(By.ID, "mode")).select_by_value("")
    brightness = page.find_element(By.ID, "brightness")
    brightness.clear()
    brightness.send_keys("30")
    assert len(_cards(page)) == 3
    page.find_element(By.ID, "text").send_keys("no such name")
    assert _cards(page) == []


def test_pictures_are_sorted_by_brightness(page):
    Select(page.find_element(By.ID, "sort")).select_by_value("brightness")
    assert "_0036_" in _cards(page)[0]


def test_picture_opens_and_changes_by_keyboard(page):
    Select(page.find_element(By.ID, "sort")).select_by_value("brightness")
    page.find_element(By.CSS_SELECTOR, "#cards .card").send_keys(Keys.ENTER)
    dialog = page.find_element(By.ID, "large")
    assert dialog.is_displayed()
    assert "_0036_" in page.find_element(By.ID, "large-name").text
    assert len(page.find_elements(By.CSS_SELECTOR, "#large-boxes rect")) == 1
    dialog.send_keys(Keys.ARROW_RIGHT)
    assert "_0032_" in page.find_element(By.ID, "large-name").text
    assert page.execute_script("return document.getElementById('large-image').naturalWidth") in (0, 640)
    dialog.send_keys(Keys.ESCAPE)
    assert not dialog.is_displayed()
    assert _errors(page) == []


def test_button_switches_the_theme(page):
    before = page.execute_script("return getComputedStyle(document.body).backgroundColor")
    page.find_element(By.ID, "theme").click()
    assert page.execute_script("return getComputedStyle(document.body).backgroundColor") != before


def test_names_are_shown_as_they_are_and_their_pictures_are_loaded(browser, tmp_path):
    names = [
        "</script><script>x=1</script>.fits",
        "a?b#c d%FF&amp;.fits",
        "'\"><img src=x onerror=x=1>.fits",
        "{{x}}.fits",
    ]
    for name in names:
        path = tmp_path / RunPaths().image(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), np.full((480, 640, 3), 90, np.uint8))
    records = [Record(name, Outcome.DISCARDED, "<b>", objects=1, flags=("<i>",)) for name in names]
    (tmp_path / "report.html").write_bytes(report.build(KEYS, records, [], [], PROVENANCE))
    browser.get((tmp_path / "report.html").as_uri())
    assert sorted(_cards(browser)) == sorted(names)
    widths = "images.map((image) => image.decode().then(() => image.naturalWidth))"
    code = f"const images = [...document.querySelectorAll('#cards img')]; return Promise.all({widths})"
    assert browser.execute_script(code) == [640] * len(names)
    assert browser.execute_script("return typeof x") == "undefined"
    assert browser.find_elements(By.CSS_SELECTOR, "table b, table i, img[src=x]") == []
    assert _errors(browser) == []


def test_report_of_five_thousand_pictures_responds_quickly(browser, tmp_path):
    records = [Record(f"x{number:04d}.fits", Outcome.DISCARDED, objects=1) for number in range(5000)]
    (tmp_path / "report.html").write_bytes(report.build(KEYS, records, [], [], PROVENANCE))
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=tmp_path)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        browser.get(f"http://127.0.0.1:{server.server_port}/report.html")
        requested = browser.execute_script("return performance.getEntriesByType('resource').length")
        took_ms = browser.execute_script(
            "const start = performance.now(); document.getElementById('sort').value = 'objects';"
            "document.getElementById('sort').dispatchEvent(new Event('input')); document.body.offsetHeight;"
            "return performance.now() - start"
        )
        browser.get("about:blank")
        server.shutdown()
    assert requested < 200  # only pictures in or near the visible part of the page are loaded
    assert took_ms < 2000
