"""The input of an execution, from an upload event or by hand, and the run id of a batch."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from typing import Any

from mars_aurora.errors import UsageError
from mars_aurora.run.keys import READY_MARKER, RunKeys, is_fits, is_run_id
from mars_aurora.run.manifest import require_manifest
from mars_aurora.run.messages import StartRequest

REQUEST_FILE = "run.json"  # in the work bucket: what was requested, and by which version it is processed
BATCHES, SINGLE_FILES = "incoming/", "live/"
_DEFAULTS = {"min_objects": 2, "keep_stages": False, "detect_on_lambda_up_to": 0}
_HASHED = re.compile(r".*--[0-9a-f]{10}", re.DOTALL)


def read_start(event: Mapping[str, Any], defaults: Mapping[str, Any] = _DEFAULTS) -> StartRequest:
    """Read the input of an execution; a folder prefix ends in a slash, and every run has an id.

    Parameters
    ----------
    event : mapping
        An event "Object Created" of EventBridge, for a ready marker or a single file, or a request by hand with the
        fields of `StartRequest`. EventBridge does not encode the key, unlike the notifications of S3.
    defaults : mapping
        Values of the fields that a request may omit.

    Raises
    ------
    UsageError
        If the event is neither, or a field is missing, unknown, of the wrong type or invalid.
    """
    fields = _read_upload(event) if "detail" in event else event
    start = StartRequest.from_event({**defaults, **({"prefix": ""} if "manifest" in fields else {}), **fields})
    if start.manifest:
        require_manifest(start.manifest)
    prefix = start.prefix if start.prefix.endswith("/") or is_fits(start.prefix) else f"{start.prefix}/"
    prefix = "" if start.manifest else prefix
    run_id = start.run_id or name_run(prefix or start.manifest)
    RunKeys(run_id)  # raises UsageError if the id is invalid
    return replace(start, prefix=prefix, run_id=run_id)


def _read_upload(event: Mapping[str, Any]) -> dict[str, str]:
    try:
        bucket, key = event["detail"]["bucket"]["name"], event["detail"]["object"]["key"]
    except (KeyError, TypeError):
        raise UsageError("the event has no detail.bucket.name or no detail.object.key") from None
    is_marker = str(key).rpartition("/")[2] == READY_MARKER
    return {"bucket": bucket, "prefix": key.removesuffix(READY_MARKER) if is_marker else key}


def name_run(prefix: str) -> str:
    """Return the run id of a batch: legal, and different for each prefix.

    It is the name of the batch where `name_prefix` gives the prefix back; otherwise the legal characters of the name
    and a hash of the prefix.
    """
    plain = prefix.removeprefix(BATCHES).removesuffix("/").replace("/", "-")
    if is_run_id(plain) and not _HASHED.fullmatch(plain) and name_prefix(plain) == prefix:
        return plain
    stem = re.sub(r"[^A-Za-z0-9._]+", "-", plain).lstrip("-._")[:60].rstrip("-._")
    digest = sha256(prefix.encode(errors="surrogatepass")).hexdigest()[:10]
    return f"{stem or 'run'}--{digest}"


def name_prefix(run_id: str) -> str:
    """Return the prefix of the batch that has this run id, where the id has no hash."""
    folder, _, name = run_id.partition("-")
    return f"{SINGLE_FILES}{name}" if f"{folder}/" == SINGLE_FILES and is_fits(name) else f"{BATCHES}{run_id}/"
