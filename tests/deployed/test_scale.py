"""Runs of many files: 300, or as many as MARS_AURORA_FILES says, on the stack and locally, and with faults of S3."""

import os
from pathlib import Path

import pytest
from fault_proxy import FAULTS, run_proxy
from stack import Stack, run_command
from test_executions import configured, start, wait
from test_rehearsal import read_ledger, read_results, upload

from mars_aurora_model.simulator.simulate import simulate
from mars_aurora_model.simulator.world import World

pytestmark = [pytest.mark.deployed, pytest.mark.slow]

FILES = int(os.environ.get("MARS_AURORA_FILES", "300"))
MAX_PAYLOAD_BYTES = 32 * 1024
TIMEOUT_S = 60 + 2 * FILES


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory, small_world: World) -> Path:
    """Simulated files, one file in twenty invalid or ignored, in folders."""
    folder = tmp_path_factory.mktemp("many")
    simulate(folder, FILES - FILES // 20, 7, small_world)
    for number in range(FILES // 20):
        path = folder / f"{number % 3}" / (f"{number}.fits" if number % 2 else f"{number}.txt")
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"no FITS" * number)
    return folder


@pytest.fixture(scope="module")
def results(many: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of `mars-aurora run` on the same files."""
    out = tmp_path_factory.mktemp("local")
    run_command("run", many, "--out", out, "--run-id", "many", timeout_s=TIMEOUT_S)
    return out / "runs" / "many"


def run_cloud(stack: Stack, folder: Path, run_id: str) -> dict[str, bytes]:
    upload(stack, folder, f"incoming/{run_id}/")
    execution = wait(stack, start(stack, prefix=f"incoming/{run_id}/"), TIMEOUT_S)
    assert execution["status"] == "SUCCEEDED", (execution.get("error"), execution.get("cause"))
    return read_results(stack, run_id)


def require_equal(cloud: dict[str, bytes], results: Path, kept: Path) -> None:
    """Compare ledger and tables, and all pictures of auroras and observation sets; keep what differs in `kept`."""
    assert read_ledger(cloud["ledger.csv"]) == read_ledger((results / "ledger.csv").read_bytes())
    pictures = {
        path.relative_to(results).as_posix()
        for name in ("detections", "sets")
        for path in (results / name).rglob("*.png")
    }
    compared = sorted({"catalogue.csv", "auroras.csv", "jmars.csv", *pictures})
    different = [name for name in compared if cloud.get(name) != (results / name).read_bytes()]
    for name in set(different) & set(cloud):
        (kept / Path(name).name).write_bytes(cloud[name])
    assert different == [], f"those of the stack are in {kept}, the local ones in {results}"
    assert pictures == {name for name in cloud if name.endswith(".png")}
    assert len(pictures) > FILES // 20


def test_run_of_many_files_equals_a_local_run_and_its_payloads_are_small(
    stack: Stack, many: Path, results: Path, tmp_path: Path
) -> None:
    require_equal(run_cloud(stack, many, "many"), results, tmp_path)
    payloads = stack.emulator.largest_payloads()
    assert {"Preprocess", "Tally", "Measure", "Stitch", "Catalogue", "Parquet", "Announce the catalogue"} <= set(
        payloads
    )
    assert {state: size for state, size in payloads.items() if size >= MAX_PAYLOAD_BYTES} == {}


@pytest.mark.skipif("MARS_AURORA_FILES" not in os.environ, reason="takes hours: make large")
def test_run_of_many_files_with_faults_of_s3_equals_a_local_run(
    stack: Stack, many: Path, results: Path, tmp_path: Path
) -> None:
    with run_proxy(stack.emulator.environment["AWS_ENDPOINT_URL"], fraction=0.02, seed=5) as proxy:
        with configured(stack, r"\w+", AWS_ENDPOINT_URL_S3=proxy.url):
            require_equal(run_cloud(stack, many, "faults"), results, tmp_path)
        assert sum(proxy.done[fault] for fault in FAULTS) > FILES // 10
