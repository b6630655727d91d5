"""Invoke every built function with its event fixture, under Lambda's runtime client and runtime interface emulator."""

import json
from pathlib import Path
from typing import Any

import pytest
from runtime import EVENTS, SETTINGS, invoke, run_function
from stack import Emulator

from mars_aurora.detect.detectors import DetectorName, describe_detector

pytestmark = [pytest.mark.deployed, pytest.mark.slow]

ORDER = (
    "open",
    "preprocess",
    "classify",
    "tally",
    "detect",
    "measure",
    "stitch",
    "catalogue",
    "parquet",
    "close",
    "publish",
)
# No map has run: tally takes the records from the bucket, and there is one slice.
ALONE: dict[str, dict[str, Any]] = {
    "tally": {"execution": ""},
    "measure": {"execution": "", "number": 0, "predictions": describe_detector(DetectorName.YOLO).folder},
    "stitch": {"sets": []},
    "catalogue": {"execution": "", "listed": 1},
    "parquet": {"execution": ""},
}


def read_event(name: str) -> dict[str, Any]:
    return json.loads((EVENTS / f"{name}.json").read_text())


@pytest.fixture(scope="module")
def responses(built: Path, aws: Emulator, night_file: Path, tmp_path_factory: pytest.TempPathFactory) -> dict:
    """Responses of all functions to their fixtures, invoked in workflow order on one file with an aurora."""
    s3, folder = aws.client("s3"), tmp_path_factory.mktemp("runtime")
    request = read_event("preprocess")
    for bucket in (request["bucket"], SETTINGS["WORK_BUCKET"], SETTINGS["DETECTIONS_BUCKET"]):
        s3.create_bucket(Bucket=bucket)
    s3.upload_file(str(night_file), request["bucket"], request["key"])
    found = {}
    for name in ORDER:
        log, event = folder / f"{name}.log", read_event(name) | ALONE.get(name, {})
        with run_function(built, aws, name, log) as function:
            first, second = invoke(function, event), invoke(function, event)
        assert "errorMessage" not in first, (first, log.read_text()[-2000:])
        assert drop_times(first) == drop_times(second), f"{name}: repeating an event must give the same response"
        found[name], found[f"{name} log"] = first, log.read_text()
    return found


def drop_times(response: dict) -> dict:
    return {key: value for key, value in response.items() if key != "started_utc"}


def test_open_lists_the_file_and_limits_the_maps(responses: dict) -> None:
    opened = responses["open"]
    assert (opened["run_id"], opened["listed"], opened["tolerated_failures"]) == ("2022-03", 1, 0)
    assert 1 <= opened["children_at_once"] <= 1000


def test_close_explains_the_failure(responses: dict) -> None:
    assert responses["close"]["error"] == "TooManyFilesFailed"
    assert "1 failed" in responses["close"]["cause"]


def test_preprocess_accepts_the_file(responses: dict) -> None:
    assert responses["preprocess"]["usable"] is True


def test_classify_counts_enough_objects(responses: dict) -> None:
    record = responses["classify"]["record"]
    assert record["objects"] >= 2
    assert record["outcome"] == "candidate"


@pytest.mark.parametrize("name", ["preprocess", "classify", "detect"])
def test_logs_and_metrics_have_run_name_time_and_memory(responses: dict, name: str) -> None:
    lines = [json.loads(line) for line in responses[f"{name} log"].splitlines() if line.startswith("{")]
    done = [line for line in lines if line.get("message") == f"{name} done"]
    request = read_event(name)
    assert [(line["run_id"], line["name"]) for line in done] == [(request["run_id"], request["name"])] * 2
    assert all(line["milliseconds"] > 0 and line["memory_MB"] > 30 for line in done)
    (published, *_) = (line for line in lines if "_aws" in line)
    (directive,) = published["_aws"]["CloudWatchMetrics"]
    assert directive["Dimensions"] == [["service"]]
    units = {metric["Name"]: metric["Unit"] for metric in directive["Metrics"]}
    assert units == {f"{name}_ms": "Milliseconds", f"{name}_memory_MB": "Megabytes"}


def test_tally_counts_one_candidate(responses: dict) -> None:
    assert (responses["tally"]["listed"], responses["tally"]["candidates"]) == (1, 1)
    assert responses["tally"]["detected"] == "on SageMaker: 1 candidate"


def test_detect_finds_a_box(responses: dict) -> None:
    assert responses["detect"]["name"] == read_event("detect")["name"]
    assert responses["detect"]["boxes"] >= 1


def test_publish_deletes_nothing_where_nothing_is_old(responses: dict) -> None:
    assert responses["publish"] == {"deleted": 0}


def test_catalogue_counts_add_up_and_products_exist(responses: dict, aws: Emulator) -> None:
    result = responses["catalogue"]
    assert sum(result["counts"].values()) == result["listed"] == 1
    s3 = aws.client("s3")
    for product in ("ledger.csv", "catalogue.csv", "auroras.csv", "report.html"):
        s3.head_object(Bucket=SETTINGS["DETECTIONS_BUCKET"], Key=f"runs/{result['run_id']}/{product}")


def test_parquet_adds_its_products_to_the_run_and_to_the_data_set(responses: dict, aws: Emulator) -> None:
    result, s3, bucket = responses["parquet"], aws.client("s3"), SETTINGS["DETECTIONS_BUCKET"]
    assert result["detections"] >= result["auroras"] == responses["catalogue"]["auroras"] > 0
    assert result["files"] == 2
    facts = json.loads(s3.get_object(Bucket=bucket, Key=f"runs/{result['run_id']}/run.json")["Body"].read())
    assert {"catalogue.parquet", "auroras.parquet"} <= set(facts["products_sha256"])
    found = s3.list_objects_v2(Bucket=bucket, Prefix="dataset/")["Contents"]
    assert sum(item["Key"].endswith(f"/{result['run_id']}.parquet") for item in found) == 2


def test_event_with_unknown_field_is_a_usage_error(built: Path, aws: Emulator, tmp_path: Path) -> None:
    with run_function(built, aws, "classify", tmp_path / "log.txt") as function:
        response = invoke(function, {"run_id": "a", "color": "red"})
    assert response["errorType"] == "UsageError"
    assert "unknown field color" in response["errorMessage"]
