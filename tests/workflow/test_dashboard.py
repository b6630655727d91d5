"""The dashboard, the alarms and the query of the logs: what CloudWatch shows is what functions and services write."""

import json
import re
from dataclasses import fields
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from mars_aurora.run import costs
from mars_aurora.run.ledger import count_outcomes
from mars_aurora.run.resources import Resources

FUNCTIONS = Path(__file__).parents[2] / "functions"
OF_AWS = {  # metrics and dimension, as AWS documents them
    "AWS/Lambda": ({"Duration", "ConcurrentExecutions", "Throttles", "Errors"}, "FunctionName"),
    "AWS/States": (
        {f"Executions{end}" for end in ("Started", "Succeeded", "Failed", "TimedOut", "Aborted")},
        "StateMachineArn",
    ),
    "AWS/SQS": ({"ApproximateNumberOfMessagesVisible"}, "QueueName"),
}
COMMANDS = {"fields", "filter", "limit", "parse", "sort", "stats"}
STATISTICS = {"Average", "Maximum", "Minimum", "SampleCount", "Sum", "p50", "p95"}
Resources_ = dict[str, dict[str, Any]]


def find_published() -> set[str]:
    """Return the names of the metrics that the functions publish."""
    source = "".join(path.read_text() for path in FUNCTIONS.glob("*/app.py"))
    assert "add_metric(name" in source, "the catalogue function publishes the outcomes and the number of inputs"
    return {*re.findall(r'add_metric\("(\w+)"', source), *count_outcomes([]), "listed"}


def read_dashboard(resources: Resources_) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    body, given = resources["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    return json.loads(body)["widgets"], given


def expand(metrics: list[list[Any]]) -> list[tuple[list[str], dict[str, str]]]:
    """Return the metrics of a widget with what a point and an ellipsis stand for, and their options."""
    expanded: list[tuple[list[str], dict[str, str]]] = []
    for metric in metrics:
        options = metric[-1] if isinstance(metric[-1], dict) else {}
        names = [name for name in metric if isinstance(name, str)]
        if names:
            above = expanded[-1][0] if expanded else []
            if names[0] == "...":
                names = [*above[: len(above) - len(names) + 1], *names[1:]]
            names = [above[place] if name == "." else name for place, name in enumerate(names)]
        expanded.append((names, options))
    return expanded


def find_watched(resources: Resources_) -> list[tuple[str, str, str]]:
    """Return namespace, name and dimension of all metrics of the dashboard and the alarms."""
    widgets, _ = read_dashboard(resources)
    shown = [
        tuple(names[:3]) for widget in widgets for names, _ in expand(widget["properties"].get("metrics", [])) if names
    ]
    alarms = [item["Properties"] for item in resources.values() if item["Type"] == "AWS::CloudWatch::Alarm"]
    return [
        *shown,
        *((alarm["Namespace"], alarm["MetricName"], alarm["Dimensions"][0]["Name"]) for alarm in alarms),
    ]


def test_every_metric_that_is_watched_is_published(resources: Resources_) -> None:
    watched = find_watched(resources)
    assert len(watched) > 25
    known = OF_AWS | {"MarsAurora": (find_published(), "service")}
    for namespace, name, dimension in watched:
        names, wanted = known[namespace]
        assert name in names, name
        assert dimension == wanted, name


def test_widgets_have_what_cloudwatch_requires_and_do_not_overlap(resources: Resources_) -> None:
    widgets, _ = read_dashboard(resources)
    cells = []
    for widget in widgets:
        x, y, width, height = (widget[name] for name in ("x", "y", "width", "height"))
        assert all(isinstance(value, int) for value in (x, y, width, height))
        assert 0 <= x < x + width <= 24
        cells.append({(column, row) for column in range(x, x + width) for row in range(y, y + height)})
        properties = widget["properties"]
        assert {"region", "title"} <= set(properties)
        if widget["type"] == "log":
            assert properties["view"] == "table"
            continue
        assert widget["type"] == "metric"
        assert properties["period"] % 60 == 0
        for names, options in expand(properties["metrics"]):
            assert len(names) in {0, 4}, "namespace, name, and one dimension with its value"
            assert set(options) <= {"stat", "yAxis", "expression"}
            assert "expression" in options or options.get("stat", properties.get("stat")) in STATISTICS
    assert not any(one & other for one, other in combinations(cells, 2))


def test_search_expression_is_of_transform_jobs_of_the_stack(resources: Resources_) -> None:
    widgets, given = read_dashboard(resources)
    (search,) = re.findall(r"SEARCH\([^\"]*\)", json.dumps(widgets))
    pattern = r"SEARCH\('\{(\S+),(\w+)\} MetricName=(\w+) \$\{Token\}', '(\w+)', (\d+)\)"
    found = re.fullmatch(pattern, search)
    assert found
    assert found.groups() == ("/aws/sagemaker/TransformJobs", "Host", "MemoryUtilization", "Maximum", "300")
    assert "Token" in given


def test_query_reads_what_the_functions_log(resources: Resources_) -> None:
    _, given = read_dashboard(resources)
    parts = [part.strip() for part in given["Query"].split(" | ")]
    assert all(part.partition(" ")[0] in COMMANDS for part in parts), parts
    (pattern,) = re.findall(r"message like /(.*?)/", given["Query"])
    sources = {path.parent.name: path.read_text() for path in FUNCTIONS.glob("*/app.py")}
    logged = set(re.findall(r'logger\.info\("([\w ]+)"', "".join(sources.values())))
    matched = {text for text in logged if re.search(pattern, text)}
    assert matched == {"classify done", "detect done", "transform done"}
    written = {field.name for field in fields(Resources)} | {"transform_seconds", "transform_job", "@timestamp"}
    assert set(re.findall(r"(?:sum|max|latest)\((\S+?)\)", given["Query"])) == written
    assert all("**asdict(used)" in sources[name] for name in ("classify", "detect"))
    assert re.search(r"info\(\"transform done\", transform_seconds=.*transform_job=", sources["tally"])
    assert parts[1].endswith(" by run_id, message")
    assert all("append_keys(run_id=" in sources[name] for name in ("classify", "detect", "tally"))


def test_monitoring_that_is_charged_is_that_of_the_stack(resources: Resources_) -> None:
    alarms = [item for item in resources.values() if item["Type"] == "AWS::CloudWatch::Alarm"]
    assert len(alarms) == costs._ALARMS
    assert len(find_published()) == costs._METRICS


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ([["A", "m", "d", "v"], [".", "n", ".", "."]], ["A", "n", "d", "v"]),
        ([["A", "m", "d", "v"], ["...", "w"]], list("Amdw")),
    ],
)
def test_shorthand_of_metrics_is_expanded(given: list[list[Any]], names: list[str]) -> None:
    assert expand(given)[-1] == (names, {})
