"""The season on Mars at known dates."""

import pytest

from mars_aurora.measure.mars_time import season


@pytest.mark.parametrize(
    ("utc", "year", "longitude"),
    [
        ("2000-01-06T00:00:00", 24, 277.19),  # example of Allison and McEwen
        ("2012-08-06T05:17:57", 31, 150.7),  # landing of Curiosity
        ("2021-02-07T14:00:00", 36, 0.05),
        ("2022-12-26T20:00:00", 37, 0.2),
    ],
)
def test_season_of_known_dates(utc, year, longitude):
    found_year, found_longitude = season(utc)
    assert found_year == year
    assert found_longitude == pytest.approx(longitude, abs=0.06)
