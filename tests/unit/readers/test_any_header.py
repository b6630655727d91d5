"""Header cards drawn by hypothesis: no optional card changes what is read, and any card ends in an outcome."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from damaged_files import read_bytes
from emus_files import make_tables, write_tables
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from mars_aurora import readers

CARD = 80
OPTIONAL = ("OBS_UTC", "END_UTC", "MARSYEAR", "SOL_LONG", "QLTY_FLG", "ORBNUM", "FILENAME", "DATE", "REMARK")
VALUES = (
    "",
    "NaN",
    "'",
    "''",
    "'open",
    "1,5",
    "1E999",
    "T",
    "(1, 2)",
    "2022-03-31",
    "/",
    "= 5",
    "\t",
    "9" * 70,
    "'\xb0'",
    "\0",
)
TEXTS = st.sampled_from(VALUES) | st.text(st.characters(max_codepoint=255), max_size=70)
ONE_FOLDER = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])  # every example writes the same file


class Whole(bytes):
    """The bytes of a sound file, which hypothesis does not print."""

    def __repr__(self) -> str:
        return f"{len(self)} bytes"


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Whole:
    header = dict.fromkeys(OPTIONAL[2:6], 36) | {"OBS_UTC": "2022-03-31T21:21:00", "END_UTC": "x", "FILENAME": "x.fits"}
    path = tmp_path_factory.mktemp("whole") / "x.fits"
    return Whole(write_tables(path, make_tables(6, 16), DATE="2022-04-01", REMARK="none", **header).read_bytes())


def put_card(content: bytes, at: int, text: str) -> bytes:
    """Replace what follows the value indicator of the card at this position."""
    value = text.encode("latin-1")[: CARD - 10].ljust(CARD - 10)
    return content[: at + 10] + value + content[at + CARD :]


@ONE_FOLDER
@given(st.sampled_from(OPTIONAL), TEXTS)
def test_no_optional_card_changes_the_brightness(whole: Whole, tmp_path: Path, key: str, text: str):
    path = tmp_path / "x.fits"
    path.write_bytes(put_card(whole, whole.index(f"{key:<8}=".encode()), text))
    found = readers.read(path, path.name)
    path.write_bytes(whole)
    np.testing.assert_array_equal(found.brightness_R, readers.read(path, path.name).brightness_R)


@ONE_FOLDER
@given(st.data())
def test_any_card_with_any_value_gives_an_observation_or_a_rejection(whole: Whole, tmp_path: Path, data: st.DataObject):
    starts = [at for at in range(0, len(whole), CARD) if whole[at + 8 : at + 10] == b"= "]
    content = whole
    for _ in range(data.draw(st.integers(1, 4))):
        content = put_card(content, data.draw(st.sampled_from(starts)), data.draw(TEXTS))
    read_bytes(tmp_path / "x.fits", content)


@ONE_FOLDER
@given(
    st.lists(st.tuples(st.integers(0, 10**6), st.binary(min_size=1, max_size=12)), min_size=1, max_size=4),
    st.integers(0, 10**6),
)
@example([(0, b"S")], 1)
def test_any_bytes_anywhere_give_an_observation_or_a_rejection(whole: Whole, tmp_path: Path, edits, size: int):
    content = bytearray(whole)
    for position, written in edits:
        at = position % len(content)
        content[at : at + len(written)] = written
    if size % 5 == 0:
        del content[1 + size % len(content) :]
    read_bytes(tmp_path / "x.fits", bytes(content))
