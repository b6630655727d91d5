"""Parse the file names of the missions and rank versions of one observation.

EMM grammar from the readers in SPEDAS (``emm_emu_l2b_20220331t212107_0191_os2_sw1of3_r_v01-04.fits.gz``);
MAVEN grammar from the IUVS SIS (``mvn_iuv_l1b_apoapse-orbit18001-fuv_20230114T071818_v13_r01.fits.gz``), with modes
that have hyphens (``relay-echelle-orbit12190-ech``) or numbers (``APP2-orbit00254-mode0111-fuv``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath

_SUFFIX = r"\.(?:fits?|fts)(?:\.[gf]z)?$"
_EMM = re.compile(
    r"^emm_(?P<instrument>emu|emr|emi|exi)_(?P<level>[a-z0-9]+)_(?P<start>\d{8}t\d{6})_(?P<orbit>\d{1,7})_(?P<mode>[a-z0-9]+)_"
    r"(?P<part>sw(?P<swath>\d)of(?P<swaths>\d)|[a-z0-9]+)_(?P<kernel>[prfn])_v(?P<version>\d{2})-(?P<revision>\d{2})"
    + _SUFFIX,
    re.IGNORECASE | re.ASCII,
)
_MAVEN = re.compile(
    r"^mvn_iuv_(?P<level>[a-z0-9]+)_(?P<mode>[a-z0-9-]+?)-orbit(?P<orbit>\d{1,7})(?:-mode(?P<number>\d+))?-(?P<channel>[a-z]+)_"
    r"(?P<start>\d{8}t\d{6})_v(?P<version>\d+)_(?P<release>[rs])(?P<revision>\d+)" + _SUFFIX,
    re.IGNORECASE | re.ASCII,
)
_COPY = re.compile(
    r"^(?:copy(?: \(?\d+\)?)? of |kopie von |copie de |copia de )"  # of file managers
    r"|(?: - copy|[ _-]copy|[ _-]kopie|-checkpoint)?(?: ?\(\d+\)| \d+)?(?=\.(?:fits?|fts))"  # before the suffix
    r"|(?<=\.fits) ?\(\d+\)(?=\.gz$|$)",  # of browsers, which take .gz for the suffix
    re.IGNORECASE,
)
_KERNELS = "nprf"  # none, predicted, reconstructed, final: in order of quality
_RELEASES = "sr"  # of IUVS: any revision r supersedes those with s


@dataclass(frozen=True)
class FileName:
    """The parts of a mission file name; ``observation`` is equal for all versions of one observation.

    ``release`` is the letter of the revision of IUVS, ``is_copy`` whether the name is that of a copy: ``NAME (1)``.
    """

    instrument: str
    level: str
    start_utc: str
    orbit: int
    mode: str
    swath: tuple[int, int] | None
    kernel: str | None
    version: tuple[int, int]
    observation: tuple[str, ...]
    release: str | None = None
    is_copy: bool = False

    @property
    def rank(self) -> tuple[int, int, int, int]:
        """Rank among versions: the highest supersedes the others."""
        version, revision = self.version
        return version, _RELEASES.find(self.release or "r"), revision, _KERNELS.find(self.kernel or "n")


def parse_name(name: str) -> FileName | None:
    """Parse the last part of a path by the grammar of its mission; None if it matches neither or its date is none."""
    last = PurePosixPath(name).name
    original = _COPY.sub("", last)
    if match := _EMM.match(original):
        part = match.groupdict()
        swath = (int(part["swath"]), int(part["swaths"])) if part["swath"] else None
        instrument = "EMM/EMUS" if part["instrument"].lower() == "emu" else f"EMM/{part['instrument'].upper()}"
        kernel, release, pieces = part["kernel"].lower(), None, [part["part"]]
    elif match := _MAVEN.match(original):
        part = match.groupdict()
        swath, instrument, kernel, release = None, "MAVEN/IUVS", None, part["release"].lower()
        pieces = [piece for piece in (part["number"], part["channel"]) if piece]
    else:
        return None
    try:
        start = datetime.strptime(f"{part['start']}+0000", "%Y%m%dt%H%M%S%z")
    except ValueError:  # for example February 31
        return None
    return FileName(
        instrument=instrument,
        level=part["level"].lower(),
        start_utc=start.replace(tzinfo=None).isoformat(timespec="milliseconds"),
        orbit=int(part["orbit"]),
        mode=part["mode"].lower(),
        swath=swath,
        kernel=kernel,
        version=(int(part["version"]), int(part["revision"])),
        observation=tuple(word.lower() for word in (instrument, part["level"], part["start"], part["mode"], *pieces)),
        release=release,
        is_copy=original != last,
    )
