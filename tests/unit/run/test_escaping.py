"""Escaping of names and texts: reversible, without characters that a product cannot hold."""

import os
import re
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mars_aurora.run.escaping import escape_member, escape_name, escape_row, escape_text

ANY = st.text(st.characters(codec=None) | st.sampled_from("=+-@;%0D\r\n\t\0\x1b\\/.: \u2028\ufeff"), max_size=12)
PATHS = st.binary(max_size=12).map(os.fsdecode) | ANY.map(lambda text: os.fsdecode(text.encode(errors="replace")))
HARMFUL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202e\ufeff\ufffe\uffff\ud800-\udfff]|^\s*[=+@-]|;\s*[=+@-]")


@given(PATHS)
def test_name_is_decoded_by_the_standard_library_to_the_bytes_of_the_path(path: str):
    assert unquote_to_bytes(escape_name(path)) == os.fsencode(path)


@given(ANY | PATHS)
def test_escaped_text_holds_nothing_harmful(text: str):
    for escaped in (escape_name(text), escape_text(text), escape_member(text)):
        assert not HARMFUL.search(escaped)
        assert escaped.encode().decode() == escaped


@given(ANY | PATHS)
def test_names_and_escaped_texts_are_not_escaped_again(text: str):
    assert escape_text(escape_name(text)) == escape_name(text)
    assert escape_text(escape_text(text)) == escape_text(text)


@given(ANY | PATHS)
def test_members_stay_below_their_folder_on_every_system(text: str):
    member = escape_member(text)
    assert not re.search(r"\\|^/|//|(^|/)[A-Za-z]:", member)
    assert not {".", "..", "..."} & set(member.split("/"))


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("a-b=c+d@e 50%.fits", "a-b=c+d@e 50%.fits"),
        ("=1+1", "%3D1+1"),
        (" +1", "%20%2B1"),
        (" a b ", "%20a b%20"),
        ("a;=1", "a;%3D1"),
        ("a\n b\n \x85", "a%0A b%0A%20%C2%85"),
        ("\t=1", "%09%3D1"),
        ("＝1", "%EF%BC%9D1"),  # noqa: RUF001 -- a full-width sign
        ("a\r\nb", "a%0D%0Ab"),
        ("\udcff", "%FF"),
        ("\ud800", "%ED%A0%80"),
        ("日本 é <b>&amp;", "日本 é <b>&amp;"),
    ],
)
def test_text_is_escaped_where_needed(text: str, escaped: str):
    assert escape_text(text) == escape_name(text) == escaped


def test_names_that_look_escaped_differ_from_those_that_are():
    assert escape_name("%0D.fits") == "%250D.fits" != escape_name("\r.fits")


@pytest.mark.parametrize(
    ("name", "member"),
    [
        ("../../x", "%2E%2E/%2E%2E/x"),
        ("/etc/passwd", "%2Fetc/passwd"),
        ("C:\\x/ab:c", "C%3A%5Cx/ab:c"),
        ("a//b/./c", "a/%2Fb/%2E/c"),
        ("a..b/.c", "a..b/.c"),
    ],
)
def test_member_names_are_relative(name: str, member: str):
    assert escape_member(name) == member


def test_rows_are_escaped_in_their_texts_only():
    @dataclass(frozen=True)
    class Row:
        name: str
        number: float
        other: int | None

    assert escape_row(Row("=1", -1.5, None)) == Row("%3D1", -1.5, None)
