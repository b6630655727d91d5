"""The season on Mars at a date: solar longitude Ls and Mars year.

After Allison and McEwen (2000), Planet. Space Sci. 48, 215, accurate to 0.01 degree. Mars years after Clancy et al.
(2000): year 1 began on 1955-04-11, year 24 on 1998-07-14.
"""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np

_J2000 = datetime(2000, 1, 1, 12, tzinfo=UTC)
_TT_MINUS_UTC_S = 69.184  # since 2017; for earlier dates the error of some seconds is negligible
_PERTURBERS = np.array(  # amplitude deg, period in Earth years, phase deg (their table 5)
    [
        (0.0071, 2.2353, 49.409),
        (0.0057, 2.7543, 168.173),
        (0.0039, 1.1177, 191.837),
        (0.0037, 15.7866, 21.736),
        (0.0021, 2.1354, 15.704),
        (0.0020, 2.4694, 95.528),
        (0.0018, 32.8493, 49.095),
    ]
)


def season(utc: str) -> tuple[int, float]:
    """Compute Mars year and solar longitude in degrees, 0 to 360, at an ISO 8601 date in UTC."""
    moment = datetime.fromisoformat(utc).replace(tzinfo=UTC)
    days = ((moment - _J2000).total_seconds() + _TT_MINUS_UTC_S) / 86400
    anomaly = np.radians(19.3871 + 0.52402073 * days)
    amplitude, period, phase = _PERTURBERS.T
    equation_of_center = (
        (10.691 + 3.0e-7 * days) * np.sin(anomaly)
        + 0.623 * np.sin(2 * anomaly)
        + 0.050 * np.sin(3 * anomaly)
        + 0.005 * np.sin(4 * anomaly)
        + 0.0005 * np.sin(5 * anomaly)
        + float((amplitude * np.cos(np.radians(0.985626 * days / period + phase))).sum())
    )
    orbits, fraction = divmod((270.3871 + 0.524038496 * days + equation_of_center) / 360, 1)
    return 24 + int(orbits), float(fraction * 360)
