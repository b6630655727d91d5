"""The commands that run the deployed stack. The stack itself is tested in tests/deployed."""

from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from mars_aurora.errors import MarsAuroraError, UsageError
from mars_aurora.local import cloud


@pytest.mark.parametrize(
    ("request_", "run_id"),
    [
        ({"bucket": "b", "prefix": "incoming/a/b/"}, "a-b"),
        ({"bucket": "b", "prefix": "incoming/a/", "run_id": "mine"}, "mine"),
        ({"detail": {"object": {"key": "incoming/a/_READY"}}}, "a"),
        ({"detail": {"object": {"key": "live/x.fits"}}}, "live-x.fits"),
    ],
)
def test_run_id_is_formed_as_in_the_workflow(request_: dict, run_id: str) -> None:
    assert cloud.name_run(request_) == run_id


def test_exceptions_of_aws_become_errors_of_the_command_line() -> None:
    @cloud.report_aws_errors
    def refuse() -> None:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "PutObject")

    with pytest.raises(MarsAuroraError, match="AccessDenied"):
        refuse()


@pytest.mark.parametrize(("folder", "batch", "name"), [("2022-03", "", "2022-03"), ("ü ö 7", "", "7"), ("a", "b", "b")])
def test_batch_is_named_after_its_folder_by_default(tmp_path: Path, folder: str, batch: str, name: str) -> None:
    assert cloud.name_batch(tmp_path / folder, batch) == name


@pytest.mark.parametrize("name", ["two words", "a/b", "-x", "x" * 61])
def test_invalid_batch_name_is_a_usage_error(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match=r"the batch name .* is invalid"):
        cloud.name_batch(tmp_path, name)
