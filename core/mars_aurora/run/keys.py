"""Keys of the files of a run, identical in a folder and in a bucket."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mars_aurora.errors import UsageError

FITS_SUFFIXES = (".fits", ".fits.gz")
READY_MARKER = "_READY"
LEDGER, CATALOGUE = "ledger.csv", "catalogue.ecsv"  # products that other modules read
_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")


def is_fits(name: str) -> bool:
    """Return whether a file name ends in ``.fits`` or ``.fits.gz``, ignoring case."""
    return name.lower().endswith(FITS_SUFFIXES)


class RunPaths:
    """Paths of the files of a run, relative to the run folder.

    The parameter ``name`` is the path of an input relative to its batch, suffix included.
    """

    @property
    def root(self) -> str:
        return ""

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

    @property
    def plots(self) -> str:
        return f"{self.root}plots/"

    def plot(self, name: str) -> str:
        return f"{self.plots}{name}.png"

    def set_picture(self, name: str) -> str:
        """Return the path of the stitched picture of an observation set, named after its first swath."""
        return f"{self.root}sets/{name}.png"

    def product(self, file_name: str) -> str:
        """Return the path of a file that describes the whole run, for example ``ledger.csv`` or ``report.html``."""
        return f"{self.root}{file_name}"


@dataclass(frozen=True)
class RunKeys(RunPaths):
    """Keys of the files of one run: the paths of `RunPaths` below ``runs/<run_id>/``.

    Parameters
    ----------
    run_id : str
        1 to 80 letters, digits, ``.``, ``_`` and ``-``, starting with a letter or digit.

    Raises
    ------
    UsageError
        If the run id is invalid.
    """

    run_id: str

    def __post_init__(self) -> None:
        if not _RUN_ID.fullmatch(self.run_id):
            raise UsageError(
                f"the run id {self.run_id!r} is invalid: use 1 to 80 letters, digits, '.', '_' and '-', "
                "starting with a letter or digit"
            )

    @property
    def root(self) -> str:
        return f"runs/{self.run_id}/"
