"""Accessibility of the report, by axe-core in a real browser."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from report_pages import write_run
from selenium import webdriver
from selenium.webdriver.common.by import By

AXE = Path(__file__).parents[2] / "build/tools/axe/node_modules/axe-core/axe.min.js"
SCREENS = {"desktop": (1280, 1600, False), "phone": (390, 844, True)}

pytestmark = pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed: `make tools` does, with npm")


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_run(tmp_path_factory.mktemp("report"), 500).as_uri()


@pytest.fixture(scope="module", params=sorted(SCREENS))
def page(request: pytest.FixtureRequest, browser: webdriver.Chrome, address: str) -> Iterator[webdriver.Chrome]:
    width, height, mobile = SCREENS[request.param]
    screen = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": mobile}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    browser.get("about:blank")
    browser.get(address)
    browser.execute_script(AXE.read_text())
    yield browser
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def _find_violations(page: webdriver.Chrome) -> list[str]:
    page.set_script_timeout(300)
    code = (
        "const done = arguments[0], describe = ({id, nodes}) => `${id}: ${nodes.slice(0, 3).map((node) => node.html)}`;"
        "axe.run({resultTypes: ['violations']}).then(({violations}) => done(violations.map(describe)),"
        "(error) => done([`${error}`]))"
    )
    return page.execute_async_script(code)


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_page_has_no_violations(page, theme):
    page.execute_script("document.documentElement.dataset.theme = arguments[0]", theme)
    assert len(page.find_elements(By.TAG_NAME, "main")) == 1
    assert _find_violations(page) == []


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_large_view_has_no_violations(page, theme):
    page.execute_script("document.documentElement.dataset.theme = arguments[0]", theme)
    page.execute_script("openLarge(shown.pictures, 0)")
    page.find_element(By.CSS_SELECTOR, '#large-side [data-of="1"] [data-mark=good]').click()
    try:
        assert _find_violations(page) == []
    finally:
        page.execute_script("at('large').close(); marks.clear(); keepMarks()")


def test_page_is_not_wider_than_the_screen(page):
    assert page.execute_script("return document.documentElement.scrollWidth <= innerWidth")
