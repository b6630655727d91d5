"""The season on Mars: at published dates, and from the ephemeris of astropy."""

import pytest
from martian_season import mars_year, solar_longitude_deg

from mars_aurora.measure.mars_time import season


@pytest.mark.parametrize(
    ("utc", "year", "longitude"),
    [
        ("2012-08-06T05:17:57", 31, 150.7),  # landing of Curiosity
        ("2021-02-07T14:00:00", 36, 0.05),
        ("2022-12-26T20:00:00", 37, 0.2),
    ],
)
def test_season_of_known_dates(utc, year, longitude):
    found_year, found_longitude = season(utc)
    assert found_year == year
    assert found_longitude == pytest.approx(longitude, abs=0.06)


@pytest.mark.parametrize(
    ("utc", "year", "longitude"), [("2000-01-06T00:00:00", 24, 277.18758), ("2004-01-03T13:46:31", 26, 327.32416)]
)
def test_season_is_that_of_the_worked_examples_of_mars24(utc, year, longitude):
    """Of https://www.giss.nasa.gov/tools/mars24/help/algorithm.html, which follows Allison and McEwen."""
    found_year, found_longitude = season(utc)
    assert found_year == year
    assert found_longitude == pytest.approx(longitude, abs=1e-4)


@pytest.mark.parametrize("year", range(1999, 2027))
@pytest.mark.parametrize("day", ["02-17", "06-17", "10-17"])
def test_season_agrees_with_the_ephemeris(year, day):
    utc = f"{year}-{day}T06:00:00"
    found_year, found_longitude = season(utc)
    assert found_year == mars_year(utc)
    assert (found_longitude - solar_longitude_deg(utc) + 180) % 360 - 180 == pytest.approx(0, abs=0.01)


@pytest.mark.parametrize(
    ("last", "first"),
    [
        ("2000-05-30T00:00:00", "2000-06-01T12:00:00"),
        ("2021-02-07T00:00:00", "2021-02-08T00:00:00"),
        ("2022-12-26T00:00:00", "2022-12-27T00:00:00"),
    ],
)
def test_year_begins_at_the_equinox(last, first):
    (old, before), (new, after) = season(last), season(first)
    assert new == old + 1 == mars_year(first)
    assert before > 359
    assert 0 <= after < 1
