"""The parts of a scan where light of the detector shows."""

import numpy as np
import pytest
from disks import make_disk

from mars_aurora.cleaning.dark import dark_disk, dark_sky, faint_disk, faint_sky

PARTS = (dark_sky, faint_sky, dark_disk, faint_disk)


def _parts(**values):
    """Which parts contain a pixel with these values."""
    return [part.__name__ for part in PARTS if part(make_disk(**values))[0, 0]]


@pytest.mark.parametrize(
    ("tangent_altitude_km", "sza_deg", "parts"),
    [
        (310, 121, ["dark_sky", "faint_sky"]),
        (290, 121, []),  # the emitting layer
        (310, 119, ["faint_sky"]),
        (310, 106, ["faint_sky"]),
        (310, 104, []),
        (1490, 80, []),  # the corona of the day side
        (1510, 80, ["faint_sky"]),
        (0, 121, ["dark_disk", "faint_disk"]),
        (0, 119, ["faint_disk"]),
        (0, 106, ["faint_disk"]),
        (0, 104, []),
        (np.nan, 130, []),
    ],
)
def test_parts_are_by_altitude_and_solar_zenith_angle(tangent_altitude_km, sza_deg, parts):
    assert _parts(tangent_altitude_km=tangent_altitude_km, sza_deg=sza_deg) == parts


@pytest.mark.parametrize("unknown", [{"brightness_R": np.nan}, {"sza_deg": np.nan}])
def test_pixels_of_unknown_brightness_or_angle_are_in_no_part(unknown):
    for tangent_altitude_km in (0, 2000):
        assert _parts(**{"tangent_altitude_km": tangent_altitude_km, "sza_deg": 130} | unknown) == []
