"""One observation as FITS images on the native grid, on which the DS9 regions lie, with units and checksums.

Integrations are rows and slit bins are columns. Images are compressed by tiles; values are rounded, as DS9 8.4 shows
the bits of floating-point numbers that are packed without rounding as integers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

import numpy as np

from mars_aurora import __version__
from mars_aurora.catalogue.compressed_image import to_extension
from mars_aurora.observation import FloatArray, Observation

if TYPE_CHECKING:
    from astropy.io.fits import Header

IMAGES = {  # name of the extension: unit, step of rounding, and what it is; the first is the one that DS9 shows
    "BRIGHTNESS": ("R", 1e-3, "brightness after cleaning"),
    "RANDOM_ERROR": ("R", 1e-3, "random error of the brightness"),
    "SYSTEMATIC_ERROR": ("R", 1e-3, "systematic error of the brightness"),
    "BACKGROUND": ("R", 1e-3, "brightness without auroras, fitted to the disk"),
    "LATITUDE": ("deg", 1e-4, "latitude of the pixel center, as in the input"),
    "LONGITUDE": ("deg", 1e-4, "east longitude of the pixel center"),
    "SZA": ("deg", 1e-3, "solar zenith angle"),
    "EMISSION_ANGLE": ("deg", 1e-3, "emission angle"),
    "LOCAL_TIME": ("h", 1e-4, "local true solar time"),
}
_PRINTABLE = "".join(map(chr, range(0x20, 0x7F)))
_STAMP = "STAMP"
_HEADER_BYTES = 2 * 2880


def to_fits(observation: Observation, background_R: FloatArray, stamp: str) -> bytes:
    """Write an observation, and its background outside the boxes of auroras, (nI, nS).

    ``stamp`` is that of what the file was made from, see `has_stamp`.
    """
    from astropy.io import fits  # noqa: PLC0415 -- slow

    arrays = {
        "BRIGHTNESS": observation.brightness_R,
        "RANDOM_ERROR": observation.random_error_R,
        "SYSTEMATIC_ERROR": observation.systematic_error_R,
        "BACKGROUND": background_R,
        "LATITUDE": observation.latitude_deg,
        "LONGITUDE": observation.longitude_deg,
        "SZA": observation.sza_deg,
        "EMISSION_ANGLE": observation.emission_angle_deg,
        "LOCAL_TIME": observation.local_time_h,
    }
    primary = fits.PrimaryHDU(header=_describe(observation, stamp))
    primary.header.set("EXTEND", value=True, comment="images are extensions", after="NAXIS")
    primary.add_checksum()
    images = (
        to_extension(name, np.ascontiguousarray(arrays[name], np.float32), step, unit, meaning)
        for name, (unit, step, meaning) in IMAGES.items()
    )
    return b"".join([primary.header.tostring().encode(), *images])


def has_stamp(data: bytes, stamp: str) -> bool:
    """Return whether a file of `to_fits` was made from what a stamp stands for."""
    return f"'{stamp}'".encode() in data[:_HEADER_BYTES]


def _describe(observation: Observation, stamp: str) -> Header:
    from astropy.io.fits import Header  # noqa: PLC0415 -- slow

    facts = observation.facts
    return Header(
        [
            ("CREATOR", f"mars-aurora {__version__}", "program that made this file"),
            ("INPUT", quote(facts.name, safe=_PRINTABLE)),  # without comment, as it may be long
            ("INSTRUME", facts.instrument, "spacecraft and instrument"),
            ("LEVEL", facts.level, "processing level of the input"),
            ("EMISSION", facts.emission, "emission, wavelength in nm"),
            ("DATE-OBS", facts.start_utc, "start, UTC"),
            ("LATFRAME", facts.latitude_frame, "frame of the latitudes"),
            ("CLEANED", bool(facts.cleaning), "light of the detector was removed"),
            (_STAMP, stamp, "hash of what this was made from"),
        ]
    )
