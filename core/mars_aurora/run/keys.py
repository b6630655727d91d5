"""Where everything of a run lies: the same keys in a folder and in a bucket."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mars_aurora.errors import UsageError

FITS_SUFFIXES = (".fits", ".fits.gz")
READY_MARKER = "_READY"
_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")


def is_fits(name: str) -> bool:
    """Tell by its name whether an input is FITS, plain or gzipped (ignoring case)."""
    return name.lower().endswith(FITS_SUFFIXES)


@dataclass(frozen=True)
class RunKeys:
    """The keys of one run; ``name`` is an input's path below the batch, suffix included.

    A run id is 1 to 80 letters, digits, ``.``, ``_`` and ``-``, a letter or digit first; others raise UsageError.
    """

    run_id: str

    def __post_init__(self) -> None:
        if not _RUN_ID.fullmatch(self.run_id):
            raise UsageError(
                f"the run id {self.run_id!r} will not do: up to 80 letters, digits, '.', '_' and '-', "
                "beginning with a letter or digit"
            )

    @property
    def root(self) -> str:
        return f"runs/{self.run_id}/"

    @property
    def images(self) -> str:
        return f"{self.root}images/"

    def image(self, name: str) -> str:
        return f"{self.images}{name}.png"

    def geometry(self, name: str) -> str:
        return f"{self.root}geometry/{name}.npz"

    def stage(self, name: str, stage: str) -> str:
        return f"{self.root}stages/{name}/{stage}.png"

    @property
    def candidates(self) -> str:
        return f"{self.root}candidates/"

    def candidate(self, name: str) -> str:
        return f"{self.candidates}{name}.png"

    @property
    def predictions(self) -> str:
        return f"{self.root}predictions/"

    def prediction(self, name: str) -> str:
        return f"{self.predictions}{name}.png.out"

    @property
    def records(self) -> str:
        return f"{self.root}ledger/"

    def record(self, name: str) -> str:
        return f"{self.records}{name}.json"

    @property
    def detections(self) -> str:
        return f"{self.root}detections/"

    def detection(self, name: str) -> str:
        return f"{self.detections}{name}.png"

    def product(self, file_name: str) -> str:
        """Give the key of a file of the run as a whole: ``ledger.csv``, ``catalogue.csv``, ``report.html`` ..."""
        return f"{self.root}{file_name}"
