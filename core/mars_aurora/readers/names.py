"""Parse the file names of the missions and rank versions of one observation.

EMM grammar from the readers in SPEDAS (``emm_emu_l2b_20220331t212107_0191_os2_sw1of3_r_v01-04.fits.gz``);
MAVEN grammar from the IUVS SIS (``mvn_iuv_l1b_apoapse-orbit18001-fuv_20230114T071818_v13_r01.fits.gz``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath

_EMM = re.compile(
    r"^emm_(?P<instrument>emu|emr|emi|exi)_(?P<level>[a-z0-9]+)_(?P<start>\d{8}t\d{6})_(?P<orbit>\d{1,7})_(?P<mode>[a-z0-9]+)_"
    r"(?P<part>sw(?P<swath>\d)of(?P<swaths>\d)|[a-z0-9]+)_(?P<kernel>[prfn])_v(?P<version>\d{2})-(?P<revision>\d{2})"
    r"\.fits(?:\.gz)?$",
    re.IGNORECASE | re.ASCII,
)
_MAVEN = re.compile(
    r"^mvn_iuv_(?P<level>[a-z0-9]+)_(?P<mode>[a-z0-9]+)-orbit(?P<orbit>\d{1,7})-(?P<channel>[a-z]+)_(?P<start>\d{8}t\d{6})"
    r"_v(?P<version>\d+)_r(?P<revision>\d+)\.fits(?:\.gz)?$",
    re.IGNORECASE | re.ASCII,
)
_KERNELS = "nprf"  # none, predicted, reconstructed, final: in order of quality


@dataclass(frozen=True)
class FileName:
    """The parts of a mission file name; ``observation`` is equal for all versions of one observation."""

    instrument: str
    level: str
    start_utc: str
    orbit: int
    mode: str
    swath: tuple[int, int] | None
    kernel: str | None
    version: tuple[int, int]
    observation: tuple[str, ...]

    @property
    def rank(self) -> tuple[int, int, int]:
        """Rank among versions: the highest supersedes the others."""
        return (*self.version, _KERNELS.find(self.kernel or "n"))


def parse_name(name: str) -> FileName | None:
    """Parse the last part of a path by the grammar of its mission; None if it matches neither or its date is none."""
    last = PurePosixPath(name).name
    if match := _EMM.match(last):
        part = match.groupdict()
        swath = (int(part["swath"]), int(part["swaths"])) if part["swath"] else None
        instrument, kernel, piece = (
            "EMM/EMUS" if part["instrument"].lower() == "emu" else f"EMM/{part['instrument'].upper()}",
            part["kernel"],
            part["part"],
        )
    elif match := _MAVEN.match(last):
        part = match.groupdict()
        swath, instrument, kernel, piece = None, "MAVEN/IUVS", None, part["channel"]
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
        kernel=kernel.lower() if kernel else None,
        version=(int(part["version"]), int(part["revision"])),
        observation=(instrument, part["level"].lower(), part["start"].lower(), part["mode"].lower(), piece.lower()),
    )
