"""Start MiniStack with the Python of its own environment: ``emulator.py PORT FOLDER PYTHON...``.

FOLDER and PYTHON, the command of a clean Python, are those of the double of SageMaker (`sagemaker_double`).

What MiniStack 1.5.33 lacks is added here, as AWS documents it:

- ResultWriter and ItemBatcher of a distributed map, limits taken from the state's input, and the limit of payloads
  (`distributed_map`);
- the class of a function's exception as the name of the error, which Retry and Catch compare (`name_errors`);
- a stack does not delete buckets that are not empty (`keep_full_buckets`).

Functions for this machine may be larger than Lambda allows; `make size` checks those for Lambda.
Functions and states may take `PATIENCE` times their time limits, so that a busy machine does not fail a run.
"""

import os
import re
import sys
from pathlib import Path

from botocore.session import Session

PATIENCE = 10
SERVICES = "s3,lambda,iam,sts,cloudformation,states,events,sqs,logs,monitoring,ssm"


def be_patient(stepfunctions, lambda_svc):
    invoke, execute = stepfunctions._invoke_resource_with_timeout, lambda_svc._execute_function_with_config_scope

    def invoke_patiently(resource, data, timeout):
        return invoke(resource, data, PATIENCE * timeout)

    def execute_patiently(function, event):
        config = function["config"]
        return execute({**function, "config": {**config, "Timeout": PATIENCE * config.get("Timeout", 3)}}, event)

    stepfunctions._invoke_resource_with_timeout = invoke_patiently
    lambda_svc._execute_function_with_config_scope = execute_patiently


def name_errors(lambda_svc):
    run = lambda_svc._execute_function_with_config_scope

    def run_and_name(*arguments, **options):
        result = run(*arguments, **options)
        body = result.get("body")
        if result.get("error") and isinstance(body, dict) and body.get("errorType") == "Runtime.HandlerError":
            body["errorType"] = find_exception(result.get("log", "")) or body["errorType"]
        return result

    lambda_svc._execute_function_with_config_scope = run_and_name


def find_exception(log):
    """Return the class of the exception that ends the last traceback of a log; empty if there is none."""
    last = log.rpartition("Traceback (most recent call last):")[2]
    found = re.search(r"^(?:\w+\.)*(\w+)(?=:|$)", last, re.MULTILINE)
    return found[1] if found else ""


def keep_full_buckets(provisioners, s3):
    buckets = provisioners._RESOURCE_HANDLERS["AWS::S3::Bucket"]
    delete = buckets["delete"]

    def delete_if_empty(name, properties):
        if s3._buckets.get(name, {}).get("objects") or s3._bucket_has_versions(name):
            raise ValueError(f"The bucket {name} is not empty")
        delete(name, properties)

    buckets["delete"] = delete_if_empty


def make_writer(port):
    """Return a function that stores an object, by a request, because that publishes events."""
    session = Session()
    session.set_credentials("rehearsal", "rehearsal")
    client = session.create_client("s3", region_name="us-east-1", endpoint_url=f"http://127.0.0.1:{port}")
    return lambda bucket, key, data: client.put_object(Bucket=bucket, Key=key, Body=data)


if __name__ == "__main__":
    port, folder, *python = sys.argv[1:]
    del sys.argv[1:]
    os.environ |= {
        "GATEWAY_PORT": port,
        "BIND_HOST": "127.0.0.1",
        "SERVICES": SERVICES,
        "IOT_MTLS_ENABLED": "0",
        "SFN_WAIT_SCALE": "0.1",
        "LOG_LEVEL": "WARNING",
    }
    import distributed_map
    import sagemaker_double
    from ministack import app
    from ministack.services import lambda_svc, s3, stepfunctions
    from ministack.services.cloudformation import provisioners

    write = make_writer(port)
    sagemaker_double.plug_in(
        sagemaker_double.SageMaker(Path(folder), python, s3._get_object_data, write), app, stepfunctions, provisioners
    )
    distributed_map.plug_in(stepfunctions, write, Path(folder))
    be_patient(stepfunctions, lambda_svc)
    name_errors(lambda_svc)
    keep_full_buckets(provisioners, s3)
    lambda_svc._UNZIPPED_LIMIT_BYTES = 2**30
    app.main()
