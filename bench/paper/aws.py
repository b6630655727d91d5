"""Time and cost of a run on AWS, computed from measured CPU times of the functions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil

from bench.paper.functions import Calls
from bench.paper.sources import value
from mars_aurora.run import costs
from mars_aurora.run.costs import Usage

REQUESTS = {"Preprocess": 7, "Classify": 4, "Detect": 4}  # to S3, one after the other, in one call
_CHILD_S = 0.3  # transitions of Step Functions in a child, as in the estimate of the package
_TRANSFORM_START_S, _TRANSFORM_S = 300.0, 0.1  # as in the estimate of the package
_SLICE, _BATCH = 100, 150  # files


@dataclass(frozen=True)
class Prices:
    """The two prices of the paper: of a GB-second of Lambda, and of an hour of an instance."""

    lambda_gb_s: float
    instance: str
    instance_h: float


def today() -> Prices:
    """Return the prices of the package."""
    prices = costs.read_prices()
    return Prices(prices["lambda_gb_s"].usd, "ml.c5.xlarge", prices["ml.c5.xlarge"].usd)


def in_paper() -> Prices:
    return Prices(value("paper_lambda_gb_s"), "ml.m5.large", value("paper_instance_h"))


@dataclass(frozen=True)
class Job:
    """What is processed, and how.

    Attributes
    ----------
    files : number of files
    candidates : number of them with enough objects
    megabytes : size of a file
    parallel : number of functions at once
    on_lambda : whether candidates are detected by the function instead of a transform job
    """

    files: int
    candidates: int
    megabytes: float
    parallel: int
    on_lambda: bool = False


@dataclass(frozen=True)
class Estimate:
    """Time and cost of a run, and the parts of both in the order of the workflow."""

    seconds: float
    usd: float
    parts_s: dict[str, float]
    parts_usd: dict[str, float]


def estimate(job: Job, calls: Mapping[str, Calls], prices: Prices) -> Estimate:
    """Compute time and cost of a run.

    ``calls`` has what was measured of the functions ``preprocess``, ``classify`` and ``detect``; the others take as
    long as the estimate of the package says.
    """
    times = _find_times(job, calls)
    usd = _find_costs(job, calls, prices)
    return Estimate(sum(times.values()), sum(usd.values()), times, usd)


def find_call_s(name: str, calls: Mapping[str, Calls], megabytes: float = 0.0) -> float:
    """Return the time of one call of a function: its CPU time at the memory size, and its requests to S3."""
    transfer_s = megabytes / value("s3_mb_s") if name == "Preprocess" else 0.0
    return calls[name.lower()].billed_s + REQUESTS[name] * value("s3_request_s") + transfer_s


def _find_times(job: Job, calls: Mapping[str, Calls]) -> dict[str, float]:
    usage = Usage(job.files, job.candidates)
    at_once = min(job.parallel, job.files)
    child_s = _CHILD_S + find_call_s("Preprocess", calls, job.megabytes) + find_call_s("Classify", calls)
    cold_s = calls["preprocess"].billed_cold_s + calls["classify"].billed_cold_s
    ramp_s = max(0.0, at_once / value("ramp_per_s") - 10)  # 1000 environments start at once
    total_s = {name: seconds.of(usage) for name, (_, seconds) in costs.FUNCTIONS.items()}
    if job.on_lambda:
        waves = ceil(job.candidates / job.parallel)
        detection_s = calls["detect"].billed_cold_s + waves * find_call_s("Detect", calls)
    else:
        detection_s = _TRANSFORM_START_S + _TRANSFORM_S * job.candidates
    return {
        "open": total_s["Open"],
        "cold starts and ramp": cold_s + ramp_s,
        "read and classify": ceil(job.files / job.parallel) * child_s,
        "tally": total_s["Tally"],
        "detect": detection_s if job.candidates else 0.0,
        "measure": total_s["Measure"] / min(job.parallel, ceil(job.files / _SLICE)),
        "stitch": total_s["Stitch"] / min(job.parallel, ceil(job.files / _BATCH)),
        "catalogue, GeoParquet and close": sum(total_s[name] for name in ("Catalogue", "Parquet", "Close")),
    }


def _find_costs(job: Job, calls: Mapping[str, Calls], prices: Prices) -> dict[str, float]:
    usage = Usage(job.files, job.candidates, job.megabytes, "" if job.on_lambda else prices.instance)
    others = {line.part: line.usd for line in costs.estimate(usage).lines if not line.part.startswith("Function ")}
    if "Transform job" in others:
        instance_s = _TRANSFORM_START_S + _TRANSFORM_S * job.candidates
        others["Transform job"] = instance_s / 3600 * prices.instance_h
    names = [name for name in costs.FUNCTIONS if name != "Detect" or job.on_lambda]
    computing = sum(_price_function(name, job, calls, prices) for name in names)
    return {"Lambda": computing} | others


def _price_function(name: str, job: Job, calls: Mapping[str, Calls], prices: Prices) -> float:
    usage, size, listed = Usage(job.files, job.candidates), costs.read_sizes()[name], costs.read_prices()
    number, seconds = costs.FUNCTIONS[name]
    billed_s = seconds.of(usage)
    if name in REQUESTS:
        environments = min(job.parallel, number.of(usage))
        billed_s = number.of(usage) * find_call_s(name, calls, job.megabytes)
        billed_s += environments * calls[name.lower()].billed_cold_s
    disk_gb = max(0, size.tmp_mb - 512) / 1024
    per_s = size.memory_mb / 1024 * prices.lambda_gb_s + disk_gb * listed["lambda_storage_gb_s"].usd
    return billed_s * per_s + number.of(usage) * listed["lambda_request"].usd
