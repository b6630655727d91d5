"""Spellings of units."""

from __future__ import annotations

import numpy as np
import pytest

from mars_aurora.readers.units import WrongUnitError, find_factor


@pytest.mark.parametrize(
    ("unit", "expected", "factor"),
    [
        *((text, "R", 1.0) for text in ("R", "Rayleigh", "rayleighs", "Rayleighs", "RAYLEIGH", "[R]", " R ")),
        *((text, "R", 1e3) for text in ("kR", "kilorayleigh", "kiloRayleighs", "kRayleigh", "KR", "10**3 R")),
        *((text, "kR/nm", 1.0) for text in ("kR/nm", "kR nm-1", "kR nm^-1", "kR / nm", "KR/NM", "kiloRayleighs/nm")),
        ("R/Angstrom", "R/nm", 10.0),
        ("Rayleigh/nm", "kR/nm", 1e-3),
        ("ph / (s m2 sr)", "R", 4 * np.pi / 1e10),
        *((text, "deg", 1.0) for text in ("deg", "degree", "degrees", "DEG", "Degrees", "deg N", "degrees_east")),
        *((text, "deg", 180 / np.pi) for text in ("rad", "radian", "radians", "RAD")),
        *((text, "km", 1.0) for text in ("km", "KM", "kilometer", "kilometers", "Kilometers")),
        *((text, "km", 1e-3) for text in ("m", "meter", "meters", "METERS")),
        *((text, "h", 1.0) for text in ("h", "hr", "hour", "hours", "Hours", "H")),
        ("deg", "h", 1 / 15),
        ("um", "nm", 1e3),
    ],
)
def test_unit_is_converted_in_any_usual_spelling(unit, expected, factor):
    assert find_factor(unit, expected) == pytest.approx(factor, rel=1e-12)


@pytest.mark.parametrize("unit", ["?", "unit vector", "furlongs", "local hours", "1", "R per nm of it", "(((", "m^^2"])
def test_unknown_unit_has_no_factor(unit):
    assert find_factor(unit, "deg") is None


@pytest.mark.parametrize(("unit", "expected"), [("km", "deg"), ("DN", "R"), ("R", "R/nm"), ("s", "nm"), ("h", "deg")])
def test_unit_of_another_physical_type_is_an_error(unit, expected):
    with pytest.raises(WrongUnitError, match="cannot be converted"):
        find_factor(unit, expected)
