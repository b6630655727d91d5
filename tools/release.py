"""Build sdist and wheel, install them in fresh environments and try them out: `make release-check`.

    python tools/release.py [FOLDER]

For each Python that is found, the base is installed, with the extra ``maps``, and with all but ``launch``; a batch is
simulated and run in each. Packages have the versions of the lock. The size of each environment is printed, without
bytecode and pip.
"""

from __future__ import annotations

import csv
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
from collections import Counter
from pathlib import Path

import package

ROOT = Path(__file__).resolve().parents[1]
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
EXTRAS = {  # and the products that they add
    "": (),
    "maps": ("catalogue.gpkg", "jmars.shp.zip"),
    "all": ("catalogue.gpkg", "catalogue.parquet"),
}
_NOT_SOURCES = (".*", "build", "dist", "out", "*.egg-info", "__pycache__", "node_modules")


def build(folder: Path) -> tuple[Path, Path]:
    """Build sdist and wheel of the working tree; the wheel is built from the sdist. Return their paths.

    Links of the README are absolute in them, for the package index.
    """
    source = folder / "source"  # a copy, because setuptools writes to it
    shutil.copytree(ROOT, source, ignore=shutil.ignore_patterns(*_NOT_SOURCES), symlinks=True)
    readme = source / "README.md"
    readme.write_text(link_absolutely(readme.read_text(encoding="utf-8")), encoding="utf-8")
    out = folder / "dist"
    subprocess.run([_uv(), "build", "--quiet", "--out-dir", out, source], check=True)
    return next(out.glob("*.tar.gz")), next(out.glob("*.whl"))


def link_absolutely(text: str) -> str:
    """Make the relative links and pictures of a Markdown page absolute, in the repository that pyproject.toml names."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    repository = project["urls"]["Source"]

    def link(match: re.Match[str]) -> str:
        kind = "raw" if match[1].startswith("!") else "blob"
        return f"{match[1]}({repository}/{kind}/main/{match[2]})"

    return re.sub(r"(!?\[[^\]]*\])\((?!https?:|#)([^)]+)\)", link, text)


def install(wheel: Path, extras: str, python: str, folder: Path) -> Path:
    """Install a wheel with the locked versions of its requirements in a new environment; return its Python."""
    wanted = f"mars-aurora[{extras}]" if extras else "mars-aurora"
    locked = folder.with_suffix(".txt")
    options = [
        "--frozen",
        "--no-emit-project",
        "--no-hashes",
        "--all-extras",
        "--no-extra",
        "launch",
        "--no-default-groups",
    ]
    subprocess.run([_uv(), "export", "--quiet", *options, "--output-file", locked], cwd=ROOT, check=True)
    subprocess.run([_uv(), "venv", "--quiet", "--python", python, folder], check=True)
    installed = folder / "bin" / "python"
    options = ["--quiet", "--python", str(installed), "--constraints", str(locked)]
    subprocess.run([_uv(), "pip", "install", *options, f"{wanted} @ {wheel.resolve().as_uri()}"], check=True)
    return installed


def try_out(python: Path, folder: Path, count: int = 4) -> tuple[Counter[str], set[str]]:
    """Simulate and run a batch with an installed package; return outcomes and names of the products."""
    environment = {key: value for key, value in os.environ.items() if key not in {"PYTHONPATH", "VIRTUAL_ENV"}}
    command, inputs, out = str(python.with_name("mars-aurora")), str(folder / "in"), folder / "out"
    simulate = [command, "simulate", inputs, "--count", str(count)]
    run_batch = [command, "run", inputs, "--out", str(out), "--run-id", "r", "--workers", "1"]
    for words in (simulate, run_batch):
        subprocess.run(words, cwd=folder, env=environment, check=True, capture_output=True)
    run = out / "runs" / "r"
    with (run / "ledger.csv").open(newline="", encoding="utf-8") as stream:
        outcomes = Counter(row["outcome"] for row in csv.DictReader(stream))
    return outcomes, {path.name for path in run.iterdir() if path.is_file()}


def list_files(sdist: Path) -> set[str]:
    """Return the names of the files in an sdist, below its folder."""
    with tarfile.open(sdist) as archive:
        return {item.name.partition("/")[2] for item in archive.getmembers() if item.isfile()}


def check(folder: Path) -> int:
    """Build, install and try out in all combinations; return the number that failed."""
    shutil.rmtree(folder, ignore_errors=True)
    sdist, wheel = build(folder)
    print(f"{sdist.name}: {sdist.stat().st_size / 1e6:.1f} MB, {wheel.name}: {wheel.stat().st_size / 1e6:.1f} MB")
    failures = 0
    for version in PYTHONS:
        python = package.find_python(version)
        if python is None:
            print(f"Python {version}: not found, not run")
            continue
        for extras, products in EXTRAS.items():
            work = folder / f"{version}-{extras or 'base'}"
            work.mkdir()
            installed = install(wheel, extras, python, work / "environment")
            size_MB = package.size_bytes(work / "environment") / 1e6
            outcomes, names = try_out(installed, work)
            good = outcomes["aurora"] > 0 and not outcomes["failed"] and names.issuperset(products)
            failures += not good
            print(
                f"Python {version}, {extras or 'base'}: {size_MB:.0f} MB, {dict(outcomes)}{'' if good else ': FAILED'}"
            )
    return failures


def _uv() -> str:
    return str(Path(sys.executable).with_name("uv"))


if __name__ == "__main__":
    sys.exit(check(Path(sys.argv[1] if sys.argv[1:] else ROOT / "build" / "release").resolve()) > 0)
