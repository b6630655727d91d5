"""Shared fixtures: real IUVS files if available, simulated EMUS files; handling of Ctrl-C; examples of hypothesis."""

import signal
from pathlib import Path

import pytest
from hypothesis import settings

from mars_aurora_model.simulator.simulate import Simulated, observe, simulate
from mars_aurora_model.simulator.world import World

settings.register_profile("quick", derandomize=True, deadline=None, max_examples=60)  # the same examples in every run
settings.load_profile("quick")


@pytest.fixture(scope="session", autouse=True)
def enable_ctrl_c() -> None:
    """Restore the default handling of SIGINT, which background processes of a shell and their children ignore."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def iuvs_folder() -> Path:
    """Folder of real MAVEN/IUVS files beside the repository; tests that use them are skipped if it is missing."""
    folder = Path(__file__).parents[2] / "shared" / "data" / "iuvs"
    if not folder.is_dir():
        pytest.skip(f"no real IUVS files in {folder}")
    return folder


@pytest.fixture(scope="session")
def small_world() -> World:
    """A world with a coarse instrument, so that simulating a file takes 20 ms."""
    return World(n_slit=48, max_integrations=90, scan_step_deg=(0.2, 0.3))


@pytest.fixture(scope="session")
def simulated_folder(tmp_path_factory: pytest.TempPathFactory, small_world: World) -> Path:
    """Folder of twelve small simulated files and a note, with the truth beside it."""
    folder = tmp_path_factory.mktemp("emus")
    simulate(folder, 12, 1, small_world)
    (folder / "notes.txt").write_text("simulated")
    return folder


@pytest.fixture(scope="session")
def night_swath() -> Simulated:
    """A full-size swath of the night side of a complete disk, with an aurora of at least 10 R."""
    world = World(no_aurora_fraction=0.0, swaths_per_set=(1,), slit_cut_fraction=0.0, truncated_fraction=0.0)
    for index in range(50):
        candidate = observe(world, 5, index)
        seen = [aurora["seen"].get("peak_R", 0) for aurora in candidate.truth["auroras"]]
        if candidate.truth["mode"] == "os2" and max(seen, default=0) >= 10:
            return candidate
    raise AssertionError("none of 50 simulated swaths has an aurora of 10 R")


@pytest.fixture(scope="session")
def night_file(tmp_path_factory: pytest.TempPathFactory, night_swath: Simulated) -> Path:
    """The night swath as a gzipped file."""
    path = tmp_path_factory.mktemp("night") / night_swath.name
    path.write_bytes(night_swath.to_gzip())
    return path


@pytest.fixture(scope="session")
def broad_aurora() -> Simulated:
    """A full-size swath with one aurora of more than 5 R on at least 300 pixels, all away from the limb."""
    world = World(no_aurora_fraction=0.0, swaths_per_set=(1,), slit_cut_fraction=0.0, truncated_fraction=0.0)
    for index in range(50):
        candidate = observe(world, 5, index)
        bright = candidate.aurora_R.sum(0) > 5
        inside = candidate.swath.geometry.emission_deg[:, 0] < 60
        if len(candidate.aurora_R) == 1 and bright.sum() >= 300 and inside[bright].all():
            return candidate
    raise AssertionError("none of 50 simulated swaths has a broad aurora")
