"""Names on the maps of report and figures: the large regions of Mars."""

from __future__ import annotations

from typing import NamedTuple


class Place(NamedTuple):
    """A region: planetocentric latitude and east longitude of its center; ``is_minor`` if small maps omit it."""

    name: str
    lat_deg: float
    lon_deg: float
    is_minor: bool = False


# centers in the Gazetteer of Planetary Nomenclature (IAU, USGS), good to a degree or two
PLACES = (
    Place("Arabia", 21.3, 5.7),
    Place("Sabaea", 1.9, 51.1, is_minor=True),
    Place("Syrtis Major", 9.2, 67.1, is_minor=True),
    Place("Hellas", -42.4, 70.5),
    Place("Isidis", 13.9, 88.4, is_minor=True),
    Place("Tyrrhena", -11.9, 88.8, is_minor=True),
    Place("Promethei", -64.4, 97.0),
    Place("Utopia", 46.7, 117.5),
    Place("Cimmeria", -32.7, 147.8),
    Place("Elysium", 25.0, 147.2),
    Place("Arcadia", 49.0, 188.2),
    Place("Amazonis", 25.8, 197.1, is_minor=True),
    Place("Sirenum", -39.5, 205.8),
    Place("Olympus", 18.7, 226.2, is_minor=True),
    Place("Tharsis", 1.6, 247.4),
    Place("Alba", 41.1, 249.3, is_minor=True),
    Place("Aonia", -60.2, 263.2),
    Place("Solis", -26.4, 270.3, is_minor=True),
    Place("Tempe", 38.7, 289.4, is_minor=True),
    Place("Valles Marineris", -14.0, 301.4),
    Place("Argyre", -49.8, 316.7),
    Place("Chryse", 28.4, 319.7, is_minor=True),
    Place("Acidalia", 49.8, 339.3),
    Place("Noachis", -50.4, 354.8, is_minor=True),
    Place("Planum Boreum", 87.3, 55.0, is_minor=True),
    Place("Planum Australe", -83.4, 157.7, is_minor=True),
)
