"""The checks of a deployed stack before a first run."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from mars_aurora.errors import MarsAuroraError
from mars_aurora.local import doctor
from mars_aurora.local.stack import Stack

IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.9-0-cpu-py3"
QUOTA = "ml.c5.xlarge for transform job usage"
STACK = Stack(None, None, "arn:aws:states:us-east-1:1:stateMachine:m", "inputs", "bucket-of-runs", "detections")
USER = "arn:aws:iam::1:user/one"


class Account:
    """Every client of an account; ``refused`` are the requests that it refuses."""

    def __init__(self, **changed: Any) -> None:
        facts = {"path": "SageMaker", "concurrency": 1000, "quota": {QUOTA: 1.0}, "archives": 1, "images": [IMAGE]}
        facts |= {"user": USER, "denied": (), "refused": (), "image": IMAGE}
        self.facts = facts | changed
        self.simulated: list[dict[str, Any]] = []

    def __call__(self, _service: str) -> "Account":
        return self

    def __getattr__(self, name: str) -> Any:
        if name in self.facts["refused"]:
            return self.refuse
        return getattr(self, f"do_{name}")

    def refuse(self, *_arguments: object, **_options: object) -> None:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "any")

    def do_describe_stacks(self, StackName: str) -> dict:
        assert StackName == "mars-aurora"
        parameters = {"TransformInstanceType": "ml.c5.xlarge", "TransformInstanceCount": "1"}
        outputs = [{"OutputKey": "DetectorPath", "OutputValue": self.facts["path"]}]
        described = [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()]
        return {"Stacks": [{"Parameters": described, "Outputs": outputs}]}

    def do_describe_stack_resource(self, StackName: str, LogicalResourceId: str) -> dict:
        assert (StackName, LogicalResourceId) == ("mars-aurora", "Model")
        return {"StackResourceDetail": {"PhysicalResourceId": "arn:aws:sagemaker:us-east-1:1:model/Model-x"}}

    def do_get_account_settings(self) -> dict:
        return {"AccountLimit": {"UnreservedConcurrentExecutions": self.facts["concurrency"]}}

    def do_get_paginator(self, _name: str) -> "Account":
        return self

    def do_paginate(self, ServiceCode: str) -> list[dict]:
        assert ServiceCode == "sagemaker"
        pages = [{"QuotaName": name, "Value": value} for name, value in self.facts["quota"].items()]
        return [{"Quotas": []}, {"Quotas": pages}]

    def do_describe_model(self, ModelName: str) -> dict:
        assert ModelName == "Model-x"
        return {
            "PrimaryContainer": {"Image": self.facts["image"], "ModelDataUrl": "s3://bucket-of-runs/models/a.tar.gz"}
        }

    def do_list_objects_v2(self, Bucket: str, Prefix: str) -> dict:
        assert (Bucket, Prefix) == ("bucket-of-runs", "models/a.tar.gz")
        return {"KeyCount": self.facts["archives"]}

    def do_batch_get_image(self, registryId: str, repositoryName: str, imageIds: list[dict]) -> dict:
        assert (registryId, repositoryName) == ("683313688378", "sagemaker-scikit-learn")
        assert imageIds == [{"imageTag": "1.9-0-cpu-py3"}]
        return {"images": self.facts["images"]}

    def do_get_caller_identity(self) -> dict:
        return {"Arn": self.facts["user"]}

    def do_get_role(self, RoleName: str) -> dict:
        return {"Role": {"Arn": f"arn:aws:iam::1:role/aws-reserved/{RoleName}"}}

    def do_simulate_principal_policy(self, **request: Any) -> dict:
        self.simulated.append(request)
        denied = request["ActionNames"][0] in self.facts["denied"]
        return {"EvaluationResults": [{"EvalDecision": "implicitDeny" if denied else "allowed"}]}


def examine(account: Account) -> dict[str, tuple[str, str]]:
    findings = doctor.examine(STACK, "mars-aurora", account)
    return {finding.subject: (finding.verdict, finding.detail) for finding in findings}


def test_ready_account_has_no_notes() -> None:
    found = examine(Account())
    assert {verdict for verdict, _ in found.values()} == {"ok"}
    assert len(found) == 6


@pytest.mark.parametrize(
    ("changed", "subject", "verdict", "said"),
    [
        ({"path": "Lambda: no image"}, "detection", "note", "on Lambda: no image"),
        ({"concurrency": 10}, "concurrency of Lambda", "note", "10 functions at once"),
        ({"quota": {QUOTA: 0.0}}, "quota of transform instances", "note", "runs detect on Lambda"),
        ({"quota": {}}, "quota of transform instances", "note", "there is no quota"),
        ({"archives": 0}, "model", "problem", "deploy the stack again"),
        ({"images": []}, "image of the model", "note", "does not exist"),
        ({"image": "local"}, "image of the model", "note", "not named like"),
        ({"denied": ("s3:PutObject",)}, "your rights", "problem", f"{USER} may not s3:PutObject"),
        ({"refused": ("get_account_settings",)}, "concurrency of Lambda", "note", "cannot be checked: AccessDenied"),
        ({"refused": ("simulate_principal_policy",)}, "your rights", "note", "cannot be checked: AccessDenied"),
    ],
)
def test_what_is_missing_is_said(changed: dict, subject: str, verdict: str, said: str) -> None:
    found = examine(Account(**changed))
    assert found[subject][0] == verdict
    assert said in found[subject][1]
    assert {name for name, (other, _) in found.items() if other != "ok"} == {subject}


def test_account_without_transform_jobs_is_not_asked_for_them() -> None:
    assert set(examine(Account(path="Lambda: no image"))) == {"detection", "concurrency of Lambda", "your rights"}


def test_rights_of_an_assumed_role_are_those_of_the_role() -> None:
    account = Account(user="arn:aws:sts::1:assumed-role/Admin/session")
    examine(account)
    assert {request["PolicySourceArn"] for request in account.simulated} == {"arn:aws:iam::1:role/aws-reserved/Admin"}


def test_root_of_the_account_may_do_all() -> None:
    account = Account(user="arn:aws:iam::1:root")
    assert examine(account)["your rights"][0] == "ok"
    assert account.simulated == []


def test_command_fails_only_where_runs_fail(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(doctor, "connect", lambda _name: STACK)
    monkeypatch.setattr(doctor, "make_client", Account(concurrency=10))
    doctor.doctor()
    assert "note     concurrency of Lambda: 10 functions at once" in capsys.readouterr().out
    monkeypatch.setattr(doctor, "make_client", Account(archives=0))
    with pytest.raises(MarsAuroraError, match="runs will fail: model"):
        doctor.doctor()
