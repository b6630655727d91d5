"""The command ``doctor``: whether the account lets a deployed stack run, before a first run."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Literal

import typer

from mars_aurora.errors import MarsAuroraError
from mars_aurora.local.stack import RefusedError, Stack, ask, connect, make_client

Connect = Callable[[str], Any]  # from the name of a service to its client
Verdict = Literal["ok", "note", "problem"]
_LEAST_CONCURRENCY = 100
_IMAGE = re.compile(r"(\d+)\.dkr\.ecr\.([\w-]+)\.[\w.-]+/([^:@]+):(.+)")


@dataclass(frozen=True)
class Finding:
    """What was found of one subject; a ``problem`` makes runs fail, a ``note`` makes them slower or is unknown."""

    subject: str
    verdict: Verdict
    detail: str


def doctor(
    stack_name: Annotated[str, typer.Option("--stack", help="Name of the deployed stack.")] = "mars-aurora",
) -> None:
    """Check quotas, model, image and your rights before a first run; the exit code is 1 if a run would fail."""
    findings = list(examine(connect(stack_name), stack_name, make_client))
    for finding in findings:
        typer.echo(f"{finding.verdict:<8} {finding.subject}: {finding.detail}")
    if problems := [finding.subject for finding in findings if finding.verdict == "problem"]:
        raise MarsAuroraError(f"runs will fail: {', '.join(problems)}")


def examine(stack: Stack, stack_name: str, clients: Connect) -> Iterator[Finding]:
    """Yield the findings; what AWS does not tell is a note."""
    cloudformation = clients("cloudformation")
    described = ask(lambda: cloudformation.describe_stacks(StackName=stack_name))["Stacks"][0]
    parameters = {item["ParameterKey"]: item["ParameterValue"] for item in described.get("Parameters", [])}
    path = next((item["OutputValue"] for item in described["Outputs"] if item["OutputKey"] == "DetectorPath"), "")
    checks: dict[str, Callable[[], tuple[Verdict, str]]] = {
        "concurrency of Lambda": lambda: _check_concurrency(clients("lambda"))
    }
    if path == "SageMaker":
        checks |= {
            "quota of transform instances": lambda: _check_quota(clients("service-quotas"), parameters),
            "model": lambda: _check_model(clients, _find_model(cloudformation, stack_name)),
            "image of the model": lambda: _check_image(clients, _find_model(cloudformation, stack_name)),
        }
    checks["your rights"] = lambda: _check_rights(clients, stack)
    yield Finding("detection", "ok" if path == "SageMaker" else "note", f"on {path}" if path else "not stated")
    for subject, check in checks.items():
        try:
            verdict, detail = check()
        except RefusedError as error:
            verdict, detail = "note", f"cannot be checked: {error}"
        yield Finding(subject, verdict, detail)


def _check_concurrency(functions: Any) -> tuple[Verdict, str]:  # noqa: ANN401 -- the stubs of Lambda are large
    limit = ask(functions.get_account_settings)["AccountLimit"]["UnreservedConcurrentExecutions"]
    if limit < _LEAST_CONCURRENCY:
        return "note", f"{limit} functions at once: runs are slow; request a higher quota of concurrent executions"
    return "ok", f"{limit} functions at once"


def _check_quota(quotas: Any, parameters: Mapping[str, str]) -> tuple[Verdict, str]:  # noqa: ANN401 -- without stubs
    name = f"{parameters['TransformInstanceType']} for transform job usage"
    wanted = int(parameters["TransformInstanceCount"])
    pages = quotas.get_paginator("list_service_quotas").paginate(ServiceCode="sagemaker")
    listed = ask(lambda: [item for page in pages for item in page["Quotas"]])
    quota = next((int(item["Value"]) for item in listed if item["QuotaName"] == name), None)
    if quota is None:
        return "note", f"there is no quota {name!r}"
    if quota < wanted:
        return "note", f"{quota} of {wanted} {name}: runs detect on Lambda; request a higher quota"
    return "ok", f"{quota} {name}"


def _find_model(cloudformation: Any, stack_name: str) -> str:  # noqa: ANN401 -- a client, as the others
    found = ask(lambda: cloudformation.describe_stack_resource(StackName=stack_name, LogicalResourceId="Model"))
    physical_id: str = found["StackResourceDetail"]["PhysicalResourceId"]
    return physical_id.rpartition("/")[2]


def _describe_container(clients: Connect, model: str) -> dict[str, Any]:
    container: dict[str, Any] = ask(lambda: clients("sagemaker").describe_model(ModelName=model))["PrimaryContainer"]
    return container


def _check_model(clients: Connect, model: str) -> tuple[Verdict, str]:
    url = _describe_container(clients, model)["ModelDataUrl"]
    bucket, _, key = url.removeprefix("s3://").partition("/")
    listed = ask(lambda: clients("s3").list_objects_v2(Bucket=bucket, Prefix=key))
    if not listed["KeyCount"]:
        return "problem", f"its archive {url} is missing: deploy the stack again"
    return "ok", f"{model} with {url}"


def _check_image(clients: Connect, model: str) -> tuple[Verdict, str]:
    image = _describe_container(clients, model)["Image"]
    parts = _IMAGE.fullmatch(image)
    if parts is None:
        return "note", f"{image} is not named like an image of ECR"
    request = {"registryId": parts[1], "repositoryName": parts[3], "imageIds": [{"imageTag": parts[4]}]}
    found = ask(lambda: clients("ecr").batch_get_image(**request))["images"]
    return ("ok", image) if found else ("note", f"{image} does not exist: runs detect on Lambda")


def _check_rights(clients: Connect, stack: Stack) -> tuple[Verdict, str]:
    """Simulate the policies of the caller for what the commands do."""
    source, iam = ask(clients("sts").get_caller_identity)["Arn"], clients("iam")
    if source.endswith(":root"):
        return "ok", f"{source} may start runs"
    if role := re.search(r":assumed-role/([^/]+)/", source):  # which lacks the path of the role
        source = ask(lambda: iam.get_role(RoleName=role[1]))["Role"]["Arn"]
    partition = stack.state_machine_arn.partition(":states:")[0]
    wanted = {
        "s3:PutObject": f"{partition}:s3:::{stack.input_bucket}/incoming/x",
        "states:StartExecution": stack.state_machine_arn,
        "s3:GetObject": f"{partition}:s3:::{stack.detections_bucket}/runs/x",
    }
    simulate = partial(iam.simulate_principal_policy, PolicySourceArn=source)
    refused = []
    for action, resource in wanted.items():
        answer = ask(partial(simulate, ActionNames=[action], ResourceArns=[resource]))
        if any(result["EvalDecision"] != "allowed" for result in answer["EvaluationResults"]):
            refused.append(action)
    return ("problem", f"{source} may not {', '.join(refused)}") if refused else ("ok", f"{source} may start runs")
