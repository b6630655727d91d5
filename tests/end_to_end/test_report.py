"""The report in a real browser: pictures, filters, maps and the table."""

import functools
import http.server
import threading
from pathlib import Path

import pytest
from report_pages import (
    list_cards,
    list_errors,
    make_aurora,
    make_run,
    read_title,
    write_picture,
    write_report,
    write_run,
)
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

from mars_aurora.run.ledger import Outcome, Record


@pytest.fixture(scope="module")
def forty(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Address of the report of 40 pictures, 10 of them with an aurora."""
    return write_run(tmp_path_factory.mktemp("forty"), 40).as_uri()


@pytest.fixture
def page(browser: webdriver.Chrome, forty: str) -> webdriver.Chrome:
    browser.get("about:blank")  # else an address that differs after # does not load the page again
    list_errors(browser)  # those of earlier tests
    browser.get(forty)
    return browser


def test_report_loads_from_disk_without_errors_and_shows_all_pictures(page):
    assert len(list_cards(page)) == 40
    assert list_errors(page) == []
    assert "outcome counts add up" in page.find_element(By.TAG_NAME, "body").text
    assert "it ends early & <badly>" in page.page_source.replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">")


def test_report_sends_no_requests_to_servers(page):
    requested = page.execute_script("return performance.getEntriesByType('resource').map((entry) => entry.name)")
    assert [url for url in requested if not url.startswith(("file:", "data:"))] == []


def test_pictures_are_filtered_by_outcome_mode_brightness_and_name(page):
    Select(page.find_element(By.ID, "outcome")).select_by_value("aurora")
    assert len(list_cards(page)) == 10
    Select(page.find_element(By.ID, "mode")).select_by_value("os1")
    assert all("_os1_" in name for name in list_cards(page))
    Select(page.find_element(By.ID, "mode")).select_by_value("")
    brightness = page.find_element(By.ID, "brightness")
    brightness.clear()
    brightness.send_keys("30")
    assert len(list_cards(page)) == 3
    page.find_element(By.ID, "text").send_keys("no such name")
    assert list_cards(page) == []


def test_pictures_are_sorted_by_brightness(page):
    Select(page.find_element(By.ID, "sort")).select_by_value("brightness")
    assert "_0036_" in list_cards(page)[0]


def test_picture_opens_and_changes_by_keyboard(page):
    Select(page.find_element(By.ID, "sort")).select_by_value("brightness")
    page.find_element(By.CSS_SELECTOR, "#cards .card").send_keys(Keys.ENTER)
    dialog = page.find_element(By.ID, "large")
    assert dialog.is_displayed()
    assert "_0036_" in read_title(page)
    dialog.send_keys(Keys.ARROW_RIGHT)
    assert "_0032_" in read_title(page)
    assert page.execute_script("return document.getElementById('large-image').naturalWidth") in (0, 640)
    dialog.send_keys(Keys.ESCAPE)
    assert not dialog.is_displayed()
    assert list_errors(page) == []


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
    records = [Record(name, Outcome.DISCARDED, "<b>", objects=1, flags=("<i>",)) for name in names]
    for record in records:
        write_picture(tmp_path, record)
    list_errors(browser)
    browser.get(write_report(tmp_path, records, []).as_uri())
    assert sorted(list_cards(browser)) == sorted(names)
    widths = "images.map((image) => image.decode().then(() => image.naturalWidth))"
    code = f"const images = [...document.querySelectorAll('#cards img')]; return Promise.all({widths})"
    assert browser.execute_script(code) == [640] * len(names)
    assert browser.execute_script("return typeof x") == "undefined"
    assert browser.find_elements(By.CSS_SELECTOR, "table b, table i, img[src=x]") == []
    assert list_errors(browser) == []


def test_report_of_five_thousand_pictures_responds_quickly(browser, tmp_path):
    records = [Record(f"x{number:04d}.fits", Outcome.DISCARDED, objects=1) for number in range(5000)]
    write_report(tmp_path, records, [])
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=tmp_path)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        browser.get(f"http://127.0.0.1:{server.server_port}/report.html")
        requested = browser.execute_script("return performance.getEntriesByType('resource').length")
        took_ms = browser.execute_script(
            "const start = performance.now(); document.getElementById('sort').value = 'objects';"
            "document.getElementById('sort').dispatchEvent(new Event('change')); document.body.offsetHeight;"
            "return performance.now() - start"
        )
        browser.get("about:blank")
        server.shutdown()
    assert requested < 200  # only pictures in or near the visible part of the page are loaded
    assert took_ms < 2000


def test_pictures_with_auroras_are_first(page):
    outcomes = ["_aurora_" if int(name.split("_")[4]) % 4 == 0 else "other" for name in list_cards(page)]
    assert outcomes == ["_aurora_"] * 10 + ["other"] * 30


def test_table_lists_auroras_which_open_their_sightings(page):
    rows = page.find_elements(By.CSS_SELECTOR, "#auroras tbody tr")
    assert len(rows) == 10
    brightness = next(head for head in page.find_elements(By.CSS_SELECTOR, "#auroras th button") if "Mean" in head.text)
    brightness.click()
    first = page.find_element(By.CSS_SELECTOR, "#auroras tbody tr")
    assert " 39.0 " in first.text
    first.find_element(By.TAG_NAME, "button").click()
    assert "_0036_" in read_title(page)
    page.find_element(By.ID, "large").send_keys(Keys.ARROW_RIGHT)
    assert "_0032_" in read_title(page), "the arrows follow the order of the table"


def test_arrows_follow_the_list_that_was_opened(page):
    sample = list_cards(page, "sample")
    page.find_elements(By.CSS_SELECTOR, "#sample .card")[1].click()
    dialog = page.find_element(By.ID, "large")
    seen = [read_title(page)]
    for _ in range(len(sample)):
        dialog.send_keys(Keys.ARROW_RIGHT)
        seen.append(read_title(page))
    assert seen == [*sample[1:], *sample[:2]]
    dialog.send_keys(Keys.ARROW_LEFT)
    assert read_title(page) == sample[0]


def test_points_on_the_maps_open_their_pictures(page):
    for key in ("longitude", "south", "time"):
        point = page.find_elements(By.CSS_SELECTOR, f"#map-{key} .dot")[-1]  # the one drawn last is not covered
        expected = page.execute_script("return shown.sightings[arguments[0].dataset.index].picture.name", point)
        page.execute_script("arguments[0].dispatchEvent(new MouseEvent('click', {bubbles: true}))", point)
        assert read_title(page) == expected
        page.find_element(By.ID, "close").click()


def test_points_are_at_their_coordinates(page):
    places = "['cx', 'cy'].map((name) => Number(point.getAttribute(name)))"
    code = f"const point = document.querySelector(arguments[0] + ' [data-index=\"1\"]'); return {places}"
    assert page.execute_script(code, "#map-longitude") == [36, 154]  # 64 S, 36 E
    x, y = page.execute_script(code, "#map-south")  # 26 degrees from the pole, 0 E up, east to the right
    assert (x, y) == pytest.approx((52 * 0.588, -52 * 0.809), abs=0.1)
    assert page.execute_script(code, "#map-time") == [202.5, 154]  # 1.5 h


def test_filters_apply_to_maps_table_and_pictures_and_are_in_the_address(page, forty):
    Select(page.find_element(By.ID, "mode")).select_by_value("os1")
    brightness = page.find_element(By.ID, "brightness")
    brightness.clear()
    brightness.send_keys("20")
    expected = [name for name in list_cards(page) if int(name.split("_")[4]) % 12 == 0]
    assert len(expected) == 2
    assert list_cards(page) == expected
    assert len(page.find_elements(By.CSS_SELECTOR, "#auroras tbody tr")) == 2
    assert len(page.find_elements(By.CSS_SELECTOR, "#map-longitude .dot")) == 2
    page.find_element(By.CSS_SELECTOR, "#cards .card").click()
    address = page.current_url
    page.get("about:blank")
    page.get(address)
    assert read_title(page) == expected[0]
    page.find_element(By.ID, "close").click()
    assert list_cards(page) == expected
    page.find_element(By.ID, "clear").click()
    assert len(list_cards(page)) == 40
    assert page.current_url == f"{forty}#"


POLAR_CAP = "POLYGON ((0 -70, 0 -90, 360 -90, 360 -70, 300 -75, 200 -65, 100 -75, 0 -70))"


def test_outline_around_a_pole_has_no_edge_along_the_cut_or_the_pole(browser, tmp_path):
    aurora = make_aurora("x.fits", 9.0, outline_wkt=POLAR_CAP, lat_deg=-88.0)
    browser.get(write_report(tmp_path, [Record("x.fits", Outcome.AURORA, objects=2)], [aurora]).as_uri())
    edges = {
        key: browser.execute_script(
            "const path = document.querySelector(arguments[0] + ' .edge'), all = path.getTotalLength();"
            "const points = Array.from({length: 400}, (_, step) => path.getPointAtLength(all * step / 399));"
            "return points.map(({x, y}) => [x, y])",
            f"#map-{key}",
        )
        for key in ("longitude", "south")
    }
    assert all(153 <= y <= 167 for _, y in edges["longitude"]), "latitudes from 65 to 75 S only"
    distances = [(x * x + y * y) ** 0.5 for x, y in edges["south"]]
    assert 29 < min(distances) < max(distances) < 52, "no line to the pole, and curves about it"
    assert browser.find_elements(By.CSS_SELECTOR, "#map-north .edge") == []


def test_maps_have_named_regions_and_keys_of_size_and_color(page):
    names = [name.text for name in page.find_elements(By.CSS_SELECTOR, "#map-longitude .region")]
    assert {"Hellas", "Tharsis", "Cimmeria"} <= set(names)
    assert len(page.find_elements(By.CSS_SELECTOR, "#size-key circle")) == 3
    assert page.find_element(By.CSS_SELECTOR, "#color-key .ticks").text.split("\n")[-1] == "≥ 100"


@pytest.fixture(scope="module")
def long_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a report of 4100 pictures without files."""
    folder = tmp_path_factory.mktemp("long")
    write_report(folder, *make_run(4100))
    return folder


def test_more_than_2000_pictures_are_paged_and_their_rows_loaded_from_parts(browser, long_run):
    assert sorted(path.name for path in (long_run / "report").iterdir()) == ["0002.js", "0003.js"]
    browser.get((long_run / "report.html").as_uri())
    browser.execute_async_script(
        "const done = arguments[0], wait = () => at('loading').textContent ? setTimeout(wait, 10) : done(); wait()"
    )
    assert len(list_cards(browser)) == 2000
    for _ in range(2):
        browser.find_element(By.CSS_SELECTOR, "#pictures-pager [aria-label^=next]").click()
    assert len(list_cards(browser)) == 100
    assert browser.find_element(By.ID, "shown").text == "4100 of 4100"
    assert browser.find_element(By.ID, "shown-auroras").text == "1025 of 1025"
    assert len(browser.find_elements(By.CSS_SELECTOR, "#auroras tbody tr")) == 100
    assert "pictures-page=3" in browser.current_url


def test_missing_part_is_named(browser, long_run, tmp_path):
    (tmp_path / "report.html").write_bytes((long_run / "report.html").read_bytes())
    browser.get((tmp_path / "report.html").as_uri())
    browser.execute_async_script(
        "const done = arguments[0], is = () => at('loading').textContent.includes('missing');"
        "const wait = () => is() ? done() : setTimeout(wait, 10); wait()"
    )
    assert "report/0002.js is missing: 2100 pictures are not shown" in browser.find_element(By.ID, "loading").text
    assert len(list_cards(browser)) == 2000
