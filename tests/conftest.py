"""What many tests share: real IUVS files where they are at hand, simulated EMUS files everywhere, Ctrl-C."""

import signal
from pathlib import Path

import pytest

from mars_aurora_model.simulator.simulate import Simulated, observe, simulate
from mars_aurora_model.simulator.world import World


@pytest.fixture(scope="session", autouse=True)
def ctrl_c_is_heard() -> None:
    """Hear Ctrl-C, as do the processes that tests start, even where a shell that runs this behind it ignores it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def iuvs_folder() -> Path:
    """Real MAVEN/IUVS files, beside the repository; their tests are skipped where they are not."""
    folder = Path(__file__).parents[2] / "shared" / "data" / "iuvs"
    if not folder.is_dir():
        pytest.skip(f"no real IUVS files in {folder}")
    return folder


@pytest.fixture(scope="session")
def small_world() -> World:
    """A coarse instrument, so that a file takes a fiftieth of a second."""
    return World(n_slit=48, max_integrations=90, scan_step_deg=(0.2, 0.3))


@pytest.fixture(scope="session")
def simulated_folder(tmp_path_factory: pytest.TempPathFactory, small_world: World) -> Path:
    """Twelve small simulated files, one block of sets, with truth.json."""
    folder = tmp_path_factory.mktemp("emus")
    simulate(folder, 12, 1, small_world)
    return folder


@pytest.fixture(scope="session")
def night_swath() -> Simulated:
    """A full-size swath that sees an aurora of 10 R or more on the night side of a whole disk."""
    world = World(no_aurora_share=0.0, swaths_per_set=(1,), slit_cut_share=0.0, truncated_share=0.0)
    for index in range(50):
        candidate = observe(world, 5, index)
        seen = [aurora["seen"].get("peak_R", 0) for aurora in candidate.truth["auroras"]]
        if candidate.truth["mode"] == "os2" and max(seen, default=0) >= 10:
            return candidate
    raise AssertionError("fifty simulated swaths without an aurora of 10 R")


@pytest.fixture(scope="session")
def night_file(tmp_path_factory: pytest.TempPathFactory, night_swath: Simulated) -> Path:
    """That swath as a gzipped file."""
    path = tmp_path_factory.mktemp("night") / night_swath.name
    path.write_bytes(night_swath.to_gzip())
    return path


@pytest.fixture(scope="session")
def broad_aurora() -> Simulated:
    """A full-size swath whose one aurora shines at over 5 R on 300 pixels or more, all well inside the disk."""
    world = World(no_aurora_share=0.0, swaths_per_set=(1,), slit_cut_share=0.0, truncated_share=0.0)
    for index in range(50):
        candidate = observe(world, 5, index)
        bright = candidate.aurora_R.sum(0) > 5
        inside = candidate.swath.geometry.emission_deg[:, 0] < 60
        if len(candidate.aurora_R) == 1 and bright.sum() >= 300 and inside[bright].all():
            return candidate
    raise AssertionError("fifty simulated swaths without such an aurora")
