"""Emissions by name, and what they select."""

from dataclasses import replace

import numpy as np
import pytest

from mars_aurora.emission import EMISSIONS, OXYGEN_1304, OXYGEN_1356, find_emission
from mars_aurora.errors import UsageError


@pytest.mark.parametrize("name", ["O I 130.4", "OI 130.4", "oi130.4", "o  i 130.4", " O I 130.4 "])
def test_emission_is_found_ignoring_case_and_spacing(name):
    assert find_emission(name) is OXYGEN_1304


def test_every_emission_is_found_by_its_name():
    assert {name: find_emission(name) for name in EMISSIONS} == EMISSIONS
    assert find_emission("O I 135.6") is OXYGEN_1356


@pytest.mark.parametrize("name", ["", "130.4", "O I 130.40", "H I 121.6"])
def test_unknown_emission_is_rejected_with_the_known_names(name):
    with pytest.raises(UsageError) as caught:
        find_emission(name)
    assert repr(name) in str(caught.value)
    assert all(known in str(caught.value) for known in EMISSIONS)


@pytest.mark.parametrize("name", ["O I 130.4 triplet", "OI 130.4", "o i  130.4 nm", "O_I_130.4", "OI1304"])
def test_name_pattern_matches_the_emission(name):
    assert OXYGEN_1304.name_pattern.match(name)
    assert not OXYGEN_1356.name_pattern.match(name)


@pytest.mark.parametrize(
    "name",
    [
        "O I 135.6 doublet",
        "C I 130.4",
        "O I 130.45",
        "O I 13054",
        "H I 121.6",
        "CO I 130.4",
        "O I 1304.4",
        "O II 130.4",
    ],
)
def test_name_pattern_does_not_match_other_lines(name):
    assert not OXYGEN_1304.name_pattern.match(name)


def test_search_area_of_the_night_is_beyond_110_degrees():
    sza_deg = np.array([[0.0, 89.9, 110.0], [110.1, 180.0, np.nan]], np.float32)
    assert OXYGEN_1304.search_area(sza_deg).tolist() == [[False, False, False], [True, True, False]]


def test_search_area_of_the_day_is_below_90_degrees():
    day = replace(OXYGEN_1304, side="day")
    sza_deg = np.array([[0.0, 89.9, 90.0], [110.1, 180.0, np.nan]], np.float32)
    assert day.search_area(sza_deg).tolist() == [[True, True, False], [False, False, False]]


def test_only_one_emission_has_a_network():
    assert [emission for emission in EMISSIONS.values() if emission.has_network] == [OXYGEN_1304]
