"""Fixtures: one emulator and one deployed stack per session; skipped if the tools are not installed."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from stack import BUILT, TOOLS, Emulator, Stack, build, deploy, run_command, run_emulator

from mars_aurora_model.simulator.simulate import simulate
from mars_aurora_model.simulator.world import World


@pytest.fixture(scope="session")
def built() -> Path:
    """The layer and the functions, built for this machine."""
    if not (TOOLS / "bin" / "sam").exists():
        pytest.skip("the tools are not installed: run make tools")
    build()
    return BUILT


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    if not (TOOLS / "bin" / "ministack").exists():
        pytest.skip("the tools are not installed: run make tools")
    with run_emulator(tmp_path_factory.mktemp("emulator") / "log.txt") as emulator:
        yield emulator


@pytest.fixture(scope="session")
def stack(built: Path, aws: Emulator) -> Stack:
    """The template, deployed on the emulator."""
    aws.client("s3").create_bucket(Bucket="rehearsal-packages")
    return deploy(aws)


@pytest.fixture(scope="session")
def batch(tmp_path_factory: pytest.TempPathFactory, small_world: World) -> Path:
    """Sixty files: 48 simulated, a newer version of one of them, and eleven different invalid or ignored files."""
    folder = tmp_path_factory.mktemp("batch")
    simulate(folder, 48, 3, small_world)
    first, second, third, *_ = sorted(folder.iterdir())
    (folder / newer_version(first.name)).write_bytes(first.read_bytes())
    whole = second.read_bytes()
    flipped = bytearray(third.read_bytes())
    flipped[len(flipped) // 2] ^= 0xFF
    bad = {
        "empty.fits": b"",
        "empty.fits.gz": b"",
        "text.fits": b"no FITS at all\n",
        "picture.fits": b"\x89PNG\r\n\x1a\n" + bytes(100),
        "cut_early.fits.gz": whole[:1000],
        "cut_late.fits.gz": whole[:-20],
        "flipped.fits.gz": bytes(flipped),
        "deep/er/page.FITS": b"<html></html>",
        "bare.fits": b"SIMPLE  =                    T".ljust(80) + b"END".ljust(2800),
        "notes.txt": b"not FITS by name",
        "table.csv": b"a,b\n",
    }
    for name, content in bad.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    assert sum(path.is_file() for path in folder.rglob("*")) == 60
    return folder


def newer_version(name: str) -> str:
    head, _, tail = name.rpartition("_v")
    return f"{head}_v99{tail[2:]}"


@pytest.fixture(scope="session")
def local(batch: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of `mars-aurora run` on the same files."""
    out = tmp_path_factory.mktemp("local")
    run_command("run", batch, "--out", out, "--run-id", "sixty", "--detector", "yolo")
    return out / "runs" / "sixty"


@pytest.fixture(scope="session")
def auroras(batch: Path, local: Path) -> list[Path]:
    """Files of different observations that have auroras, small ones first."""
    lines = [line.split(",") for line in (local / "ledger.csv").read_text().splitlines()]
    found = [batch / name for name, outcome, *_ in lines if outcome == "aurora"]
    return sorted(found, key=lambda path: path.stat().st_size)
