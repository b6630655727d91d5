"""Files that are not FITS under the name of a FITS file."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from functools import partial

import numpy as np

from bench.corpus.case import REJECTED, Case, Document, kind, rejected

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
