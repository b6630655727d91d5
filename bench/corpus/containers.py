"""Gzip in all its forms, and other archives."""

from __future__ import annotations

import base64
import bz2
import gzip
import io
import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from bench.corpus.case import ANY, AS_BASE, REJECTED, SOUND, Case, Document, Right, kind, rejected

_HEAD = b"\x1f\x8b\x08"
GZ = ".fits.gz"


def _raw(content: bytes, level: int = 1, strategy: int = zlib.Z_DEFAULT_STRATEGY) -> bytes:
    packer = zlib.compressobj(level, zlib.DEFLATED, -15, 9, strategy)
    return packer.compress(content) + packer.flush()


def _trailer(content: bytes) -> bytes:
    return struct.pack("<II", zlib.crc32(content), len(content) & 0xFFFFFFFF)


def member(content: bytes, flags: int = 0, extra: bytes = b"", level: int = 1, mtime: int = 0) -> bytes:
    """Return a gzip member with these flags and the fields that belong to them."""
    return _HEAD + struct.pack("<BIBB", flags, mtime, 0, 255) + extra + _raw(content, level) + _trailer(content)


def _header_crc(content: bytes) -> bytes:
    head = _HEAD + struct.pack("<BIBB", 2, 0, 0, 255)
    return head + struct.pack("<H", zlib.crc32(head) & 0xFFFF) + _raw(content) + _trailer(content)


def _members(content: bytes, size: int, *, empty: bool = False) -> bytes:
    pieces = [gzip.compress(content[at : at + size], 1) for at in range(0, len(content), size)]
    return (gzip.compress(b"") if empty else b"").join([*pieces, b""])


def _blocked(content: bytes) -> bytes:
    """Return blocked gzip, as of genome tools: members with their size in an extra field."""
    out = b""
    for at in range(0, len(content), 60_000):
        packed = _raw(content[at : at + 60_000])
        size = struct.pack("<H6s", 6, b"BC\2\0" + struct.pack("<H", len(packed) + 25))
        out += member(content[at : at + 60_000], 4, size)
    return out + bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")


def _tar(content: bytes, mode: str) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:  # type: ignore[call-overload]  # -- the mode is a variable
        entry = tarfile.TarInfo("x.fits")
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    return out.getvalue()


def _zip(content: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.fits", content)
    return out.getvalue()


Pack = Callable[[bytes], bytes]
_CORRUPT = rejected("corrupt", "truncated", "too_large", "not_fits")
CONTAINERS: dict[str, tuple[Pack, Right]] = {
    **{f"level {level}": (partial(member, level=level), AS_BASE) for level in range(10)},
    "fixed codes": (lambda c: _HEAD + bytes(6) + b"\xff" + _raw(c, 6, zlib.Z_FIXED) + _trailer(c), AS_BASE),
    "a name": (lambda c: member(c, 8, b"swath.fits\0"), AS_BASE),
    "a name of bytes": (lambda c: member(c, 8, b"\xff\xfe\x01\n\0"), AS_BASE),
    "a name of 64 kB": (lambda c: member(c, 8, b"x" * 65_536 + b"\0"), SOUND),
    "a name of 1 MB": (lambda c: member(c, 8, b"x" * 1_000_000 + b"\0"), SOUND),
    "a name of 40 MB": (lambda c: member(c, 8, b"x" * 40_000_000 + b"\0"), SOUND),
    "a name without end": (lambda _: _HEAD + b"\x08" + bytes(6) + b"x" * 100_000, REJECTED),
    "a comment": (lambda c: member(c, 16, b"made by hand\0"), AS_BASE),
    "a comment of 1 MB": (lambda c: member(c, 16, b"x" * 1_000_000 + b"\0"), SOUND),
    "name and comment": (lambda c: member(c, 24, b"a\0b\0"), AS_BASE),
    "an extra field": (lambda c: member(c, 4, struct.pack("<H", 5) + b"12345"), AS_BASE),
    "an extra field of 64 kB": (lambda c: member(c, 4, struct.pack("<H", 65_535) + bytes(65_535)), AS_BASE),
    "an extra field that is cut": (lambda _: _HEAD + b"\4" + bytes(6) + b"\xff\xff" + b"x" * 100, REJECTED),
    "a header CRC": (_header_crc, AS_BASE),
    "a wrong header CRC": (lambda c: member(c, 2, b"\0\0"), SOUND),
    "reserved flags": (lambda c: member(c, 0xE0), SOUND),
    "text flag": (lambda c: member(c, 1), AS_BASE),
    "a time": (lambda c: member(c, mtime=0xFFFFFFFF), AS_BASE),
    "an unknown method": (lambda c: b"\x1f\x8b\7" + member(c)[3:], REJECTED),
    "two members": (lambda c: _members(c, len(c) // 2 + 1), AS_BASE),
    "many members": (lambda c: _members(c, 50_000), AS_BASE),
    "members of one byte": (lambda c: _members(c[:3000], 1) + gzip.compress(c[3000:], 1), SOUND),
    "100,000 empty members": (lambda c: gzip.compress(b"") * 100_000 + gzip.compress(c, 1), SOUND),
    "empty members between": (lambda c: _members(c, 200_000, empty=True), AS_BASE),
    "blocked": (_blocked, AS_BASE),
    "trailing zeros": (lambda c: member(c) + bytes(4096), AS_BASE),
    "trailing garbage": (lambda c: member(c) + b"garbage", SOUND),
    "a trailing half member": (lambda c: member(c) + _HEAD, SOUND),
    "a wrong CRC": (lambda c: member(c)[:-8] + b"\0\0\0\0" + member(c)[-4:], _CORRUPT),
    "a wrong size": (lambda c: member(c)[:-4] + b"\1\0\0\0", _CORRUPT),
    "a size of 4 GB": (lambda c: member(c)[:-4] + b"\xff\xff\xff\xff", _CORRUPT),
    "packed twice": (lambda c: gzip.compress(gzip.compress(c, 1), 1), SOUND),
    "packed three times": (lambda c: gzip.compress(gzip.compress(gzip.compress(c, 1), 1), 1), SOUND),
    "a tar archive in gzip": (lambda c: _tar(c, "w:gz"), REJECTED),
    "a tar archive": (lambda c: _tar(c, "w"), REJECTED),
    "a zip archive": (_zip, REJECTED),
    "bzip2": (bz2.compress, REJECTED),
    "xz": (partial(lzma.compress, preset=0), REJECTED),
    "zlib": (lambda c: zlib.compress(c, 1), REJECTED),
    "raw deflate": (_raw, REJECTED),
    "zstandard": (lambda _: b"\x28\xb5\x2f\xfd" + bytes(500), REJECTED),
    "compress": (lambda _: b"\x1f\x9d\x90" + bytes(500), REJECTED),
    "pack": (lambda _: b"\x1f\x1e" + bytes(500), REJECTED),
    "gzip of nothing": (lambda _: gzip.compress(b""), rejected("empty_file")),
    "gzip of a word": (lambda _: gzip.compress(b"SIMPLE"), REJECTED),
    "two magic bytes": (lambda _: b"\x1f\x8b", REJECTED),
    "a reversed file": (lambda c: member(c[::-1]), REJECTED),
    "bytes swapped in pairs": (lambda c: np.frombuffer(c, ">u2").astype("<u2").tobytes(), REJECTED),
    "line ends changed": (lambda c: c.replace(b"\n", b"\r\n"), ANY),
    "a byte order mark": (lambda c: b"\xef\xbb\xbf" + c, REJECTED),
    "base64": (base64.b64encode, REJECTED),
    "a mail attachment": (lambda c: b"Content-Type: image/fits\r\n\r\n" + c, REJECTED),
    "a multipart upload": (
        lambda c: b"------WebKitFormBoundary\r\nContent-Disposition: form-data\r\n\r\n" + c,
        REJECTED,
    ),
}


@kind
def containers() -> Iterator[Case]:
    for label, (pack, right) in CONTAINERS.items():
        for suffix in (GZ, ".fits"):
            edit = partial(_pack, pack=pack)
            name = f"{label.replace(' ', '-').replace(',', '')}{suffix}"
            yield Case("containers", f"{label} as {suffix}", edit, right, name=name)
    for base in ("iuvs", "emus_l2a"):
        for suffix in (GZ, ".fits", ".FITS", ".FITS.GZ", ".Fits.Gz"):
            packed = suffix.lower() == GZ
            edit = partial(_pack, pack=partial(gzip.compress, compresslevel=1) if packed else bytes)
            yield Case(
                "containers", f"{base} as {suffix}", edit, AS_BASE, base, name=f"{base}-{suffix.count('F')}{suffix}"
            )
            edit = partial(_pack, pack=bytes if packed else partial(gzip.compress, compresslevel=1))
            yield Case(
                "containers",
                f"{base}, not as {suffix} says",
                edit,
                AS_BASE,
                base,
                name=f"{base}-not-{suffix.count('F')}{suffix}",
            )


def _pack(document: Document, pack: Pack) -> bytes:
    return pack(document.content)
