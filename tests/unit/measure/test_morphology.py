"""Shapes of known outlines; the season of known dates."""

import pytest
import shapely
from shapely import affinity

from mars_aurora.measure import mars_time, morphology


@pytest.mark.parametrize("turn_deg", [0, 30, 90, 150])
def test_a_rectangle_is_described_as_it_was_drawn(turn_deg):
    found = morphology.describe(
        affinity.rotate(shapely.box(-100, -400, 100, 400), -turn_deg)
    )  # long side north, then east
    assert found.area_km2 == pytest.approx(160_000)
    assert found.length_km == pytest.approx((800**2 + 200**2) ** 0.5)
    assert found.elongation == pytest.approx(4)
    assert found.eccentricity == pytest.approx((1 - 1 / 16) ** 0.5)
    assert min(abs(found.orientation_deg - turn_deg), 180 - abs(found.orientation_deg - turn_deg)) < 0.01


def test_a_hole_free_pair_of_parts_is_one_shape():
    pair = shapely.MultiPolygon([shapely.box(-300, -50, -200, 50), shapely.box(200, -50, 300, 50)])
    assert morphology.describe(pair).orientation_deg == pytest.approx(90)


@pytest.mark.parametrize(
    ("length", "width", "form"), [(2000, 200, "sinuous"), (900, 90, "patch"), (1500, 900, "patch")]
)
def test_sinuous_is_long_and_narrow(length, width, form):
    assert morphology.describe(shapely.box(0, 0, length, width)).morphology == form


@pytest.mark.parametrize(
    ("utc", "year", "longitude"),
    [
        ("2000-01-06T00:00:00", 24, 277.19),  # Allison and McEwen's own example
        ("2012-08-06T05:17:57", 31, 150.7),  # Curiosity lands
        ("2021-02-07T14:00:00", 36, 0.05),
        ("2022-12-26T20:00:00", 37, 0.2),
    ],
)
def test_the_season_of_a_date(utc, year, longitude):
    found_year, found_longitude = mars_time.season(utc)
    assert found_year == year
    assert found_longitude == pytest.approx(longitude, abs=0.06)
