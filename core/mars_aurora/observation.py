"""One swath of Mars in one emission, independent of the instrument."""

from __future__ import annotations

import io
import json
from dataclasses import asdict, astuple, dataclass, field, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mars_aurora.emission import OXYGEN_1304, Emission, find_emission
from mars_aurora.perspective import Perspective

FloatArray = NDArray[np.float32]
Float64Array = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
Times = NDArray[np.datetime64]

ON_DISK_KM = 1.0  # tolerance of the altitude of the disk: files hold it with offsets and jitter of meters


@dataclass(frozen=True)
class Facts:
    """Metadata from the header and the file name; None if unknown.

    ``start_utc`` and ``end_utc`` are ISO 8601 (``2022-03-31T21:21:07.000``), ``version`` is
    (version, revision), ``swath`` is (number, count), ``solar_longitude_deg`` is Ls.

    ``channel`` is "fuv", "muv", "ech" or None, ``file_name`` the header's own name of the file, ``latitude_frame``
    "planetographic", "planetocentric" or "undetermined". ``residuals`` are the median differences between the file's
    geometry and the recomputed one by quantity (``sza_deg``, ``emission_angle_deg``, ``local_time_h``); a quantity that
    could not be checked is missing. ``notes`` are codes of what is unusual about the file. ``content_sha256`` is the
    checksum of the unpacked bytes that are kept, of files without times only. ``flagged_fraction`` is the fraction of
    the pixels with a brightness that the file flags. ``cleaning`` are figures of what cleaning found, by name (see
    `cleaning.clean`); empty where the observation is as in the file.
    """

    name: str
    instrument: str  # "EMM/EMUS" or "MAVEN/IUVS"
    level: str  # "l2b", "l2a", "l1b"
    start_utc: str
    end_utc: str | None = None
    orbit: int | None = None
    mode: str | None = None
    swath: tuple[int, int] | None = None
    version: tuple[int, int] | None = None
    kernel: str | None = None
    mars_year: int | None = None
    solar_longitude_deg: float | None = None
    emission: str = OXYGEN_1304.name
    channel: str | None = None
    file_name: str | None = None
    latitude_frame: str = "undetermined"
    residuals: dict[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    content_sha256: str | None = None
    flagged_fraction: float = 0.0
    cleaning: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Observation:
    """Brightness and geometry on the native grid of the instrument, in native byte order.

    nI integrations (scan) by nS slit bins. Longitudes are east, 0 to 360. NaN means unknown.
    Off the disk, latitude and longitude are those of the tangent point, if in the file.
    Latitudes are as in the file, not converted: `Facts.latitude_frame`.

    Attributes
    ----------
    facts : Facts
    time_utc : (nI,) datetime64[ms], as in the file's table of times; NaT where unknown
    brightness_R, random_error_R, systematic_error_R : (nI, nS) float32, rayleigh
    latitude_deg, longitude_deg : (nI, nS) float32, pixel center
    corner_latitude_deg, corner_longitude_deg : (nI, nS, 4) float32, in order around the pixel
    sza_deg, emission_angle_deg : (nI, nS) float32
    local_time_h : (nI, nS) float32, 0 to 24
    tangent_altitude_km : (nI, nS) float32, of the line of sight; 0 or less on the solid disk, see `on_disk`
    sub_spacecraft_latitude_deg, sub_spacecraft_longitude_deg : (nI,) float64
    spacecraft_altitude_km : (nI,) float64
    sub_solar_latitude_deg, sub_solar_longitude_deg : (nI,) float64
    ra_deg, dec_deg : (nI, nS) float64, J2000 direction of the line of sight at the pixel center
    flagged : (nI, nS) bool, pixels flagged by the instrument team; for information: the meaning is not published
    removed_R : (nI, nS) float32, brightness that cleaning removed, so that their sum is that of the file; 0 where it
        removed nothing; all of it where it removed the pixel, whose brightness is then NaN
    """

    facts: Facts
    time_utc: Times
    brightness_R: FloatArray
    random_error_R: FloatArray
    systematic_error_R: FloatArray
    latitude_deg: FloatArray
    longitude_deg: FloatArray
    corner_latitude_deg: FloatArray
    corner_longitude_deg: FloatArray
    sza_deg: FloatArray
    emission_angle_deg: FloatArray
    local_time_h: FloatArray
    tangent_altitude_km: FloatArray
    sub_spacecraft_latitude_deg: Float64Array
    sub_spacecraft_longitude_deg: Float64Array
    spacecraft_altitude_km: Float64Array
    sub_solar_latitude_deg: Float64Array
    sub_solar_longitude_deg: Float64Array
    ra_deg: Float64Array
    dec_deg: Float64Array
    flagged: NDArray[np.bool_]
    removed_R: FloatArray

    @property
    def emission(self) -> Emission:
        """Emission of the brightness arrays."""
        return find_emission(self.facts.emission)

    @property
    def shape(self) -> tuple[int, int]:
        """(nI, nS): integrations by slit bins."""
        n_integrations, n_slit = self.brightness_R.shape
        return n_integrations, n_slit

    @property
    def perspective(self) -> Perspective | None:
        """Positions of spacecraft and Sun in the middle of the scan; None if they are unknown there."""
        row = self.shape[0] // 2
        found = Perspective(
            float(self.sub_spacecraft_latitude_deg[row]),
            float(self.sub_spacecraft_longitude_deg[row]),
            float(self.spacecraft_altitude_km[row]),
            float(self.sub_solar_latitude_deg[row]),
            float(self.sub_solar_longitude_deg[row]),
        )
        return found if np.isfinite(astuple(found)).all() else None

    @property
    def raw_brightness_R(self) -> FloatArray:
        """Brightness as in the file, before cleaning: (nI, nS)."""
        despiked = np.isnan(self.brightness_R) & (self.removed_R != 0)
        return np.where(despiked, self.removed_R, self.brightness_R + self.removed_R)

    @property
    def on_disk(self) -> BoolArray:
        """Pixels whose line of sight meets the surface: (nI, nS); False where the altitude is NaN."""
        on_disk: BoolArray = self.tangent_altitude_km <= ON_DISK_KM
        return on_disk


def _array_names() -> list[str]:
    return [item.name for item in fields(Observation) if item.name != "facts"]


def to_npz(observation: Observation, **extra: NDArray[Any]) -> bytes:
    """Pack an observation and extra arrays as an uncompressed npz; the same input yields the same bytes."""
    arrays = {name: getattr(observation, name) for name in _array_names()}
    facts = np.frombuffer(json.dumps(asdict(observation.facts)).encode(), np.uint8)
    buffer = io.BytesIO()
    np.savez(buffer, facts=facts, **arrays, **extra)  # type: ignore[arg-type]  # -- numpy types allow_pickle among the arrays
    return buffer.getvalue()


def from_npz(data: bytes) -> tuple[Observation, dict[str, NDArray[Any]]]:
    """Unpack the bytes of `to_npz`: the observation and the extra arrays by name."""
    with np.load(io.BytesIO(data), allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    facts = json.loads(arrays.pop("facts").tobytes())
    for pair in ("swath", "version"):
        facts[pair] = tuple(facts[pair]) if facts[pair] else None
    facts["notes"] = tuple(facts["notes"])
    own = {name: arrays.pop(name) for name in _array_names()}
    return Observation(facts=Facts(**facts), **own), arrays
