"""Parse the file names of the missions and rank versions of one observation.

EMM grammar from the readers in SPEDAS (``emm_emu_l2b_20220331t212107_0191_os2_sw1of3_r_v01-04.fits.gz``);
MAVEN grammar from the IUVS SIS (``mvn_iuv_l1b_apoapse-orbit18001-fuv_20230114T071818_v13_r01.fits.gz``), with modes
that have hyphens (``relay-echelle-orbit12190-ech``) or numbers (``APP2-orbit00254-mode0111-fuv``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

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
    last = name.rstrip("/").rpartition("/")[2]
    original, match = last, _match(last)
    if match is None:
        original = _COPY.sub("", last)
        match = _match(original)
    if match is None:
        return None
    part = match.groupdict()
    if match.re is _EMM:
        swath = (int(part["swath"]), int(part["swaths"])) if part["swath"] else None
        instrument = "EMM/EMUS" if part["instrument"].lower() == "emu" else f"EMM/{part['instrument'].upper()}"
        kernel, release, pieces = part["kernel"].lower(), None, [part["part"]]
    else:
        swath, instrument, kernel, release = None, "MAVEN/IUVS", None, part["release"].lower()
        pieces = [piece for piece in (part["number"], part["channel"]) if piece]
    try:
        start = _read_time(part["start"])
    except ValueError:  # for example February 31
        return None
    return FileName(
        instrument=instrument,
        level=part["level"].lower(),
        start_utc=start.isoformat(timespec="milliseconds"),
        orbit=int(part["orbit"]),
        mode=part["mode"].lower(),
        swath=swath,
        kernel=kernel,
        version=(int(part["version"]), int(part["revision"])),
        observation=tuple(word.lower() for word in (instrument, part["level"], part["start"], part["mode"], *pieces)),
        release=release,
        is_copy=original != last,
    )


def _match(name: str) -> re.Match[str] | None:
    return _EMM.match(name) or _MAVEN.match(name)


def _read_time(text: str) -> datetime:
    """Read a time such as 20220331t212107, faster than strptime; raises ValueError if there is no such time."""
    year, month, day = int(text[:4]), int(text[4:6]), int(text[6:8])
    return datetime(year, month, day, int(text[9:11]), int(text[11:13]), int(text[13:]))  # noqa: DTZ001 -- UTC
