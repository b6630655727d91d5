"""The altitude of the disk: zero, whichever surface the file's altitudes refer to."""

from __future__ import annotations

import numpy as np

from mars_aurora.observation import ON_DISK_KM, FloatArray

_MAX_EMISSION_DEG = 85.0  # lines of sight with a lower emission angle meet the surface: at tangent points it is 90
_MAX_OFFSET_KM = 50.0  # higher ones are no altitudes of a surface; some files give the disk a large negative altitude
_TANGENT_DEG = 89.99  # 90 in the files, less rounding; on the surface this is a ring of some meters at the limb
_MIN_FRACTION = 0.5  # of those lines that must share one altitude


def level_disk(tangent_altitude_km: FloatArray, emission_angle_deg: FloatArray) -> tuple[FloatArray, float]:
    """Shift the pixels of the disk to the altitude 0.

    The offset is the mode of the altitudes at emission angles below 85 deg; it is 0 where less than half of them are
    within 1 km of the mode, as in files that hold the depth of the line of sight below the surface, and where it is
    over 50 km. Tangent points and pixels that are not within 1 km of the mode are left as they are.

    Parameters
    ----------
    tangent_altitude_km, emission_angle_deg : (nI, nS) float32

    Returns
    -------
    tangent_altitude_km : (nI, nS) float32
    offset_km : float
    """
    facing = tangent_altitude_km[(emission_angle_deg < _MAX_EMISSION_DEG) & np.isfinite(tangent_altitude_km)]
    if not facing.size:
        return tangent_altitude_km, 0.0
    rounded, counts = np.unique(np.rint(facing), return_counts=True)
    at_mode = np.abs(facing - rounded[np.argmax(counts)]) <= ON_DISK_KM
    offset_km = np.median(facing[at_mode])
    if np.count_nonzero(at_mode) < _MIN_FRACTION * facing.size or offset_km > _MAX_OFFSET_KM:
        return tangent_altitude_km, 0.0
    is_disk = (np.abs(tangent_altitude_km - offset_km) <= ON_DISK_KM) & (emission_angle_deg < _TANGENT_DEG)
    return np.where(is_disk, tangent_altitude_km - offset_km, tangent_altitude_km), float(offset_km)
