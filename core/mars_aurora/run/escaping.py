"""Percent-encoding of characters that products cannot hold: control characters, formulas of spreadsheets, paths.

Encoded as the bytes of UTF-8, ``%`` and two hexadecimal digits each, are control characters, line and paragraph
separators, controls of the direction of text, byte order marks, code points that XML does not allow (lone surrogates
too, which stand for bytes that are not UTF-8), blanks at the start and end of a text, which readers of tables remove,
``#`` at the start, which they take for a comment, and ``=``, ``+``, ``-`` and ``@`` where a spreadsheet would take them
for the start of a formula: at the start of a text or after a semicolon.
"""

from __future__ import annotations

import re
from dataclasses import fields, replace
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Row = TypeVar("Row", bound="DataclassInstance")

_CONTROLS = r"\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufeff\ufffe\uffff\ud800-\udfff"
_FORMULA = r"(?:\A|(?<=;))\s*[=+\-@＝＋－＠]"  # noqa: RUF001 -- spreadsheets take full-width signs for formulas too
_OUTER_BLANKS = r"\A\s+|(?<!\s)\s+\Z"  # each run of blanks is tried once, so that the time is linear
_COMMENT = r"\A#"  # readers of ECSV would skip the row
_NOT_IN_TEXT = re.compile(rf"{_FORMULA}|{_OUTER_BLANKS}|{_COMMENT}|[{_CONTROLS}]")
_NOT_IN_NAMES = re.compile(rf"{_FORMULA}|{_OUTER_BLANKS}|{_COMMENT}|[{_CONTROLS}\\]|%(?=[0-9A-Fa-f]{{2}})")
_STARTS = ("=", "+", "-", "@", "#", " ")
_NOT_IN_MEMBERS = re.compile(r"\\|(?<![^/])\.+(?![^/])|(?<![^/])/|(?:(?<=\A[A-Za-z])|(?<=/[A-Za-z])):")


def escape_name(path: str) -> str:
    r"""Return the name of an input from its path, where bytes that are not UTF-8 are lone surrogates.

    Different paths have different names: a ``%`` that looks like an encoding is encoded too, so that
    ``urllib.parse.unquote_to_bytes`` returns the path. Backslashes are encoded, which are separators elsewhere.

    >>> escape_name("a/\udcff 50% of=1\r.fits")
    'a/%FF 50% of=1%0D.fits'
    """
    return _NOT_IN_NAMES.sub(_encode, path)


def escape_text(text: str) -> str:
    """Return a text as a cell of a table; names from `escape_name` are unchanged.

    >>> escape_text("=1+1")
    '%3D1+1'
    """
    return text if _is_plain(text) else _NOT_IN_TEXT.sub(_encode, text)


def _is_plain(text: str) -> bool:
    """Return whether a text has, at first sight, nothing to encode: much faster than the expression on outlines."""
    return text.isascii() and text.isprintable() and ";" not in text and text[:1] not in _STARTS and text[-1:] != " "


def escape_row(row: Row) -> Row:
    """Return a row of a table, a dataclass, with `escape_text` applied to all its texts."""
    values = {field.name: getattr(row, field.name) for field in fields(row)}
    return replace(row, **{name: escape_text(value) for name, value in values.items() if type(value) is str})


def escape_word(name: str) -> str:
    """Return a name as an item of a list that is separated by blanks."""
    return re.sub(r"\s", _encode, escape_text(name))


def escape_member(name: str) -> str:
    """Return a name as the path of a member of a zip file, which stays below the folder that it is unpacked to.

    >>> escape_member("../C:/x.fits")
    '%2E%2E/C%3A/x.fits'
    """
    return _NOT_IN_MEMBERS.sub(_encode, escape_text(name))


def _encode(match: re.Match[str]) -> str:
    """Percent-encode as UTF-8; surrogates that stand for a byte as that byte, others as three bytes."""
    data = b"".join(
        char.encode(errors="surrogateescape" if "\udc80" <= char <= "\udcff" else "surrogatepass") for char in match[0]
    )
    return "".join(f"%{byte:02X}" for byte in data)
