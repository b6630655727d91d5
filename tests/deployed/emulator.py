"""Start MiniStack with the Python of its own environment: ``emulator.py PORT``.

MiniStack 1.5.33 supports MaxConcurrency and ToleratedFailurePercentage of a Distributed Map, but not MaxConcurrencyPath
and ToleratedFailurePercentagePath, which take the values from the state's input: `honour_paths` adds them.
"""

import os
import sys

SERVICES = "s3,lambda,iam,sts,cloudformation,states,events,sqs,logs,monitoring,ssm"


def honour_paths(stepfunctions):
    run = stepfunctions._run_distributed_map

    def run_with_paths(state_def, raw_input, effective, *rest):
        looked_up = {
            name: stepfunctions._resolve_path_or_ctx(state_def[f"{name}Path"], effective, rest[-1])
            for name in ("MaxConcurrency", "ToleratedFailurePercentage")
            if f"{name}Path" in state_def
        }
        return run({**state_def, **looked_up}, raw_input, effective, *rest)

    stepfunctions._run_distributed_map = run_with_paths


if __name__ == "__main__":
    os.environ |= {
        "GATEWAY_PORT": sys.argv.pop(),
        "BIND_HOST": "127.0.0.1",
        "SERVICES": SERVICES,
        "IOT_MTLS_ENABLED": "0",
        "SFN_WAIT_SCALE": "0.1",
        "LOG_LEVEL": "WARNING",
    }
    from ministack import app
    from ministack.services import stepfunctions

    honour_paths(stepfunctions)
    app.main()
