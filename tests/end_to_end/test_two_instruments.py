"""A run over files of both instruments."""

import gzip
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mars_aurora_model.simulator.simulate import observe
from mars_aurora_model.simulator.world import World
from mars_aurora_model.simulator.writers import iuvs

PROCESSED = {"aurora", "no_aurora", "discarded", "no_night"}


@pytest.fixture
def folder(tmp_path: Path, small_world: World) -> Path:
    """One EMUS file and one IUVS file."""
    folder = tmp_path / "input"
    folder.mkdir()
    simulated = observe(small_world, 1, 2)
    (folder / simulated.name).write_bytes(simulated.to_gzip())
    world = replace(small_world, n_slit=10)
    swath = observe(world, 1, 2).swath
    content = iuvs.write(swath, world, np.random.default_rng(1))
    (folder / iuvs.name(swath)).write_bytes(gzip.compress(content, 1))
    return folder


def test_files_of_both_instruments_are_processed(run, folder: Path, tmp_path: Path):
    done = run(folder, out=tmp_path / "out")
    assert (done.code, done.errors) == (0, [])
    assert {name[:7] for name in done.ledger} == {"emm_emu", "mvn_iuv"}
    assert {row["outcome"] for row in done.ledger.values()} <= PROCESSED
