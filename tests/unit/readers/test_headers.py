"""Cards that a reader does not need never reject a file."""

from __future__ import annotations

import pytest

from mars_aurora import readers
from mars_aurora.errors import Reason

CARDS = {
    "NaN": b"                  NaN / written by IDL",
    "infinity": b"                 -Inf",
    "decimal comma": b"             190,5000",
    "asterisks": b"  ************",
    "no value": b"",
    "open text": b"'open",
    "degree sign": b"'\xb0'",
    "not ASCII": b"'\xb0\xc3\xa9'",
    "control characters": b"'\x00\x07\x1b[0m'",
    "number with unit": b"36 yr",
    "date": b"2021-04-24",
}


@pytest.fixture
def read_with_card(tmp_path, content):
    def read(key: str, value: bytes, hdu: str = "SIMPLE") -> readers.Inspection:
        start = content.index(f"EXTNAME = '{hdu}".encode()) if hdu != "SIMPLE" else 0
        start = content.rindex(b"XTENSION=", 0, start) if start else 0
        end = content.index(b"END".ljust(80), start)
        at = content.find(f"{key:<8}=".encode(), start, end)
        if at < 0:  # a new card, for one of the padding after END
            at = end
        taken = 80 if at < end else 0
        card = (f"{key:<8}=".encode() + b" " + value).ljust(80)[:80]
        changed = content[:at] + card + content[at + taken : end + 80]
        rest = content[end + 80 :] if taken else content[end + 160 :]
        (tmp_path / "x.fits").write_bytes(changed + rest)
        return readers.inspect(tmp_path / "x.fits", "x.fits")

    return read


@pytest.mark.parametrize("value", CARDS.values(), ids=CARDS)
@pytest.mark.parametrize("key", ["MARSYEAR", "SOL_LONG", "ORBNUM", "OBS_UTC", "END_UTC", "FILENAME", "MISSION", "X"])
def test_invalid_card_of_a_fact_leaves_it_unknown(read_with_card, key, value):
    inspection = read_with_card(key, value)
    assert inspection.error is None
    facts = inspection.observation.facts
    assert (facts.mars_year, facts.solar_longitude_deg) == (None if key == "MARSYEAR" else 36, None)


def test_comment_that_is_not_ascii_leaves_the_value(read_with_card):
    assert read_with_card("MARSYEAR", b"35 / \xb0 \xc3\xa9").observation.facts.mars_year == 35


def test_unit_that_is_not_ascii_is_unknown(read_with_card):
    assert "unit_unknown" in read_with_card("TUNIT2", b"'\xb0'", "EMISS").observation.facts.notes


@pytest.mark.parametrize("value", CARDS.values(), ids=CARDS)
@pytest.mark.parametrize(
    ("key", "hdu"),
    [
        *((key, "EMISS") for key in ("TUNIT2", "TNULL5", "TDISP2", "TTYPE6", "EXTVER", "CHECKSUM", "DATASUM")),
        *((key, "FOV_GEOM") for key in ("TUNIT1", "TTYPE9", "TDISP1", "TSCAL9", "THEAP")),
        *((key, "TIME") for key in ("TTYPE1", "TTYPE2", "TUNIT1", "EXTNAME")),
    ],
)
def test_invalid_card_of_a_table_that_is_not_needed_rejects_nothing(read_with_card, key, hdu, value):
    inspection = read_with_card(key, value, hdu)
    assert inspection.error is None
    assert inspection.observation.brightness_R[2, 5] == pytest.approx(3.005)


@pytest.mark.parametrize(("key", "value"), [("TFORM2", b"NaN"), ("TFORM2", b"'9Z'"), ("NAXIS2", b"NaN")])
def test_invalid_card_of_the_layout_is_corrupt(read_with_card, key, value):
    assert read_with_card(key, value, "EMISS").error.reason is Reason.CORRUPT


def test_repeated_card_and_repeated_column_count_once(read_with_card):
    assert read_with_card("TTYPE6", b"'RADIANCE'", "EMISS").observation.brightness_R[2, 5] == pytest.approx(3.005)


def test_long_text_continues_in_the_next_cards(tmp_path, content):
    at = content.index(b"END".ljust(80))
    name = "a" * 60 + "&"
    cards = f"FILENAME= '{name}'".ljust(80) + f"CONTINUE  '{'b' * 20}.fits'".ljust(80)
    changed = content[:at] + cards.encode() + content[at : 2880 - 160] + content[2880:]
    (tmp_path / "x.fits").write_bytes(changed)
    assert readers.inspect(tmp_path / "x.fits", "x.fits").observation.facts.file_name == f"{'a' * 60}{'b' * 20}.fits"
