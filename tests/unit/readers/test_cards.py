"""Times in all usual forms are the right UTC, others are unknown."""

from __future__ import annotations

import pytest

from mars_aurora.readers.cards import iso_time


@pytest.mark.parametrize(
    "text",
    [
        "2021-04-24T14:49:32",
        "2021-04-24 14:49:32Z",
        "2021-04-24t14:49:32.z",
        " 2021-04-24T14:49:32 UTC ",
        "2021-04-24T18:49:32+04:00",
        "2021-04-24T18:49:32.000 +0400",
        "2021-04-25T00:49:32+10",
        "2021-04-24T09:19:32-05:30",
        "2021-04-24 16:49:32 GMT+2",
        "2021-114T14:49:32.000",
        "2021:114:14:49:32",
        "2021/114 Apr 24 14:49:32.00000UTC",
        "2021114T144932",
        "20210424T144932Z",
        "2021/4/24 14:49:32",
        "24-APR-2021 14:49:32",
        "24 April 2021, 14:49:32",
        "2021 Apr 24 14:49:32",
        "2021-APR-24T14:49:32",
        "Apr 24, 2021 14:49:32",
        "Saturday, 24-Apr-2021 14:49:32 GMT",
        "Sat Apr 24 14:49:32 2021",
    ],
)
def test_time_in_any_usual_form_is_converted_to_utc(text):
    assert iso_time(text) == "2021-04-24T14:49:32.000"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2021-04-24T14:49:32.5", "500"),
        ("2021-04-24T14:49:32,04Z", "040"),
        ("2021-04-24T14:49:32.123456789012+00:00", "123"),
        ("24-APR-2021 14:49:32.1", "100"),
    ],
)
def test_fraction_may_have_any_length(text, expected):
    assert iso_time(text) == f"2021-04-24T14:49:32.{expected}"


def test_time_without_seconds_is_at_the_full_minute():
    assert iso_time("2021-04-24T14:49") == "2021-04-24T14:49:00.000"


@pytest.mark.parametrize("text", ["2016-12-31T23:59:60.500", "2016-366T23:59:60.5Z", "2017-01-01T03:59:60.50+04:00"])
def test_leap_second_is_the_first_second_of_the_next_day(text):
    assert iso_time(text) == "2017-01-01T00:00:00.500"


@pytest.mark.parametrize(
    "text",
    [
        *(None, float("nan"), 2459329.117, "", "NaN", "no time", "2021-04-24", "14:49:32", "2459329.117"),
        "2021-04-24 02:49:32 PM",
        "2021-04-24T14:49:32 EST",
        "2021-04-24T14:49:32 TDB",
        "2021-04-24T14:49:32+99:00",
        "04/05/2021 14:49:32",
        "24/04/21 14:49:32",
        "2021-04-31T14:49:32",
        "2021-366T14:49:32",
        "2021/114 Apr 25 14:49:32",
        "2021-04-24T14:49:60",
        "2021-04-24T23:59:60",
        "2021-04-30T23:59:60",
        "2021-04-24T14:49:61",
        "2021-04-24T24:00:00",
        "0001-01-01T00:00:00+10:00",
    ],
)
def test_time_that_is_invalid_or_ambiguous_is_unknown(text):
    assert iso_time(text) is None
