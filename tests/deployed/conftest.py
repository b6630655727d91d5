"""One emulator and one deployed stack for all of these tests; skipped where the tools are not installed."""

import os
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from stack import BUILT, TOOLS, Stack, build, deploy, emulator


@pytest.fixture(scope="session")
def built() -> Path:
    """The layer and the functions, built for this machine."""
    if not (TOOLS / "bin" / "sam").exists():
        pytest.skip("the tools are not installed: make tools")
    build()
    return BUILT


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """An emulator of its own; AWS means that emulator as long as it lives."""
    if not (TOOLS / "bin" / "ministack").exists():
        pytest.skip("the tools are not installed: make tools")
    before = dict(os.environ)
    with emulator(tmp_path_factory.mktemp("emulator") / "log.txt") as environment:
        os.environ.update(environment)
        yield environment
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="session")
def stack(built: Path, aws: dict[str, str]) -> Stack:
    """The template, deployed on the emulator."""
    boto3.client("s3").create_bucket(Bucket="rehearsal-packages")
    deploy(aws)
    found = boto3.client("cloudformation").describe_stacks(StackName="rehearsal")["Stacks"][0]["Outputs"]
    return Stack(aws, {item["OutputKey"]: item["OutputValue"] for item in found})
