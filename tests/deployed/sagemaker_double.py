"""A double of SageMaker inside the emulator: models and batch transform jobs, as AWS documents them.

It refuses what AWS refuses, runs the four functions of the model archive in a clean process, and writes the outputs.
``control.json`` in its folder says what a test wants of it, see `DEFAULTS`; ``jobs.jsonl`` has the accepted requests.
"""

import json
import re
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

from botocore.session import Session
from botocore.validate import ParamValidator

DEFAULTS = {
    "quota": 1,  # instances of any type
    "layout": "flat",  # or "nested": outputs in a folder named like that of the inputs
    "status": "Completed",  # or "Failed", "Stopped": with the outputs of half of the inputs
    "missing": 0,  # outputs that a completed job lacks
    "wait_for": "",  # path of a file: the job ends when it exists
}
ARN = "arn:aws:sagemaker:us-east-1:000000000000:model/"
JOB_ARN = "arn:aws:sagemaker:us-east-1:000000000000:transform-job/"
CONTAINER = Path(__file__).with_name("container.py")
MAX_PAYLOADS_MB = 100
Read = Callable[[str, str], bytes | None]
Write = Callable[[str, str, bytes], object]


class RefusedError(Exception):
    """An error of the API, with its code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class JobError(Exception):
    """The reason of a failed job."""


class SageMaker:
    """Models and jobs; objects in S3 are read and written by functions of bucket and key."""

    def __init__(self, folder: Path, python: list[str], read: Read, write: Write) -> None:
        self.folder, self.python, self.read, self.write = folder, python, read, write
        self.api = Session().get_service_model("sagemaker")
        self.models: dict[str, dict[str, Any]] = {}
        self.jobs: dict[str, dict[str, Any]] = {}  # request and status by name
        self.lock = threading.Lock()

    def control(self) -> dict[str, Any]:
        path = self.folder / "control.json"
        return DEFAULTS | (json.loads(path.read_text()) if path.exists() else {})

    # ---- requests ----

    def validate(self, operation: str, request: dict[str, Any]) -> None:
        """Check types, required members, lengths, ranges, patterns and enumerations."""
        shape = self.api.operation_model(operation).input_shape
        report = ParamValidator().validate(request, shape)
        faults = [report.generate_report()] if report.has_errors() else list(find_faults(shape, request, ""))
        if faults:
            raise RefusedError("ValidationException", "; ".join(faults))

    def create_model(self, logical_id: str, properties: dict[str, Any], _stack: str) -> tuple[str, dict[str, Any]]:
        """Create the resource AWS::SageMaker::Model."""
        name = properties.get("ModelName") or f"{logical_id}-{uuid4().hex[:12]}"
        isolated = str(properties.get("EnableNetworkIsolation", False)).lower() == "true"
        request = {**properties, "ModelName": name, "EnableNetworkIsolation": isolated}
        self.validate("CreateModel", request)
        if self.read(*split(request["PrimaryContainer"]["ModelDataUrl"])) is None:
            raise RefusedError(
                "ValidationException", "Could not find model data at " + request["PrimaryContainer"]["ModelDataUrl"]
            )
        self.models[name] = request
        return ARN + name, {"ModelName": name, "ModelArn": ARN + name}

    def delete_model(self, arn: str, _properties: dict[str, Any]) -> None:
        self.models.pop(arn.removeprefix(ARN), None)

    def call(self, action: str, request: dict[str, Any]) -> dict[str, Any]:
        """Carry out a call of the API."""
        if action == "ListModels":
            models = [{"ModelName": name, "ModelArn": ARN + name, "CreationTime": 0} for name in self.models]
            return {"Models": models}
        if action in {"ListTransformJobs", "ListTags", "StopTransformJob"}:
            return self.call_job(action, request)
        if request.get("ModelName") not in self.models:
            raise RefusedError("ValidationException", f"Could not find model {request.get('ModelName')}")
        if action == "DescribeModel":
            return {**self.models[request["ModelName"]], "ModelArn": ARN + request["ModelName"], "CreationTime": 0}
        if action == "DeleteModel":
            del self.models[request["ModelName"]]
            return {}
        raise RefusedError("UnknownOperationException", action)

    def call_job(self, action: str, request: dict[str, Any]) -> dict[str, Any]:
        """Carry out a call of the API about transform jobs."""
        self.validate(action, request)
        if action == "ListTransformJobs":
            found = [
                {"TransformJobName": name, "TransformJobArn": JOB_ARN + name, "TransformJobStatus": status}
                for name, job in self.jobs.items()
                if (status := job["TransformJobStatus"]) == request.get("StatusEquals", status)
                and request.get("NameContains", "") in name
            ]
            return {"TransformJobSummaries": [job | {"CreationTime": 0} for job in found]}
        name = request.get("ResourceArn", JOB_ARN + request.get("TransformJobName", "")).removeprefix(JOB_ARN)
        if name not in self.jobs:
            raise RefusedError("ValidationException", f"Could not find transform job {name}")
        if action == "ListTags":
            return {"Tags": self.jobs[name].get("Tags", [])}
        if self.jobs[name]["TransformJobStatus"] != "InProgress":
            raise RefusedError("ValidationException", f"The transform job {name} is not in progress")
        self.jobs[name]["TransformJobStatus"] = "Stopping"
        return {}

    # ---- transform jobs ----

    def transform(self, request: dict[str, Any]) -> dict[str, Any]:
        """Run a job to its end; return its description, also if it failed."""
        control = self.control()
        self.accept(request, control)
        job = self.jobs[request["TransformJobName"]]
        try:
            self.run(request, control)
        except JobError as error:
            job |= {"TransformJobStatus": "Failed", "FailureReason": str(error)}
            return job
        status = "Stopped" if job["TransformJobStatus"] == "Stopping" else control["status"]
        job |= {"TransformJobStatus": status}
        return job | ({"FailureReason": "AlgorithmError: as asked"} if status == "Failed" else {})

    def accept(self, request: dict[str, Any], control: dict[str, Any]) -> None:
        """Accept a request; raises RefusedError with the code of AWS."""
        self.validate("CreateTransformJob", request)
        if request["ModelName"] not in self.models:
            raise RefusedError("ValidationException", f"Could not find model {request['ModelName']}")
        if request.get("MaxConcurrentTransforms", 1) * request.get("MaxPayloadInMB", 6) > MAX_PAYLOADS_MB:
            raise RefusedError("ValidationException", "MaxConcurrentTransforms * MaxPayloadInMB must be at most 100")
        if request["TransformResources"]["InstanceCount"] > control["quota"]:
            kind = request["TransformResources"]["InstanceType"]
            raise RefusedError(
                "ResourceLimitExceeded", f"The limit '{kind} for transform job usage' is {control['quota']}"
            )
        with self.lock:
            if request["TransformJobName"] in self.jobs:
                raise RefusedError("ResourceInUse", "Job name must be unique within an AWS account and region")
            self.jobs[request["TransformJobName"]] = {**request, "TransformJobStatus": "InProgress"}
            with (self.folder / "jobs.jsonl").open("a") as file:
                file.write(json.dumps(request) + "\n")

    def run(self, request: dict[str, Any], control: dict[str, Any]) -> None:
        """Answer the inputs of a job and store the outputs."""
        folder = self.folder / request["TransformJobName"]
        source, target = folder / "in", folder / "out"
        source.mkdir(parents=True)
        target.mkdir()
        model = self.unpack(self.models[request["ModelName"]]["PrimaryContainer"])
        prefix, names = self.read_manifest(request["TransformInput"]["DataSource"]["S3DataSource"])
        bucket, root = split(prefix)
        for number, name in enumerate(names):
            data = self.get(bucket, root + name)
            if len(data) > request["MaxPayloadInMB"] * 2**20:
                raise JobError(f"ClientError: {name} is larger than MaxPayloadInMB")
            (source / f"{number:06}").write_bytes(data)
        command = [*self.python, CONTAINER, model, source, target]
        done = subprocess.run(command, env={"OMP_NUM_THREADS": "1"}, capture_output=True, text=True, check=False)
        if done.returncode:
            raise JobError(f"AlgorithmError: {done.stderr[-1000:]}")
        kept = len(names) - control["missing"] if control["status"] == "Completed" else len(names) // 2
        output_bucket, output_root = split(request["TransformOutput"]["S3OutputPath"].rstrip("/") + "/")
        nested = root.rstrip("/").rpartition("/")[2] + "/" if control["layout"] == "nested" else ""
        for number, name in enumerate(names[:kept]):
            key = f"{output_root}{nested}{name}.out"
            self.write(output_bucket, key, (target / f"{number:06}.out").read_bytes())
        if control["wait_for"]:
            self.wait_for(Path(control["wait_for"]), request["TransformJobName"])

    def wait_for(self, path: Path, name: str) -> None:
        """Wait until a file exists, or the job is stopped."""
        waiting = threading.Event()
        while not path.exists() and self.jobs[name]["TransformJobStatus"] == "InProgress":
            waiting.wait(0.1)

    def read_manifest(self, source: dict[str, str]) -> tuple[str, list[str]]:
        """Return the prefix and the names below it, of which there must be one at least."""
        if source["S3DataType"] != "ManifestFile":
            raise JobError("the double takes a ManifestFile only")
        try:
            first, *names = json.loads(self.get(*split(source["S3Uri"])))
            prefix = first["prefix"]
        except (ValueError, TypeError, KeyError) as error:
            raise JobError(f"ClientError: the manifest cannot be parsed: {error!r}") from error
        if not names or not prefix.startswith("s3://") or not all(isinstance(name, str) for name in names):
            raise JobError("ClientError: the manifest has no prefix or no inputs")
        return prefix, names

    def unpack(self, container: dict[str, Any]) -> Path:
        """Unpack the archive of a model, once; check that the container would start offline."""
        environment = container.get("Environment", {})
        if "SAGEMAKER_PROGRAM" in environment or environment.get("PYTHONPATH") != "/opt/ml/model/code":
            raise JobError("AlgorithmError: pip install . failed: there is no network")
        bucket, key = split(container["ModelDataUrl"])
        folder = self.folder / Path(key).name
        with self.lock:
            if not folder.exists():
                packed = self.folder / "model.tar.gz"
                packed.write_bytes(self.get(bucket, key))
                folder.mkdir()
                subprocess.run(["tar", "-xf", packed, "-C", folder], check=True)
        module, _, function = environment.get("SAGEMAKER_SERVING_MODULE", "").partition(":")
        if f"import {function}" not in (folder / "code" / f"{module}.py").read_text():
            raise JobError(f"AlgorithmError: no {function} in {module}")
        return folder

    def get(self, bucket: str, key: str) -> bytes:
        data = self.read(bucket, key)
        if data is None:
            raise JobError(f"ClientError: s3://{bucket}/{key} does not exist")
        return data


def find_faults(shape: Any, value: Any, path: str) -> Any:
    """Yield what botocore does not check before a request: lengths, ranges, patterns and enumerations."""
    if shape.type_name == "structure":
        for name, member in value.items():
            yield from find_faults(shape.members[name], member, f"{path}.{name}")
    elif shape.type_name == "list":
        for member in value:
            yield from find_faults(shape.member, member, path)
    elif shape.type_name == "map":
        for name, member in value.items():
            yield from find_faults(shape.key, name, path)
            yield from find_faults(shape.value, member, f"{path}.{name}")
    size = len(value) if hasattr(value, "__len__") else value
    limits = shape.metadata
    if size < limits.get("min", size) or size > limits.get("max", size):
        yield f"{path} is outside {limits.get('min')} to {limits.get('max')}"
    if "pattern" in limits and not re.fullmatch(translate(limits["pattern"]), value):
        yield f"{path} does not match {limits['pattern']}"
    if limits.get("enum") and value not in limits["enum"]:
        yield f"{path} is not one of the values: {value}"


def translate(pattern: str) -> str:
    """Translate the classes of characters that Python's expressions do not have."""
    for theirs, ours in {r"\p{L}": r"\w", r"\p{N}": r"\d", r"\p{Z}": r"\s"}.items():
        pattern = pattern.replace(theirs, ours)
    return pattern


def split(uri: str) -> tuple[str, str]:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key


def plug_in(double: SageMaker, app: Any, stepfunctions: Any, provisioners: Any) -> None:
    """Let the emulator use the double for the workflow, for CloudFormation and for calls of the API."""

    def start(_resource: str, request: dict[str, Any]) -> dict[str, Any]:
        try:
            described = double.transform(request)
        except RefusedError as error:
            named = error.code != "ValidationException"
            name = f"SageMaker.{error.code}Exception" if named else "SageMaker.AmazonSageMakerException"
            cause = f"{error} (Service: AmazonSageMaker; Status Code: 400; Error Code: {error.code})"
            raise stepfunctions._ExecutionError(name, cause) from error
        if described["TransformJobStatus"] != "Completed":
            raise stepfunctions._ExecutionError("States.TaskFailed", json.dumps(described))
        return described

    async def handle(_method: str, _path: str, headers: Any, body: bytes, _query: Any) -> tuple[int, dict, bytes]:
        kind = {"Content-Type": "application/x-amz-json-1.1"}
        try:
            answer = double.call(headers.get("x-amz-target", "").rpartition(".")[2], json.loads(body or b"{}"))
        except RefusedError as error:
            return 400, kind, json.dumps({"__type": error.code, "message": str(error)}).encode()
        return 200, kind, json.dumps(answer).encode()

    stepfunctions._SERVICE_DISPATCH["arn:aws:states:::sagemaker:createTransformJob"] = start
    app.SERVICE_HANDLERS["sagemaker"] = handle
    provisioners._RESOURCE_HANDLERS["AWS::SageMaker::Model"] = {
        "create": double.create_model,
        "delete": double.delete_model,
    }
