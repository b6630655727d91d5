"""The emulator of AWS and built functions, from the rehearsal in tests/deployed."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from bench.paper import process
from bench.paper.plan import BUILD, ROOT, ask_git

BUILT, MARK = BUILD / "built", BUILD / "built.sources"


@cache
def load(name: str) -> Any:  # noqa: ANN401 -- a module
    """Import a module of the rehearsal."""
    for folder in (ROOT / "tests", ROOT / "tests" / "deployed"):
        if str(folder) not in sys.path:
            sys.path.append(str(folder))
    return importlib.import_module(name)


@cache
def build() -> Path:
    """Build the layer and the functions for this machine, unless they were built from the same sources."""
    if not (load("stack").TOOLS / "bin" / "sam").exists():
        raise FileNotFoundError("the tools are not installed: run make tools")
    sources = find_hash("core", "functions", "model", "tools", "statemachine", "template.yaml", "uv.lock")
    if not sources or not MARK.is_file() or MARK.read_text() != sources:
        load("stack").build(built=BUILT)
        MARK.write_text(sources)
    return BUILT


def find_hash(*paths: str) -> str:
    """Return the hashes of committed files and folders; an empty text where the working tree differs from them."""
    changed = ask_git("status", "--porcelain", "--", *paths)
    return "" if changed else ask_git("rev-parse", *(f"HEAD:{path}" for path in paths))


@contextmanager
def run_emulator() -> Iterator[Any]:
    """Run the emulator until the context ends."""
    folder = BUILD / "emulator"
    folder.mkdir(parents=True, exist_ok=True)
    with load("stack").run_emulator(folder / "log.txt") as emulator:
        process.prefer_children()
        yield emulator


@contextmanager
def deploy() -> Iterator[Any]:
    """Deploy the stack on the emulator; yield it."""
    built = build()
    with run_emulator() as emulator:
        emulator.client("s3").create_bucket(Bucket="rehearsal-packages")
        yield load("stack").deploy(emulator, built=built)
