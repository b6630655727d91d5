"""Time and memory of recent runs, from the logs of the functions."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from mars_aurora.local.performance import QUERY, find_performance

MEMORY = {"job-1/i-0": [40.0, 61.7], "job-2/i-0": [90.0]}  # percent, by host
SINCE = datetime(2026, 11, 28, tzinfo=UTC)


class Metrics:
    """CloudWatch with the memory of two transform jobs."""

    def get_paginator(self, operation: str) -> "Metrics":
        assert operation == "list_metrics"
        return self

    def paginate(self, Namespace: str, MetricName: str) -> list[dict[str, Any]]:
        assert (Namespace, MetricName) == ("/aws/sagemaker/TransformJobs", "MemoryUtilization")
        return [{"Metrics": [{"Dimensions": [{"Name": "Host", "Value": host}]} for host in MEMORY]}]

    def get_metric_statistics(self, Dimensions: list[dict[str, str]], **request: Any) -> dict[str, Any]:
        assert request["StartTime"] == SINCE
        return {"Datapoints": [{"Maximum": value} for value in MEMORY[Dimensions[0]["Value"]]]}


class Logs:
    """CloudWatch Logs that answers a query at the second request."""

    def __init__(self, *rows: dict[str, str]) -> None:
        self.rows, self.asked = rows, 0

    def start_query(self, logGroupName: str, queryString: str, startTime: int, endTime: int) -> dict[str, str]:
        assert (logGroupName, queryString) == ("group", QUERY)
        assert startTime == int(SINCE.timestamp()) < endTime
        return {"queryId": "q"}

    def get_query_results(self, queryId: str) -> dict[str, Any]:
        assert queryId == "q"
        self.asked += 1
        rows = [[{"field": field, "value": value} for field, value in row.items()] for row in self.rows]
        return {"status": "Complete" if self.asked > 1 else "Running", "results": rows if self.asked > 1 else []}


def test_performance_of_a_run_has_classification_inference_and_transform_job() -> None:
    logs = Logs(
        {"run_id": "a", "message": "detect done", "pictures": "20", "seconds": "2.25", "megabytes": "210.4"},
        {"run_id": "a", "message": "classify done", "pictures": "60", "seconds": "3.1", "megabytes": "120"},
        {"run_id": "b", "message": "transform done", "pictures": "1", "transform_s": "312.4", "job": "job-1"},
    )
    assert find_performance({"logs": logs, "cloudwatch": Metrics()}.__getitem__, "group", SINCE) == {
        "a": "classification of 60 pictures: 3.1 s, 120 MB; inference on Lambda of 20 pictures: 2.2 s, 210 MB",
        "b": "inference in a transform job: 312 s, 62 % of the memory",
    }


def test_performance_that_may_not_be_read_is_left_out() -> None:
    class Refusing(Logs):
        def start_query(self, **_request: object) -> dict[str, str]:
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "StartQuery")

    assert find_performance(lambda _service: Refusing(), "group", SINCE) == {}
    assert find_performance(lambda _service: Logs(), "", SINCE) == {}


def test_query_finds_what_the_functions_log() -> None:
    functions = Path(__file__).parents[3] / "functions"
    for name in ("classify", "detect"):
        source = (functions / name / "app.py").read_text()
        assert f'logger.info("{name} done", result=result.to_event(), **asdict(used))' in source
        assert "logger.append_keys(run_id=request.run_id" in source
    assert (
        'logger.info("transform done", transform_seconds=seconds, transform_job='
        in (functions / "tally" / "app.py").read_text()
    )
