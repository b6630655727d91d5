"""The input of an execution and the run id of a batch."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mars_aurora.errors import UsageError
from mars_aurora.run.keys import is_run_id
from mars_aurora.run.starts import name_prefix, name_run, read_start

EVENTS = Path(__file__).parents[3] / "events"
DEEP = "incoming/" + "/".join(f"level_{number}_of_tree" for number in range(5)) + "/"


def upload(key: str) -> dict:
    event = json.loads((EVENTS / "start_batch.json").read_text())
    event["detail"]["object"]["key"] = key
    return event


@pytest.mark.parametrize(
    ("prefix", "run_id"),
    [
        ("incoming/2022-03/", "2022-03"),
        ("incoming/a.b_c-20220331/", "a.b_c-20220331"),
        ("live/x.fits", "live-x.fits"),
        ("live/x.FITS.GZ", "live-x.FITS.GZ"),
    ],
)
def test_run_has_the_name_of_its_batch_where_the_batch_can_be_found_from_it(prefix: str, run_id: str) -> None:
    assert name_run(prefix) == run_id
    assert name_prefix(run_id) == prefix


def test_run_ids_of_all_prefixes_are_legal_and_differ() -> None:
    like_p_q = [
        "p-q/",
        "p/q/",
        "p_q/",
        "p q/",
        "p+q/",
        "p%20q/",
        "P-Q/",
        "_p-q/",
        "-p-q/",
        "p-q-/",
        "püq/",
        "pöq/",
        "p//q/",
    ]
    files = ["p-q.fits", "p/q.fits", "live-x.fits/", "live/x.fits/", "live/x.fits"]
    odd = ["ü/", "ö/", "_/", "../", *(f"{'x' * length}/" for length in (80, 81, 82))]
    prefixes = [f"incoming/{prefix}" for prefix in (*like_p_q, *files, *odd, "")]
    prefixes += ["live/x.fits", "live/a/x.fits", "p-q/", DEEP]
    names = [name_run(prefix) for prefix in prefixes]
    assert len(set(names)) == len(names)
    assert all(is_run_id(name) for name in names)
    assert len(DEEP) >= 85


def test_batch_named_like_a_run_with_a_hash_has_another_run() -> None:
    taken = name_run("incoming/p/q/")
    assert name_run(f"incoming/{taken}/") != taken


@given(st.text(min_size=1, max_size=100), st.text(min_size=1, max_size=100))
def test_any_two_prefixes_have_legal_and_different_runs(first: str, second: str) -> None:
    assert is_run_id(name_run(first))
    assert (name_run(first) == name_run(second)) == (first == second)


@pytest.mark.parametrize(
    ("event", "run_id", "min_objects"),
    [
        ("start_batch", "2022-03", 2),
        ("start_by_hand", "2022-03", 3),
        ("start_single_file", "live-emm_emu_l2b_20220331t212107_0191_os2_sw1of3_r_v01-04.fits.gz", 2),
    ],
)
def test_event_fixtures_are_read(event: str, run_id: str, min_objects: int) -> None:
    start = read_start(json.loads((EVENTS / f"{event}.json").read_text()))
    assert (start.bucket, start.run_id, start.min_objects) == ("mars-aurora-inputs", run_id, min_objects)
    assert start.keep_stages is (event == "start_by_hand")


@pytest.mark.parametrize(
    ("key", "prefix"),
    [
        ("incoming/a b+c%2Bü/_READY", "incoming/a b+c%2Bü/"),  # EventBridge does not encode keys
        ("incoming/a.fits/_READY", "incoming/a.fits/"),
        ("live/x.fits", "live/x.fits"),
        ("incoming/_READY/_READY", "incoming/_READY/"),
    ],
)
def test_marker_selects_its_folder_and_a_single_file_itself(key: str, prefix: str) -> None:
    assert read_start(upload(key)).prefix == prefix


@pytest.mark.parametrize("prefix", ["incoming/a", "incoming/a/"])
def test_prefix_of_a_folder_ends_in_a_slash(prefix: str) -> None:
    start = read_start({"bucket": "b", "prefix": prefix})
    assert (start.prefix, start.run_id) == ("incoming/a/", "a")


def test_request_by_hand_may_name_everything() -> None:
    given = {"bucket": "b", "prefix": "x/", "run_id": "mine", "min_objects": 3, "keep_stages": True, "again": "all"}
    given |= {"detect_on_lambda_up_to": 50}
    assert read_start(given).to_event() == given | {"manifest": ""}


@pytest.mark.parametrize(
    ("event", "message"),
    [
        ({}, "bucket"),
        ({"prefix": "a/"}, "bucket"),
        ({"bucket": "", "prefix": "a/"}, "bucket is empty"),
        ({"bucket": "b"}, "prefix"),
        ({"bucket": "b", "prefix": ""}, "prefix is empty: name the folder of a batch"),
        ({"bucket": "b", "prefix": 3}, "prefix must be str"),
        ({"bucket": "b", "prefix": "a/", "min_objects": "2"}, "min_objects must be int, not '2'"),
        ({"bucket": "b", "prefix": "a/", "min_objects": 0}, "min_objects must be at least 1"),
        ({"bucket": "b", "prefix": "a/", "min_objects": 2.0}, "min_objects must be int"),
        ({"bucket": "b", "prefix": "a/", "detect_on_lambda_up_to": -1}, "detect_on_lambda_up_to must be at least 0"),
        ({"bucket": "b", "prefix": "a/", "keep_stages": "true"}, "keep_stages must be bool"),
        ({"bucket": "b", "prefix": "a/", "again": "some"}, "again must be 'rejected' or 'all', not 'some'"),
        ({"bucket": "b", "prefix": "a/", "run_id": "a/b"}, "the run id 'a/b' is invalid"),
        ({"bucket": "b", "prefix": "a/", "run_id": "ä"}, "the run id 'ä' is invalid"),
        ({"bucket": "b", "prefix": "a/", "color": 1}, "unknown field color"),
        ({"detail": {}}, "no detail.bucket.name"),
        ({"detail": None}, "no detail.bucket.name"),
        ({"detail": {"bucket": {"name": "b"}, "object": {}}}, "no detail.object.key"),
        ({"detail": {"bucket": {"name": "b"}, "object": {"key": "_READY"}}}, "prefix is empty"),
    ],
)
def test_invalid_request_is_a_usage_error_that_says_what_is_wrong(event: dict, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        read_start(event)


def test_request_with_a_manifest_has_no_prefix_and_a_run_named_after_the_manifest() -> None:
    uri = "s3://inputs/manifests/2022.csv"
    start = read_start({"bucket": "archive", "manifest": uri})
    assert (start.bucket, start.prefix, start.manifest) == ("archive", "", uri)
    assert start.run_id == name_run(uri)
    assert read_start({"bucket": "archive", "manifest": uri, "run_id": "mine"}).run_id == "mine"
    with pytest.raises(UsageError, match="a prefix and a manifest"):
        read_start({"bucket": "archive", "prefix": "x/", "manifest": uri})
    with pytest.raises(UsageError, match="must be below s3://BUCKET/manifests/"):
        read_start({"bucket": "archive", "manifest": "s3://inputs/2022.csv"})
