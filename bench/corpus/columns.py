"""Columns one by one: units, fill values, types, scaling, shapes and names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.corpus import bases
from bench.corpus.case import AS_BASE, REJECTED, SOUND, Case, Document, Right, kind
from bench.corpus.editing import card

Values = NDArray[Any]


@dataclass(frozen=True)
class Column:
    """A column that the readers use: the sound file that has it, its unit there, and whether it is required."""

    base: str
    hdu: str
    name: str
    unit: str
    required: bool = True

    @property
    def label(self) -> str:
        return f"{self.hdu}.{self.name}"

    @property
    def broken(self) -> Right:
        """What is right where the column cannot be used."""
        return REJECTED if self.required else SOUND


def _emus(hdu: str, unit: str, *names: str, required: bool = True) -> list[Column]:
    return [Column("emus", hdu, name, unit, required) for name in names]


def _iuvs(hdu: str, unit: str, *names: str, required: bool = True) -> list[Column]:
    return [Column("iuvs", hdu, name, unit, required) for name in names]


COLUMNS = (
    *_emus("FOV_GEOM", "deg", "LAT", "LON", "SOLAR_Z_ANGLE", "EMISSION_ANGLE"),
    *_emus("FOV_GEOM", "km", "MRH_ALT"),
    *_emus("FOV_GEOM", "deg", "RA", "DEC", required=False),
    *_emus("FOV_GEOM", "h", "LOCAL_TIME", required=False),
    *_emus("SC_GEOM", "deg", "SUB_SC_LAT", "SUB_SC_LON"),
    *_emus("SC_GEOM", "deg", "SUB_SOLAR_LAT", "SUB_SOLAR_LON", required=False),
    *_emus("SC_GEOM", "km", "SC_ALT"),
    *_emus("EMISS", "R", "RADIANCE"),
    *_emus("EMISS", "R", "RAD_ERR_RAND", "RAD_ERR_SYS", required=False),
    *_iuvs("PixelGeometry", "deg", "PIXEL_CORNER_LAT", "PIXEL_CORNER_LON"),
    *_iuvs("PixelGeometry", "km", "PIXEL_CORNER_MRH_ALT"),
    *_iuvs("PixelGeometry", "deg", "PIXEL_SOLAR_ZENITH_ANGLE", "PIXEL_EMISSION_ANGLE"),
    *_iuvs("PixelGeometry", "h", "PIXEL_LOCAL_TIME"),
    *_iuvs("PixelGeometry", "deg", "PIXEL_CORNER_RA", "PIXEL_CORNER_DEC", required=False),
    *_iuvs("SpacecraftGeometry", "deg", "SUB_SPACECRAFT_LAT", "SUB_SPACECRAFT_LON", "SUB_SOLAR_LAT", "SUB_SOLAR_LON"),
    *_iuvs("SpacecraftGeometry", "km", "SPACECRAFT_ALT"),
    *_iuvs("Observation", "nm", "WAVELENGTH"),
)
IMAGES = ("PRIMARY", "Random_phy_unc", "Systematic_phy_unc")

# spellings of the same unit, and other units with the factor from the usual one
SAME_UNIT = {
    "deg": ("degree", "degrees", "Deg", "DEG", "\xb0", "deg  ", ""),
    "km": ("Km", "KM", "kilometer", "kilometers", "km  ", ""),
    "h": ("hr", "hour", "hours", "Hours", "HOURS", "local hour", ""),
    "R": ("Rayleigh", "Rayleighs", "rayleigh", "RAYLEIGH", "r", ""),
    "nm": ("NM", "nanometer", "nanometers", "Nm", ""),
}
OTHER_UNIT = {
    "deg": {"rad": np.pi / 180, "radian": np.pi / 180, "radians": np.pi / 180, "arcmin": 60.0, "mrad": np.pi / 0.18},
    "km": {"m": 1e3, "meter": 1e3, "meters": 1e3, "cm": 1e5, "Mm": 1e-3},
    "h": {"min": 60.0, "s": 3600.0, "d": 1 / 24},
    "R": {"kR": 1e-3, "kiloRayleigh": 1e-3, "kilorayleigh": 1e-3, "mR": 1e3},
    "nm": {"Angstrom": 10.0, "angstrom": 10.0, "um": 1e-3, "m": 1e-9, "micron": 1e-3},
}
NO_UNIT = ("furlong", "???", "counts", "kg", "deg/km", "1e3 R", "'", "\x01")


def change(
    document: Document, column: Column, edit: Callable[[Values], Values | None], unit: str | None = None
) -> None:
    """Change the values of a column, in place or by returning others, and its unit."""
    columns = document.columns(column.hdu)
    values, old_unit = columns[column.name]
    changed = edit(values)
    columns[column.name] = (values if changed is None else changed, old_unit if unit is None else "")
    hdu = document.set_columns(column.hdu, columns)
    if unit:
        hdu.put(f"TUNIT{hdu.column_number(column.name)}", f"'{unit}'")


def _scale(document: Document, column: Column, factor: float, unit: str) -> None:
    change(document, column, lambda values: values * factor, unit)


@kind
def units() -> Iterator[Case]:
    for column in COLUMNS:
        for unit in SAME_UNIT[column.unit]:
            edit = partial(_scale, column=column, factor=1.0, unit=unit)
            yield Case("units", f"{column.label} in {unit!r}", edit, AS_BASE, column.base)
        for unit, factor in OTHER_UNIT[column.unit].items():
            edit = partial(_scale, column=column, factor=factor, unit=unit)
            yield Case("units", f"{column.label} in {unit}", edit, AS_BASE, column.base)
        for unit in NO_UNIT[:: 1 if column.name in {"LAT", "RADIANCE", "SUB_SC_LON"} else 4]:
            edit = partial(_scale, column=column, factor=1.0, unit=unit)
            yield Case("units", f"{column.label} in {unit!r}", edit, SOUND, column.base)
    for column in COLUMNS:
        if column.unit == "deg" and column.required:
            edit = partial(_scale, column=column, factor=1.0, unit="rad")
            yield Case("units", f"{column.label} in deg, said to be in rad", edit, SOUND | REJECTED, column.base)
    for hdu in IMAGES:
        for unit, factor in {
            "R/nm": 1e3,
            "kR/Angstrom": 0.1,
            "kR nm-1": 1,
            "kR.nm-1": 1,
            "kR*nm**-1": 1,
            "": 1,
        }.items():
            yield Case(
                "units", f"{hdu} in {unit!r}", partial(_scale_image, hdu=hdu, factor=factor, unit=unit), AS_BASE, "iuvs"
            )


def _scale_image(document: Document, hdu: str, factor: float, unit: str) -> None:
    image = document[hdu]
    values = np.frombuffer(image.data, ">f4") * np.float32(factor)
    image.data = values.astype(">f4").tobytes()
    image.put("BUNIT", f"'{unit}'")


def block(values: Values, column: Column, rows: int = 4, bins: int = 5) -> Any:  # noqa: ANN401 -- an index
    """Return the index of a block of pixels in a column: on the disk, away from auroras."""
    integrations, slit = quiet(rows, bins)
    if column.hdu == "EMISS":
        return (slice(None), slit, integrations)
    if values.ndim == 1:
        return slice(2, 5)
    if column.base == "emus":
        return (integrations, slice(None), slit)
    return (integrations, slit)


def quiet(rows: int, bins: int) -> tuple[slice, slice]:
    """Find the block of this size with the least aurora, and of those the one with most of the disk."""
    simulated = bases.swath()
    aurora, altitude = simulated.aurora_R.sum(0), simulated.swath.geometry.altitude_km[:, 0]
    windows = np.lib.stride_tricks.sliding_window_view
    light = np.round(windows(aurora, (rows, bins)).sum((2, 3)))
    disk = windows(altitude < 1, (rows, bins)).sum((2, 3))
    best = np.unravel_index(np.argmin(light - disk / 1e3), light.shape)
    return slice(int(best[0]), int(best[0]) + rows), slice(int(best[1]), int(best[1]) + bins)


FILLS = (-9999.0, -999.0, 9999.0, -1e5, 1e5, -1e30, 1e31, np.inf, -np.inf, np.nan)


@kind
def fills() -> Iterator[Case]:
    for column in COLUMNS:
        if column.name == "WAVELENGTH":
            continue
        for fill in FILLS:
            for rows, bins in ((4, 5), (1, 40), (60, 1)):
                if "SC" in column.hdu[:2].upper() and bins == 1:
                    continue
                if fill == 9999.0 and column.name in {"MRH_ALT", "SC_ALT", "PIXEL_CORNER_MRH_ALT", "SPACECRAFT_ALT"}:
                    continue  # a valid altitude
                if (rows, bins) != (4, 5) and (abs(fill) > 1e5 or column.base == "iuvs"):
                    continue
                edit = partial(_fill, column=column, fill=fill, rows=rows, bins=bins)
                yield Case("fills", f"{column.label} {fill:g} over {rows} x {bins}", edit, AS_BASE, column.base)
    for hdu in IMAGES:
        for fill in FILLS:
            yield Case("fills", f"{hdu} {fill:g}", partial(_fill_image, hdu=hdu, fill=fill), AS_BASE, "iuvs")


def _fill(document: Document, column: Column, fill: float, rows: int, bins: int) -> None:
    n_integrations, n_slit = bases.swath().swath.brightness_R.shape
    rows, bins = min(rows, n_integrations), min(bins, n_slit)

    def edit(values: Values) -> None:
        values[block(values, column, rows, bins)] = fill

    change(document, column, edit)


def _fill_image(document: Document, hdu: str, fill: float) -> None:
    values = np.frombuffer(document[hdu].data, ">f4").copy().reshape(*bases.swath().swath.brightness_R.shape, -1)
    values[quiet(4, 5)] = fill
    document[hdu].data = values.tobytes()


@kind
def all_filled() -> Iterator[Case]:
    """The whole column is one fill value."""
    rejecting = {"LAT", "LON", "SOLAR_Z_ANGLE", "SC_ALT", "RADIANCE", "PIXEL_CORNER_LAT", "PIXEL_CORNER_LON"}
    rejecting |= {"PIXEL_SOLAR_ZENITH_ANGLE", "SPACECRAFT_ALT", "WAVELENGTH", "MRH_ALT", "PIXEL_CORNER_MRH_ALT"}
    optional = {"LOCAL_TIME", "PIXEL_LOCAL_TIME", "RAD_ERR_RAND", "RAD_ERR_SYS"}
    for column in COLUMNS:
        right = REJECTED if column.name in rejecting else AS_BASE if column.name in optional else SOUND
        for fill in (np.nan, -9999.0, 1e31, -np.inf):
            edit = partial(_fill_all, column=column, fill=fill)
            yield Case("all_filled", f"{column.label} all {fill:g}", edit, right, column.base)


def _fill_all(document: Document, column: Column, fill: float) -> None:
    change(document, column, lambda values: np.full_like(values, fill))


@kind
def scaled() -> Iterator[Case]:
    """Integers with TSCAL, TZERO and TNULL."""
    for column in COLUMNS:
        for code, dtype, bits in (("I", np.int16, 15), ("J", np.int32, 31), ("K", np.int64, 40)):
            for unit in ("", "other"):
                if unit and code != "J":
                    continue
                edit = partial(_scale_to_integers, column=column, dtype=dtype, bits=bits, other_unit=bool(unit))
                text = f"{column.label} as {code}, scaled{', in another unit' if unit else ''}"
                yield Case("scaled", text, edit, AS_BASE, column.base)
    for hdu in IMAGES:
        for bitpix in (16, 32, 8):
            for offset in (0.0, 100.0):
                edit = partial(_scale_image_to_integers, hdu=hdu, bitpix=bitpix, offset=offset)
                right = AS_BASE if bitpix > 8 else AS_BASE | Right(other=True)
                yield Case("scaled", f"{hdu} as BITPIX {bitpix}, BZERO {offset}", edit, right, "iuvs")


def _scale_to_integers(document: Document, column: Column, dtype: Any, bits: int, *, other_unit: bool) -> None:  # noqa: ANN401 -- a dtype
    unit, factor = next(iter(OTHER_UNIT[column.unit].items())) if other_unit else (column.unit, 1.0)
    step, zero = 1.0, 0.0

    def edit(values: Values) -> Values:
        nonlocal step, zero
        values = values.astype(np.float64) * factor
        low, high = float(np.nanmin(values)), float(np.nanmax(values))
        zero = (low + high) / 2
        step = max(high - low, 1e-3) / 2 / (2**bits - 10)
        stored: Values = np.where(np.isfinite(values), np.rint((values - zero) / step), -(2**bits)).astype(dtype)
        return stored

    change(document, column, edit, unit)
    hdu = document[column.hdu]
    number = hdu.column_number(column.name)
    hdu.put(f"TSCAL{number}", f"{step!r}")
    hdu.put(f"TZERO{number}", f"{zero!r}")
    hdu.put(f"TNULL{number}", str(-(2**bits)))


def _scale_image_to_integers(document: Document, hdu: str, bitpix: int, offset: float) -> None:
    image = document[hdu]
    values = np.frombuffer(image.data, ">f4").astype(float).reshape(*bases.swath().swath.brightness_R.shape, -1)
    values[quiet(4, 5)] = np.nan
    low, high = (0, 255) if bitpix == 8 else (-(2 ** (bitpix - 1)) + 1, 2 ** (bitpix - 1) - 10)
    step = (np.nanmax(values) - np.nanmin(values)) / (high - low)
    zero = np.nanmin(values) - (low + (1 if bitpix == 8 else 0)) * step + 0 * offset
    blank = 0 if bitpix == 8 else low - 1
    stored = np.where(np.isfinite(values), np.rint((values - zero) / step), blank).clip(low - 1, high)
    image.data = stored.astype({8: "u1", 16: ">i2", 32: ">i4"}[bitpix]).tobytes()
    image.put("BITPIX", str(bitpix))
    image.put("BSCALE", repr(float(step)))
    image.put("BZERO", repr(float(zero)))
    image.put("BLANK", str(blank))


@kind
def types() -> Iterator[Case]:
    """Other types of a column: floats of both widths, and types that hold no numbers."""
    for column in COLUMNS:
        for label, edit in {"float32": np.float32, "float64": np.float64}.items():
            as_type = partial(_retype, column=column, dtype=edit)
            yield Case("types", f"{column.label} as {label}", as_type, AS_BASE, column.base)
        for label, form in {"logical": "L", "text": "A", "bits": "X", "complex": "C"}.items():
            form_edit = partial(_reform, column=column, code=form)
            yield Case("types", f"{column.label} as {label}", form_edit, column.broken, column.base)
        for code in ("PE(9)", "QD(9)"):
            descriptor = partial(_descriptor, column=column, code=code)
            yield Case("types", f"{column.label} as {code}", descriptor, column.broken, column.base)


def _retype(document: Document, column: Column, dtype: Any) -> None:  # noqa: ANN401 -- a dtype
    change(document, column, lambda values: values.astype(dtype))


def _reform(document: Document, column: Column, code: str) -> None:
    change(document, column, lambda values: values.astype(np.float64))
    hdu = document[column.hdu]
    number = hdu.column_number(column.name)
    count = int(hdu.text(f"TFORM{number}").rstrip("D")) * 8
    repeat = {"L": count, "A": count, "X": count * 8, "C": count // 8}[code]
    hdu.put(f"TFORM{number}", f"'{repeat}{code}'")
    if code != "C" and hdu.text(f"TDIM{number}"):
        hdu.drop(f"TDIM{number}")


def _descriptor(document: Document, column: Column, code: str) -> None:
    dtype = np.int32 if code[0] == "P" else np.int64
    change(document, column, lambda values: np.tile(np.array([9, 0], dtype), (len(values), 1)))
    hdu = document[column.hdu]
    hdu.put(f"TFORM{hdu.column_number(column.name)}", f"'1{code}'")


SHAPES: dict[str, Callable[[Values], Values]] = {
    "one bin less": lambda values: values[..., :-1],
    "one bin more": lambda values: np.concatenate([values, values[..., :1]], axis=-1),
    "axes swapped": lambda values: np.ascontiguousarray(np.swapaxes(values, -1, -2)),
    "an axis less": lambda values: np.ascontiguousarray(values[:, 0]),
    "an axis more": lambda values: values[:, None],
    "without axes": lambda values: values.reshape(len(values), -1),
    "one value": lambda values: values.reshape(len(values), -1)[:, 0],
    "no values": lambda values: values.reshape(len(values), -1)[:, :0],
}
TDIMS = (
    "(3,5)",
    "(0)",
    "(-1,-200)",
    "()",
    "(a,b)",
    "(99999999999,99999999999)",
    "40,5",
    "(40,5",
    "(1,200)",
    "(200)",
    "(40.0,5)",
)


@kind
def shapes() -> Iterator[Case]:
    for column in COLUMNS:
        vector = column.hdu in {"SC_GEOM", "SpacecraftGeometry"}
        for label, reshape in SHAPES.items():
            if vector and label != "an axis more":
                continue
            if label == "axes swapped" and column.base == "iuvs" and "CORNER" not in column.name:
                continue  # has one axis
            right = SOUND if label in {"without axes", "an axis more"} else column.broken
            if column.name == "LOCAL_TIME" or not column.required:
                right = SOUND
            yield Case(
                "shapes",
                f"{column.label} with {label}",
                partial(_reshape, column=column, reshape=reshape),
                right,
                column.base,
            )
        if not vector:
            for dims in TDIMS[:: 1 if column.name in {"LAT", "RADIANCE", "PIXEL_CORNER_LAT"} else 3]:
                edit = partial(_redim, column=column, dims=dims)
                yield Case("shapes", f"{column.label} with TDIM {dims}", edit, SOUND, column.base)


def _reshape(document: Document, column: Column, reshape: Callable[[Values], Values]) -> None:
    change(document, column, lambda values: np.ascontiguousarray(reshape(values)))


def _redim(document: Document, column: Column, dims: str) -> None:
    hdu = document[column.hdu]
    hdu.put(f"TDIM{hdu.column_number(column.name)}", f"'{dims}'")


@kind
def column_names() -> Iterator[Case]:
    for column in COLUMNS:
        name = column.name
        for other in (name.lower(), name.title(), f"{name}   ", f"  {name}"):
            yield _named(column, f"'{other}'", AS_BASE)
        for other in (f"{name}_", name[:-1], name.replace("_", " ") + "X", "", "\xff" + name, "X" * 60):
            yield _named(column, f"'{other}'", column.broken)
        for text in ("", name, "'" + name, "NaN", "T", "'''"):
            yield _named(column, text, SOUND)
        yield Case(
            "column_names", f"{column.label} removed", partial(_remove, column=column), column.broken, column.base
        )
        yield Case(
            "column_names", f"{column.label} without TTYPE", partial(_unname, column=column), column.broken, column.base
        )
        yield Case("column_names", f"{column.label} twice", partial(_repeat, column=column), SOUND, column.base)


def _named(column: Column, text: str, right: Right) -> Case:
    def edit(document: Document) -> None:
        hdu = document[column.hdu]
        number = hdu.column_number(column.name)
        hdu.cards[hdu.find(f"TTYPE{number}")] = card(f"TTYPE{number}", text)

    return Case("column_names", f"{column.label} as {text!r}", edit, right, column.base)


def _remove(document: Document, column: Column) -> None:
    columns = document.columns(column.hdu)
    del columns[column.name]
    document.set_columns(column.hdu, columns)


def _unname(document: Document, column: Column) -> None:
    hdu = document[column.hdu]
    hdu.drop(f"TTYPE{hdu.column_number(column.name)}")


def _repeat(document: Document, column: Column) -> None:
    columns = document.columns(column.hdu)
    values, unit = columns[column.name]
    hdu = document.set_columns(column.hdu, columns | {"AGAIN": (values.copy(), unit)})
    hdu.put(f"TTYPE{hdu.column_number('AGAIN')}", f"'{column.name}'")
