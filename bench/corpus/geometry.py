"""Geometry by other conventions, and geometry that contradicts itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.corpus.case import AS_BASE, REJECTED, SOUND, Case, Document, Right, kind, rejected

Values = NDArray[Any]
INCONSISTENT = rejected("inconsistent_geometry")
FIELD = {"emus": "FOV_GEOM", "iuvs": "PixelGeometry"}
POINTS = {"emus": "SC_GEOM", "iuvs": "SpacecraftGeometry"}
NAMES = {
    "emus": {
        **{name: name for name in ("LAT", "LON", "LOCAL_TIME", "MRH_ALT", "RA", "DEC")},
        "SZA": "SOLAR_Z_ANGLE",
        "EA": "EMISSION_ANGLE",
        "SC_LAT": "SUB_SC_LAT",
        "SC_LON": "SUB_SC_LON",
        "SUN_LAT": "SUB_SOLAR_LAT",
        "SUN_LON": "SUB_SOLAR_LON",
        "SC_ALT": "SC_ALT",
    },
    "iuvs": {
        "LAT": "PIXEL_CORNER_LAT",
        "LON": "PIXEL_CORNER_LON",
        "LOCAL_TIME": "PIXEL_LOCAL_TIME",
        "MRH_ALT": "PIXEL_CORNER_MRH_ALT",
        "RA": "PIXEL_CORNER_RA",
        "DEC": "PIXEL_CORNER_DEC",
        "SZA": "PIXEL_SOLAR_ZENITH_ANGLE",
        "EA": "PIXEL_EMISSION_ANGLE",
        "SC_LAT": "SUB_SPACECRAFT_LAT",
        "SC_LON": "SUB_SPACECRAFT_LON",
        "SUN_LAT": "SUB_SOLAR_LAT",
        "SUN_LON": "SUB_SOLAR_LON",
        "SC_ALT": "SPACECRAFT_ALT",
    },
}
LONGITUDES = ("LON", "SC_LON", "SUN_LON")
LATITUDES = ("LAT", "SC_LAT", "SUN_LAT")


def alter(document: Document, base: str, edits: dict[str, Callable[[Values], Values]]) -> None:
    """Change columns by their common names."""
    for hdu in (FIELD[base], POINTS[base]):
        columns = document.columns(hdu)
        for short, edit in edits.items():
            name = NAMES[base][short]
            if name in columns:
                values, unit = columns[name]
                columns[name] = (edit(values), unit)
        document.set_columns(hdu, columns)


def _signed(values: Values) -> Values:
    return (values + 180) % 360 - 180


def _west(values: Values) -> Values:
    return -values % 360


def _flip(values: Values) -> Values:
    return np.ascontiguousarray(values[::-1])


def _jitter(values: Values, size: float) -> Values:
    noise = np.random.default_rng(1).normal(0, size, values.shape)
    return np.where(values <= 0, noise, values)


def _on_disk(values: Values, altitude: float) -> Values:
    return np.where(values <= 0, altitude, values)


def _all(edit: Callable[[Values], Values], *names: str) -> dict[str, Callable[[Values], Values]]:
    return dict.fromkeys(names, edit)


EDITS: dict[str, tuple[dict[str, Callable[[Values], Values]], Right]] = {
    "longitudes -180 to 180": (_all(_signed, *LONGITUDES), AS_BASE),
    "pixel longitudes -180 to 180": (_all(_signed, "LON"), AS_BASE),
    "longitudes 360 higher": (_all(lambda v: v + 360, *LONGITUDES), AS_BASE),
    "longitudes of 0 as 360": (_all(lambda v: np.where(v < 0.5, v + 360, v), *LONGITUDES), AS_BASE),
    "all longitudes west": (_all(_west, *LONGITUDES), INCONSISTENT),
    "all longitudes west, signed": (_all(lambda v: _signed(_west(v)), *LONGITUDES), INCONSISTENT),
    "pixel longitudes west": (_all(_west, "LON"), INCONSISTENT),
    "point longitudes west": (_all(_west, "SC_LON", "SUN_LON"), INCONSISTENT),
    "sub-solar longitude west": (_all(_west, "SUN_LON"), INCONSISTENT | SOUND),
    "sub-spacecraft longitude west": (_all(_west, "SC_LON"), INCONSISTENT | SOUND),
    "pixel latitudes reversed": (_all(np.negative, "LAT"), INCONSISTENT),
    "all latitudes reversed": (_all(np.negative, *LATITUDES), SOUND | Right(other=True)),
    "pixel longitudes 180 off": (_all(lambda v: (v + 180) % 360, "LON"), INCONSISTENT),
    "pixel longitudes 20 off": (_all(lambda v: (v + 20) % 360, "LON"), INCONSISTENT),
    "pixel longitudes in rad without saying so": (_all(np.radians, "LON"), REJECTED),
    "pixel latitudes in rad without saying so": (_all(np.radians, "LAT"), REJECTED),
    "latitudes as colatitudes": (_all(lambda v: 90 - v, "LAT"), REJECTED),
    "SZA as its supplement": (_all(lambda v: 180 - v, "SZA"), INCONSISTENT),
    "SZA as its complement": (_all(lambda v: np.abs(90 - v), "SZA"), INCONSISTENT),
    "SZA in rad without saying so": (_all(np.radians, "SZA"), INCONSISTENT),
    "SZA of 5 more": (_all(lambda v: np.minimum(v + 5, 180), "SZA"), INCONSISTENT),
    "SZA of 0.3 more": (_all(lambda v: np.minimum(v + 0.3, 180), "SZA"), AS_BASE),
    "SZA all zero": (_all(np.zeros_like, "SZA"), INCONSISTENT),
    "SZA all NaN": (_all(lambda v: np.full_like(v, np.nan), "SZA"), REJECTED),
    "SZA all 999": (_all(lambda v: np.full_like(v, 999.0), "SZA"), REJECTED),
    "emission angle as its complement": (_all(lambda v: np.abs(90 - v), "EA"), INCONSISTENT),
    "emission angle in rad without saying so": (_all(np.radians, "EA"), INCONSISTENT),
    "emission angle of 8 more": (_all(lambda v: np.where(v < 90, np.minimum(v + 8, 89.9), v), "EA"), INCONSISTENT),
    "emission angle all NaN": (_all(lambda v: np.full_like(v, np.nan), "EA"), SOUND),
    "emission angle of 89.999995 off the disk": (_all(lambda v: np.where(v >= 89.99, 89.999995, v), "EA"), AS_BASE),
    "local time an hour later": (_all(lambda v: (v + 1) % 24, "LOCAL_TIME"), INCONSISTENT),
    "local time reversed": (_all(lambda v: (24 - v) % 24, "LOCAL_TIME"), INCONSISTENT),
    "local time in degrees": (_all(lambda v: v * 15, "LOCAL_TIME"), SOUND),
    "local time as fraction of a day": (_all(lambda v: v / 24, "LOCAL_TIME"), INCONSISTENT),
    "local time 0.2 h later": (_all(lambda v: (v + 0.2) % 24, "LOCAL_TIME"), AS_BASE),
    "local time 24 for 0": (_all(lambda v: np.where(v < 0.05, 24.0, v), "LOCAL_TIME"), AS_BASE),
    "local time -12 to 12": (_all(lambda v: (v + 12) % 24 - 12, "LOCAL_TIME"), SOUND),
    "local time all NaN": (_all(lambda v: np.full_like(v, np.nan), "LOCAL_TIME"), AS_BASE),
    "altitude of the disk -1.5 km": (_all(partial(_on_disk, altitude=-1.5), "MRH_ALT"), AS_BASE),
    "altitude of the disk -1500 km": (_all(partial(_on_disk, altitude=-1500.0), "MRH_ALT"), AS_BASE),
    "altitude of the disk a metre": (_all(partial(_on_disk, altitude=0.001), "MRH_ALT"), AS_BASE),
    "altitude of the disk 5 km": (_all(partial(_on_disk, altitude=5.0), "MRH_ALT"), AS_BASE),
    "altitude of the disk a micrometre": (_all(partial(_on_disk, altitude=1e-9), "MRH_ALT"), AS_BASE),
    "altitude of the disk NaN": (_all(partial(_on_disk, altitude=np.nan), "MRH_ALT"), SOUND),
    "altitude with jitter of a millimetre": (_all(partial(_jitter, size=1e-6), "MRH_ALT"), AS_BASE),
    "altitude with jitter of 10 m": (_all(partial(_jitter, size=1e-2), "MRH_ALT"), AS_BASE),
    "altitudes 3 km lower": (_all(lambda v: v - 3, "MRH_ALT"), AS_BASE),
    "altitudes 3 km higher": (_all(lambda v: v + 3, "MRH_ALT"), AS_BASE),
    "altitudes in m without saying so": (_all(lambda v: v * 1000, "MRH_ALT"), SOUND | Right(other=True)),
    "altitudes from the center": (_all(lambda v: v + 3396.19, "MRH_ALT"), SOUND),
    "spacecraft altitude in m without saying so": (_all(lambda v: v * 1000, "SC_ALT"), REJECTED),
    "spacecraft altitude from the center": (_all(lambda v: v + 3396.19, "SC_ALT"), SOUND | Right(other=True)),
    "spacecraft altitude halved": (_all(lambda v: v / 2, "SC_ALT"), SOUND | Right(other=True)),
    "spacecraft altitude negative": (_all(np.negative, "SC_ALT"), REJECTED),
    "spacecraft altitude zero": (_all(np.zeros_like, "SC_ALT"), SOUND),
    "sub-solar latitude reversed": (_all(np.negative, "SUN_LAT"), SOUND | INCONSISTENT),
    "sub-solar point rows reversed": (_all(_flip, "SUN_LAT", "SUN_LON"), SOUND),
    "sub-solar point 30 off": (_all(lambda v: (v + 30) % 360, "SUN_LON"), INCONSISTENT),
    "sub-spacecraft point 30 off": (_all(lambda v: (v + 30) % 360, "SC_LON"), INCONSISTENT),
    "sub-solar point unknown": (_all(lambda v: np.full_like(v, np.nan), "SUN_LAT", "SUN_LON"), AS_BASE | REJECTED),
    "right ascension -180 to 180": (_all(_signed, "RA"), AS_BASE),
    "right ascension in hours without saying so": (_all(lambda v: v / 15, "RA"), SOUND | Right(other=True)),
    "right ascension all zero": (_all(np.zeros_like, "RA", "DEC"), SOUND | Right(other=True)),
    "declination reversed": (_all(np.negative, "DEC"), SOUND | Right(other=True)),
}


@kind
def geometry() -> Iterator[Case]:
    for base in ("emus", "iuvs"):
        for label, (edits, right) in EDITS.items():
            yield Case("geometry", f"{label} ({base})", partial(alter, base=base, edits=edits), right, base)
        for one, other in (("SZA", "EA"), ("LAT", "LON"), ("RA", "DEC"), ("SC_LAT", "SUN_LAT")):
            right = SOUND | Right(other=one == "RA") if one != "SZA" else REJECTED
            yield Case(
                "geometry",
                f"{one} and {other} swapped ({base})",
                partial(_swap, base=base, one=one, other=other),
                right,
                base,
            )
        yield Case(
            "geometry",
            f"sub-solar and sub-spacecraft points swapped ({base})",
            partial(_swap_points, base=base),
            REJECTED,
            base,
        )
        for seed in range(15):
            edit = partial(_reorder_samples, base=base, seed=seed)
            yield Case("geometry", f"geometry samples in another order, {seed} ({base})", edit, AS_BASE, base)
        for label, order in ROWS.items():
            edit = partial(_reorder_rows, base=base, order=order)
            yield Case("geometry", f"rows {label} ({base})", edit, ANY_ORDER, base, timed=False)
    for label, names in {"both": LATITUDES, "pixels": ("LAT",)}.items():
        for target in ("graphic", "centric"):
            edit = partial(alter, base="emus", edits=_all(partial(_convert_latitude, target=target), *names))
            yield Case("geometry", f"planeto{target} latitudes of {label}", edit, AS_BASE)


ANY_ORDER = SOUND | Right(other=True)
ROWS: dict[str, Callable[[NDArray[np.int64]], NDArray[np.int64]]] = {
    "reversed": lambda rows: rows[::-1],
    "at random": lambda rows: np.random.default_rng(1).permutation(rows),
    "rolled by one": lambda rows: np.roll(rows, 1),
    "repeated": lambda rows: np.repeat(rows[: len(rows) // 2], 2),
    "all the same": lambda rows: np.full_like(rows, len(rows) // 2),
    "swapped in pairs": lambda rows: np.concatenate([rows[1::2], rows[::2]]),
}


def _convert_latitude(values: Values, target: str) -> Values:
    """Convert planetocentric latitudes to planetographic ones, or the other way."""
    ratio = (3396.19 / 3376.2) ** 2
    tangent = np.tan(np.radians(np.clip(values, -89.9, 89.9))) * (ratio if target == "graphic" else 1 / ratio)
    degrees: Values = np.degrees(np.arctan(tangent))
    return degrees


def _swap(document: Document, base: str, one: str, other: str) -> None:
    for hdu in (FIELD[base], POINTS[base]):
        columns = document.columns(hdu)
        first, second = NAMES[base][one], NAMES[base][other]
        if first in columns:
            columns[first], columns[second] = columns[second], columns[first]
            document.set_columns(hdu, columns)


def _swap_points(document: Document, base: str) -> None:
    _swap(document, base, "SC_LAT", "SUN_LAT")
    _swap(document, base, "SC_LON", "SUN_LON")


def _reorder_samples(document: Document, base: str, seed: int) -> None:
    order = np.random.default_rng(seed).permutation(5)
    columns = document.columns(FIELD[base])
    for name, (values, unit) in columns.items():
        axes = [axis for axis in range(1, values.ndim) if values.shape[axis] == 5]
        if axes:
            columns[name] = (np.ascontiguousarray(np.take(values, order, axes[0])), unit)
    document.set_columns(FIELD[base], columns)


def _reorder_rows(document: Document, base: str, order: Callable[[NDArray[np.int64]], NDArray[np.int64]]) -> None:
    """Reorder the integrations of all tables and images alike."""
    count = document[FIELD[base]].number("NAXIS2")
    rows = order(np.arange(count))
    for hdu in document.hdus:
        if hdu.text("XTENSION") == "BINTABLE" and hdu.number("NAXIS2") == count:
            columns = document.columns(hdu.name)
            document.set_columns(hdu.name, {name: (values[rows], unit) for name, (values, unit) in columns.items()})
        elif hdu.number("NAXIS") == 3 and hdu.number("NAXIS3") == count:
            values = np.frombuffer(hdu.data, np.uint8).reshape(count, -1)
            hdu.data = values[rows].tobytes()
    if base == "emus":
        columns = document.columns("EMISS")
        for name, (values, unit) in columns.items():
            if values.ndim == 3:
                columns[name] = (np.ascontiguousarray(values[..., rows]), unit)
        document.set_columns("EMISS", columns)
