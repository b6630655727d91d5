"""Template properties that no linter checks: permissions, connections between resources, layout of the file."""

import json
import re
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

from mars_aurora.catalogue.dataset import DATASET
from mars_aurora.errors import MarsAuroraError
from mars_aurora.local.performance import QUERY
from mars_aurora.readers.limits import Limits
from mars_aurora.run import costs
from mars_aurora.run.keys import LOCKS, is_fits
from mars_aurora.run.ledger import Outcome
from mars_aurora.run.manifest import FOLDER

TEMPLATE = Path(__file__).parents[2] / "template.yaml"
MAX_LINE = 160
FUNCTIONS = {
    "Open",
    "Preprocess",
    "Classify",
    "Tally",
    "Detect",
    "Measure",
    "Stitch",
    "Catalogue",
    "Parquet",
    "Close",
}  # of the state machine
BUCKETS = {"InputBucket", "WorkBucket", "DetectionsBucket", "AccessLogBucket"}
ACCOUNT = "${AWS::Region}:${AWS::AccountId}"
Resources = dict[str, dict[str, Any]]


def of_type(resources: Resources, kind: str) -> Resources:
    return {name: item for name, item in resources.items() if item["Type"] == kind}


def statements(resources: Resources, name: str) -> list[dict[str, Any]]:
    """Return the policy statements of a SAM resource or of a role."""
    policies = resources[name]["Properties"]["Policies"]
    if isinstance(policies, dict):
        return policies["Statement"]
    return [statement for policy in policies for statement in policy["PolicyDocument"]["Statement"]]


def allows(resources: Resources, name: str, action: str) -> list[str]:
    """Return the resources, as JSON, on which a role may perform an action."""
    found = [item["Resource"] for item in statements(resources, name) if action in item["Action"]]
    return [json.dumps(one) for item in found for one in (item if isinstance(item, list) else [item])]


def test_lines_are_short_and_have_at_most_one_statement() -> None:
    for number, line in enumerate(TEMPLATE.read_text().splitlines(), start=1):
        assert len(line) <= MAX_LINE, f"template.yaml:{number} has {len(line)} characters, limit {MAX_LINE}"
        assert line.count("Effect:") <= 1, f"template.yaml:{number} has more than one policy statement"


def test_substitutions_match_placeholders(resources: Resources, placeholders: set[str]) -> None:
    assert set(resources["DetectAuroras"]["Properties"]["DefinitionSubstitutions"]) == placeholders


def test_every_parameter_is_used_and_described(template: dict[str, Any]) -> None:
    body = json.dumps({key: template[key] for key in ("Conditions", "Globals", "Resources", "Outputs")})
    for name, parameter in template["Parameters"].items():
        assert f'"Ref": "{name}"' in body or f"${{{name}}}" in body, name
        assert parameter["Description"]
        assert "Default" in parameter, f"{name}: the stack must deploy with defaults only"


def test_every_bucket_is_private_and_encrypted_and_requires_tls(resources: Resources) -> None:
    policies = {
        item["Properties"]["Bucket"]["Ref"]: item["Properties"]["PolicyDocument"]["Statement"]
        for item in of_type(resources, "AWS::S3::BucketPolicy").values()
    }
    assert set(of_type(resources, "AWS::S3::Bucket")) == BUCKETS == set(policies)
    for name in BUCKETS:
        properties = resources[name]["Properties"]
        assert all(properties["PublicAccessBlockConfiguration"].values())
        assert properties["BucketEncryption"]
        denial = next(item for item in policies[name] if item["Effect"] == "Deny")
        assert denial["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        assert (denial["Principal"], denial["Action"]) == ("*", "s3:*")
        assert denial["Resource"] == [{"Fn::GetAtt": f"{name}.Arn"}, {"Fn::Sub": f"${{{name}.Arn}}/*"}]


def test_inputs_and_results_are_versioned_and_work_files_expire(resources: Resources) -> None:
    for name in ("InputBucket", "DetectionsBucket"):
        assert resources[name]["Properties"]["VersioningConfiguration"] == {"Status": "Enabled"}
        assert "ExpirationInDays" not in json.dumps(resources[name]["Properties"]["LifecycleConfiguration"])
    assert "ExpirationInDays" in json.dumps(resources["WorkBucket"]["Properties"]["LifecycleConfiguration"])


def test_log_groups_have_a_retention(resources: Resources) -> None:
    groups = of_type(resources, "AWS::Logs::LogGroup")
    assert len(groups) == 2
    assert all(item["Properties"]["RetentionInDays"] == {"Ref": "LogDays"} for item in groups.values())


def test_queue_accepts_only_rules_of_the_stack_and_requires_tls(resources: Resources) -> None:
    policy = resources["MissedStartsPolicy"]["Properties"]
    assert policy["Queues"] == [{"Ref": "MissedStarts"}]
    allowed, denied = policy["PolicyDocument"]["Statement"]
    assert allowed["Principal"] == {"Service": "events.amazonaws.com"}
    assert allowed["Action"] == "sqs:SendMessage"
    assert f"events:{ACCOUNT}:rule/${{AWS::StackName}}-*" in allowed["Condition"]["ArnLike"]["aws:SourceArn"]["Fn::Sub"]
    assert denied["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    for event in resources["DetectAuroras"]["Properties"]["Events"].values():
        assert event["Properties"]["DeadLetterConfig"] == {"Arn": {"Fn::GetAtt": "MissedStarts.Arn"}}


def test_upload_events_reach_the_rules(resources: Resources) -> None:
    notification = resources["InputBucket"]["Properties"]["NotificationConfiguration"]
    assert notification == {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}
    for event in resources["DetectAuroras"]["Properties"]["Events"].values():
        assert event["Properties"]["Pattern"]["detail"]["bucket"] == {"name": [{"Ref": "InputBucket"}]}


def test_state_machine_may_start_and_control_its_map_runs(resources: Resources) -> None:
    name = "${AWS::StackName}-DetectAuroras"
    assert resources["DetectAuroras"]["Properties"]["Name"] == {"Fn::Sub": name}
    (own,) = allows(resources, "DetectAuroras", "states:StartExecution")
    assert f"states:{ACCOUNT}:stateMachine:{name}" in own
    for action in ("states:DescribeExecution", "states:StopExecution", "states:RedriveExecution"):
        flat, labeled = allows(resources, "DetectAuroras", action)
        assert f"{ACCOUNT}:execution:{name}:*" in flat
        assert f"{ACCOUNT}:execution:{name}/*" in labeled
    assert len(allows(resources, "DetectAuroras", "s3:ListBucket")) == 1
    (written,) = allows(resources, "DetectAuroras", "s3:PutObject")
    assert "/runs/*/map/*" in written


def test_state_machine_may_run_and_watch_transform_jobs(resources: Resources) -> None:
    for action in ("DescribeTransformJob", "StopTransformJob", "AddTags"):
        (job,) = allows(resources, "DetectAuroras", f"sagemaker:{action}")
        assert "transform-job/mars-aurora-${Token}-*" in job
    assert allows(resources, "DetectAuroras", "sagemaker:ListTags") == ['"*"']
    assert len(allows(resources, "DetectAuroras", "sagemaker:CreateTransformJob")) == 2
    for action in ("events:PutTargets", "events:PutRule", "events:DescribeRule"):
        (rule,) = allows(resources, "DetectAuroras", action)
        assert "rule/StepFunctionsGetEventsForSageMakerTransformJobsRule" in rule


def test_state_machine_may_invoke_exactly_its_functions(resources: Resources) -> None:
    invoked = allows(resources, "DetectAuroras", "lambda:InvokeFunction")
    assert sorted(invoked) == sorted(json.dumps({"Fn::Sub": f"${{{name}.Arn}}:*"}) for name in FUNCTIONS)
    assert set(of_type(resources, "AWS::Serverless::Function")) == {*FUNCTIONS, "Publish"}


def test_wildcards_are_limited_to_actions_without_resource_permissions(resources: Resources) -> None:
    without_resources = {
        "ecr:GetAuthorizationToken",
        "cloudwatch:PutMetricData",
        "lambda:GetAccountSettings",
        "sagemaker:ListModels",
        "sagemaker:ListTags",
    }
    for name in [*FUNCTIONS, "Publish", "DetectAuroras", "ModelRole"]:
        for statement in statements(resources, name):
            actions = statement["Action"]
            assert all("*" not in action for action in actions)
            if statement["Resource"] == "*":
                assert all(action.startswith("logs:") for action in actions) or set(actions) <= without_resources


def test_only_preprocess_reads_inputs_open_reads_manifests_and_functions_write_only_their_results(
    resources: Resources,
) -> None:
    reads = {name: [item for item in allows(resources, name, "s3:GetObject") if "Input" in item] for name in FUNCTIONS}
    assert {name for name, items in reads.items() if items} == {"Open", "Preprocess"}
    assert reads["Open"] == ['{"Fn::Sub": "${InputBucket.Arn}/manifests/*"}']
    written = {
        name: [
            item.partition("${DetectionsBucket.Arn}/")[2].removesuffix('"}').removeprefix("runs/*/")
            for item in allows(resources, name, "s3:PutObject")
            if "Detections" in item
        ]
        for name in FUNCTIONS
    }
    assert {name: found for name, found in written.items() if found} == {
        "Measure": ["detections/*"],
        "Stitch": ["sets/*"],
        "Catalogue": ["runs/*"],
        "Parquet": ["catalogue.parquet", "auroras.parquet", "run.json", "dataset/*"],
        "Close": ["ledger.csv"],
    }


def test_parquet_reads_only_what_it_needs_and_deletes_only_in_the_data_set(resources: Resources) -> None:
    read = [item.partition("/")[2].removesuffix('"}') for item in allows(resources, "Parquet", "s3:GetObject")]
    tables = [f"runs/*/{kind}.{suffix}" for suffix in ("ecsv", "parquet") for kind in ("catalogue", "auroras")]
    assert read == ["runs/*/map/*", *tables, "runs/*/run.json"]
    assert allows(resources, "Parquet", "s3:DeleteObject") == [f'{{"Fn::Sub": "${{DetectionsBucket.Arn}}/{DATASET}*"}}']


def test_tally_may_describe_only_map_runs_of_the_stack(resources: Resources) -> None:
    (described,) = allows(resources, "Tally", "states:DescribeMapRun")
    assert f"{ACCOUNT}:mapRun:${{AWS::StackName}}-DetectAuroras/*" in described


def test_open_sees_only_executions_of_the_stack(resources: Resources) -> None:
    (executions,) = allows(resources, "Open", "states:DescribeExecution")
    assert f"{ACCOUNT}:execution:${{AWS::StackName}}-DetectAuroras:*" in executions


def test_functions_run_on_the_platform_they_are_built_for(template: dict[str, Any], resources: Resources) -> None:
    shared = template["Globals"]["Function"]
    assert (shared["Runtime"], shared["Architectures"]) == ("python3.13", ["arm64"])
    assert shared["Tracing"] == "Active"
    layer = resources["CoreLayer"]
    assert layer["Metadata"] == {"BuildMethod": "makefile", "BuildArchitecture": "arm64"}
    assert all(resources[name]["Metadata"] == {"BuildMethod": "makefile"} for name in FUNCTIONS)
    assert "Layers" not in shared
    with_layer = FUNCTIONS - {"Parquet"}
    assert all(resources[name]["Properties"]["Layers"] == [{"Ref": "CoreLayer"}] for name in with_layer)
    for name in ("Parquet", "Publish"):
        assert "Layers" not in resources[name]["Properties"], (
            "with pyarrow or with the archive, the layer exceeds Lambda's limit"
        )


def test_without_an_image_or_with_another_detector_all_candidates_are_detected_on_lambda(
    template: dict[str, Any], resources: Resources
) -> None:
    reason = resources["DetectAuroras"]["Properties"]["DefinitionSubstitutions"]["NoTransform"]
    assert {resources[model]["Condition"] for model in ("Model", "ModelRole")} == {"DetectsOnSageMaker"}
    for region, own, detector, path in [
        ("us-east-1", "", "yolo", "SageMaker"),
        ("ap-east-2", "", "yolo", "Lambda: AWS has no scikit-learn image in this region, and ModelImageUri is empty"),
        ("ap-east-2", "image", "yolo", "SageMaker"),
        ("us-east-1", "", "threshold", "Lambda: the detector threshold runs there only"),
    ]:
        values = {"AWS::Region": region, "ModelImageUri": own, "Detector": detector}
        assert evaluate(template["Outputs"]["DetectorPath"]["Value"], template, values) == path
        assert evaluate(reason, template, values) == path.partition("Lambda: ")[2]
        assert "'" not in path, "it is part of an expression in JSONata"


def evaluate(value: Any, template: dict[str, Any], values: dict[str, str]) -> Any:
    """Evaluate the functions of CloudFormation that choose the path of the detection."""
    if not isinstance(value, dict):
        return value
    ((function, given),) = value.items()
    if function == "Ref":
        return values[given]
    if function == "Condition":
        return evaluate(template["Conditions"][given], template, values)
    if function == "Fn::If":
        condition, chosen, otherwise = given
        return evaluate(chosen if evaluate({"Condition": condition}, template, values) else otherwise, template, values)
    if function == "Fn::FindInMap":
        mapping, row, column, default = (evaluate(item, template, values) for item in [*given[:3], "default"])
        return template["Mappings"][mapping].get(row, {}).get(column, given[3]["DefaultValue"] if default else None)
    found = [evaluate(item, template, values) for item in given]
    return {"Fn::Not": not found[0], "Fn::Equals": found[0] == found[-1], "Fn::Or": any(found), "Fn::And": all(found)}[
        function
    ]


def test_model_serves_the_archive_without_a_network(resources: Resources) -> None:
    properties = resources["Model"]["Properties"]
    assert properties["EnableNetworkIsolation"] is True
    assert "ModelName" not in properties, "a changed model is a new resource, which needs another name"
    container = properties["PrimaryContainer"]
    assert container["ModelDataUrl"] == {"Fn::GetAtt": "ModelArchive.Url"}
    assert container["Environment"]["SAGEMAKER_SERVING_MODULE"] == "wsgi:main"
    assert "SAGEMAKER_PROGRAM" not in container["Environment"], "the container would install it, which needs a network"
    assert resources["Model"]["UpdateReplacePolicy"] == "Retain"


def test_changed_archive_is_published(resources: Resources) -> None:
    properties = resources["ModelArchive"]["Properties"]
    assert properties["ServiceToken"] == {"Fn::GetAtt": "Publish.Arn"}
    assert properties["FunctionVersion"] == {"Ref": "Publish.Version"}
    assert int(properties["ServiceTimeout"]) >= resources["Publish"]["Properties"]["Timeout"]


def test_every_transform_instance_has_its_vcpus_and_payloads_within_sagemakers_limit(template: dict[str, Any]) -> None:
    instances = template["Mappings"]["TransformInstances"]
    assert set(template["Parameters"]["TransformInstanceType"]["AllowedValues"]) == set(instances)
    for name, row in instances.items():
        size = name.rpartition(".")[2].removesuffix("xlarge")
        assert int(row["vCPUs"]) == {"large": 2, "": 4}.get(size) or 4 * int(size)
        assert int(row["vCPUs"]) * 6 <= 100, "MaxConcurrentTransforms times MaxPayloadInMB"


def test_alarms_belong_to_one_stack(template: dict[str, Any], resources: Resources) -> None:
    """Another stack in the same account neither has the same alarms nor sets them off."""
    alarms = {name: item["Properties"] for name, item in of_type(resources, "AWS::CloudWatch::Alarm").items()}
    for name, alarm in alarms.items():
        assert alarm["AlarmName"] == {"Fn::Sub": f"${{AWS::StackName}}-{name}"}
        (dimension,) = alarm["Dimensions"]
        assert {"Ref", "Fn::GetAtt"} & set(dimension["Value"]), name
    environment = template["Globals"]["Function"]["Environment"]["Variables"]
    assert environment["POWERTOOLS_SERVICE_NAME"] == {"Ref": "AWS::StackName"}
    assert "mars-aurora" not in json.dumps(resources["Dashboard"])


def test_dashboard_shows_every_final_outcome(resources: Resources) -> None:
    body, _ = resources["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    shown = json.loads(body)["widgets"][0]["properties"]["metrics"]
    assert {metric[1] for metric in shown} == {*Outcome} - {Outcome.CANDIDATE}


def test_every_end_of_a_run_other_than_success_has_an_alarm(resources: Resources) -> None:
    watched = {item["Properties"]["MetricName"] for item in of_type(resources, "AWS::CloudWatch::Alarm").values()}
    assert {"ExecutionsFailed", "ExecutionsTimedOut", "ExecutionsAborted", "failed"} <= watched


def test_operations_page_names_every_alarm_and_every_failure(resources: Resources, definition_text: str) -> None:
    page = (TEMPLATE.parent / "docs" / "operations.md").read_text()
    assert all(f"`{name}`" in page for name in of_type(resources, "AWS::CloudWatch::Alarm"))
    named = {*re.findall(r"'error': '(\w+)'", definition_text), "TooManyFilesFailed"}
    errors = [error for error in MarsAuroraError.__subclasses__() if error.__module__ == MarsAuroraError.__module__]
    raised = {error.__name__ for error in errors} - {"InputError", "ChangedError"}
    assert all(f"`{error}`" in page for error in named | raised), "InputError and ChangedError are outcomes of an input"


def test_concurrency_is_reserved_for_the_functions_of_the_maps(resources: Resources) -> None:
    functions = of_type(resources, "AWS::Serverless::Function")
    reserving = {name for name, item in functions.items() if "ReservedConcurrentExecutions" in item["Properties"]}
    assert reserving == {"Preprocess", "Classify", "Detect"}


def test_costs_are_computed_from_the_functions_and_instances_of_the_template(
    template: dict[str, Any], resources: Resources
) -> None:
    for name, item in of_type(resources, "AWS::Serverless::Function").items():
        disk_mb = item["Properties"].get("EphemeralStorage", {"Size": 512})["Size"]
        assert costs.read_sizes()[name] == costs.Size(item["Properties"]["MemorySize"], disk_mb)
    assert set(costs.FUNCTIONS) == set(FUNCTIONS)
    assert set(template["Mappings"]["TransformInstances"]) <= set(costs.read_prices())


def test_disk_of_preprocess_has_room_for_the_largest_file_packed_and_unpacked(resources: Resources) -> None:
    disk_bytes = resources["Preprocess"]["Properties"]["EphemeralStorage"]["Size"] << 20
    assert disk_bytes >= 2 * Limits.unpacked_bytes + (256 << 20)


def test_state_machine_names_versions_of_the_functions(template: dict[str, Any], resources: Resources) -> None:
    given = resources["DetectAuroras"]["Properties"]["DefinitionSubstitutions"]
    assert all(given[f"{name}Arn"] == {"Ref": f"{name}.Version"} for name in FUNCTIONS)
    shared = template["Globals"]["Function"]
    assert shared["AutoPublishAlias"]
    assert shared["AutoPublishAliasAllProperties"] is True
    assert resources["CoreLayer"]["Properties"]["PublishLambdaVersion"] is True


def test_another_bucket_is_listed_and_read_only_if_it_is_named(resources: Resources) -> None:
    other = "arn:${AWS::Partition}:s3:::${OtherInputBucket}"
    for action, names, resource in [
        ("s3:ListBucket", {"Open", "Preprocess", "Tally", "Close"}, other),
        ("s3:GetObject", {"Preprocess"}, f"{other}/*"),
    ]:
        wanted = json.dumps({"Fn::If": ["HasOtherInputs", {"Fn::Sub": resource}, {"Ref": "AWS::NoValue"}]})
        assert {name for name in FUNCTIONS if wanted in allows(resources, name, action)} == names


@pytest.mark.parametrize("name", ["x.fits", "X.FITS.GZ", "x.fits.fz", "x.Fit", "p/x.fts", "x (1).fits.gz"])
def test_every_fits_file_below_live_starts_a_run(resources: Resources, name: str) -> None:
    pattern = resources["DetectAuroras"]["Properties"]["Events"]["SingleFile"]["Properties"]["Pattern"]
    wildcards = [item["wildcard"] for item in pattern["detail"]["object"]["key"]]
    assert is_fits(name)
    assert any(fnmatchcase(f"live/{name}", wildcard) for wildcard in wildcards)
    assert not any(fnmatchcase("live/notes.txt", wildcard) for wildcard in wildcards)


def test_locks_expire_when_no_execution_can_hold_them(resources: Resources, definition_text: str) -> None:
    rules = resources["WorkBucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
    (rule,) = (rule for rule in rules if rule["Prefix"] == LOCKS)
    assert rule["ExpirationInDays"] * 86_400 >= json.loads(definition_text)["TimeoutSeconds"]


def test_dashboard_shows_time_and_memory_of_classification_and_inference(resources: Resources) -> None:
    body, given = resources["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    assert given["Query"] == QUERY
    widgets = json.loads(body)["widgets"]
    (table,) = (widget["properties"] for widget in widgets if widget["type"] == "log")
    assert table["query"] == "SOURCE '${FunctionLogs}' | ${Query}"
    shown = json.dumps(widgets)
    for step in ("preprocess", "classify", "detect"):
        source = (TEMPLATE.parent / "functions" / step / "app.py").read_text()
        for metric in (f"{step}_ms", f"{step}_memory_MB"):
            assert f'"{metric}"' in shown
            assert f'add_metric("{metric}"' in source
    assert '"transform_seconds"' in shown


def test_s3_may_write_inventories_of_the_account_as_manifests_and_nothing_else(resources: Resources) -> None:
    statements_ = resources["InputBucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    (allowed,) = (item for item in statements_ if item["Effect"] == "Allow")
    assert (allowed["Principal"], allowed["Action"]) == ({"Service": "s3.amazonaws.com"}, "s3:PutObject")
    assert allowed["Resource"] == {"Fn::Sub": f"${{InputBucket.Arn}}/{FOLDER}*"}
    assert allowed["Condition"]["StringEquals"]["aws:SourceAccount"] == {"Ref": "AWS::AccountId"}
