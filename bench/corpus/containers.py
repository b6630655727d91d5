"""What lies around a FITS file: gzip in all its forms, other formats, bombs, files that are not FITS."""

from __future__ import annotations

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
from pathlib import Path

import numpy as np

from bench.corpus.case import ANY, AS_BASE, REJECTED, SOUND, Case, Document, Edit, Right, kind, rejected
from bench.corpus.editing import CARD, Hdu, card, make_table

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
    "fixed codes": (lambda c: _HEAD + bytes(5) + b"\3\xff" + _raw(c, 6, zlib.Z_FIXED)[0:0] + _fixed(c), AS_BASE),
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
    "base64": (lambda c: __import__("base64").b64encode(c), REJECTED),
    "a mail attachment": (lambda c: b"Content-Type: image/fits\r\n\r\n" + c, REJECTED),
    "a multipart upload": (
        lambda c: b"------WebKitFormBoundary\r\nContent-Disposition: form-data\r\n\r\n" + c,
        REJECTED,
    ),
}


def _fixed(content: bytes) -> bytes:
    return _raw(content, 6, zlib.Z_FIXED) + _trailer(content)


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


CONTENTS: dict[str, bytes] = {
    "an error page": b"<!DOCTYPE html>\n<html><body>404 Not Found</body></html>",
    "an error of S3": b'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code></Error>',
    "an error in JSON": b'{"message":"Unauthorized"}',
    "a pointer of Git LFS": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5408014\n",
    "a pointer of git-annex": b"/annex/objects/SHA256E-s5--0.fits\n",
    "a DVC file": b"outs:\n- md5: 0\n  size: 5\n",
    "text": b"this is not a FITS file\n" * 50,
    "a line end": b"\n",
    "a space": b" ",
    "one block of zeros": bytes(2880),
    "one block of blanks": b" " * 2880,
    "one MB of zeros": bytes(1 << 20),
    "one MB of 0xff": b"\xff" * (1 << 20),
    "noise": np.random.default_rng(1).bytes(100_000),
    "PNG": b"\x89PNG\r\n\x1a\n" + bytes(100),
    "JPEG": b"\xff\xd8\xff\xe0" + bytes(100),
    "TIFF": b"II*\0" + bytes(100),
    "HDF5": b"\x89HDF\r\n\x1a\n" + bytes(500),
    "netCDF": b"CDF\1" + bytes(500),
    "CDF": b"\xcd\xf3\0\1" + bytes(500),
    "PDF": b"%PDF-1.7\n" + bytes(500),
    "ELF": b"\x7fELF" + bytes(500),
    "a pickle": b"\x80\4\x95" + bytes(500),
    "npy": b"\x93NUMPY\1\0v\0{'descr': '<f8'}" + bytes(500),
    "SQLite": b"SQLite format 3\0" + bytes(500),
    "Parquet": b"PAR1" + bytes(500) + b"PAR1",
    "a shell script": b"#!/bin/sh\nrm -rf ~\n",
    "IDL save file": b"SR\0\4" + bytes(500),
    "PDS3 label": b"PDS_VERSION_ID = PDS3\r\nRECORD_TYPE = FIXED_LENGTH\r\n",
    "PDS4 label": b'<?xml version="1.0"?>\n<Product_Observational/>\n',
    "VICAR": b"LBLSIZE=2880 FORMAT='BYTE'",
    "the word SIMPLE": b"SIMPLE",
    "a first card": b"SIMPLE  =                    T".ljust(80),
    "a first card of F": b"SIMPLE  =                    F".ljust(2880),
    "a first card and END": b"SIMPLE  =                    T".ljust(80) + b"END".ljust(2800),
    "a header without END": (b"SIMPLE  =                    T".ljust(80) + b"COMMENT".ljust(80) * 35),
    "an extension first": b"XTENSION= 'BINTABLE'".ljust(80) + b"END".ljust(2800),
    "UTF-16": "SIMPLE  =                    T".encode("utf-16"),
    "EBCDIC": "SIMPLE  =                    T".encode("cp500"),
    "lower case": b"simple  =                    T".ljust(80) + b"END".ljust(2800),
}


@kind
def contents() -> Iterator[Case]:
    """Files that are not FITS under a FITS name."""
    for label, content in CONTENTS.items():
        for packed in (False, True):
            data = gzip.compress(content) if packed else content
            edit = partial(_give, content=data)
            yield Case("contents", f"{label}{', gzipped' if packed else ''}", edit, REJECTED)
    for name in ("a.fits", "b.fits.gz"):
        yield Case("contents", f"0 bytes as {name}", partial(_give, content=b""), rejected("empty_file"), name=name)


def _give(_: Document, content: bytes) -> bytes:
    return content


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
    "20,000 integrations in FOV_GEOM": (partial(_grown, hdu="FOV_GEOM", rows=2_000), REJECTED),
    "20,000 rows of TIME": (partial(_grown, hdu="TIME", rows=20_000), SOUND),
    "40,000 integrations of zeros": (partial(_huge_rows, rows=4_000), REJECTED),
    "a table of 999 columns": (partial(_wide_table, columns=999), AS_BASE),
    "SC_GEOM of 900 columns": (partial(_wide_needed, columns=880), AS_BASE),
    "SC_GEOM of 2,000 columns": (partial(_wide_needed, columns=2_000), SOUND),
    "300 emissions": (partial(_many_emissions, count=300), SOUND),
}


@kind
def bombs() -> Iterator[Case]:
    for label, (edit, right) in BOMBS.items():
        yield Case("bombs", label, edit, right)
    for label, size in {"0 bytes": 0, "one block": 2880, "1 GB": 1 << 30, "100 GB": 100 << 30}.items():
        yield Case(
            "bombs", f"a sparse file after {label}", bytes_of, REJECTED | SOUND, place=partial(_sparse, size=size)
        )
    yield Case(
        "bombs", "a sparse file of 40,000 integrations", sparse_rows, REJECTED, place=partial(_extend, rows=40_000)
    )


def bytes_of(document: Document) -> bytes:
    return document.content


def _sparse(path: Path, content: bytes, size: int) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.truncate(len(content) + size)


def sparse_rows(document: Document) -> bytes:
    """Move FOV_GEOM to the end and declare 40,000 rows in all tables with a row per integration."""
    rows = 40_000
    for name in ("SC_GEOM", "TIME"):
        hdu = document[name]
        hdu.data = bytes(len(hdu.data) // hdu.number("NAXIS2") * rows)
        hdu.put("NAXIS2", str(rows))
    columns = document.columns("EMISS")
    shape = (len(columns["NAME"][0]), bases_n_slit(columns), 8)
    columns = {
        name: (values[..., :8] if values.ndim == 3 else values, unit) for name, (values, unit) in columns.items()
    }
    assert columns["RADIANCE"][0].shape == shape
    document.set_columns("EMISS", columns)
    field = document["FOV_GEOM"]
    field.put("NAXIS2", str(rows))
    document.hdus.remove(field)
    return document.joined() + field.header


def bases_n_slit(columns: dict[str, tuple[np.ndarray, str]]) -> int:
    return int(columns["RADIANCE"][0].shape[1])


def _extend(path: Path, content: bytes, rows: int) -> None:
    header = content[-200 * 2880 :]
    width = int(header[header.rindex(b"NAXIS1  =") :][10:80].split(b"/")[0])
    with path.open("wb") as file:
        file.write(content)
        file.truncate(len(content) + -(-width * rows // 2880) * 2880)
