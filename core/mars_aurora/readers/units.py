"""Convert the unit of a FITS column or image to the unit of the package, by astropy."""

from __future__ import annotations

import re
from functools import cache

from astropy import units

_DIRECTION = re.compile(r"^(deg(?:ree)?s?)[ _](?:n|e|north|east)$", re.IGNORECASE)
_RAYLEIGH = re.compile(r"\b(k|kilo)?-?(?:rayleighs?|r)\b")
_PLURAL = re.compile(r"([a-z]{2,})s\b")


class WrongUnitError(ValueError):
    """A unit is of another physical type than the expected one."""


@cache
def find_factor(unit: str, expected: str) -> float | None:
    """Return the factor from ``unit`` to ``expected``; None if it is not known to astropy in any usual spelling.

    Raises WrongUnitError if it is known, but cannot be converted.
    """
    if unit == expected:
        return 1.0
    known = [found for found in map(_parse, (_DIRECTION.sub(r"\1", unit), _spell(unit))) if found is not None]
    for found in known:
        if found.is_equivalent(expected):
            return float(found.to(expected))
        if expected == "h" and found.is_equivalent("deg"):  # local time as an angle
            return float(found.to("hourangle"))
    if known:
        raise WrongUnitError(f"{unit} cannot be converted to {expected}")
    return None


def _parse(text: str) -> units.UnitBase | None:
    try:
        found = units.Unit(text, parse_strict="silent")
    except (ValueError, TypeError):  # raised for a few malformed texts despite "silent"
        return None
    is_unknown = isinstance(found, units.UnrecognizedUnit) or found.is_equivalent("")
    return None if is_unknown else found


def _spell(text: str) -> str:
    """Spell units in capitals, in the plural or in brackets as astropy does: ``[KILOMETERS]`` as ``kilometer``."""
    lower = _DIRECTION.sub(r"\1", text.strip("[]() ")).lower()
    return _PLURAL.sub(r"\1", _RAYLEIGH.sub(lambda match: "kR" if match[1] else "R", lower))
