"""Run the installed command in a process of its own."""

import csv
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

COMMAND = Path(sys.executable).with_name("mars-aurora")


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
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
        return Run(done.returncode, done.stdout, done.stderr, out / "runs" / run_id)

    return start
