"""What the paper plans: EFS instead of S3, and an HTTP API beside batches; computed from stated numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bench.paper import aws
from bench.paper.aws import Job
from bench.paper.functions import Calls
from bench.paper.load import find_percentiles
from bench.paper.pages import format_duration, format_number, format_table
from bench.paper.plan import Plan
from bench.paper.sources import value
from bench.paper.table1 import find_fraction
from mars_aurora.run import costs

FILES = 1000
READS, WRITES = 9, 6  # requests of each file, as in the estimate of the package
WORK = 0.25  # size of the pictures, geometry and records relative to that of the input, as in that estimate


@dataclass(frozen=True)
class Storage:
    """What a file costs in a storage, and how long its functions wait for it: reads and writes one after the other."""

    usd_once: float
    usd_month: float
    seconds: float


def on_s3(megabytes: float) -> Storage:
    """Compute for a file on S3: requests, a month of storage, first bytes and transfer."""
    once = READS * value("s3_read") + (WRITES + 1) * value("s3_write")  # and the upload
    month = megabytes * (1 + WORK) / 1000 * value("s3_gb_month")
    requests = sum(aws.REQUESTS[name] for name in ("Preprocess", "Classify"))
    return Storage(once, month, requests * value("s3_request_s") + megabytes * (1 + WORK) / value("s3_mb_s"))


def on_efs(megabytes: float) -> Storage:
    """Compute for a file on a regional EFS with elastic throughput: bytes, a month of storage, operations, transfer."""
    read_gb, written_gb = megabytes * (1 + WORK) / 1000, megabytes * (1 + WORK) / 1000  # the upload is written too
    once = read_gb * value("efs_read_gb") + written_gb * value("efs_write_gb")
    month = megabytes * (1 + WORK) / 1000 * value("efs_gb_month")
    waits_s = READS * value("efs_read_s") + WRITES * value("efs_write_s")
    return Storage(once, month, waits_s + megabytes * (1 + WORK) / value("efs_client_mb_s"))


def measure(_plan: Plan) -> dict[str, Any]:
    """Nothing is measured: all is computed from what the other parts measure."""
    return {}


def describe(table1: dict[str, Any], images: dict[str, Any], load: dict[str, Any]) -> str:
    """Return both tables."""
    megabytes = table1["megabytes"]
    calls = {name: Calls(**used) for name, used in images["functions"].items()}
    candidates = find_fraction(table1)
    return "\n\n".join((_compare_storage(megabytes, calls), _compare_api(megabytes, calls, load, candidates)))


def _compare_storage(megabytes: float, calls: dict[str, Calls]) -> str:
    per_s = costs.read_sizes()["Preprocess"].memory_mb / 1024 * costs.read_prices()["lambda_gb_s"].usd
    rows = []
    for label, storage in (("S3", on_s3(megabytes)), ("EFS", on_efs(megabytes))):
        waiting = storage.seconds * per_s
        numbers = (storage.usd_once, storage.usd_month, waiting, storage.usd_once + storage.usd_month + waiting)
        rows.append([label, f"{storage.seconds:.2f}", *(f"{FILES * usd:.3f}" for usd in numbers)])
    heads = (
        f"{FILES:,} files",
        "wait of a file, s",
        "requests or bytes, USD",
        "a month of storage, USD",
        "Lambda while it waits, USD",
        "sum, USD",
    )
    cold_s = calls["preprocess"].billed_cold_s + calls["classify"].billed_cold_s
    return (
        f"### S3 and EFS\n\n{format_table(heads, rows)}\n\nFiles of {megabytes:.1f} MB, read once; what is written for "
        f"each is {WORK:.0%} of it. Cold starts take {format_duration(cold_s)} of CPU time for both. EFS needs "
        f"the functions in a VPC, which adds at least {value('vpc_cold_s')} s, and the mount, for which AWS states no "
        "number; and endpoints for the other services, charged by the hour. Files reach EFS only through a mount or a "
        "transfer service, not by an upload."
    )


def _compare_api(megabytes: float, calls: dict[str, Calls], load: dict[str, Any], candidates: float) -> str:
    batch = aws.estimate(Job(FILES, round(candidates * FILES), megabytes, 1000), calls, aws.today())
    single = aws.estimate(Job(1, 1, megabytes, 1, on_lambda=True), calls, aws.today())
    request = value("api_request") * -(-megabytes // 0.512)
    rows = [
        [f"a batch of {FILES:,}", format_duration(batch.seconds), f"{batch.usd / FILES:.6f}"],
        ["one file below live/", format_duration(single.seconds), f"{single.usd:.6f}"],
        [
            "one file through an HTTP API, and then the same",
            format_duration(single.seconds),
            f"{single.usd + request:.6f}",
        ],
    ]
    names = ("api_payload_mb", "lambda_payload_mb", "api_timeout_s")
    most_mb, function_mb, limit_s = map(value, names)
    return (
        f"### Batches and an HTTP API\n\n{format_table(('way', 'until the catalogue', 'USD a file'), rows)}\n\n"
        f"An HTTP API takes {most_mb:.0f} MB at most and a function {function_mb:.0f} MB; a file has {megabytes:.1f} "
        "MB, so that a client would ask for a signed address and upload to S3 all the same. The API answers within "
        f"{limit_s:.0f} s or not at all. On the emulator, a file below live/ took "
        f"{format_number(find_percentiles(load['live_s'])[0])} s at the median."
    )
