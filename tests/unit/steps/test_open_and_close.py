"""Opening and closing a run, on simulated buckets."""

import json

import pytest

from mars_aurora import __version__
from mars_aurora.errors import BusyError, UsageError
from mars_aurora.run.keys import RunKeys
from mars_aurora.run.ledger import Outcome, Record
from mars_aurora.run.lock import take_lock
from mars_aurora.run.messages import CloseRequest, OpenRequest, OpenResult
from mars_aurora.run.settings import Settings
from mars_aurora.run.storage import S3Storage
from mars_aurora.steps.close import close_run, explain
from mars_aurora.steps.open import open_run

KEYS = RunKeys("a")
SETTINGS = Settings.from_env(
    {"WORK_BUCKET": "work", "DETECTIONS_BUCKET": "detections", "DETECTOR": "yolo", "CLEANING": "true"}
)
EXCEEDED = {"Error": "States.ExceedToleratedFailureThreshold", "Cause": "The specified threshold was exceeded"}
Buckets = dict[str, S3Storage]


class Account:
    """An account in which the named executions run."""

    def __init__(self, *running: str, concurrency: int = 1000) -> None:
        self.running, self.limit = running, concurrency

    def is_running(self, execution_arn: str) -> bool:
        return execution_arn in self.running

    def concurrency(self) -> int:
        return self.limit


def make_request(
    execution: str = "first", prefix: str = "incoming/a/", bucket: str = "inputs", **changed: object
) -> OpenRequest:
    own = ("run_id", "detect_on_lambda_up_to", "manifest")
    by_hand = {"bucket": bucket, "prefix": prefix} | {key: changed.pop(key) for key in own if key in changed}
    limits = {"max_concurrency": 500, "reserved_concurrency": 0}
    limits |= {"detect_on_lambda_up_to": 7, "tolerated_failure_percentage": 10, "tolerated_failure_count": 5}
    return OpenRequest(by_hand, execution, min_objects=2, keep_stages=False, **{**limits, **changed})


def open_(buckets: Buckets, opened: OpenRequest, account: Account = Account()) -> OpenResult:  # noqa: B008 -- not changed
    return open_run(opened, SETTINGS, account, buckets.__getitem__)


def fill(buckets: Buckets, count: int = 1, prefix: str = "incoming/a/") -> None:
    for number in range(count):
        buckets["inputs"].put(f"{prefix}{number}.fits", b"x" * number)


def test_inputs_are_listed_for_the_map_with_their_versions_and_without_markers(buckets: Buckets) -> None:
    for name in ("b/ü +.fits", "x_READY", "_READY", "notes.txt", "folder/"):
        buckets["inputs"].put(f"incoming/a/{name}", b"12345")
    assert open_(buckets, make_request()).listed == 3
    items = [json.loads(line) for line in buckets["work"].get(KEYS.items("listed")).decode().splitlines()]
    assert [item["name"] for item in items] == ["b/ü +.fits", "notes.txt", "x_READY"]
    for item in items:
        version = buckets["inputs"].version(f"incoming/a/{item['name']}")
        assert item["key"] == f"incoming/a/{item['name']}"
        assert (item["etag"], item["size"]) == (version.etag, version.size)


def test_settings_and_version_of_the_run_are_written(buckets: Buckets) -> None:
    fill(buckets)
    open_(buckets, make_request())
    written = json.loads(buckets["work"].get(KEYS.product("run.json")))
    assert (written["bucket"], written["prefix"], written["run_id"]) == ("inputs", "incoming/a/", "a")
    assert (written["version"], written["detector"], written["min_objects"]) == (__version__, "yolo", 2)


@pytest.mark.parametrize(
    ("asked", "used"), [({}, 7), ({"detect_on_lambda_up_to": 3}, 3), ({"detect_on_lambda_up_to": 0}, 0)]
)
def test_number_of_candidates_for_lambda_is_that_of_the_request_or_of_the_stack(
    buckets: Buckets, asked: dict[str, int], used: int
) -> None:
    fill(buckets)
    assert open_(buckets, make_request(**asked)).detect_on_lambda_up_to == used


def test_products_of_an_earlier_execution_are_deleted(buckets: Buckets) -> None:
    fill(buckets)
    for name in ("ledger.csv", "catalogue.ecsv", "report.html", "detections/0.fits.png"):
        buckets["detections"].put(KEYS.product(name), b"old")
    open_(buckets, make_request())
    assert buckets["detections"].list("") == [KEYS.product("detections/0.fits.png")]


def test_second_execution_is_refused_until_the_first_is_closed(buckets: Buckets) -> None:
    fill(buckets)
    open_(buckets, make_request("first"))
    with pytest.raises(BusyError):
        open_(buckets, make_request("second"), Account("first", "second"))
    close_run(
        CloseRequest("a", "inputs", "incoming/a/", "one", "first"),
        *(buckets[name] for name in ("inputs", "work", "detections")),
    )
    open_(buckets, make_request("second"), Account("second"))


def test_prefix_without_objects_is_a_usage_error_and_leaves_no_lock(buckets: Buckets) -> None:
    buckets["inputs"].put("incoming/a/_READY", b"")
    with pytest.raises(UsageError, match="No object found below s3://inputs/incoming/a/"):
        open_(buckets, make_request())
    assert buckets["work"].list("") == []


def test_inputs_of_a_manifest_are_those_that_it_names_in_their_bucket(buckets: Buckets) -> None:
    manifest = "s3://inputs/manifests/m.csv"
    buckets["inputs"].put("manifests/m.csv", b"key,etag\nfar/x.fits,0123\nfar/_READY,\nfar/y.txt,\n")
    opened = open_(buckets, make_request(prefix="", bucket="others", manifest=manifest, run_id="a"))
    assert (opened.bucket, opened.prefix, opened.listed) == ("others", "", 2)
    items = [json.loads(line) for line in buckets["work"].get(KEYS.items("listed")).decode().splitlines()]
    assert [(item["key"], item["name"], item["etag"]) for item in items] == [
        ("far/x.fits", "far/x.fits", "0123"),
        ("far/y.txt", "far/y.txt", ""),
    ]
    with pytest.raises(UsageError, match=f"the run id 'a' belongs to {manifest}"):
        open_(buckets, make_request(run_id="a"), Account())


def test_run_id_of_another_batch_is_a_usage_error(buckets: Buckets) -> None:
    fill(buckets)
    open_(buckets, make_request(run_id="mine"))
    with pytest.raises(UsageError, match="the run id 'mine' belongs to s3://inputs/incoming/a/"):
        open_(buckets, make_request(run_id="mine", bucket="others"), Account())


@pytest.mark.parametrize(
    ("reserved", "unreserved", "locked", "expected"),
    [
        (0, 1000, 0, 500),
        (0, 400, 0, 320),
        (0, 400, 3, 80),
        (0, 10, 0, 8),
        (0, 10, 1, 4),
        (0, 10, 30, 1),
        (0, 0, 0, 1),
        (300, 10, 0, 240),
        (900, 10, 0, 500),
    ],
)
def test_children_at_once_are_the_share_of_the_run_of_most_of_the_functions(
    buckets: Buckets, reserved: int, unreserved: int, locked: int, expected: int
) -> None:
    fill(buckets)
    for number in range(locked):
        take_lock(buckets["work"], RunKeys(f"other{number}"), "third", lambda _: True)
    opened = open_(buckets, make_request(reserved_concurrency=reserved), Account(concurrency=unreserved))
    assert opened.children_at_once == expected


@pytest.mark.parametrize(("listed", "tolerated"), [(1, 0), (2, 1), (6, 5), (49, 5), (50, 5), (60, 6)])
def test_small_run_tolerates_five_failures_but_not_that_every_input_fails(
    buckets: Buckets, listed: int, tolerated: int
) -> None:
    fill(buckets, listed)
    assert open_(buckets, make_request()).tolerated_failures == tolerated


def test_tolerance_can_be_turned_off(buckets: Buckets) -> None:
    fill(buckets, 20)
    opened = open_(buckets, make_request(tolerated_failure_percentage=0, tolerated_failure_count=0))
    assert opened.tolerated_failures == 0


def close_failed(buckets: Buckets, failure: dict[str, str]) -> tuple[str, str, list[str]]:
    storages = (buckets[name] for name in ("inputs", "work", "detections"))
    result = close_run(CloseRequest("a", "inputs", "incoming/a/", "one", "first", failure), *storages)
    return result.error, result.cause, buckets["detections"].get(KEYS.product("ledger.csv")).decode().splitlines()


def test_ledger_of_a_failed_run_has_a_final_outcome_of_each_input(buckets: Buckets) -> None:
    fill(buckets, 4)
    open_(buckets, make_request())
    records = {
        "0.fits": Record("0.fits", Outcome.CANDIDATE, objects=3),
        "1.fits": Record("1.fits", Outcome.DISCARDED, "too_few_objects", objects=1),
    }
    for name, record in records.items():
        buckets["work"].put(KEYS.record(name), record.to_json())
    buckets["inputs"].delete("incoming/a/3.fits")
    buckets["inputs"].put("incoming/a/4.fits", b"")
    error, cause, ledger = close_failed(buckets, EXCEEDED)
    assert error == "TooManyFilesFailed"
    assert "more inputs failed from infrastructure errors than the stack tolerates" in cause
    assert "1 discarded, 4 failed" in cause
    assert [line.split(",")[:3] for line in ledger[1:]] == [
        ["0.fits", "failed", "run_failed"],
        ["1.fits", "discarded", "too_few_objects"],
        ["2.fits", "failed", "no_record"],
        ["3.fits", "failed", "removed_during_run"],
        ["4.fits", "failed", "added_during_run"],
    ]


def test_failed_run_replaces_an_older_ledger_and_is_unlocked(buckets: Buckets) -> None:
    fill(buckets)
    open_(buckets, make_request())
    buckets["detections"].put(KEYS.product("ledger.csv"), b"old")
    assert close_failed(buckets, EXCEEDED)[2] != ["old"]
    take_lock(buckets["work"], KEYS, "second", Account("first").is_running)


def test_run_that_did_not_fail_keeps_its_ledger(buckets: Buckets) -> None:
    buckets["detections"].put(KEYS.product("ledger.csv"), b"written by the catalogue")
    storages = (buckets[name] for name in ("inputs", "work", "detections"))
    result = close_run(CloseRequest("a", "inputs", "incoming/a/", "one", "first"), *storages)
    assert (result.error, result.cause) == ("", "")
    assert buckets["detections"].get(KEYS.product("ledger.csv")) == b"written by the catalogue"


@pytest.mark.parametrize(
    ("failure", "error", "cause"),
    [
        (EXCEEDED, "TooManyFilesFailed", "more inputs failed"),
        (
            {"Error": "UsageError", "Cause": '{"errorMessage": "in words", "errorType": "UsageError"}'},
            "UsageError",
            "in words",
        ),
        ({"Error": "States.Timeout", "Cause": ""}, "States.Timeout", "a step took longer"),
        ({"Error": "States.Runtime", "Cause": "not JSON {"}, "States.Runtime", "not JSON {"),
        ({"Error": "X", "Cause": '["a list"]'}, "X", "a list"),
        ({"Error": "X"}, "X", "no cause was given"),
        ({}, "Unknown", "no cause was given"),
    ],
)
def test_failure_is_explained_in_words(failure: dict[str, str], error: str, cause: str) -> None:
    name, explanation = explain(failure)
    assert name == error
    assert cause in explanation
