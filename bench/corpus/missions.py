"""Files of other missions: with the HDUs of EMUS, and with their own."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from numpy.typing import NDArray

from bench.corpus.case import AS_BASE, Case, Document, kind, rejected

Values = NDArray[Any]


MISSIONS = (
    ("Cassini", "UVIS"),
    ("MAVEN", "NGIMS"),
    ("JUNO", "UVS"),
    ("Hope", "EXI"),
    ("MRO", "CRISM"),
    ("LRO", "LAMP"),
)


@kind
def missions() -> Iterator[Case]:
    """Files of other missions: one with the same HDUs, and ones with their own."""
    for mission, instrument in MISSIONS:
        right = rejected("unknown_product")
        edit = partial(_of_mission, mission=mission, instrument=instrument)
        yield Case("missions", f"{mission} {instrument} with the HDUs of EMUS", edit, right)
        edit = partial(_of_mission, mission=mission, instrument=instrument, rename=True)
        yield Case("missions", f"{mission} {instrument}", edit, right)
    for mission, instrument in (
        ("emm", "emus"),
        ("EMM  ", "EMUS  "),
        ("Emirates Mars Mission", "EMUS"),
        ("", ""),
        ("EMM", "Emirates Mars Ultraviolet Spectrometer"),
    ):
        edit = partial(_of_mission, mission=mission, instrument=instrument)
        yield Case("missions", f"{mission!r} {instrument!r}", edit, AS_BASE)
    yield Case("missions", "without mission and instrument", _without_mission, AS_BASE)


def _of_mission(document: Document, mission: str, instrument: str, *, rename: bool = False) -> None:
    document.hdus[0].put("MISSION", f"'{mission}'")
    document.hdus[0].put("INSTRUME", f"'{instrument}'")
    if rename:
        for number, hdu in enumerate(document.hdus[1:]):
            hdu.put("EXTNAME", f"'DATA{number}'")


def _without_mission(document: Document) -> None:
    for key in ("MISSION", "INSTRUME"):
        document.hdus[0].drop(key)
