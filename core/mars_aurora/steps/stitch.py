"""Stitch the pictures of observation sets."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from mars_aurora.errors import ProductError
from mars_aurora.run.keys import RunKeys
from mars_aurora.run.messages import StitchRequest, StitchResult
from mars_aurora.run.storage import BulkStorage, Storage


def stitch(request: StitchRequest, work: Storage, detections: BulkStorage) -> StitchResult:
    """Write the picture of each observation set, and read it back.

    Raises ProductError if the picture of an input cannot be read.
    """
    keys = RunKeys(request.run_id)
    for item in request.sets:
        stitch_one(item["names"], keys, work, detections)
    return StitchResult(request.run_id, len(request.sets))


def stitch_one(names: Sequence[str], keys: RunKeys, work: Storage, detections: BulkStorage) -> None:
    """Write the picture of the observation set of these inputs, named after the first, and read it back."""
    from mars_aurora.catalogue.stitching import overlay
    from mars_aurora.catalogue.stored import Written, verify_stored

    key = keys.set_picture(names[0])
    try:
        picture = overlay([work.get(keys.image(name)) for name in names])
    except (KeyError, ValueError) as error:
        raise ProductError(f"{key}: a picture of {', '.join(names)} cannot be read: {error}") from error
    detections.put(key, picture)
    verify_stored(Written(key, 1, hashlib.sha256(picture).hexdigest()), detections)
