"""Values, flags, emissions and times of files whose structure is sound."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.corpus import bases
from bench.corpus.case import ANY, AS_BASE, REJECTED, SOUND, Case, Document, Right, kind, rejected
from bench.corpus.columns import quiet
from mars_aurora_model.simulator.writers.fits_table import Columns

Values = NDArray[Any]
LINE = b"O I 130.4 triplet"


def _row(columns: Columns) -> int:
    return [bytes(name).strip() for name in columns["NAME"][0]].index(LINE)


def _emission(document: Document, edit: Callable[[Columns, int], None]) -> None:
    columns = document.columns("EMISS")
    edit(columns, _row(columns))
    document.set_columns("EMISS", columns)


def _set(columns: Columns, row: int, column: str, value: Any, *, where: str) -> None:  # noqa: ANN401 -- any value
    rows, bins = quiet(3, 3)
    index = (row, bins, rows) if where == "block" else (row,)
    columns[column][0][index] = value


def _edited(what: str, edit: Callable[[Columns, int], None], right: Right) -> Case:
    return Case("values", what, partial(_emission, edit=edit), right)


@kind
def values() -> Iterator[Case]:
    for value in (np.inf, -np.inf, np.nan, 1e38, -1e38, 1e-40, 1e5, -500.0, 0.0):
        yield _edited(
            f"brightness {value:g} in a block", partial(_set, column="RADIANCE", value=value, where="block"), AS_BASE
        )
    for value in (np.inf, np.nan, 1e38, -1.0, 0.0, 1e-30):
        for column in ("RAD_ERR_RAND", "RAD_ERR_SYS"):
            yield _edited(
                f"{column} {value:g} in a block", partial(_set, column=column, value=value, where="block"), AS_BASE
            )
        right = AS_BASE if value != 1e38 else SOUND | Right(other=True)
        yield _edited(
            f"random error {value:g} everywhere", partial(_set, column="RAD_ERR_RAND", value=value, where="all"), right
        )
        yield _edited(
            f"systematic error {value:g} everywhere",
            partial(_set, column="RAD_ERR_SYS", value=value, where="all"),
            right,
        )
    for value in (np.nan, np.inf, -9999.0, 1e30):
        right = rejected("no_finite_data")
        yield _edited(
            f"brightness {value:g} everywhere", partial(_set, column="RADIANCE", value=value, where="all"), right
        )
    for value in (0.0, 1.0, 2000.0, -3.0):
        yield _edited(
            f"brightness {value:g} everywhere",
            partial(_set, column="RADIANCE", value=value, where="all"),
            Right(other=True) | REJECTED,
        )
    for value in (1, 2, 128, 255):
        flagged = AS_BASE
        yield _edited(f"flag {value} everywhere", partial(_set, column="QLTY_FLG", value=value, where="all"), flagged)
        yield _edited(f"flag {value} in a block", partial(_set, column="QLTY_FLG", value=value, where="block"), flagged)
    yield Case("values", "flags of IUVS all 1", partial(_constant_image, hdu="quality_flag", value=1), AS_BASE, "iuvs")
    yield Case(
        "values", "flags of IUVS all -1", partial(_constant_image, hdu="quality_flag", value=-1), AS_BASE, "iuvs"
    )
    for value in (np.nan, 0.0, np.inf, -1.0):
        for hdu in ("Random_phy_unc", "Systematic_phy_unc"):
            yield Case(
                "values", f"{hdu} all {value:g}", partial(_constant_image, hdu=hdu, value=value), AS_BASE, "iuvs"
            )
        right = REJECTED if not np.isfinite(value) else Right(other=True) | REJECTED
        yield Case(
            "values", f"spectra all {value:g}", partial(_constant_image, hdu="PRIMARY", value=value), right, "iuvs"
        )
    yield Case("values", "emissions of one row", _one_emission, AS_BASE)
    yield Case("values", "as many integrations as slit bins", _square, Right(other=True) | AS_BASE, timed=False)
    for count in (0, 1, 2, 4):
        right = (
            rejected("no_integrations") if count == 0 else rejected("too_few_integrations", "no_disk", "no_finite_data")
        )
        yield Case("values", f"{count} integrations", partial(first_rows, count=count), right, timed=False)
    for count in (5, 6, 10):
        yield Case("values", f"{count} integrations", partial(first_rows, count=count), ANY, timed=False)
    for bins in (0, 1, 2, 3):
        yield Case("values", f"{bins} slit bins", partial(_first_bins, count=bins), REJECTED | Right(other=True))
    yield Case("values", "Mars out of view", _no_disk, rejected("no_disk", "inconsistent_geometry"))
    yield Case("values", "wavelengths reversed", partial(_wavelengths, edit=lambda v: v[..., ::-1]), REJECTED, "iuvs")
    yield Case(
        "values", "wavelengths of MUV", partial(_wavelengths, edit=lambda v: v + 80), rejected("no_130nm_line"), "iuvs"
    )
    yield Case(
        "values",
        "wavelengths all equal",
        partial(_wavelengths, edit=lambda v: v * 0 + 130.4),
        rejected("no_130nm_line"),
        "iuvs",
    )
    yield Case("values", "a wavelength of NaN", partial(_wavelengths, edit=_nan_first), SOUND, "iuvs")
    yield Case("values", "wavelengths of one bin NaN", partial(_wavelengths, edit=_nan_bin), AS_BASE, "iuvs")


def _constant_image(document: Document, hdu: str, value: float) -> None:
    image = document[hdu]
    dtype = ">i2" if image.number("BITPIX") == 16 else ">f4"
    image.data = np.full(len(image.data) // np.dtype(dtype).itemsize, value, dtype).tobytes()


def _one_emission(document: Document) -> None:
    columns = document.columns("EMISS")
    row = _row(columns)
    document.set_columns("EMISS", {name: (values[row : row + 1], unit) for name, (values, unit) in columns.items()})


def first_rows(document: Document, count: int) -> None:
    for hdu in ("FOV_GEOM", "SC_GEOM", "TIME"):
        columns = document.columns(hdu)
        document.set_columns(hdu, {name: (values[:count], unit) for name, (values, unit) in columns.items()})
    _crop_emissions(document, lambda values: values[..., :count])


def _first_bins(document: Document, count: int) -> None:
    n_slit = bases.swath().swath.brightness_R.shape[1]
    columns = document.columns("FOV_GEOM")
    cropped = {n: (v[..., :count] if v.shape[-1] == n_slit else v, unit) for n, (v, unit) in columns.items()}
    document.set_columns("FOV_GEOM", cropped)
    _crop_emissions(document, lambda values: values[:, :count])


def _square(document: Document) -> None:
    """Keep the last integrations, as many as there are slit bins."""
    n_slit = bases.swath().swath.brightness_R.shape[1]
    count = min(n_slit, document["FOV_GEOM"].number("NAXIS2"))
    first_rows(document, count)
    _first_bins(document, count)


def _crop_emissions(document: Document, crop: Callable[[Values], Values]) -> None:
    columns = document.columns("EMISS")
    cropped = {n: (np.ascontiguousarray(crop(v)) if v.ndim == 3 else v, unit) for n, (v, unit) in columns.items()}
    document.set_columns("EMISS", cropped)


def _no_disk(document: Document) -> None:
    columns = document.columns("FOV_GEOM")
    columns["MRH_ALT"] = (columns["MRH_ALT"][0] + 500, "km")
    document.set_columns("FOV_GEOM", columns)


def _wavelengths(document: Document, edit: Callable[[Values], Values]) -> None:
    columns = document.columns("Observation")
    values, unit = columns["WAVELENGTH"]
    columns["WAVELENGTH"] = (np.ascontiguousarray(edit(values)), unit)
    document.set_columns("Observation", columns)


def _nan_first(values: Values) -> Values:
    values[..., 0] = np.nan
    return values


def _nan_bin(values: Values) -> Values:
    values[:, 0] = np.nan
    return values


SPELLINGS = (
    *(
        "O I 130.4 triplet",
        "OI 130.4",
        "O I  130.4 nm triplet",
        "O_I_130.4",
        "OI1304",
        "O I 130.4nm",
        "o i 130.4 TRIPLET",
    ),
    *(
        "  O I 130.4 triplet",
        "O I 130.4",
        "O-I 130.4",
        "OI_130.4",
        "O I 130.4 nm",
        "OI 130.4 nm triplet",
        "O I 130.4 multiplet",
    ),
)
OTHER_LINES = (
    "O I 135.6 doublet",
    "H I 130.4",
    "O II 130.4 triplet",
    "O I 113.04",
    "O I 1304.4",
    "O I 130",
    "CO 130.4",
    "",
    "\xff",
)


@kind
def emissions() -> Iterator[Case]:
    for name in SPELLINGS:
        yield Case("emissions", f"the line as {name!r}", partial(_rename_line, name=name), AS_BASE)
    for name in OTHER_LINES:
        yield Case(
            "emissions", f"instead of the line {name!r}", partial(_rename_line, name=name), rejected("no_130nm_line")
        )
    for label, fill in {"NULs": b"\0", "blanks": b" "}.items():
        yield Case("emissions", f"names padded with {label}", partial(_pad_names, fill=fill), AS_BASE)
    yield Case("emissions", "the line twice", _line_twice, SOUND)
    for seed in range(6):
        yield Case("emissions", f"order {seed}", partial(_shuffle_lines, seed=seed), AS_BASE)


def _rename_line(document: Document, name: str) -> None:
    def edit(columns: Columns, row: int) -> None:
        columns["NAME"][0][row] = name.encode("latin-1")

    _emission(document, edit)


def _pad_names(document: Document, fill: bytes) -> None:
    columns = document.columns("EMISS")
    names = [bytes(name).strip().ljust(60, fill) for name in columns["NAME"][0]]
    columns["NAME"] = (np.array(names, "S60"), "")
    document.set_columns("EMISS", columns)


def _line_twice(document: Document) -> None:
    def edit(columns: Columns, row: int) -> None:
        for name, (values, unit) in list(columns.items()):
            columns[name] = (np.concatenate([values, values[row : row + 1]]), unit)

    _emission(document, edit)


def _shuffle_lines(document: Document, seed: int) -> None:
    columns = document.columns("EMISS")
    order = np.random.default_rng(seed).permutation(len(columns["NAME"][0]))
    document.set_columns("EMISS", {name: (values[order], unit) for name, (values, unit) in columns.items()})


def _start(document: Document) -> datetime:
    return datetime.fromisoformat(document.hdus[0].text("OBS_UTC"))


TIMES: dict[str, Callable[[datetime], str]] = {
    "zone Z": lambda t: f"{t:%Y-%m-%dT%H:%M:%S}Z",
    "zone +00:00": lambda t: f"{t:%Y-%m-%dT%H:%M:%S}+00:00",
    "zone +04:00": lambda t: f"{t + timedelta(hours=4):%Y-%m-%dT%H:%M:%S}+04:00",
    "zone -07:00": lambda t: f"{t - timedelta(hours=7):%Y-%m-%dT%H:%M:%S}-07:00",
    "zone +0400": lambda t: f"{t + timedelta(hours=4):%Y-%m-%dT%H:%M:%S}+0400",
    "day of year": lambda t: f"{t:%Y-%jT%H:%M:%S}.000",
    "day of year with slash": lambda t: f"{t:%Y/%j %H:%M:%S}.000",
    "month name": lambda t: f"{t:%d-%b-%Y %H:%M:%S}".upper(),
    "month name first": lambda t: f"{t:%Y %b %d %H:%M:%S}",
    "month name, small": lambda t: f"{t:%d-%b-%Y %H:%M:%S}",
    "a blank for T": lambda t: f"{t:%Y-%m-%d %H:%M:%S}.000",
    "the word UTC": lambda t: f"{t:%Y-%m-%dT%H:%M:%S} UTC",
    "microseconds": lambda t: f"{t:%Y-%m-%dT%H:%M:%S}.000000",
    "no seconds fraction": lambda t: f"{t:%Y-%m-%dT%H:%M:%S}",
    "slashes": lambda t: f"{t:%Y/%m/%d %H:%M:%S}",
    "compact": lambda t: f"{t:%Y%m%dT%H%M%S}",
    "a Julian date": lambda t: f"{2440587.5 + t.timestamp() / 86400:.5f}",
    "garbage": lambda _: "garbage",
    "nothing": lambda _: "",
    "NaN": lambda _: "NaN",
    "year 0": lambda _: "0000-00-00T00:00:00",
    "hour 25": lambda t: f"{t:%Y-%m-%d}T25:00:00",
    "second 60": lambda t: f"{t:%Y-%m-%dT%H:%M}:60",
    "year 99999": lambda _: "99999-01-01T00:00:00",
}


@kind
def times() -> Iterator[Case]:
    """Times in other forms. The header may be in any; a result has the right time or none, never another."""
    for label, form in TIMES.items():
        for where in ("header", "table"):
            yield Case(
                "times",
                f"{label} in the {where}",
                partial(_write_times, form=form, where=where),
                AS_BASE,
                timed=where == "header",
            )
    yield Case("times", "no times at all", _no_times, AS_BASE, timed=False)
    yield Case("times", "no TIME_UTC", partial(_without, column="TIME_UTC"), AS_BASE, timed=False)
    yield Case("times", "no TIME_ET", partial(_without, column="TIME_ET"), AS_BASE)
    yield Case("times", "a header 3 hours off", _late_header, AS_BASE)
    for key in ("OBS_UTC", "END_UTC", "DATE", "OBS_ET", "FILENAME", "OBS_ID", "MARSYEAR", "SOL_LONG"):
        yield Case("times", f"no {key}", partial(_drop_card, key=key), AS_BASE)
    for text in ("%Y-%m-%dT%H:%M:%S.%f", "%Y/%j %H:%M:%S.%f", "garbage", ""):
        yield Case(
            "times", f"UTC of IUVS as {text!r}", partial(_write_iuvs_times, form=text), AS_BASE, "iuvs", timed=False
        )


def _write_times(document: Document, form: Callable[[datetime], str], where: str) -> None:
    start = _start(document)
    if where == "header":
        for key in ("OBS_UTC", "END_UTC"):
            document.hdus[0].put(key, f"'{form(start)}'")
        return
    columns = document.columns("TIME")
    texts = [form(datetime.fromisoformat(value.decode())).ljust(40) for value in columns["TIME_UTC"][0]]
    columns["TIME_UTC"] = (np.array(texts, "S40"), "")
    document.set_columns("TIME", columns)


def _write_iuvs_times(document: Document, form: str) -> None:
    columns = document.columns("Integration")
    old = [value.decode().strip().removesuffix("UTC").split() for value in columns["UTC"][0]]
    times = [datetime.strptime(f"{words[0]} {words[3]}", "%Y/%j %H:%M:%S.%f") for words in old]  # noqa: DTZ007 -- all UTC
    columns["UTC"] = (np.array([time.strftime(form).ljust(33) for time in times], "S33"), "")
    document.set_columns("Integration", columns)


def _no_times(document: Document) -> None:
    document.hdus.remove(document["TIME"])
    for key in ("OBS_UTC", "END_UTC"):
        document.hdus[0].drop(key)


def _without(document: Document, column: str) -> None:
    columns = document.columns("TIME")
    del columns[column]
    document.set_columns("TIME", columns)


def _late_header(document: Document) -> None:
    later = _start(document) + timedelta(hours=3)
    document.hdus[0].put("OBS_UTC", f"'{later.isoformat()}'")


def _drop_card(document: Document, key: str) -> None:
    document.hdus[0].drop(key)


MISSIONS = (
    ("Cassini", "UVIS"),
    ("MAVEN", "NGIMS"),
    ("JUNO", "UVS"),
    ("Hope", "EXI"),
    ("MRO", "CRISM"),
    ("LRO", "LAMP"),
)


@kind
def missions() -> Iterator[Case]:
    """Files of other missions: one with the same HDUs, and ones with their own."""
    for mission, instrument in MISSIONS:
        right = rejected("unknown_product")
        edit = partial(_of_mission, mission=mission, instrument=instrument)
        yield Case("missions", f"{mission} {instrument} with the HDUs of EMUS", edit, right)
        edit = partial(_of_mission, mission=mission, instrument=instrument, rename=True)
        yield Case("missions", f"{mission} {instrument}", edit, right)
    for mission, instrument in (
        ("emm", "emus"),
        ("EMM  ", "EMUS  "),
        ("Emirates Mars Mission", "EMUS"),
        ("", ""),
        ("EMM", "Emirates Mars Ultraviolet Spectrometer"),
    ):
        edit = partial(_of_mission, mission=mission, instrument=instrument)
        yield Case("missions", f"{mission!r} {instrument!r}", edit, AS_BASE)
    yield Case("missions", "without mission and instrument", _without_mission, AS_BASE)


def _of_mission(document: Document, mission: str, instrument: str, *, rename: bool = False) -> None:
    document.hdus[0].put("MISSION", f"'{mission}'")
    document.hdus[0].put("INSTRUME", f"'{instrument}'")
    if rename:
        for number, hdu in enumerate(document.hdus[1:]):
            hdu.put("EXTNAME", f"'DATA{number}'")


def _without_mission(document: Document) -> None:
    for key in ("MISSION", "INSTRUME"):
        document.hdus[0].drop(key)
