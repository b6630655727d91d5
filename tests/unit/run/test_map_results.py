"""What the children of a map returned, in the files of its ResultWriter."""

import json
from pathlib import Path
from typing import Any

import pytest

from mars_aurora.run.map_results import MapResults, Status, find_results, read_children
from mars_aurora.run.storage import FolderStorage

MAP_RUN = "arn:aws:states:us-east-1:123456789012:mapRun:DetectAuroras/EachFile:1"


@pytest.fixture
def work(tmp_path: Path) -> FolderStorage:
    return FolderStorage(tmp_path)


def execution(name: str, status: str, **more: str) -> dict[str, str]:
    """A result in the shape NONE, without the fields that are not read."""
    own = {"ExecutionArn": f"arn:{name}", "Status": status, "Input": json.dumps({"name": name}), "Name": "uuid"}
    return own | more


def write(work: FolderStorage, folder: str, map_run: str = MAP_RUN, **files: bytes) -> None:
    listed: dict[str, list[dict[str, Any]]] = {"SUCCEEDED": [], "FAILED": [], "PENDING": []}
    for name, data in files.items():
        key = f"{folder}{name}.jsonl"
        work.put(key, data)
        listed[name.split("_")[0]].append({"Key": key, "Size": len(data)})
    manifest = {"DestinationBucket": "work", "MapRunArn": map_run, "ResultFiles": listed}
    work.put(f"{folder}manifest.json", json.dumps(manifest).encode())


def lines(*values: object) -> bytes:
    return "".join(f"{json.dumps(value)}\n" for value in values).encode()


def read(work: FolderStorage) -> list[tuple[Status, str, str]]:
    children = read_children(work, find_results(work, "map/"))
    return [(child.status, child.content.get("name", ""), child.failure) for child in children]


def test_results_of_all_parts_are_read_in_both_shapes(work: FolderStorage) -> None:
    failed = execution("b", "FAILED", Error="TransientError", Cause="s3")
    write(
        work,
        "map/1/",
        SUCCEEDED_0=lines({"name": "a"}),
        SUCCEEDED_1=lines({"name": "ü\u2028"}),
        FAILED_0=lines(failed),
        PENDING_0=lines(execution("c", "PENDING")),
    )
    assert read(work) == [
        (Status.PENDING, "c", ""),
        (Status.FAILED, "b", "TransientError s3"),
        (Status.SUCCEEDED, "a", ""),
        (Status.SUCCEEDED, "ü\u2028", ""),
    ]


def test_success_in_the_shape_none_is_read_too(work: FolderStorage) -> None:
    write(work, "map/1/", SUCCEEDED_0=lines(execution("a", "SUCCEEDED", Output='{"name": "a", "objects": 2}')))
    (child,) = read_children(work, find_results(work, "map/"))
    assert child.content == {"name": "a", "objects": 2} == json.loads(child.text)


@pytest.mark.parametrize("separator", [",", ",\n", " , "])
def test_array_of_json_is_read_value_by_value(
    work: FolderStorage, separator: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mars_aurora.run.map_results._CHUNK_LETTERS", 7)
    values = [execution(name, "FAILED", Error="E", Cause="[{,}]") for name in "abc"]
    write(work, "map/1/", FAILED_0=("[" + separator.join(map(json.dumps, values)) + "]\n").encode())
    assert read(work) == [(Status.FAILED, name, "E [{,}]") for name in "abc"]


def test_file_that_is_cut_is_an_error(work: FolderStorage) -> None:
    for data in (b'[{"name": "a"}, {"na', b'[{"name": "a"}', b'{"name": "a"}\n{"na'):
        write(work, "map/1/", SUCCEEDED_0=data)
        with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
            read(work)


def test_redrives_and_further_map_runs_are_found_in_folders_below(work: FolderStorage) -> None:
    write(work, "map/1/", FAILED_0=lines(execution("a", "FAILED", Error="E")))
    write(work, "map/1/Redrive-1/", SUCCEEDED_0=lines({"name": "a"}))
    write(work, "map/2/", f"{MAP_RUN}2", SUCCEEDED_0=lines({"name": "b"}))
    write(work, "mapped/3/", f"{MAP_RUN}3", SUCCEEDED_0=lines({"name": "of another map"}))
    assert find_results(work, "map/").map_runs == (MAP_RUN, f"{MAP_RUN}2")
    assert [name for _, name, _ in read(work)] == ["a", "a", "b"]


def test_map_without_results_has_none(work: FolderStorage) -> None:
    assert find_results(work, "map/") == MapResults((), ())


def test_child_whose_input_is_not_known_has_no_name(work: FolderStorage) -> None:
    pending = {name: value for name, value in execution("a", "PENDING").items() if name != "Input"}
    write(work, "map/1/", PENDING_0=lines(pending))
    assert read(work) == [(Status.PENDING, "", "")]
