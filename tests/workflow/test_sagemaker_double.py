"""The double of SageMaker: it refuses what AWS refuses, and ends jobs in every way."""

import io
import json
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "deployed"))
from sagemaker_double import DEFAULTS, RefusedError, SageMaker

ARCHIVE = "models/0123.tar.gz"
ROLE = "arn:aws:iam::000000000000:role/model"
INFERENCE = """
def model_fn(folder): return "network"
def input_fn(body, kind): return body
def predict_fn(body, network): return body.upper()
def output_fn(prediction, accept): return prediction, accept
"""
CONTAINER = {
    "Image": "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.9-0-cpu-py3",
    "ModelDataUrl": f"s3://bucket-of-runs/{ARCHIVE}",
    "Environment": {"SAGEMAKER_SERVING_MODULE": "wsgi:main", "PYTHONPATH": "/opt/ml/model/code"},
}
Objects = dict[tuple[str, str], bytes]


def pack(**files: str) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, text in files.items():
            entry = tarfile.TarInfo(f"code/{name}.py")
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text.encode()))
    return packed.getvalue()


@pytest.fixture
def objects() -> Objects:
    manifest = json.dumps([{"prefix": "s3://bucket-of-runs/runs/a/candidates/"}, "1.png", "2.png"]).encode()
    return {
        ("bucket-of-runs", ARCHIVE): pack(inference=INFERENCE, wsgi="from elsewhere import main\n"),
        ("bucket-of-runs", "runs/a/map/transform.json"): manifest,
        ("bucket-of-runs", "runs/a/candidates/1.png"): b"one",
        ("bucket-of-runs", "runs/a/candidates/2.png"): b"two",
    }


@pytest.fixture
def sagemaker(objects: Objects, tmp_path: Path) -> SageMaker:
    def write(bucket: str, key: str, data: bytes) -> None:
        objects[bucket, key] = data

    return SageMaker(tmp_path, [sys.executable, "-I"], lambda bucket, key: objects.get((bucket, key)), write)


def create_model(sagemaker: SageMaker, **container: Any) -> str:
    properties = {"ExecutionRoleArn": ROLE, "EnableNetworkIsolation": True, "PrimaryContainer": CONTAINER | container}
    return sagemaker.create_model("Model", properties, "stack")[1]["ModelName"]


def make_request(model: str, **changed: Any) -> dict[str, Any]:
    source = {"S3DataType": "ManifestFile", "S3Uri": "s3://bucket-of-runs/runs/a/map/transform.json"}
    request = {
        "TransformJobName": "mars-aurora-0-1",
        "ModelName": model,
        "MaxConcurrentTransforms": 4,
        "MaxPayloadInMB": 6,
        "TransformInput": {"DataSource": {"S3DataSource": source}, "ContentType": "image/png"},
        "TransformOutput": {"S3OutputPath": "s3://bucket-of-runs/runs/a/predictions/w/", "AssembleWith": "None"},
        "TransformResources": {"InstanceType": "ml.c5.xlarge", "InstanceCount": 1},
    }
    return request | changed


def outputs(objects: Objects) -> dict[str, bytes]:
    folder = "runs/a/predictions/w/"
    return {key.removeprefix(folder): data for (_, key), data in objects.items() if key.startswith(folder)}


def control(sagemaker: SageMaker, **wanted: Any) -> None:
    assert set(wanted) <= set(DEFAULTS)
    (sagemaker.folder / "control.json").write_text(json.dumps(wanted))


@pytest.mark.parametrize(
    ("wanted", "status", "written"),
    [
        ({}, "Completed", {"1.png.out": b"ONE", "2.png.out": b"TWO"}),
        ({"layout": "nested"}, "Completed", {"candidates/1.png.out": b"ONE", "candidates/2.png.out": b"TWO"}),
        ({"missing": 1}, "Completed", {"1.png.out": b"ONE"}),
        ({"status": "Failed"}, "Failed", {"1.png.out": b"ONE"}),
        ({"status": "Stopped"}, "Stopped", {"1.png.out": b"ONE"}),
    ],
)
def test_job_ends_as_asked(
    sagemaker: SageMaker, objects: Objects, wanted: dict[str, Any], status: str, written: dict[str, bytes]
) -> None:
    control(sagemaker, **wanted)
    assert sagemaker.transform(make_request(create_model(sagemaker)))["TransformJobStatus"] == status
    assert outputs(objects) == written


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"TransformJobName": "mars_aurora"}, "ValidationException"),
        ({"TransformJobName": "x" * 64}, "ValidationException"),
        ({"ModelName": "other"}, "ValidationException"),
        ({"MaxConcurrentTransforms": "4"}, "ValidationException"),
        ({"MaxConcurrentTransforms": 17}, "ValidationException"),
        ({"Color": "red"}, "ValidationException"),
        ({"TransformResources": {"InstanceType": "ml.c5.tiny", "InstanceCount": 1}}, "ValidationException"),
        ({"TransformResources": {"InstanceType": "ml.c5.xlarge", "InstanceCount": 0}}, "ValidationException"),
        ({"TransformResources": {"InstanceType": "ml.c5.xlarge", "InstanceCount": 2}}, "ResourceLimitExceeded"),
        ({"TransformOutput": {"S3OutputPath": "runs/a"}}, "ValidationException"),
    ],
)
def test_request_that_sagemaker_refuses_is_refused(sagemaker: SageMaker, changed: dict[str, Any], code: str) -> None:
    with pytest.raises(RefusedError) as refused:
        sagemaker.transform(make_request(create_model(sagemaker)) | changed)
    assert refused.value.code == code
    assert not (sagemaker.folder / "jobs.jsonl").exists()


def test_name_of_an_earlier_job_is_refused(sagemaker: SageMaker) -> None:
    request = make_request(create_model(sagemaker))
    sagemaker.transform(request)
    with pytest.raises(RefusedError) as refused:
        sagemaker.transform(request)
    assert refused.value.code == "ResourceInUse"


@pytest.mark.parametrize(
    ("key", "data", "reason"),
    [
        ("map/transform.json", b"1.png", "cannot be parsed"),
        ("map/transform.json", b'[{"prefix": "s3://bucket-of-runs/runs/a/candidates/"}]', "no inputs"),
        ("map/transform.json", b'[{"prefix": "runs/a/"}, "1.png"]', "no prefix"),
        ("map/transform.json", None, "does not exist"),
        ("candidates/2.png", None, "2.png does not exist"),
        ("candidates/2.png", bytes(7 * 2**20), "larger than MaxPayloadInMB"),
    ],
)
def test_job_with_bad_inputs_fails_with_a_reason(
    sagemaker: SageMaker, objects: Objects, key: str, data: bytes | None, reason: str
) -> None:
    objects.pop(("bucket-of-runs", f"runs/a/{key}"))
    if data is not None:
        objects["bucket-of-runs", f"runs/a/{key}"] = data
    described = sagemaker.transform(make_request(create_model(sagemaker)))
    assert described["TransformJobStatus"] == "Failed"
    assert reason in described["FailureReason"]
    assert outputs(objects) == {}


@pytest.mark.parametrize(
    ("environment", "reason"),
    [
        ({"SAGEMAKER_PROGRAM": "inference.py"}, "there is no network"),
        ({"PYTHONPATH": "/opt/ml/code"}, "there is no network"),
        ({"SAGEMAKER_SERVING_MODULE": "wsgi:app"}, "no app in wsgi"),
    ],
)
def test_container_that_would_not_start_fails_the_job(
    sagemaker: SageMaker, environment: dict[str, str], reason: str
) -> None:
    model = create_model(sagemaker, Environment=CONTAINER["Environment"] | environment)
    assert reason in sagemaker.transform(make_request(model))["FailureReason"]


def test_model_whose_function_raises_fails_the_job(sagemaker: SageMaker, objects: Objects) -> None:
    text = INFERENCE.replace("body.upper()", "1 / 0")
    objects["bucket-of-runs", ARCHIVE] = pack(inference=text, wsgi="from elsewhere import main\n")
    assert "ZeroDivisionError" in sagemaker.transform(make_request(create_model(sagemaker)))["FailureReason"]


def test_model_without_archive_is_refused(sagemaker: SageMaker) -> None:
    with pytest.raises(RefusedError, match="Could not find model data"):
        create_model(sagemaker, ModelDataUrl="s3://bucket-of-runs/models/none.tar.gz")


def test_models_are_listed_described_and_deleted(sagemaker: SageMaker) -> None:
    first, second = create_model(sagemaker), create_model(sagemaker)
    assert [item["ModelName"] for item in sagemaker.call("ListModels", {})["Models"]] == [first, second]
    described = sagemaker.call("DescribeModel", {"ModelName": first})
    assert described["PrimaryContainer"]["ModelDataUrl"] == CONTAINER["ModelDataUrl"]
    sagemaker.call("DeleteModel", {"ModelName": first})
    sagemaker.delete_model(f"arn:aws:sagemaker:us-east-1:000000000000:model/{second}", {})
    assert sagemaker.call("ListModels", {}) == {"Models": []}
    with pytest.raises(RefusedError):
        sagemaker.call("DescribeModel", {"ModelName": first})
