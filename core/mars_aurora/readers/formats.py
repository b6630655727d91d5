"""Recognize what is not FITS by its first bytes, so that the message says what it is."""

from __future__ import annotations

from mars_aurora.errors import InputError, Reason
from mars_aurora.readers.hdus import SIMPLE

MAGIC_BYTES = 512  # up to the mark of a tar archive
_TAR_MARK, _TAR_MARK_AT = b"ustar", 257
_KNOWN_FORMATS = {
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"\x1f\x8b": "a gzip file: it was packed twice, unpack it once",
    b"\x1f\x9d": "a compress (.Z) file: unpack it",
    b"BZh": "a bzip2 file: unpack it",
    b"\xfd7zXZ": "an xz file: unpack it",
    b"\x28\xb5\x2f\xfd": "a zstd file: unpack it",
    b"PK\x03\x04": "a zip archive: unpack it",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive: unpack it",
    b"\x89HDF": "an HDF5 file",
    b"CDF": "a netCDF file",
    b"\xcd\xf3\x00\x01": "a CDF file",
    b"PDS_VERSION_ID": "a PDS label without its data",
    b"%PDF": "a PDF document",
    b"version https://git-lfs": "a Git LFS pointer: obtain the file itself",
    b"\x00\x05\x16\x07": "a resource fork of macOS",
    b"<": "an HTML or XML file",
    b"{": "a JSON file",
}


def require_fits_magic(start: bytes, name: str, where: str = "") -> None:
    """Raise NOT_FITS, saying what the file is as far as known, unless it begins as FITS does.

    Parameters
    ----------
    start : bytes
        The first bytes of the file, `MAGIC_BYTES` if it has as many; fewer than 9 may be the start of a FITS file.
    name : str
    where : str
        Completes "it is a tar archive" for packed files.
    """
    if SIMPLE.startswith(start[: len(SIMPLE)]):
        return
    raise InputError(Reason.NOT_FITS, name, f"it is {_describe(start, where)}")


def _describe(start: bytes, where: str) -> str:
    if start[_TAR_MARK_AT:].startswith(_TAR_MARK):
        return f"a tar archive{where}: unpack it"
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip()  # an error page may begin with blanks
    for magic, kind in _KNOWN_FORMATS.items():
        if start.startswith(magic) or text.startswith(magic):
            what, separator, advice = kind.partition(":")
            return f"{what}{where}{separator}{advice}"
    return f"not a FITS file: it begins with {start[: len(SIMPLE)]!r}"
