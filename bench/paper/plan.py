"""How large a run is, and where its inputs and results are kept."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
BUILD = ROOT / "build" / "paper"


@dataclass(frozen=True)
class Plan:
    """What a run measures.

    Attributes
    ----------
    name : "full" or "quick"
    files : number of files of real size for the comparison of computers
    ratio_files : number of them for the comparison from end to end
    pictures : number of pictures that are classified and detected
    called : number of events that each function is invoked with
    small_files : numbers of small files of two runs, whose difference gives the slope of the parent process
    stacks : images in a stack and users at once, by load
    live : number of files that are uploaded one by one
    tiles : number of synthetic pictures in the sheet
    stack : name of a real stack that is loaded instead of the emulator; empty for the emulator
    commit : of the working tree; results of another commit are measured again
    """

    name: str
    files: int
    ratio_files: int
    pictures: int
    called: int
    small_files: tuple[int, int]
    stacks: tuple[tuple[int, int], ...]
    live: int
    tiles: int
    stack: str = ""
    commit: str = ""

    @property
    def folder(self) -> Path:
        return BUILD / self.name

    def load(self, part: str) -> dict[str, Any] | None:
        """Return the results of a part, if it was measured at this commit."""
        path = self.folder / f"{part}.json"
        kept = json.loads(path.read_text()) if path.is_file() else {}
        results: dict[str, Any] | None = kept.get("results") if kept.get("commit") == self.commit else None
        return results

    def save(self, part: str, results: dict[str, Any]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        kept = {"commit": self.commit, "results": results}
        (self.folder / f"{part}.json").write_text(json.dumps(kept, indent=1) + "\n")


def ask_git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()


def find_commit() -> str:
    """Return the commit that is measured, with a plus sign where the working tree differs from it."""
    measured = ("bench", "core", "functions", "model", "statemachine", "template.yaml")
    changed = ask_git("status", "--porcelain", "--", *measured)
    return ask_git("log", "-1", "--format=%h", "--", *measured) + ("+" if changed else "")


FULL = Plan(
    "full",
    files=120,
    ratio_files=60,
    pictures=200,
    called=40,
    small_files=(300, 3000),
    stacks=((10, 1), (10, 5), (100, 1), (100, 5), (1000, 1)),
    live=20,
    tiles=24,
)
QUICK = Plan(
    "quick",
    files=12,
    ratio_files=6,
    pictures=20,
    called=5,
    small_files=(30, 150),
    stacks=((10, 1), (10, 2)),
    live=3,
    tiles=12,
)
REAL_STACKS = tuple((images, users) for images in (10, 100, 1000) for users in (1, 5, 10, 20))
