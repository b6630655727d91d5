"""How long a browser takes to open the report of many pictures from disk: python -m bench.report [--pictures N ...].

Rows are made up; half of the pictures have an aurora of 40 corners. ``drawn``: the page shows its own rows, in maps,
table and pictures; ``all``: the rows of all parts are loaded and drawn; ``filter``: a filter is applied to all of them.
Each is the time by the clock, and in parentheses CPU time of the page, by Chromium without a screen or GPU.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from selenium import webdriver

from bench.measurement import cpu_ms
from bench.products import make_rows
from mars_aurora.catalogue import report
from mars_aurora.catalogue.entries import list_entries
from mars_aurora.detect.detectors import DetectorName
from mars_aurora.perspective import Perspective
from mars_aurora.run.keys import RunKeys, RunPaths
from mars_aurora.run.ledger import Outcome, Record
from mars_aurora.run.provenance import describe_provenance

PICTURES = (500, 2000, 10000)
_FLAGS = "--headless --no-sandbox --disable-gpu --window-size=1280,1600"
_HOLD = (  # the other parts are loaded when the page has been measured
    "addEventListener('DOMContentLoaded', () => { const load = loadParts; loadParts = () => {};"
    "window.loadAll = () => { loadParts = load; load(Infinity); } })"
)
_THEN = "requestAnimationFrame(() => setTimeout(() => done(performance.now() - start)))"
_WAIT_DRAWN = (
    "const done = arguments[0], wait = () => { const [drawn] = performance.getEntriesByName('drawn');"
    "if (drawn) done(drawn.startTime); else setTimeout(wait, 20); }; wait()"
)
_LOAD = (
    "const done = arguments[0], start = performance.now(); loadAll();"
    "const wait = () => { if (shown.pictures.length < data.total.pictures) setTimeout(wait, 5);"
    f"else {_THEN} }}; wait()"
)
_FILTER = (
    "const done = arguments[0], start = performance.now(); at('brightness').value = 2;"
    f"at('brightness').dispatchEvent(new Event('input')); {_THEN}"
)


def write_report(folder: Path, pictures: int) -> float:
    """Write the report of a number of pictures, all of them the same; return the CPU time in ms."""
    rows = [row for row in make_rows(pictures // 2 * 3) if row.detection == 1]
    found = dict.fromkeys(row.name for row in rows)
    names = [*found, *(f"x{number}.fits" for number in range(pictures - len(found)))]
    perspective = Perspective(10.0, 20.0, 20000.0, -10.0, 200.0)
    records = [
        Record(name, Outcome.AURORA if name in found else Outcome.DISCARDED, objects=2, perspective=perspective)
        for name in names
    ]
    provenance = describe_provenance(DetectorName.YOLO, 2, "python -m bench.report")
    entries = list_entries(rows)
    ms, files = cpu_ms(lambda: dict(report.build(RunKeys("bench"), records, rows, entries, [], provenance)))
    for name, file in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(file.data)
    picture = folder / "picture.png"
    cv2.imwrite(str(picture), np.random.default_rng(0).integers(0, 255, (480, 640, 3), np.uint8))
    for record in islice(records, 3000):  # what is shown is loaded, the others are not
        path = folder / (RunPaths().detection(record.name) if record.name in found else RunPaths().image(record.name))
        path.parent.mkdir(parents=True, exist_ok=True)
        os.link(picture, path)
    return ms


class Times(NamedTuple):
    """Time by the clock and CPU time, s."""

    clock_s: float
    cpu_s: float

    def __str__(self) -> str:
        return f"{self.clock_s:8.2f} ({self.cpu_s:5.2f})"


def open_report(page: Path) -> list[Times]:
    """Open a report in Chromium; return the times until it is drawn, until all is drawn, and of a filter."""
    options = webdriver.ChromeOptions()
    for flag in _FLAGS.split():
        options.add_argument(flag)
    browser = webdriver.Chrome(options, webdriver.ChromeService(shutil.which("chromedriver")))
    try:
        browser.set_script_timeout(120)
        browser.execute_cdp_cmd("Performance.enable", {"timeDomain": "threadTicks"})
        browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": _HOLD})
        browser.get(page.as_uri())
        drawn_s = browser.execute_async_script(_WAIT_DRAWN) / 1000
        times = [Times(drawn_s, _read_cpu_s(browser))]
        for script in (_LOAD, _FILTER):
            before_s = _read_cpu_s(browser)
            clock_s = browser.execute_async_script(script) / 1000
            times.append(Times(clock_s, _read_cpu_s(browser) - before_s))
    finally:
        browser.quit()
    return times


def _read_cpu_s(browser: webdriver.Chrome) -> float:
    metrics = browser.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]
    return float(next(metric["value"] for metric in metrics if metric["name"] == "TaskDuration"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pictures", type=int, nargs="+", default=PICTURES)
    print(f"{'pictures':>8}{'MB':>6}{'written, s':>12}{'drawn, s':>17}{'all, s':>17}{'filter, s':>17}")
    for pictures in parser.parse_args().pictures:
        with tempfile.TemporaryDirectory() as folder:
            ms = write_report(Path(folder), pictures)
            times = open_report(Path(folder) / report.REPORT)
            files = [Path(folder) / report.REPORT, *Path(folder, "report").glob("*.js")]
            size_mb = sum(file.stat().st_size for file in files) / 1e6
        print(f"{pictures:8}{size_mb:6.1f}{ms / 1000:12.1f}{''.join(f'{time!s:>17}' for time in times)}", flush=True)


if __name__ == "__main__":
    main()
