"""Manifests, which name the inputs of a run."""

import gzip
import json
from pathlib import Path

import pytest

from mars_aurora.errors import UsageError
from mars_aurora.run import manifest
from mars_aurora.run.manifest import is_manifest, read_manifest, require_manifest
from mars_aurora.run.storage import FolderStorage

ITEMS = [
    {"key": "a/x y.fits", "name": "a/x y.fits", "etag": "0123", "size": 7},
    {"key": "ü,z.fits.gz", "name": "ü,z.fits.gz", "etag": "", "size": 0},
]
INVENTORY = {
    "sourceBucket": "data",
    "fileFormat": "CSV",
    "fileSchema": "Bucket, Key, VersionId, IsLatest, IsDeleteMarker, Size, ETag",
    "files": [{"key": "manifests/inventory/data/1.csv.gz"}],
}


@pytest.fixture
def storage(tmp_path: Path) -> FolderStorage:
    return FolderStorage(tmp_path)


def read(storage: FolderStorage, key: str) -> list[dict]:
    return list(read_manifest(storage, key, "data"))


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("m.csv", 'Bucket,Key,ETag,Size\ndata,a/x y.fits,"""0123""",7\n,"ü,z.fits.gz",,\n'),
        ("m.csv", '\ufeffkey,size,etag\r\na/x y.fits,7,0123\r\n\r\n"ü,z.fits.gz",,\r\n'),
        ("m.jsonl", '{"Key": "a/x y.fits", "ETag": "\\"0123\\"", "Size": 7}\n\n{"key": "ü,z.fits.gz"}\n'),
        ("m.ndjson", '{"key": "a/x y.fits", "etag": "0123", "size": 7, "other": [1]}\n{"key": "ü,z.fits.gz"}'),
    ],
)
def test_manifest_names_the_inputs(storage: FolderStorage, name: str, text: str, suffix: str) -> None:
    data = text.encode()
    storage.put(f"manifests/{name}{suffix}", gzip.compress(data) if suffix else data)
    assert read(storage, f"manifests/{name}{suffix}") == ITEMS


def test_inventory_names_the_present_objects(storage: FolderStorage) -> None:
    rows = (
        '"data","a/x+y.fits","v2","true","false","7","0123"\n'
        '"data","a/x+y.fits","v1","false","false","9","4567"\n'
        '"data","gone.fits","v3","true","true","",""\n'
        '"data","%C3%BC%2Cz.fits.gz","v4","true","false","",""\n'
    )
    storage.put("manifests/inventory/2026/manifest.json", json.dumps(INVENTORY).encode())
    storage.put(INVENTORY["files"][0]["key"], gzip.compress(rows.encode()))
    assert read(storage, "manifests/inventory/2026/manifest.json") == ITEMS


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("m.csv", "a/x.fits\n", "line 1 of manifests/m.csv names no column 'key'"),
        ("m.csv", "key\nx.fits\nx.fits\n", "entry 3 of manifests/m.csv: 'x.fits' is listed twice"),
        ("m.csv", "bucket,key\nother,x.fits\n", "'x.fits' is in the bucket 'other', and the request is of 'data'"),
        ("m.csv", "key,size\nx.fits,big\n", "the size of 'x.fits' is 'big'"),
        ("m.csv", "key,size\n,7\n", "entry 2 of manifests/m.csv: there is no key"),
        ("m.jsonl", '{"key": "x.fits"}\nnot JSON\n', "entry 2 of manifests/m.jsonl is not a JSON object"),
        ("m.jsonl.gz", "not packed \ufffd", "entry 1 of manifests/m.jsonl.gz is not a JSON object"),
        ("manifest.json", "{}", "manifests/manifest.json is not the manifest of an S3 Inventory"),
        ("manifest.json", json.dumps(INVENTORY | {"fileFormat": "ORC"}), "in the format ORC: only CSV is read"),
        ("manifest.json", json.dumps(INVENTORY), "there is no manifest manifests/inventory/data/1.csv.gz"),
    ],
)
def test_invalid_manifest_is_a_usage_error_that_names_the_entry(
    storage: FolderStorage, name: str, text: str, message: str
) -> None:
    storage.put(f"manifests/{name}", text.encode())
    with pytest.raises(UsageError) as caught:
        read(storage, f"manifests/{name}")
    assert message in str(caught.value)


@pytest.mark.parametrize("uri", ["m.csv", "s3://b/m.csv", "s3:///manifests/m.csv", "s3://b/manifests/m.txt"])
def test_manifest_elsewhere_or_of_another_kind_is_a_usage_error(uri: str) -> None:
    with pytest.raises(UsageError, match="the manifest"):
        require_manifest(uri)


def test_manifests_are_recognized_by_their_names() -> None:
    assert require_manifest("s3://b/manifests/p/m.csv.gz") == ("b", "manifests/p/m.csv.gz")
    assert [is_manifest(name) for name in ("x.fits", "x.json", "p/manifest.json", "x.csv")] == [
        False,
        False,
        True,
        True,
    ]


def test_manifest_that_unpacks_without_end_is_a_usage_error(
    storage: FolderStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(manifest, "LIMIT_BYTES", 1000)
    storage.put("manifests/m.csv.gz", gzip.compress(b"key\n" + b"x" * 10_000))
    with pytest.raises(UsageError, match="is larger than 1000 bytes unpacked"):
        read(storage, "manifests/m.csv.gz")
