"""Header cards, damaged and removed one by one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial

import numpy as np

from bench.corpus import bases
from bench.corpus.case import AS_BASE, SOUND, Case, Document, Right, kind
from bench.corpus.editing import CARD, card

_STRUCTURE = re.compile(
    r"SIMPLE|XTENSION|BITPIX|NAXIS\d*|PCOUNT|GCOUNT|TFIELDS|TFORM\d+|TDIM\d+|TTYPE\d+|TZERO\d+|EXTNAME"
)
TIMES = {"TIME", "Integration"}  # where these cannot be read, times are those of the header
_UNUSED = {"Dark_Integration", "Dark_Engineering", "Dark_Observation", "Engineering", "Binning", "Random_dn_unc"}
_UNUSED |= {"detector_raw", "detector_dark_subtracted", "background_dark", "detector_dark"}
DAMAGE: dict[str, str | bytes] = {
    "an unquoted NaN": "                 NaN / not a number",
    "an open quote": "'unterminated",
    "a decimal comma": "                 1,5 / comma",
    "bytes outside ASCII": b"'\xb0\xe9\xff'",
    "NUL bytes": b"'\0\0\0' / \0\0",
    "a huge number": "1E999",
    "words": "none of this / is a value",
    "nothing": "",
    "a long integer": "9" * 60,
    "tabs": "\t\t1\t",
}
SAMPLED = 4  # damages of each card


@kind
def cards() -> Iterator[Case]:
    for base in ("emus", "iuvs"):
        rng = np.random.default_rng(len(base))
        for number, hdu in enumerate(bases.document(base, 0).hdus):
            if base == "iuvs" and hdu.name in _UNUSED:
                continue
            for line, raw in enumerate(hdu.cards):
                key = raw[:8].decode().strip()
                if base == "iuvs" and line % 4:
                    continue
                right = _right(key)
                chosen = rng.choice(sorted(DAMAGE), SAMPLED if base == "emus" else 2, replace=False)
                for label in chosen[:1] if _is_plain(hdu.name, key) else chosen:
                    edit = partial(_damage, hdu=number, line=line, key=key, text=DAMAGE[label])
                    yield Case(
                        "cards", f"{hdu.name} {key} with {label}", edit, right, base, timed=hdu.name not in TIMES
                    )
                edit = partial(_damage, hdu=number, line=line, key=key, text=None)
                yield Case("cards", f"{hdu.name} {key} removed", edit, right, base, timed=hdu.name not in TIMES)


def _is_plain(hdu: str, key: str) -> bool:
    """Return whether a card is one of many that describe columns."""
    return re.fullmatch(r"T(UNIT|TYPE|FORM|DIM)\d+", key) is not None and hdu not in {"PRIMARY", "EMISS"}


def _right(key: str) -> Right:
    """Return the right answer: a card that gives the structure may reject the file, no other card does."""
    if key.startswith("TUNIT") or not _STRUCTURE.fullmatch(key):
        return AS_BASE
    return SOUND


def _damage(document: Document, hdu: int, line: int, key: str, text: str | bytes | None) -> None:
    cards = document.hdus[hdu].cards
    if text is None:
        del cards[line]
    else:
        cards[line] = card(key, text)


@kind
def odd_cards() -> Iterator[Case]:
    """Cards that are legal, or common, and that no reader needs."""
    lines = {
        "HISTORY": [b"HISTORY " + b"x" * 72] * 500,
        "COMMENT": [b"COMMENT \xb0\xe9\xff"],
        "blank cards": [b" " * CARD] * 40,
        "HIERARCH": [b"HIERARCH ESO INS MODE = 'night'"],
        "CONTINUE": [card("LONGNAME", "'first&'"), b"CONTINUE  'second&'", b"CONTINUE  ''"],
        "CONTINUE alone": [b"CONTINUE  'second'"],
        "duplicates": [card("MARSYEAR", "36"), card("MARSYEAR", "'x'"), card("MARSYEAR", "37")],
        "lower case": [b"marsyear=                   36"],
        "no value indicator": [b"MARSYEAR  36"],
        "a key of blanks": [b"        = 5"],
        "a key of bytes": [b"\xff\xfe\xfd\xfc    = 5"],
        "NUL": [b"\0" * CARD],
        "INHERIT": [card("INHERIT", "T")],
        "END within a value": [card("REMARK", "'END'")],
        "equations": [card("EQUATION", "'=1+1'")],
        "complex": [card("COMPLEX", "(1.0, 2.0)")],
        "undefined": [card("UNDEF", "/ undefined")],
        "a date": [card("DATE-OBS", "2022-03-31")],
    }
    for base in ("emus", "iuvs"):
        names = ["PRIMARY", "EMISS", "FOV_GEOM"] if base == "emus" else ["PRIMARY", "PixelGeometry", "Observation"]
        for label, added in lines.items():
            for name in names:
                edit = partial(_add, name=name, added=added)
                yield Case("odd_cards", f"{name} with {label}", edit, AS_BASE, base, timed=False)


def _add(document: Document, name: str, added: list[bytes]) -> None:
    document[name].cards += [line.ljust(CARD)[:CARD] for line in added]


STRUCTURE_VALUES: dict[str, tuple[str, ...]] = {
    "BITPIX": ("-16", "0", "7", "64", "-64", "1000000000", "8.0", "-8", "'8'"),
    "NAXIS": ("0", "1", "3", "65", "512", "999", "1000", "-1", "1E3", "99999999999999999999"),
    "NAXIS1": ("0", "-5", "1", "999999999999", "9223372036854775807", "1.5"),
    "NAXIS2": ("0", "1", "4", "-1", "999999999999", "4294967296", "9223372036854775807", "T"),
    "PCOUNT": ("1", "-1", "5000", "999999999999", "'0'", "0.0"),
    "GCOUNT": ("0", "2", "-1", "999999999999"),
    "TFIELDS": ("0", "1", "-1", "3", "999", "1000", "1000000000", "'5'"),
    "TFORM1": ("''", "'D'", "'0D'", "'-1D'", "'99999999999D'", "'1Z'", "'PD'", "'Q'", "'1PD(x)'", "'A'", "5", "'D200'"),
    "XTENSION": ("'IMAGE'", "'TABLE'", "'A3DTABLE'", "'FOREIGN'", "'bintable'", "''", "BINTABLE"),
    "EXTNAME": ("''", "'emiss'", "'EMISS   '", "5", "'EMISS", "'\xff'", "'FOV_GEOM'", "'PRIMARY'"),
}


@kind
def structure() -> Iterator[Case]:
    """Cards that give the structure, with values that do not agree with the data; the table of times may be in them."""
    for base, names in {
        "emus": ("EMISS", "FOV_GEOM", "SC_GEOM", "TIME"),
        "iuvs": ("PixelGeometry", "Observation"),
    }.items():
        for name in names:
            for key, values in STRUCTURE_VALUES.items():
                for value in values[:: 1 if name in {"EMISS", "FOV_GEOM"} else 2]:
                    edit = partial(_restructure, name=name, key=key, value=value)
                    yield Case("structure", f"{name} {key} = {value}", edit, SOUND, base, timed=False)
    for key in ("BITPIX", "NAXIS", "NAXIS1", "NAXIS2", "NAXIS3", "PCOUNT", "GCOUNT"):
        for value in STRUCTURE_VALUES.get(key, STRUCTURE_VALUES["NAXIS2"]):
            for name, base in (
                ("PRIMARY", "emus"),
                ("PRIMARY", "iuvs"),
                ("Random_phy_unc", "iuvs"),
                ("detector_raw", "iuvs"),
            ):
                edit = partial(_restructure, name=name, key=key, value=value)
                yield Case("structure", f"{name} {key} = {value} ({base})", edit, SOUND, base)
    for extra in ("GROUPS", "THEAP", "ZIMAGE", "ZTABLE", "BLOCKED", "SIMPLE", "XTENSION"):
        for name in ("PRIMARY", "EMISS", "FOV_GEOM"):
            for value in ("T", "-1", "999999999999"):
                edit = partial(_restructure, name=name, key=extra, value=value)
                yield Case("structure", f"{name} {extra} = {value}", edit, SOUND)


def _restructure(document: Document, name: str, key: str, value: str) -> None:
    document[name].put(key, value)
