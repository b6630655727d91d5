"""HDUs that are missing, repeated, reordered, emptied, shortened or foreign."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from bench.corpus import bases
from bench.corpus.case import AS_BASE, REJECTED, SOUND, Case, Document, Right, kind, rejected
from bench.corpus.editing import Hdu, card, join, make_image, make_table

NEEDED = {
    "emus": {"EMISS": "missing_hdu", "FOV_GEOM": "missing_hdu", "SC_GEOM": "missing_hdu"},
    "iuvs": {
        "SpacecraftGeometry": "missing_hdu",
        "PixelGeometry": "missing_hdu",
        "Observation": "missing_hdu",
        "Integration": "missing_hdu",
    },
}
OPTIONAL_ERRORS = {"Random_phy_unc", "Systematic_phy_unc", "quality_flag"}


@kind
def hdus() -> Iterator[Case]:
    for base in ("emus", "iuvs"):
        names = [hdu.name for hdu in bases.document(base, 0).hdus[1:]]
        for name in names:
            reason = NEEDED[base].get(name)
            right = rejected(reason, "unknown_product") if reason else AS_BASE
            if name == "Integration":
                right = SOUND  # its times are the only thing that is read
            timed = name not in {"TIME", "Integration"}
            yield Case("hdus", f"{name} missing", partial(_drop, name=name), right, base, timed=timed)
            yield Case("hdus", f"{name} twice", partial(_twice, name=name), AS_BASE, base)
            yield Case(
                "hdus", f"{name} twice, the second of zeros", partial(_twice, name=name, zeros=True), SOUND, base
            )
            yield Case(
                "hdus",
                f"{name} without rows",
                partial(_shorten, name=name, rows=0),
                _emptied(name, reason),
                base,
                timed=False,
            )
            for rows in (1, 4, -1):
                right = REJECTED if reason and name != "Integration" else SOUND if name in OPTIONAL_ERRORS else AS_BASE
                if name in {"Integration", "TIME", "Observation"}:
                    right = SOUND
                if name == "EMISS":
                    right = SOUND | rejected("no_130nm_line")
                yield Case(
                    "hdus",
                    f"{name} with {rows} rows",
                    partial(_shorten, name=name, rows=rows),
                    right,
                    base,
                    timed=False,
                )
            for label, spell in SPELLINGS.items():
                yield Case("hdus", f"{name} {label}", partial(_rename, name=name, spell=spell), AS_BASE, base)
            right = rejected(reason, "unknown_product", "wrong_shape") if reason else AS_BASE
            if name == "Integration" or name in OPTIONAL_ERRORS:
                right = SOUND
            yield Case(
                "hdus",
                f"{name} renamed",
                partial(_rename, name=name, spell=lambda text: f"{text}_OLD"),
                right,
                base,
                timed=timed,
            )
            yield Case(
                "hdus", f"{name} of another type", partial(_swap_type, name=name), right | SOUND, base, timed=timed
            )
        for seed in range(12):
            yield Case("hdus", f"order {seed}", partial(_shuffle, seed=seed), AS_BASE, base)
        for label, extra in EXTRAS.items():
            for at in (1, 3, 99):
                yield Case("hdus", f"{label} at {at}", partial(_insert, extra=extra, at=at), AS_BASE, base)
        yield Case("hdus", "without primary", _without_primary, REJECTED, base)
        yield Case("hdus", "primary twice", _primary_twice, SOUND, base)


def _emptied(name: str, reason: str | None) -> Right:
    if name in {"FOV_GEOM", "PixelGeometry", "SC_GEOM", "EMISS", "SpacecraftGeometry", "Observation"}:
        return rejected(
            "no_integrations", "wrong_shape", "no_130nm_line", "too_few_integrations", "missing_hdu", "corrupt"
        )
    return AS_BASE if reason is None and name not in {*OPTIONAL_ERRORS, "TIME"} else SOUND


def _drop(document: Document, name: str) -> None:
    document.hdus.remove(document[name])


def _twice(document: Document, name: str, *, zeros: bool = False) -> None:
    hdu = document[name]
    document.hdus.append(Hdu(list(hdu.cards), bytes(len(hdu.data)) if zeros else hdu.data))


def _shorten(document: Document, name: str, rows: int) -> None:
    hdu = document[name]
    axis = f"NAXIS{hdu.number('NAXIS')}"
    count = hdu.number(axis)
    kept = max(0, min(rows if rows >= 0 else count + rows, count))
    hdu.data = hdu.data[: len(hdu.data) // count * kept]
    hdu.put(axis, str(kept))


def _rename(document: Document, name: str, spell: Callable[[str], str]) -> None:
    document[name].put("EXTNAME", f"'{spell(name)}'")


SPELLINGS: dict[str, Callable[[str], str]] = {
    "in lower case": str.lower,
    "in upper case": str.upper,
    "padded": lambda text: f"{text}      ",
}


def _swap_type(document: Document, name: str) -> None:
    hdu = document[name]
    if hdu.text("XTENSION") == "BINTABLE":
        document.replace(name, make_image(name, np.zeros((5, 5), np.float32)))
    else:
        document.replace(name, make_table(name, {"X": (np.zeros(5), "")}))


def _shuffle(document: Document, seed: int) -> None:
    order = np.random.default_rng(seed).permutation(len(document.hdus) - 1)
    document.hdus[1:] = [document.hdus[1 + index] for index in order]


def _insert(document: Document, extra: Hdu, at: int) -> None:
    document.hdus.insert(at, extra)


def _without_primary(document: Document) -> bytes:
    return join(document.hdus[1:])


def _primary_twice(document: Document) -> bytes:
    return document.hdus[0].to_bytes() + document.joined()


def _ascii_table() -> Hdu:
    return Hdu(
        [
            card("XTENSION", "'TABLE   '"),
            *(card(key, value) for key, value in (("BITPIX", "8"), ("NAXIS", "2"), ("NAXIS1", "8"), ("NAXIS2", "3"))),
            *(card(key, value) for key, value in (("PCOUNT", "0"), ("GCOUNT", "1"), ("TFIELDS", "1"), ("TBCOL1", "1"))),
            card("TFORM1", "'I8'"),
            card("EXTNAME", "'LIST'"),
        ],
        b"       1       2       3",
    )


EXTRAS = {
    "a table": make_table("NOTES", {"TEXT": (np.array(["one", "two"], "S8"), "")}),
    "an image": make_image("PREVIEW", np.zeros((9, 9), np.float32)),
    "an image without data": Hdu([card("XTENSION", "'IMAGE   '"), card("BITPIX", "8"), card("NAXIS", "0")], b""),
    "an ASCII table": _ascii_table(),
    "an unknown extension": Hdu(
        [card("XTENSION", "'DUMP    '"), card("BITPIX", "8"), card("NAXIS", "1"), card("NAXIS1", "7")],
        b"\1\2\3\4\5\6\7",
    ),
    "a table without a name": make_table("", {"X": (np.zeros(4), "")}),
    "COLUMN_DENSITY": make_table("COLUMN_DENSITY", {"CO": (np.zeros(4), "cm-2")}),
}
