"""Structure of FITS files: truncated, damaged and absurd headers raise InputError and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from damaged_files import read_bytes

from mars_aurora import readers
from mars_aurora.errors import InputError, Reason
from mars_aurora.readers import Limits
from mars_aurora.readers.hdus import BLOCK, walk_hdus
from mars_aurora.readers.limits import Bounds


def test_truncated_fits_is_rejected(reject, content):
    reasons = {cut: reject(content[:cut]).reason for cut in range(9, len(content), 317)}
    at_hdu = {cut: reason for cut, reason in reasons.items() if reason is not Reason.TRUNCATED}
    assert all(reason is Reason.MISSING_HDU for reason in at_hdu.values())
    assert len(at_hdu) < 3  # a file cut between two HDUs is valid FITS


def test_missing_final_padding_is_truncation(reject, content):
    error = reject(content[:-1])
    assert error.reason is Reason.TRUNCATED
    assert "1 bytes early" in error.detail


def test_only_padding_may_follow_the_last_hdu(tmp_path, content, reject):
    path = tmp_path / "y.fits"
    path.write_bytes(content + bytes(BLOCK))
    assert readers.read(path, "y.fits").shape == (6, 16)
    assert reject(content + b"x" * BLOCK).reason is Reason.CORRUPT
    assert reject(content + bytes(BLOCK) + b"x" * BLOCK).reason is Reason.CORRUPT


def test_only_the_first_512_kib_after_the_last_hdu_are_checked(tmp_path, content):
    path = tmp_path / "y.fits"
    path.write_bytes(content + bytes(512 * 1024) + b"x" * BLOCK)
    assert readers.read(path, "y.fits").shape == (6, 16)


def test_absurd_declared_size_is_truncation(reject, content):
    at = content.index(b"NAXIS2  =", content.index(b"EXTNAME = 'FOV_GEOM") - 5 * 2880)
    absurd = content[:at] + b"NAXIS2  =  999999999999999999".ljust(80) + content[at + 80 :]
    assert reject(absurd).reason is Reason.TRUNCATED


def _header_of_axes(count: int) -> np.ndarray:
    """Make an empty file with one byte of data, declared by ``count`` axes of length 1."""
    cards = ["SIMPLE  = T", "BITPIX  = 8", f"NAXIS   = {count}"]
    cards += [f"{f'NAXIS{axis}':<8}= 1" for axis in range(1, count + 1)]
    header = "".join(card.ljust(80) for card in [*cards, "END"])
    blocks = -(-len(header) // BLOCK) + 1
    return np.frombuffer(header.ljust((blocks - 1) * BLOCK).encode().ljust(blocks * BLOCK, b"\0"), np.uint8)


def test_hdu_has_at_most_999_axes():
    (hdu,) = walk_hdus(_header_of_axes(999), Bounds(Limits(), "x.fits"))
    assert hdu.size == 1
    with pytest.raises(InputError, match="declares BITPIX 8 and NAXIS 1000") as caught:
        walk_hdus(_header_of_axes(1000), Bounds(Limits(), "x.fits"))
    assert caught.value.reason is Reason.CORRUPT


@pytest.mark.parametrize("bitpix", [-8, -16, 0, 24])
def test_bitpix_outside_the_standard_is_rejected(bitpix):
    header = f"SIMPLE  = T{' ' * 69}BITPIX  = {bitpix}".ljust(160) + "NAXIS   = 0".ljust(80) + "END"
    with pytest.raises(InputError, match=f"declares BITPIX {bitpix} and NAXIS 0") as caught:
        walk_hdus(np.frombuffer(header.ljust(BLOCK).encode(), np.uint8), Bounds(Limits(), "x.fits"))
    assert caught.value.reason is Reason.CORRUPT


def test_size_of_999_axes_of_the_greatest_length_is_truncation():
    cards = ["SIMPLE  = T", "BITPIX  = 8", "NAXIS   = 999"]
    cards += [f"{f'NAXIS{axis}':<8}= {'9' * 19}" for axis in range(1, 1000)]
    header = "".join(card.ljust(80) for card in [*cards, "END"])
    content = np.frombuffer(header.ljust(-(-len(header) // BLOCK) * BLOCK).encode(), np.uint8)
    with pytest.raises(InputError, match=r"ends \d+ bytes early") as caught:
        walk_hdus(content, Bounds(Limits(), "x.fits"))
    assert caught.value.reason is Reason.TRUNCATED


def test_number_of_hdus_is_limited(reject, content, tmp_path):
    extension = "".join(card.ljust(80) for card in ("XTENSION= 'IMAGE   '", "BITPIX  = 8", "NAXIS   = 0", "END"))
    extensions = extension.ljust(BLOCK).encode() * 96
    (tmp_path / "y.fits").write_bytes(content + extensions[BLOCK:])  # after 5 HDUs
    assert readers.read(tmp_path / "y.fits", "y.fits").shape == (6, 16)
    error = reject(content + extensions)
    assert error.reason is Reason.TOO_LARGE
    assert error.detail == "the file has 101 or more HDUs; the limit is 100"


def test_size_of_all_headers_is_limited(reject, content):
    error = reject(content, header_bytes=4 * BLOCK)
    assert error.reason is Reason.TOO_LARGE
    assert "bytes of headers; the limit is 11520" in error.detail


def test_negative_number_of_axes_is_rejected():
    with pytest.raises(InputError, match="declares BITPIX 8 and NAXIS -1") as caught:
        walk_hdus(_header_of_axes(-1), Bounds(Limits(), "x.fits"))
    assert caught.value.reason is Reason.CORRUPT


@pytest.mark.parametrize(
    ("count", "message"),
    [
        (-1, "TFIELDS is -1, expected an integer from 0 to 999"),
        (999, "astropy cannot parse the columns"),
        (1000, "TFIELDS is 1000, expected an integer from 0 to 999"),
    ],
)
def test_wrong_number_of_columns_is_corrupt(reject, content, count, message):
    at = content.index(b"TFIELDS =", content.index(b"EXTNAME = 'FOV_GEOM") - 20 * 80)
    error = reject(content[:at] + f"TFIELDS = {count:20d}".ljust(80).encode() + content[at + 80 :])
    assert error.reason is Reason.CORRUPT
    assert message in error.detail


def test_flipped_bits_in_fits_raise_only_input_errors(tmp_path, content):
    rng = np.random.default_rng(1)
    headers = [at for at in range(0, len(content), BLOCK) if content[at : at + 8] in {b"SIMPLE  ", b"XTENSION"}]
    positions = [int(at + position) for at in headers for position in rng.integers(0, BLOCK, 60)]
    positions += [int(position) for position in rng.integers(0, len(content), 150)]
    outcomes = set()
    for position in positions:
        flipped = bytearray(content)
        flipped[position] ^= 1 << int(rng.integers(8))
        error = read_bytes(tmp_path / "x.fits", bytes(flipped))
        outcomes.add(error.reason if error else None)
    assert {None, Reason.CORRUPT} <= outcomes


_MUTATIONS = [
    (key, value)
    for key in (
        "BITPIX",
        "NAXIS",
        "NAXIS1",
        "NAXIS2",
        "PCOUNT",
        "GCOUNT",
        "TFIELDS",
        "TFORM1",
        "TFORM2",
        "TDIM1",
        "TDIM2",
    )
    for value in (
        "0",
        "-1",
        "3",
        "99999999999",
        "T",
        "'80P'",
        "'1PD(9)'",
        "'QD'",
        "'(5,-3)'",
        "'(0,0)'",
        "''",
        "1.5",
        "",
    )
] + [("TTYPE1", "'LON'"), ("TTYPE2", "1"), ("EXTNAME", "''"), ("EXTNAME", "'PRIMARY'"), ("XTENSION", "'IMAGE'")]


@pytest.mark.parametrize("hdu", ["SC_GEOM", "FOV_GEOM", "EMISS"])
def test_invalid_header_values_raise_only_input_errors(tmp_path, content, hdu):
    name_at = content.index(f"EXTNAME = '{hdu}".encode())
    start = content.rindex(b"XTENSION=", 0, name_at)
    end = content.index(b"END".ljust(80), name_at)
    cards = {content[at : at + 8].decode().strip(): at for at in range(start, end, 80)}
    rejected = 0
    for key, value in _MUTATIONS:
        if key in cards:
            card, at = f"{key:<8}= {value}".ljust(80).encode(), cards[key]
            rejected += read_bytes(tmp_path / "x.fits", content[:at] + card + content[at + 80 :]) is not None
    assert rejected > 80  # few mutations leave a valid file
