"""A double of the distributed map of Step Functions inside the emulator, and of the limit of payloads.

MiniStack ignores ResultWriter and ItemBatcher, starts children after too many have failed, and does not limit payloads.
This map does as AWS documents it, and refuses the fields that it does not know.
"""

import copy
import json
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from pathlib import Path
from typing import Any
from uuid import uuid4

MAX_PAYLOAD_BYTES = 262_144
PART = 40  # results in one file: AWS writes larger ones, also several
FIELDS = {
    "Type", "Comment", "Label", "MaxConcurrency", "MaxConcurrencyPath", "ToleratedFailureCount",
    "ToleratedFailureCountPath", "ItemReader", "ItemSelector", "ItemBatcher", "ItemProcessor", "ResultWriter",
    "ResultPath", "Catch", "Next",
}  # fmt: skip
BATCHER_FIELDS = {"MaxItemsPerBatch", "MaxInputBytesPerBatch", "BatchInput"}
WRITER = {"OutputType": "JSONL", "Transformation": "COMPACT"}
Write = Callable[[str, str, bytes], object]


def size_bytes(value: Any) -> int:
    return len(json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode())


class DistributedMap:
    """Runs map states; results are stored by a function of bucket and key."""

    def __init__(self, stepfunctions: Any, write: Write) -> None:
        self.stepfunctions, self.write = stepfunctions, write

    def run(self, state: dict, raw_input: Any, effective: Any, _iterator: dict, execution: dict, context: dict) -> Any:
        if unknown := set(state) - FIELDS:
            raise self.error("States.Runtime", f"the double does not know {unknown}")
        tolerated = self.limit(state, "ToleratedFailureCount", effective, context)
        inputs = list(self.make_inputs(state, effective, context))
        run = self.start(state, execution, [count for _, count in inputs])
        run.update(
            maxConcurrency=self.limit(state, "MaxConcurrency", effective, context), toleratedFailureCount=tolerated
        )
        children = self.run_children(inputs, state["ItemProcessor"], run, execution, context)
        details = self.store(state["ResultWriter"], children, run, effective, context)
        exceeded = run["itemCounts"]["failed"] > tolerated
        run.update(status="FAILED" if exceeded else "SUCCEEDED", stopDate=run["startDate"])
        if exceeded:
            cause = "The specified tolerated failure threshold was exceeded"
            raise self.error("States.ExceedToleratedFailureThreshold", cause)
        result = {"MapRunArn": run["mapRunArn"], "ResultWriterDetails": details}
        output = self.stepfunctions._apply_result_path(state, raw_input, result)
        return output, self.stepfunctions._next_or_end(state)

    def error(self, name: str, cause: str) -> Exception:
        return self.stepfunctions._ExecutionError(name, cause)

    def resolve(self, template: Any, effective: Any, context: dict) -> Any:
        return self.stepfunctions._resolve_params_obj(template, effective, context)

    def limit(self, state: dict, name: str, effective: Any, context: dict) -> int:
        path = state.get(f"{name}Path")
        return int(self.stepfunctions._resolve_path_or_ctx(path, effective, context) if path else state.get(name, 0))

    def make_inputs(self, state: dict, effective: Any, context: dict) -> Iterator[tuple[Any, int]]:
        """Yield the input of each child, and the number of its items."""
        items = self.stepfunctions._read_map_items(state["ItemReader"], effective, context)
        if "ItemSelector" in state:
            items = [
                self.resolve(
                    state["ItemSelector"], effective, {**context, "Map": {"Item": {"Index": index, "Value": item}}}
                )
                for index, item in enumerate(items)
            ]
        if "ItemBatcher" not in state:
            yield from ((item, 1) for item in items)
            return
        batcher = state["ItemBatcher"]
        if unknown := set(batcher) - BATCHER_FIELDS:
            raise self.error("States.Runtime", f"the double does not know {unknown}")
        fixed = (
            {"BatchInput": self.resolve(batcher["BatchInput"], effective, context)} if "BatchInput" in batcher else {}
        )
        yield from self.batch(items, fixed, batcher)

    def batch(self, items: Iterable[Any], fixed: dict, batcher: dict) -> Iterator[tuple[Any, int]]:
        """Yield batches of at most that many items and bytes; an item that is larger alone fails the state."""
        most = batcher.get("MaxItemsPerBatch", float("inf"))
        most_bytes = min(batcher.get("MaxInputBytesPerBatch", MAX_PAYLOAD_BYTES), MAX_PAYLOAD_BYTES)
        batch: list[Any] = []
        for item in items:
            if size_bytes({**fixed, "Items": [item]}) > most_bytes:
                raise self.error("States.ItemReaderFailed", f"an item is larger than a batch of {most_bytes} bytes")
            if batch and (len(batch) == most or size_bytes({**fixed, "Items": [*batch, item]}) > most_bytes):
                yield {**fixed, "Items": batch}, len(batch)
                batch = []
            batch = [*batch, item]
        if batch:
            yield {**fixed, "Items": batch}, len(batch)

    def start(self, state: dict, execution: dict, items: list[int]) -> dict:
        """Register the map run, which the API describes; ``items`` has the number of items of each child."""
        *_, region, account, _, name = execution["stateMachineArn"].split(":")
        label, number = state["Label"], uuid4()
        counts = dict.fromkeys(("running", "succeeded", "failed", "timedOut", "aborted", "resultsWritten"), 0)
        counts |= {"failuresNotRedrivable": 0, "pendingRedrive": 0}
        run = {
            "mapRunArn": f"arn:aws:states:{region}:{account}:mapRun:{name}/{label}:{number}",
            "executionArn": execution["executionArn"],
            "status": "RUNNING",
            "startDate": self.stepfunctions.now_iso(),
            "toleratedFailurePercentage": 0.0,
            "itemCounts": {**counts, "total": sum(items), "pending": sum(items)},
            "executionCounts": {**counts, "total": len(items), "pending": len(items)},
            "redriveCount": 0,
            "_stateMachineArn": f"arn:aws:states:{region}:{account}:stateMachine:{name}/{label}",
            "_id": str(number),
        }
        self.stepfunctions._map_runs[run["mapRunArn"]] = run
        return run

    def run_children(self, inputs: list, processor: dict, run: dict, execution: dict, context: dict) -> list[dict]:
        """Run the children; none is started after too many items have failed. Return them in the shape NONE."""
        lock = threading.Lock()
        children = [self.describe(run, given) for given, _ in inputs]

        def count(items: int, before: str, after: str) -> None:
            with lock:
                for counts, step in ((run["itemCounts"], items), (run["executionCounts"], 1)):
                    counts[before] -= step
                    counts[after] += step

        def run_child(child: dict, given: Any, items: int) -> None:
            if run["itemCounts"]["failed"] > run["toleratedFailureCount"]:
                return
            count(items, "pending", "running")
            try:
                output = self.run_child(child["ExecutionArn"], given, processor, execution, copy.deepcopy(context))
                child.update(Status="SUCCEEDED", Output=json.dumps(output))
                count(items, "running", "succeeded")
            except Exception as failure:  # noqa: BLE001 -- as the emulator does
                error = getattr(failure, "error", "States.Runtime")
                child.update(Status="FAILED", Error=error, Cause=getattr(failure, "cause", str(failure)))
                count(items, "running", "failed")

        workers = run["maxConcurrency"] or min(len(inputs), 64) or 1
        with ThreadPoolExecutor(workers) as pool:
            tasks = [
                pool.submit(copy_context().run, run_child, child, *given)
                for child, given in zip(children, inputs, strict=True)
            ]
            for task in tasks:
                task.result()
        return children

    def run_child(self, arn: str, given: Any, processor: dict, execution: dict, context: dict) -> Any:
        require_size(given, self.stepfunctions)
        inner = {**execution, "events": [], "executionArn": arn}
        context["Execution"] = {**context["Execution"], "Id": arn, "Name": arn.rpartition(":")[2], "Input": given}
        output = self.stepfunctions._run_sub_machine(processor["States"], processor["StartAt"], given, inner, context)
        require_size(output, self.stepfunctions)
        return output

    def describe(self, run: dict, given: Any) -> dict:
        name = str(uuid4())
        return {
            "ExecutionArn": f"{run['_stateMachineArn'].replace(':stateMachine:', ':express:')}:{name}",
            "Input": json.dumps(given),
            "InputDetails": {"Included": True},
            "Name": name,
            "RedriveCount": 0,
            "RedriveStatus": "NOT_REDRIVABLE",
            "StartDate": self.stepfunctions.now_iso(),
            "StateMachineArn": run["_stateMachineArn"],
            "Status": "PENDING",
        }

    def store(self, writer: dict, children: list[dict], run: dict, effective: Any, context: dict) -> dict:
        """Write the files of a ResultWriter and its manifest; return the output of the state."""
        if writer["Resource"] != "arn:aws:states:::s3:putObject" or writer.get("WriterConfig", WRITER) != WRITER:
            raise self.error("States.Runtime", "the double knows a ResultWriter of COMPACT JSONL only, or none")
        is_compact = "WriterConfig" in writer  # by default whole executions are written, as a JSON array
        place = self.resolve(writer["Parameters"], effective, context)
        folder = f"{place['Prefix'].rstrip('/')}/{run['_id']}/"
        files: dict[str, list[dict]] = {"FAILED": [], "PENDING": [], "SUCCEEDED": []}
        for status, listed in files.items():
            ended = [child for child in children if child["Status"] == status]
            is_output = is_compact and status == "SUCCEEDED"
            lines = [child["Output"] if is_output else json.dumps(child) for child in ended]
            for start in range(0, len(lines), PART):
                part = lines[start : start + PART]
                text = "".join(f"{line}\n" for line in part) if is_compact else f"[{','.join(part)}]"
                data = text.encode()
                key = f"{folder}{status}_{start // PART}.{'jsonl' if is_compact else 'json'}"
                self.write(place["Bucket"], key, data)
                listed.append({"Key": key, "Size": len(data)})
        manifest = {"DestinationBucket": place["Bucket"], "MapRunArn": run["mapRunArn"], "ResultFiles": files}
        self.write(place["Bucket"], f"{folder}manifest.json", json.dumps(manifest).encode())
        run["itemCounts"]["resultsWritten"] = run["itemCounts"]["succeeded"] + run["itemCounts"]["failed"]
        return {"Bucket": place["Bucket"], "Key": f"{folder}manifest.json"}


def require_size(value: Any, stepfunctions: Any) -> int:
    """Raise the error of AWS if a payload is too large; return its size."""
    if (size := size_bytes(value)) > MAX_PAYLOAD_BYTES:
        cause = f"The state/task returned a result with a size of {size} bytes, over the maximum of {MAX_PAYLOAD_BYTES}"
        raise stepfunctions._ExecutionError("States.DataLimitExceeded", cause)
    return size


class Payloads:
    """Limits the input, the result and the output of every state; keeps the largest of each in a file."""

    def __init__(self, stepfunctions: Any, path: Path) -> None:
        self.stepfunctions, self.path = stepfunctions, path
        self.largest: dict[str, int] = {}
        self.lock = threading.Lock()

    def check(self, state: str, value: Any) -> None:
        size = require_size(value, self.stepfunctions)
        with self.lock:
            if size > self.largest.get(state, 0):
                self.largest[state] = size
                self.path.write_text(json.dumps(self.largest))

    def limit(self, execute: Callable) -> Callable:
        """Limit the input and the output of a kind of states; ``execute`` has the context as its last argument."""

        def run(state: dict, raw_input: Any, *rest: Any) -> Any:
            name = rest[-1]["State"]["Name"]
            self.check(name, raw_input)
            output, following = execute(state, raw_input, *rest)
            self.check(name, output)
            return output, following

        return run

    def limit_result(self, invoke: Callable) -> Callable:
        def run(resource: str, given: Any, *rest: Any) -> Any:
            require_size(given, self.stepfunctions)
            result = invoke(resource, given, *rest)
            require_size(result, self.stepfunctions)
            return result

        return run


def plug_in(stepfunctions: Any, write: Write, folder: Path) -> None:
    """Let the emulator use this map and limit payloads; the largest are in ``payloads.json`` of the folder."""
    payloads = Payloads(stepfunctions, folder / "payloads.json")
    stepfunctions._run_distributed_map = DistributedMap(stepfunctions, write).run
    stepfunctions._invoke_resource = payloads.limit_result(stepfunctions._invoke_resource)
    for kind in ("pass", "task", "choice", "map"):
        name = f"_execute_{kind}"
        setattr(stepfunctions, name, payloads.limit(getattr(stepfunctions, name)))
