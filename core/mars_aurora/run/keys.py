"""Keys of the files of a run, identical in a folder and in a bucket.

The key of a file of an input has the form ``<kind>/<key_name(name)><suffix>``; candidates and predictions have flat
keys with `hash_name` instead, which a transform job keeps. The name of the input is in its record; it cannot be derived
from a key.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Literal

from mars_aurora.errors import UsageError
from mars_aurora.run.escaping import escape_text

FITS_NAME = re.compile(r"\.(fits?|fts)( ?\([0-9]+\))?(\.[gf]z)?\Z", re.IGNORECASE)
HOUSEKEEPING_NAME = re.compile(
    r"(\A|/)(\._|\.ipynb_checkpoints/|__MACOSX/)"
    r"|(\A|/)(\.DS_Store|Thumbs\.db|desktop\.ini)\Z"
    r"|\.(part|partial|crdownload|download|filepart|aria2|tmp)\Z",
    re.IGNORECASE,
)
READY_MARKER = "_READY"
RUN_FILE = "mars-aurora-run.json"  # marks a folder of results, which are not inputs of other runs
LOCKS = "locks/"  # in the work bucket: an object for each run that is being processed
LEDGER, CATALOGUE, EXPOSURE = "ledger.csv", "catalogue.ecsv", "exposure.fits"  # products that other modules read
RUN = "run.json"
_SUFFIXES_OF_TABLES = ("csv", "ecsv", "vot", "geojson", "gpkg", "parquet")
PRODUCTS = (  # of the whole run
    LEDGER,
    *(f"catalogue.{suffix}" for suffix in _SUFFIXES_OF_TABLES),
    *(f"auroras.{suffix}" for suffix in _SUFFIXES_OF_TABLES),
    "jmars.csv",
    "jmars.shp.zip",
    EXPOSURE,
    "annotations.coco.json",
    "labels.yolo.zip",
    "regions.ds9.zip",
    "report.html",
    RUN,
)
_NAME_BYTES = 200  # leaves room for a suffix in the 255 bytes of a file name, and for a prefix in the 1024 of a key
_HASHED = re.compile(r"~[0-9a-f]{32}")
_SUFFIXES = (".png", ".npz", ".npy", ".json", ".out")  # of the files of an input
_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")


def classify_name(name: str) -> Literal["fits", "housekeeping", "other"]:
    """Classify the path of a file by its name alone; the state machine has the same rules.

    Housekeeping are ``._*`` (macOS), ``.ipynb_checkpoints/`` and unfinished downloads such as ``.part``. FITS files end
    in ``.fits``, ``.fit`` or ``.fts``, packed ones also in ``.gz`` or ``.fz``, copies have a number in parentheses.
    """
    if HOUSEKEEPING_NAME.search(name):
        return "housekeeping"
    return "fits" if FITS_NAME.search(name) else "other"


def is_run_id(text: str) -> bool:
    """Return whether a text is a valid run id, see `RunKeys`."""
    return _RUN_ID.fullmatch(text) is not None


def is_fits(name: str) -> bool:
    """Return whether a file is read as FITS, see `classify_name`."""
    return classify_name(name) == "fits"


def key_name(name: str) -> str:
    """Return the name of an input as part of a key: as it is in the tables, or the start of its file name and a hash.

    It is as in the tables if it has at most 200 bytes in UTF-8 and cannot be mistaken: none of its folders is named
    like a file of another input (``a.fits.json/b.fits`` beside ``a.fits``), empty, ``.`` or ``..``, and it does not
    look like a name with a hash. Names that differ there have keys that differ, and no key is a folder of another.
    """
    name = escape_text(name)  # keys of S3 may have characters that tables cannot hold
    *folders, file = name.split("/")
    data = name.encode()
    if (
        len(data) <= _NAME_BYTES
        and not any(folder.lower().endswith(_SUFFIXES) for folder in folders)
        and not {"", ".", ".."}.intersection([*folders, file])
        and not _HASHED.fullmatch(name[-33:])
    ):
        return name
    start = file.encode()[: _NAME_BYTES - 33].decode(errors="ignore")
    return f"{start}~{hashlib.sha256(data).hexdigest()[:32]}"


def hash_name(name: str) -> str:
    """Return the name of an input as part of a flat key: 32 hexadecimal digits of its SHA-256."""
    return hashlib.sha256(escape_text(name).encode()).hexdigest()[:32]


def flat_name(name: str) -> str:
    """Return the name of an input without folders, as the pictures of a labeled set are named."""
    return key_name(key_name(name).replace("/", "__"))


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
        return f"{self.images}{key_name(name)}.png"

    @property
    def geometries(self) -> str:
        return f"{self.root}geometry/"

    def geometry(self, name: str) -> str:
        return f"{self.geometries}{key_name(name)}.npz"

    def exposure(self, name: str) -> str:
        return f"{self.root}exposure/{key_name(name)}.npy"

    def stage(self, name: str, stage: str) -> str:
        return f"{self.root}stages/{key_name(name)}/{stage}.png"

    @property
    def candidates(self) -> str:
        return f"{self.root}candidates/"

    def candidate(self, name: str) -> str:
        return f"{self.candidates}{hash_name(name)}.png"

    @property
    def predictions(self) -> str:
        return f"{self.root}predictions/"

    def predictions_by(self, detector: str) -> str:
        """Return the folder of the predictions by a detector, which is given by `DetectorVersion.folder`."""
        return f"{self.predictions}{detector}/"

    def prediction(self, name: str, detector: str) -> str:
        return f"{self.predictions_by(detector)}{hash_name(name)}.png.out"

    def measured(self, name: str) -> str:
        return f"{self.root}measured/{key_name(name)}.json"

    @property
    def records(self) -> str:
        return f"{self.root}ledger/"

    def record(self, name: str) -> str:
        return f"{self.records}{key_name(name)}.json"

    @property
    def detections(self) -> str:
        return f"{self.root}detections/"

    def detection(self, name: str) -> str:
        return f"{self.detections}{key_name(name)}.png"

    @property
    def natives(self) -> str:
        return f"{self.root}native/"

    def native(self, name: str) -> str:
        """Return the path of the images of an observation on the native grid."""
        return f"{self.natives}{key_name(name)}.fits"

    @property
    def plots(self) -> str:
        return f"{self.root}plots/"

    def plot(self, name: str, file_format: str = "png") -> str:
        return f"{self.plots}{key_name(name)}.{file_format}"

    def set_plot(self, name: str, file_format: str) -> str:
        """Return the path of the figure of an observation set, named after its first swath."""
        return f"{self.plots}{key_name(name)}.set.{file_format}"

    def overview(self, file_format: str) -> str:
        """Return the path of the figure of the whole run."""
        return f"{self.plots}overview.{file_format}"

    @property
    def sets(self) -> str:
        return f"{self.root}sets/"

    def set_picture(self, name: str) -> str:
        """Return the path of the stitched picture of an observation set, named after its first swath."""
        return f"{self.sets}{key_name(name)}.png"

    @property
    def report_parts(self) -> str:
        return f"{self.root}report/"

    def report_part(self, number: int) -> str:
        """Return the path of a part of the data of the report, from 2; the first is in the page."""
        return f"{self.report_parts}{number:04d}.js"

    def maps(self, execution: str = "") -> str:
        """Return the folder of what an execution passes from step to step, by default of all executions."""
        return f"{self.root}map/{execution}/" if execution else f"{self.root}map/"

    def items(self, phase: str, execution: str = "") -> str:
        """Return the path of the list that a map of the workflow processes, one JSON object a line."""
        return f"{self.maps(execution)}{phase}.jsonl"

    def results(self, execution: str, phase: str) -> str:
        """Return the folder of what the children of a map return."""
        return f"{self.maps(execution)}{phase}/"

    def settled(self, execution: str, number: int) -> str:
        """Return the path of the records of one slice of the inputs, before their auroras are measured."""
        return f"{self.maps(execution)}settled/{number:06}.jsonl.gz"

    def measured_slice(self, execution: str, number: int) -> str:
        """Return the path of the results of one slice of the inputs, after their auroras are measured."""
        return f"{self.maps(execution)}measured/{number:06}.json.gz"

    @property
    def transform_manifest(self) -> str:
        """Return the path of the list of candidates that a transform job processes."""
        return f"{self.root}map/transform.json"

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
        if not is_run_id(self.run_id):
            raise UsageError(
                f"the run id {self.run_id!r} is invalid: use 1 to 80 letters, digits, '.', '_' and '-', "
                "starting with a letter or digit"
            )

    @property
    def root(self) -> str:
        return f"runs/{self.run_id}/"

    @property
    def lock(self) -> str:
        return f"{LOCKS}{self.run_id}.json"
