"""Flipped bits, files cut at random sizes, pages of zeros."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from functools import partial

import numpy as np

from bench.corpus.case import ANY, AS_BASE, REJECTED, SOUND, Case, Document, Right, kind, rejected
from bench.corpus.columns import quiet

FLIPS, SUMMED_FLIPS, CUTS = 120, 100, 60
BASES = ("emus", "iuvs")
READ = {
    "emus": ("EMISS", "FOV_GEOM", "SC_GEOM"),
    "iuvs": ("PixelGeometry", "SpacecraftGeometry", "Observation", "Random_phy_unc", "PRIMARY"),
}
UNREAD = {"emus": ("WAVELENGTH",), "iuvs": ("Engineering", "Binning", "detector_raw", "Dark_Observation")}


def draw(*seed: int) -> np.random.Generator:
    """Return the random numbers of a case."""
    return np.random.default_rng((20, *seed))


@kind
def flips() -> Iterator[Case]:
    """Bits flipped at random positions of a file without checksums: any result, but an outcome."""
    for base in BASES:
        for seed in range(FLIPS // 2):
            edit = partial(flip, seed=seed, where=None)
            yield Case("flips", f"{1 + seed % 8} bits anywhere, {seed} ({base})", edit, ANY, base, timed=False)
        for seed in range(FLIPS // 2):
            edit = partial(flip, seed=seed, where="header")
            yield Case("flips", f"{1 + seed % 8} bits in headers, {seed} ({base})", edit, ANY, base, timed=False)


def flip(document: Document, seed: int, where: str | None) -> bytes:
    rng = draw(seed)
    content = bytearray(document.content)
    candidates = np.arange(len(content)) if where is None else _header_positions(document)
    for position in rng.choice(candidates, 1 + seed % 8):
        content[position] ^= 1 << int(rng.integers(8))
    return bytes(content)


def _header_positions(document: Document) -> np.ndarray:
    pieces, start = [], 0
    for hdu in document.hdus:
        pieces.append(np.arange(start, start + len(hdu.cards) * 80))
        start += len(hdu.to_bytes())
    return np.concatenate(pieces)


@kind
def cuts() -> Iterator[Case]:
    """Files cut at random sizes, plain and gzipped."""
    for base in BASES:
        for seed in range(CUTS):
            for packed in (False, True):
                edit = partial(_cut, seed=seed, packed=packed)
                yield Case(
                    "cuts", f"{'gzipped' if packed else 'plain'}, cut at random, {seed} ({base})", edit, CUT, base
                )
        for size in (0, 1, 2, 3, 8, 9, 79, 80, 81, 2879, 2880, 2881, 5760):
            for packed in (False, True):
                edit = partial(_cut_to, size=size, packed=packed)
                yield Case("cuts", f"{'gzipped' if packed else 'plain'}, cut to {size} bytes", edit, CUT, base)
        for missing in (1, 8, 9, 80, 2880, 2881):
            for packed in (False, True):
                edit = partial(_cut_to, size=-missing, packed=packed)
                yield Case(
                    "cuts", f"{'gzipped' if packed else 'plain'}, {missing} bytes short", edit, CUT | CUT_PADDING, base
                )
        for blocks in (1, 5, 40):
            edit = partial(_lose_blocks, blocks=blocks)
            yield Case("cuts", f"{blocks} blocks lost in the middle", edit, ANY, base, timed=False)
            edit = partial(_append, blocks=blocks)
            yield Case("cuts", f"{blocks} blocks of zeros appended", edit, AS_BASE, base)
    for fill in (b"\0", b" ", b"\xff", b"SIMPLE  =", b"XTENSION="):
        yield Case("cuts", f"followed by {fill!r}", partial(_follow, fill=fill), SOUND)


CUT = rejected("truncated", "corrupt", "empty_file", "not_fits", "unknown_product", "missing_hdu")
CUT_PADDING = AS_BASE  # only padding is missing


def _cut(document: Document, seed: int, packed: bool) -> bytes:  # noqa: FBT001 -- a parameter of the case
    content = gzip.compress(document.content, 1) if packed else document.content
    return content[: int(draw(seed, int(packed)).integers(10, len(content) - 3000 * (1 - packed) - 12))]


def _cut_to(document: Document, size: int, packed: bool) -> bytes:  # noqa: FBT001 -- a parameter of the case
    content = gzip.compress(document.content, 1) if packed else document.content
    return content[:size]


def _lose_blocks(document: Document, blocks: int) -> bytes:
    middle = len(document.content) // 2 // 2880 * 2880
    return document.content[:middle] + document.content[middle + blocks * 2880 :]


def _append(document: Document, blocks: int) -> bytes:
    return document.content + bytes(blocks * 2880)


def _follow(document: Document, fill: bytes) -> bytes:
    return document.content + (fill * 2880)[:2880]


@kind
def zero_pages() -> Iterator[Case]:
    """Pages of 4096 zero bytes, as a file system leaves them after a crash."""
    for base in BASES:
        brightness = "EMISS" if base == "emus" else "PRIMARY"
        for seed in range(12):
            edit = partial(_zero_page, names=(brightness,), seed=seed, pages=1)
            yield Case("zero_pages", f"a page of {brightness}, {seed} ({base})", edit, ANY, base)
        for name in READ[base][1:3]:
            for seed in range(4):
                edit = partial(_zero_page, names=(name,), seed=seed, pages=1)
                yield Case("zero_pages", f"a page of {name}, {seed}", edit, ANY, base, timed=False)
        for pages in (20, 200):
            edit = partial(_zero_page, names=(brightness,), seed=pages, pages=pages)
            yield Case("zero_pages", f"{pages} pages of {brightness} ({base})", edit, ANY, base)
        yield Case(
            "zero_pages",
            f"all pages of {brightness} ({base})",
            partial(_zero_all, names=(brightness,)),
            REJECTED | Right(other=True),
            base,
        )
    yield Case(
        "zero_pages", "brightness and errors of a block", _zero_block, ANY
    )  # no page: zeros of the night are data


def _zero_page(document: Document, names: tuple[str, ...], seed: int, pages: int) -> bytes:
    """Write zeros over whole pages, aligned in the file, inside the data of an HDU."""
    content, start = bytearray(document.content), 0
    for hdu in document.hdus:
        end = start + len(hdu.header) + len(hdu.data)
        if hdu.name in names:
            first = -(-(start + len(hdu.header)) // 4096)
            last = end // 4096 - pages
            page = int(draw(seed).integers(first, max(first + 1, last)))
            stop = min((page + pages) * 4096, end)
            content[page * 4096 : stop] = bytes(stop - page * 4096)
        start += len(hdu.to_bytes())
    return bytes(content)


def _zero_all(document: Document, names: tuple[str, ...]) -> None:
    for name in names:
        if name == "EMISS":
            columns = document.columns(name)
            for column in ("RADIANCE", "RAD_ERR_RAND", "RAD_ERR_SYS"):
                columns[column][0][:] = 0
            document.set_columns(name, columns)
        else:
            document[name].data = bytes(len(document[name].data))


def _zero_block(document: Document) -> None:
    columns = document.columns("EMISS")
    rows, bins = quiet(30, 34)
    for column in ("RADIANCE", "RAD_ERR_RAND", "RAD_ERR_SYS"):
        columns[column][0][:, bins, rows] = 0
    document.set_columns("EMISS", columns)
