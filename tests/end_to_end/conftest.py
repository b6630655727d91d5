"""Run the installed command in a process of its own."""

import csv
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from machine import slowness
from selenium import webdriver

COMMAND = Path(sys.executable).with_name("mars-aurora")
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --window-size=1280,1600"
)


@dataclass(frozen=True)
class Run:
    """A finished run and its tables."""

    code: int
    stdout: str
    stderr: str
    folder: Path

    @property
    def errors(self) -> list[str]:
        """The messages on stderr that are not progress."""
        return [line for line in self.stderr.splitlines() if line.startswith("mars-aurora: ")]

    def table(self, name: str) -> list[dict[str, str]]:
        with (self.folder / name).open(newline="", encoding="utf-8") as stream:
            return list(csv.DictReader(stream))

    @property
    def ledger(self) -> dict[str, dict[str, str]]:
        rows = self.table("ledger.csv")
        assert len({row["name"] for row in rows}) == len(rows)
        return {row["name"]: row for row in rows}

    @property
    def results(self) -> tuple[bytes, bytes]:
        """Bytes of the ledger and the catalogue."""
        return (self.folder / "ledger.csv").read_bytes(), (self.folder / "catalogue.csv").read_bytes()


@pytest.fixture(scope="session")
def command() -> Path:
    return COMMAND


@pytest.fixture(scope="session")
def run() -> Callable[..., Run]:
    """Return a function that executes ``mars-aurora run`` on the given inputs."""

    def start(
        *inputs: Path, out: Path, run_id: str = "r", options: tuple[str, ...] = (), prefix: tuple[str, ...] = ()
    ) -> Run:
        command = [*prefix, COMMAND, "run", *inputs, "--out", out, "--run-id", run_id, "--workers", "2", *options]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300 * slowness())
        return Run(done.returncode, done.stdout, done.stderr, out / "runs" / run_id)

    return start


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    """Chromium without a screen."""
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
