"""Fixtures: one emulator and one deployed stack per session; skipped if the tools are not installed."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from stack import BUILT, TOOLS, Emulator, Stack, build, deploy, run_emulator


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
    deploy(aws.environment)
    found = aws.client("cloudformation").describe_stacks(StackName="rehearsal")["Stacks"][0]["Outputs"]
    return Stack(aws, {item["OutputKey"]: item["OutputValue"] for item in found})
