"""Flipped bits and wrong sums in files that carry checksums."""

from __future__ import annotations

import io
from collections.abc import Iterator
from functools import cache, partial

from astropy.io import fits

from bench.corpus.case import ANY, AS_BASE, DAMAGED, SOUND, Case, Document, kind, rejected
from bench.corpus.damage import BASES, READ, UNREAD, draw, flip

SUMMED_FLIPS = 100


@cache
def _summed(content: bytes) -> bytes:
    """Add DATASUM and CHECKSUM to every HDU."""
    written = io.BytesIO()
    with fits.open(io.BytesIO(content)) as hdus:
        hdus.writeto(written, checksum=True)
    return written.getvalue()


def summed(document: Document) -> Document:
    _summed.cache_clear()
    return Document(_summed(document.content))


@kind
def checksums() -> Iterator[Case]:
    """Bits flipped in files that carry checksums."""
    for base in BASES:
        yield Case("checksums", "right sums", lambda document: summed(document).content, AS_BASE, base)
        for name in READ[base]:
            for seed in range(SUMMED_FLIPS // 8):
                edit = partial(_flip_data, seed=seed, name=name)
                yield Case("checksums", f"a bit of {name}, {seed}", edit, rejected("corrupt"), base)
        for name in UNREAD[base]:
            for seed in range(3):
                edit = partial(_flip_data, seed=seed, name=name)
                yield Case("checksums", f"a bit of {name}, {seed}", edit, AS_BASE | DAMAGED, base)
        for name in (*READ[base][:3], "PRIMARY"):
            for label, (key, value) in SUMS.items():
                if name == "PRIMARY" and base == "iuvs" and key == "DATASUM":
                    continue
                right = AS_BASE if key == "CHECKSUM" else SOUND
                if label == "a wrong DATASUM":
                    right = AS_BASE if name == "PRIMARY" else rejected("corrupt")
                edit = partial(_set_sum, name=name, key=key, value=value)
                yield Case("checksums", f"{name} with {label}", edit, right, base)
        for seed in range(20):
            edit = partial(_flip_summed_header, seed=seed)
            yield Case("checksums", f"a bit of a header, {seed}", edit, ANY, base, timed=False)


SUMS = {
    "a wrong CHECKSUM": ("CHECKSUM", "'AAAAAAAAAAAAAAAA'"),
    "an empty CHECKSUM": ("CHECKSUM", "''"),
    "a CHECKSUM of numbers": ("CHECKSUM", "12345"),
    "a wrong DATASUM": ("DATASUM", "'123456789'"),
    "an empty DATASUM": ("DATASUM", "''"),
    "a DATASUM of words": ("DATASUM", "'none'"),
    "a negative DATASUM": ("DATASUM", "'-1'"),
    "a DATASUM beyond 32 bits": ("DATASUM", "'99999999999999'"),
}


def _flip_data(document: Document, seed: int, name: str) -> bytes:
    edited = summed(document)
    hdu = edited[name]
    data, rng = bytearray(hdu.data), draw(seed)
    data[int(rng.integers(len(data)))] ^= 1 << int(rng.integers(8))
    hdu.data = bytes(data)
    return edited.joined()


def _set_sum(document: Document, name: str, key: str, value: str) -> bytes:
    edited = summed(document)
    edited[name].put(key, value)
    return edited.joined()


def _flip_summed_header(document: Document, seed: int) -> bytes:
    return flip(summed(document), seed, "header")
