"""Join what was searched in each input of a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from mars_aurora.run.keys import RunKeys
from mars_aurora.run.ledger import Outcome, Record
from mars_aurora.run.storage import Storage

if TYPE_CHECKING:
    from mars_aurora.background.exposure import Cells


def join_exposure(records: Sequence[Record], work: Storage, keys: RunKeys) -> tuple[Cells, dict[str, Record]]:
    """Join the exposure of the inputs that were searched, with or without auroras: not superseded, rejected or failed.

    Also returns the failures by name, of inputs whose exposure is missing or damaged.
    """
    from mars_aurora.background import exposure

    lost: dict[str, Record] = {}

    def read(record: Record) -> Cells:
        try:
            return exposure.from_npy(work.get(keys.exposure(record.name)))
        except KeyError as error:
            reason, detail = "missing_object", f"{error.args[0]} is missing"
        except (ValueError, OSError) as error:
            reason, detail = "not_measured", str(error)
        lost[record.name] = replace(record, outcome=Outcome.FAILED, reason=reason, detail=detail, auroras=None)
        return exposure.NOTHING

    searched = (record for record in records if record.is_read)
    return exposure.join(work.map(read, searched)), lost
