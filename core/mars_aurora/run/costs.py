"""The estimated cost of a run on AWS, from the prices in prices.json and the memory sizes in the template."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files

_TEMPLATE = "template.yaml"  # a link to that of the repository; in wheels and in the layer, a copy
_FUNCTION = re.compile(r"^  (\w+):\n    Type: AWS::Serverless::Function\n((?:(?:    .*)?\n)*)", re.MULTILINE)
_MEMORY, _TMP = re.compile(r"MemorySize: (\d+)"), re.compile(r"EphemeralStorage: {Size: (\d+)}")
_CHILD_GB = 64 / 1024  # memory of an express execution: one step of 64 MB
_PARENT_TRANSITIONS = 17
_SLICES, _BATCHES = 1 / 100, 1 / 150  # of a file; a batch has 50 sets of three swaths
_TRACED = 0.05  # sampling of X-Ray, besides the first trace of each second
_LOG_GB = 2e-6  # of one invocation: start, result, metrics and report
_WORK_OF_INPUT = 0.25  # size of the pictures, geometry and records relative to that of the gzipped input
_FREE_TMP_MB = 512
_METRICS, _ALARMS = 21, 7


@dataclass(frozen=True)
class Price:
    """A price in US dollars of one unit, where it is from, and of when that is."""

    usd: float
    unit: str
    source: str
    date: str


@dataclass(frozen=True)
class Size:
    """Memory of a function, and the size of its folder /tmp."""

    memory_mb: int
    tmp_mb: int


@dataclass(frozen=True)
class Amount:
    """An amount that has a part for each run, each file and each candidate."""

    run: float = 0.0
    file: float = 0.0
    candidate: float = 0.0

    def of(self, usage: Usage) -> float:
        return self.run + self.file * usage.files + self.candidate * usage.candidates


@dataclass(frozen=True)
class Usage:
    """What a run processes.

    Attributes
    ----------
    files, candidates : int
        Number of inputs, and of those that are candidates.
    megabytes : float
        Size of an input.
    instance : str
        Type of the instance of the transform job; empty if the candidates are detected on Lambda.
    instances : int
        Number of instances.
    keep_days : int
        Days until the work files expire.
    """

    files: int
    candidates: int
    megabytes: float = 10.0
    instance: str = ""
    instances: int = 1
    keep_days: int = 30


@dataclass(frozen=True)
class Line:
    """One part of an estimate, in US dollars, and the amounts that it is computed from."""

    part: str
    basis: str
    usd: float


@dataclass(frozen=True)
class Estimate:
    """The cost of a run, and what is charged a month for what it leaves and for the stack."""

    lines: tuple[Line, ...]
    monthly: tuple[Line, ...]

    @property
    def usd(self) -> float:
        """Return the cost of the run."""
        return sum(line.usd for line in self.lines)


# Calls of each function, and seconds of all its calls together: `python -m bench.functions` and the bench of the
# stages give CPU times, to which requests to S3 and cold starts are added.
FUNCTIONS = {
    "Open": (Amount(run=1), Amount(run=2, file=0.0005)),
    "Preprocess": (Amount(file=1), Amount(file=1.5)),
    "Classify": (Amount(file=1), Amount(file=0.2)),
    "Tally": (Amount(run=2), Amount(run=4, file=0.0002, candidate=0.005)),
    "Detect": (Amount(candidate=1), Amount(candidate=0.5)),
    "Measure": (Amount(run=1, file=_SLICES), Amount(run=2, file=0.005, candidate=0.1)),
    "Stitch": (Amount(file=_BATCHES), Amount(file=0.03)),
    "Catalogue": (Amount(run=1), Amount(run=5, file=0.001, candidate=0.02)),
    "Parquet": (Amount(run=1), Amount(run=3, file=0.001, candidate=0.005)),
    "Close": (Amount(run=1), Amount(run=1)),
}
_CHILD_S = Amount(file=2.0)
_TRANSFORM_S = Amount(candidate=0.1)
_TRANSFORM_START_S = 300  # of each instance
_WRITES = Amount(run=40, file=6, candidate=3)
_READS = Amount(run=40, file=9, candidate=4)


def estimate(usage: Usage) -> Estimate:
    """Estimate the cost of a run; the monthly free amounts of an account are not subtracted."""
    lines = [*_estimate_functions(usage), *_estimate_workflow(usage), _estimate_requests(usage)]
    if usage.instance and usage.candidates:
        lines.append(_estimate_transform(usage))
    lines.append(_estimate_logs(usage))
    return Estimate(tuple(lines), tuple(_estimate_months(usage)))


def _estimate_functions(usage: Usage) -> list[Line]:
    lines = []
    for name, (calls, seconds) in _find_called(usage).items():
        size = read_sizes()[name]
        disk_mb = size.tmp_mb - _FREE_TMP_MB
        per_s = size.memory_mb / 1024 * _usd("lambda_gb_s") + disk_mb / 1024 * _usd("lambda_storage_gb_s")
        usd = seconds.of(usage) * per_s + calls.of(usage) * _usd("lambda_request")
        basis = f"{calls.of(usage):,.0f} calls, {seconds.of(usage):,.0f} s with {size.memory_mb} MB"
        lines.append(Line(f"Function {name}", basis, usd))
    return lines


def _find_called(usage: Usage) -> dict[str, tuple[Amount, Amount]]:
    return {name: effort for name, effort in FUNCTIONS.items() if name != "Detect" or not usage.instance}


def _estimate_workflow(usage: Usage) -> list[Line]:
    children_s = _CHILD_S.of(usage)
    children_n = round(usage.files * (1 + _SLICES + _BATCHES)) + (0 if usage.instance else usage.candidates)
    express = children_n * _usd("express_request") + children_s * _CHILD_GB * _usd("express_gb_s")
    transitions = children_n + _PARENT_TRANSITIONS  # one a child is probably charged: AWS's page does not say
    return [
        Line("Step Functions, express children", f"{children_n:,} children, {children_s:,.0f} s", express),
        Line("Step Functions, transitions", f"{transitions:,}, one a child", transitions * _usd("transition")),
    ]


def _estimate_requests(usage: Usage) -> Line:
    writes, reads = _WRITES.of(usage), _READS.of(usage)
    return Line(
        "S3 requests",
        f"{writes:,.0f} writes, {reads:,.0f} reads",
        writes * _usd("s3_write") + reads * _usd("s3_read"),
    )


def _estimate_transform(usage: Usage) -> Line:
    seconds = usage.instances * _TRANSFORM_START_S + _TRANSFORM_S.of(usage)
    basis = f"{usage.instances} {usage.instance}, {seconds / 60:,.0f} min in all"
    return Line("Transform job", basis, seconds / 3600 * _usd(usage.instance))


def _estimate_logs(usage: Usage) -> Line:
    calls = sum(calls.of(usage) for calls, _ in _find_called(usage).values())
    usd = calls * (_LOG_GB * _usd("logs_gb") + _TRACED * _usd("trace"))
    return Line("Logs and traces", f"{calls * _LOG_GB:.2f} GB, {calls * _TRACED:,.0f} traces", usd)


def _estimate_months(usage: Usage) -> list[Line]:
    inputs_gb = usage.files * usage.megabytes / 1000
    work_gb = inputs_gb * _WORK_OF_INPUT * usage.keep_days / 30
    monitoring = _METRICS * _usd("metric_month") + _ALARMS * _usd("alarm_month") + _usd("dashboard_month")
    return [
        Line("Storage of the inputs", f"{inputs_gb:,.1f} GB", inputs_gb * _usd("s3_gb_month")),
        Line(
            "Storage of the work files",
            f"{work_gb:,.1f} GB-months, once, for {usage.keep_days} days",
            work_gb * _usd("s3_gb_month"),
        ),
        Line("Monitoring of the stack", f"{_METRICS} metrics, {_ALARMS} alarms, a dashboard", monitoring),
    ]


def describe(found: Estimate) -> str:
    """Format an estimate as a table."""
    rows = [*found.lines, Line("The run", "", found.usd)]
    rows += [replace(line, part=f"{line.part}, a month") for line in found.monthly]
    return "\n".join(f"{line.part:<36} {line.usd:>9.2f} USD  {line.basis}".rstrip() for line in rows)


def describe_prices() -> str:
    """Format the prices with their sources and dates as a table."""
    return "\n".join(
        f"{f'{price.usd:.10f}'.rstrip('0').rstrip('.'):<12} USD per {price.unit}: {price.source}, {price.date}"
        for price in read_prices().values()
    )


@cache
def read_prices() -> dict[str, Price]:
    """Return the prices by name."""
    return {name: Price(**price) for name, price in json.loads(_read("prices.json"))["prices"].items()}


@cache
def read_sizes() -> dict[str, Size]:
    """Return the size of each function in the template."""
    return {name: Size(_find(_MEMORY, body), _find(_TMP, body)) for name, body in _FUNCTION.findall(_read(_TEMPLATE))}


def _find(pattern: re.Pattern[str], text: str) -> int:
    found = pattern.search(text)
    return int(found[1]) if found else _FREE_TMP_MB


def _read(name: str) -> str:
    return files("mars_aurora.run").joinpath(name).read_text()


def _usd(name: str) -> float:
    return read_prices()[name].usd
