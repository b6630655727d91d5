"""Names on the maps of report and figures: the large regions of Mars."""

from __future__ import annotations

from typing import NamedTuple


class Region(NamedTuple):
    """A named region: planetocentric latitude and east longitude of its center; ``is_minor`` if small maps omit it."""

    name: str
    lat_deg: float
    lon_deg: float
    is_minor: bool = False


# centers in the Gazetteer of Planetary Nomenclature (IAU, USGS), good to a degree or two
REGIONS = (
    Region("Arabia", 21.3, 5.7),
    Region("Sabaea", 1.9, 51.1, is_minor=True),
    Region("Syrtis Major", 9.2, 67.1, is_minor=True),
    Region("Hellas", -42.4, 70.5),
    Region("Isidis", 13.9, 88.4, is_minor=True),
    Region("Tyrrhena", -11.9, 88.8, is_minor=True),
    Region("Promethei", -64.4, 97.0),
    Region("Utopia", 46.7, 117.5),
    Region("Cimmeria", -32.7, 147.8),
    Region("Elysium", 25.0, 147.2),
    Region("Arcadia", 49.0, 188.2),
    Region("Amazonis", 25.8, 197.1, is_minor=True),
    Region("Sirenum", -39.5, 205.8),
    Region("Olympus", 18.7, 226.2, is_minor=True),
    Region("Tharsis", 1.6, 247.4),
    Region("Alba", 41.1, 249.3, is_minor=True),
    Region("Aonia", -60.2, 263.2),
    Region("Solis", -26.4, 270.3, is_minor=True),
    Region("Tempe", 38.7, 289.4, is_minor=True),
    Region("Valles Marineris", -14.0, 301.4),
    Region("Argyre", -49.8, 316.7),
    Region("Chryse", 28.4, 319.7, is_minor=True),
    Region("Acidalia", 49.8, 339.3),
    Region("Noachis", -50.4, 354.8, is_minor=True),
    Region("Planum Boreum", 87.3, 55.0, is_minor=True),
    Region("Planum Australe", -83.4, 157.7, is_minor=True),
)
