"""Files that are small, or sparse, and take much time or memory where nothing bounds them."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from bench.corpus.case import AS_BASE, REJECTED, SOUND, Case, Document, Edit, Right, kind
from bench.corpus.editing import CARD, Hdu, card, make_table


def _primary() -> bytes:
    lines = [card("SIMPLE", "T"), card("BITPIX", "8"), card("NAXIS", "0"), card("EXTEND", "T")]
    return Hdu(lines, b"").to_bytes()


def _axes(count: int, size: str = "1") -> list[bytes]:
    return [card("NAXIS", str(count)), *(card(f"NAXIS{axis}", size) for axis in range(1, count + 1))]


def _many_axes(_: Document) -> bytes:
    image = Hdu([card("XTENSION", "'IMAGE   '"), card("BITPIX", "8"), *_axes(999)], b"")
    return gzip.compress(_primary() + 50 * image.to_bytes())


def _many_hdus(_: Document, count: int) -> bytes:
    image = Hdu([card("XTENSION", "'IMAGE   '"), card("BITPIX", "8"), card("NAXIS", "0")], b"").to_bytes()
    return gzip.compress(_primary() + image * count, 6)


def _many_hdus_and_swath(document: Document, count: int) -> bytes:
    image = Hdu([card("XTENSION", "'IMAGE   '"), card("BITPIX", "8"), card("NAXIS", "0")], b"").to_bytes()
    return document.content + image * count


def _long_header(document: Document, blocks: int) -> None:
    document.hdus[0].cards += [b"COMMENT".ljust(CARD)] * (36 * blocks)


def _many_keywords(document: Document, count: int) -> None:
    document.hdus[0].cards += [card(f"K{number}", str(number)) for number in range(count)]


def _zeros(_: Document, size: int) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return (
        packer.compress(_primary())
        + b"".join(packer.compress(bytes(1 << 20)) for _ in range(size >> 20))
        + packer.flush()
    )


def _nested(_: Document) -> bytes:
    return gzip.compress(gzip.compress(gzip.compress(bytes(200 << 20), 9), 9), 9)


def _declared(_: Document, size: str) -> bytes:
    image = Hdu([card("XTENSION", "'IMAGE   '"), card("BITPIX", "8"), *_axes(1, size)], bytes(5000))
    return _primary() + image.to_bytes()


def _grown(document: Document, hdu: str, rows: int) -> bytes:
    """Repeat the rows of a table."""
    old = document[hdu]
    row = len(old.data) // old.number("NAXIS2")
    old.data = (old.data * (rows // old.number("NAXIS2") + 1))[: rows * row]
    old.put("NAXIS2", str(rows))
    return document.joined()


def _huge_rows(document: Document, rows: int) -> bytes:
    """Return a gzipped file of so many integrations that its arrays would take gigabytes; all values are zero."""
    for name in ("FOV_GEOM", "SC_GEOM", "TIME"):
        hdu = document[name]
        hdu.data = bytes(len(hdu.data) // hdu.number("NAXIS2") * rows)
        hdu.put("NAXIS2", str(rows))
    return gzip.compress(document.joined(), 1)


def _wide_table(document: Document, columns: int) -> None:
    table = {f"C{number}": (np.zeros(3), "") for number in range(columns)}
    document.hdus.append(make_table("WIDE", table))


def _wide_needed(document: Document, columns: int) -> None:
    table = document.columns("SC_GEOM")
    rows = len(table["SC_ALT"][0])
    document.set_columns("SC_GEOM", table | {f"C{number}": (np.zeros(rows), "") for number in range(columns)})


def _many_emissions(document: Document, count: int) -> None:
    columns = document.columns("EMISS")
    repeated = {
        name: (np.concatenate([values, *[values[:1]] * count]), unit) for name, (values, unit) in columns.items()
    }
    document.set_columns("EMISS", repeated)


BOMBS: dict[str, tuple[Edit, Right]] = {
    "50 HDUs of NAXIS 999": (_many_axes, REJECTED),
    "2,000 empty HDUs": (partial(_many_hdus, count=2_000), REJECTED),
    "200,000 empty HDUs": (partial(_many_hdus, count=200_000), REJECTED),
    "a swath and 100 empty HDUs": (partial(_many_hdus_and_swath, count=100), SOUND),
    "a swath and 20,000 empty HDUs": (partial(_many_hdus_and_swath, count=20_000), REJECTED),
    "a header of 50 blocks": (partial(_long_header, blocks=50), AS_BASE),
    "a header of 390 blocks": (partial(_long_header, blocks=390), SOUND),
    "a header of 5,000 blocks": (partial(_long_header, blocks=5_000), REJECTED),
    "3,000 keywords": (partial(_many_keywords, count=3_000), SOUND),
    "100,000 keywords": (partial(_many_keywords, count=100_000), SOUND),
    "gzip bomb of 400 MB": (partial(_zeros, size=400 << 20), REJECTED),
    "gzip bomb of 4 GB": (partial(_zeros, size=4 << 30), REJECTED),
    "nested gzip": (_nested, REJECTED),
    **{
        f"an HDU of {size} bytes": (partial(_declared, size=size), REJECTED)
        for size in ("4294967296", "9" * 18, "9" * 25)
    },
    "2,000 integrations in FOV_GEOM": (partial(_grown, hdu="FOV_GEOM", rows=2_000), REJECTED),
    "20,000 rows of TIME": (partial(_grown, hdu="TIME", rows=20_000), SOUND),
    "4,000 integrations of zeros": (partial(_huge_rows, rows=4_000), REJECTED),
    "a table of 999 columns": (partial(_wide_table, columns=999), AS_BASE),
    "SC_GEOM of 900 columns": (partial(_wide_needed, columns=880), AS_BASE),
    "300 emissions": (partial(_many_emissions, count=300), SOUND),
}


@kind
def bombs() -> Iterator[Case]:
    for label, (edit, right) in BOMBS.items():
        yield Case("bombs", label, edit, right)
    for label, size in {"0 bytes": 0, "one block": 2880, "1 GB": 1 << 30, "100 GB": 100 << 30}.items():
        yield Case(
            "bombs", f"a sparse file after {label}", _unchanged, REJECTED | SOUND, place=partial(_sparse, size=size)
        )
    edit = partial(_end_with_geometry, rows=40_000)
    yield Case("bombs", "a sparse file of 40,000 integrations", edit, REJECTED, place=partial(_extend, rows=40_000))


def _unchanged(_: Document) -> None:
    return None


def _sparse(path: Path, content: bytes, size: int) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.truncate(len(content) + size)


def _end_with_geometry(document: Document, rows: int) -> bytes:
    """Declare so many integrations, and end with the header of FOV_GEOM, whose rows are then a hole in the file."""
    for name in ("SC_GEOM", "TIME"):
        hdu = document[name]
        hdu.data = bytes(len(hdu.data) // hdu.number("NAXIS2") * rows)
        hdu.put("NAXIS2", str(rows))
    field = document["FOV_GEOM"]
    field.put("NAXIS2", str(rows))
    document.hdus.remove(field)
    return document.joined() + field.header


def _extend(path: Path, content: bytes, rows: int) -> None:
    header = content[-200 * 2880 :]
    width = int(header[header.rindex(b"NAXIS1  =") :][10:80].split(b"/")[0])
    with path.open("wb") as file:
        file.write(content)
        file.truncate(len(content) + -(-width * rows // 2880) * 2880)
