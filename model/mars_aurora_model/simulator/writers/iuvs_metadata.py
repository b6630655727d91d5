"""Tables of IUVS L1b files that describe the observation and the settings of the instrument.

Values that the simulator does not know are zero or blank.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mars_aurora_model.simulator.orbit import Array, to_utc
from mars_aurora_model.simulator.swath import Swath
from mars_aurora_model.simulator.writers.fits_table import Columns, text
from mars_aurora_model.simulator.writers.iuvs_geometry import stamp

_DETECTOR = 1024  # pixels of a side
_FIRST_ROW, _FIRST_COLUMN = 89, 156  # of the detector
_ROWS, _COLUMNS_PER_BIN = 800, 4
_INT_TIME_S = 0.4
_MCP_VOLT, _MCP_GAIN = 796.294, 118.83
_BIN_TABLE = "linear_0074"
_DARK_COLUMNS = 22  # those of Observation that Dark_Observation has
_ENGINEERING = """
SCI_PKT_CKSUM I; SCI_ERR_FLAGS I; XUV 3A FUV/MUV; LENGTH K byte; IMAGE_NUMBER J; AVERAGE J DN; CHECKSUM J;
START_TIME K s; START_TIME__SUB J 1/65536 s; CADENCE J ms; NUMBER J; INT_TIME J ms; MIRROR_POS J DN; STEP_NUM J DN;
STEP_SIZE I DN; STEP_INT I DN; BIN_SHIFT I pixel; OBS_ID J; FUV_BAD_PIXEL_MASK I; MUV_BAD_PIXEL_MASK I;
DATA_COMPRESSION I; TEST_PATTERN I; ON_CHIP_WINDOWING I; BIN_TYPE 6A; SCAN_MODE 3A; MODE 7A; TIME_FLAG 6A;
BIN_SHIFT_DIR I; SHUTTER_ON J ms; SHUTTER_OFF J ms; SHUTTER_NUM I; SET_TOTAL J; BIN_X_ROW I; BIN_Y_ROW I;
MCP_GAIN J DN; SCI_SEG_TOTAL J; SCI_SEG_LENGTH J byte; SCI_SEG_NUM J; PROCESS_DATE 22A; SCI_IMG_DATA_LENGTH_ J
"""  # name, format, unit
_DTYPES = {"I": np.int16, "J": np.int32, "K": np.int64}


def header(swath: Swath, product: str) -> dict[str, Any]:
    """Return the keywords of the primary header; ``SIMULATE`` is not in real files."""
    return {
        "FILENAME": product,
        "CAPTURE": stamp(to_utc(swath.geometry.et[0])),
        "PROCESS": _processed(swath),
        "XUV": "FUV",
        "OBS_ID": 0,
        "INT_TIME": _INT_TIME_S,
        "MCP_VOLT": _MCP_VOLT,
        "N_FILL": 0,
        "BIN_TBL": f"LINEAR 15,16 {_BIN_TABLE}",
        "SPA_OFS": _FIRST_ROW,
        "SPA_SIZE": _ROWS // swath.brightness_R.shape[1],
        "SPE_OFS": _FIRST_COLUMN,
        "SPE_SIZE": _COLUMNS_PER_BIN,
        "BUNIT": "kR/nm",
        "SIMULATE": True,
    }


def engineering(rows: int, n_integrations: int, cadence_s: float, *, units: bool) -> Columns:
    """Return the settings of one exposure sequence, repeated in each row."""
    values: dict[str, str | int] = {
        "XUV": "FUV",
        "CADENCE": round(1000 * cadence_s),
        "NUMBER": n_integrations,
        "INT_TIME": round(1000 * _INT_TIME_S),
        "BIN_TYPE": "LINEAR",
        "SCAN_MODE": "CDS",
        "MODE": "NOMINAL",
        "SET_TOTAL": n_integrations,
    }
    columns: Columns = {}
    for entry in _ENGINEERING.split(";"):
        name, code, *unit = entry.split(maxsplit=2)
        columns[name] = (_constant(values.get(name, ""), code, rows), unit[0].strip() if unit and units else "")
    return columns


def binning(n_slit: int, n_wavelengths: int) -> Columns:
    """Return the detector pixels of each bin, spatial and spectral."""
    widths: Columns = {}
    pixels: Columns = {}
    axes = (("SPA", n_slit, _FIRST_ROW, _ROWS // n_slit), ("SPE", n_wavelengths, _FIRST_COLUMN, _COLUMNS_PER_BIN))
    for axis, count, first, width in axes:
        low = first + width * np.arange(count)
        widths[f"{axis}BINWIDTH"] = _row([first, *[width] * count, _DETECTOR - first - width * count])
        widths[f"{axis}BINTRANSMIT"] = _row([0, *[1] * count, 0])
        pixels |= {f"{axis}PIXLO": _row(low), f"{axis}PIXHI": _row(low + width - 1)}
    return {**widths, **pixels, "BINTABLENAME": _word(_BIN_TABLE)}


def observation(swath: Swath, wavelengths_nm: Array, product: str, cadence_s: float) -> Columns:
    """Return the observation: product, orbit, season, wavelengths (1, nS, nW)."""
    return {
        "PRODUCT_ID": _word(product),
        "COLLECTION_ID": _word("disk"),
        "BUNDLE_ID": _word("calibrated"),
        "CODE_SVN_REVISION": _word("simulated"),
        "ANC_SVN_REVISION": _word("simulated"),
        "PRODUCT_CREATION_DATE": _word(_processed(swath), "UTC"),
        "OBSERVATION_TYPE": _word("CDS"),
        "MISSION_PHASE": _word("PRIME"),
        "TARGET_NAME": _word("MARS"),
        "ORBIT_SEGMENT": _row(0),
        "ORBIT_NUMBER": _row(swath.header["ORBNUM"]),
        "SOLAR_LONGITUDE": (np.array([swath.header["SOL_LONG"]], np.float32), "deg"),
        "GRATING_SELECT": _word("LOWRES"),
        "KEYHOLE_SELECT": _word("NEITHER"),
        "BIN_PATTERN_INDEX": _word(f"LINEAR {_BIN_TABLE}"),
        "CADENCE": (np.array([cadence_s]), ""),
        "INT_TIME": (np.array([_INT_TIME_S]), ""),
        "DUTY_CYCLE": (np.ones(1), ""),
        "CHANNEL": _word("FUV"),
        "WAVELENGTH": (wavelengths_nm[None], "nm"),
        "WAVELENGTH_WIDTH": (np.gradient(wavelengths_nm, axis=1)[None], "nm"),
        "KERNELS": (text(*["none"] * 8, width=32)[None], ""),
        "MCP_VOLT": (np.array([_MCP_VOLT], np.float32), ""),
        "MCP_GAIN": (np.array([_MCP_GAIN]), ""),
        "DARK_METHOD": _word("Time interpolation using multiple dark integrations"),
        "DARK_FILES": (text(*[f"{_dark_product(product)}.fits.gz"] * 2, width=70)[None], ""),
        "CALIBRATION_VERSION": _row(2),
    }


def dark_observation(observation: Columns, product: str) -> Columns:
    """Return the observations of the dark, two rows; they have no units."""
    shared = list(observation.items())[:_DARK_COLUMNS]
    dark = dict(shared) | {"PRODUCT_ID": _word(_dark_product(product)), "BUNDLE_ID": _word("raw")}
    return {name: (np.repeat(values, 2, axis=0), "") for name, (values, _) in dark.items()}


def _dark_product(product: str) -> str:
    return product.removesuffix(".fits").replace("l1b", "l1a").replace("-fuv", "-fuvdark")


def _processed(swath: Swath) -> str:
    return stamp(datetime.fromisoformat(swath.header["DATE"]).replace(tzinfo=UTC))


def _word(value: str, unit: str = "") -> tuple[NDArray[np.bytes_], str]:
    return text(value, width=len(value)), unit


def _row(value: int | Sequence[int] | NDArray[Any]) -> tuple[NDArray[np.int16], str]:
    return np.array([value], np.int16), ""


def _constant(value: str | int, code: str, rows: int) -> NDArray[Any]:
    """Return a column of one value, by its TFORM; blank text is 0 in a column of numbers."""
    if code.endswith("A"):
        return text(*[str(value)] * rows, width=int(code.removesuffix("A")))
    return np.full(rows, value or 0, _DTYPES[code])
