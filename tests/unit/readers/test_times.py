"""The time of each integration, and the checksum of files without times."""

import gzip
import hashlib

import numpy as np
import pytest
from astropy.time import Time
from emus_files import make_tables, write_tables
from numpy.testing import assert_array_equal

from mars_aurora import readers
from mars_aurora.readers import times

UTC = np.array(
    [
        "2014-11-15T13:05:46.250",
        "2015-07-01T00:00:00.500",
        "2016-12-31T23:59:59.500",
        "2017-01-01T00:00:00.500",
        "2023-01-14T07:19:21.105",
    ],
    "datetime64[ms]",
)


def _ephemeris_time(utc: np.ndarray) -> np.ndarray:
    return (Time(utc, scale="utc").tdb - Time("2000-01-01T12:00:00", scale="tdb")).sec


def test_ephemeris_times_are_converted_across_leap_seconds():
    found = times.from_ephemeris_time(_ephemeris_time(UTC))
    assert np.abs(found - UTC).max() <= np.timedelta64(3, "ms")  # TDB is taken as TT


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2016-12-31T23:59:60.500", "2017-01-01T00:00:00.500"),  # a leap second
        ("2017-02-29T00:00:00.000", "NaT"),
        ("2017-01-01T00:00:00.9999", "2017-01-01T00:00:00.999"),
        ("0000-01-01T00:00:00.000", "NaT"),
        ("2017-001T01:00:00", "2017-01-01T01:00:00.000"),
        ("", "NaT"),
    ],
)
def test_one_other_text_does_not_change_the_rest(text, expected):
    found = times.from_texts([str(UTC[0]), text, str(UTC[1])])
    assert_array_equal(found, np.array([UTC[0], expected, UTC[1]], "datetime64[ms]"))


@pytest.mark.parametrize("seconds", [np.nan, np.inf, -1e30, 1e30, 0.0, -1.0])
def test_ephemeris_times_of_no_mission_are_unknown(seconds):
    assert np.isnat(times.from_ephemeris_time(np.array([seconds]))).all()


def test_times_are_those_of_the_table_row_by_row(read_tables):
    tables = make_tables()
    pause = np.datetime64("2022-03-31T21:21:07.500", "ms") + 6000 * np.arange(8) + 1_200_000 * (np.arange(8) > 3)
    tables["TIME"]["TIME_UTC"] = pause.astype(str)
    observation = read_tables(tables, OBS_UTC="2022-03-31T20:00:00")
    assert_array_equal(observation.time_utc, pause)
    assert (observation.facts.start_utc, observation.facts.end_utc) == (str(pause[0]), str(pause[-1]))
    assert observation.facts.content_sha256 is None


def test_ephemeris_time_is_used_where_the_text_is_invalid(read_tables):
    tables = make_tables()
    expected = np.datetime64("2022-03-31T21:21:00", "ms") + 1000 * np.arange(8)
    tables["TIME"]["TIME_ET"] = _ephemeris_time(expected)
    tables["TIME"]["TIME_UTC"][2:4] = "soon"
    assert np.abs(read_tables(tables).time_utc - expected).max() <= np.timedelta64(3, "ms")
    del tables["TIME"]["TIME_UTC"]
    assert np.abs(read_tables(tables, "without.fits").time_utc - expected).max() <= np.timedelta64(3, "ms")


def test_table_of_times_with_another_number_of_rows_is_rejected(reject_tables):
    tables = make_tables()
    tables["TIME"] = make_tables(9)["TIME"]
    assert "(9,), expected (8,)" in reject_tables(tables).detail


@pytest.mark.parametrize("suffix", [".fits", ".fits.gz"])
def test_file_without_times_has_the_checksum_of_its_unpacked_content(tmp_path, suffix):
    tables = make_tables()
    del tables["TIME"]
    path = write_tables(tmp_path / f"x{suffix}", tables)
    content = path.read_bytes()
    plain = gzip.decompress(content) if suffix == ".fits.gz" else content
    facts = readers.read(path, path.name).facts
    assert facts.content_sha256 == hashlib.sha256(plain).hexdigest()
