"""What the AWS account tells: which executions run, and how many functions may run at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mars_aurora.run.aws import attempt, translate_errors

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

_UNFINISHED = {"RUNNING", "PENDING_REDRIVE"}


class Account:
    """Answers of Step Functions and Lambda. Throttling and outages raise TransientError."""

    def __init__(self, workflow: SFNClient, functions: Any) -> None:  # noqa: ANN401 -- the stubs of Lambda are large
        self._workflow = workflow
        self._functions = functions

    def is_running(self, execution_arn: str) -> bool:
        """Return whether an execution exists and has not ended."""

        def describe() -> bool:
            with translate_errors(execution_arn):
                try:
                    answer = self._workflow.describe_execution(executionArn=execution_arn)
                except self._workflow.exceptions.ExecutionDoesNotExist:
                    return False
                return answer["status"] in _UNFINISHED

        return attempt(describe)

    def count_items(self, map_run_arn: str) -> dict[str, int]:
        """Return the number of items of a map run, in total and by how their child ended."""

        def describe() -> dict[str, int]:
            with translate_errors(map_run_arn):
                return {**self._workflow.describe_map_run(mapRunArn=map_run_arn)["itemCounts"]}  # type: ignore[dict-item]  # -- all counts are int

        return attempt(describe)

    def concurrency(self) -> int:
        """Return how many functions without reserved concurrency may run at once."""

        def read() -> int:
            with translate_errors("the settings of Lambda"):
                return int(self._functions.get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"])

        return attempt(read)
