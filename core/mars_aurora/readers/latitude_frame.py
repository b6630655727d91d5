"""The frame of a file's latitudes: planetographic or planetocentric, from its angles and its body-fixed vectors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mars_aurora.observation import Observation
from mars_aurora.readers.ellipsoid import find_latitude, to_planetocentric, to_planetographic
from mars_aurora.readers.recomputed import (
    PLANETOCENTRIC,
    PLANETOGRAPHIC,
    SPHERE,
    Sample,
    Variants,
    angle_deg,
    median_difference,
)
from mars_aurora.sphere import MARS_RADIUS_KM, coordinates, unit_vectors

UNDETERMINED = "undetermined"
_MAX_DIFFERENCE_DEG = 0.1  # of the frame that fits; the frames differ by up to 0.34 deg
_MIN_RATIO = 3.0  # of the differences of the other frame and of the one that fits
_MIN_MARGIN_DEG = 0.003  # between them, above the rounding errors of the files
_SAME_DIRECTION_DEG = 1.0


@dataclass(frozen=True)
class BodyFixed:
    """Vectors of a file in the body-fixed frame of Mars, as far as it has them.

    Attributes
    ----------
    spacecraft : (nI, 3), position of the spacecraft, km
    pixels : (nI, nS, 3), of any length: either the lines of sight or the positions of the pixels
    """

    spacecraft: NDArray[Any] | None = None
    pixels: NDArray[Any] | None = None


def find_frame(observation: Observation, sample: Sample, vectors: BodyFixed) -> str:
    """Find the frame of the latitudes.

    The solar zenith angle tells the frame, as it is measured from the normal of the ellipsoid; so does a body-fixed
    vector. Without a vector the emission angle tells an ellipsoid from a sphere, on which the frames are the same.

    Returns
    -------
    "planetographic", "planetocentric", or "undetermined" where nothing tells or they disagree, as on a sphere
    """
    by_sza = _choose(observation.sza_deg[sample.place], sample.sza_deg)
    by_vector = _find_by_spacecraft(observation, vectors.spacecraft) or _find_by_pixels(sample, vectors.pixels)
    if by_vector is None:
        by_vector = _choose(observation.emission_angle_deg[sample.place], sample.emission_angle_deg)
        by_vector = by_vector if by_vector == SPHERE else by_sza
    found = {frame for frame in (by_sza, by_vector) if frame}
    frame = found.pop() if len(found) == 1 else UNDETERMINED
    return frame if frame != SPHERE else UNDETERMINED


def _find_by_spacecraft(observation: Observation, vectors: NDArray[Any] | None) -> str | None:
    """Compare the stated latitudes below the spacecraft with the geodetic ones of its positions (nI, 3)."""
    if vectors is None:
        return None
    direction = np.array(vectors, np.float64)
    direction /= np.linalg.norm(direction, axis=-1, keepdims=True)
    stated = observation.sub_spacecraft_latitude_deg
    below = unit_vectors(stated, observation.sub_spacecraft_longitude_deg)
    if not median_difference(angle_deg(direction, below), np.zeros(len(direction))) < _SAME_DIRECTION_DEG:
        return None
    own, _ = coordinates(direction)
    geodetic = find_latitude(direction * (MARS_RADIUS_KM + observation.spacecraft_altitude_km)[:, None])
    return _choose(stated, {PLANETOGRAPHIC: [geodetic], PLANETOCENTRIC: [to_planetocentric(geodetic), own]})


def _find_by_pixels(sample: Sample, vectors: NDArray[Any] | None) -> str | None:
    """Compare the coordinates of the pixels with their vectors (nI, nS, 3), lines of sight or positions."""
    if vectors is None:
        return None
    vector = np.array(vectors[sample.place], np.float64)
    latitude, longitude = sample.pixel
    if median_difference(angle_deg(vector, unit_vectors(latitude, longitude)), 0 * latitude) < _SAME_DIRECTION_DEG:
        own, _ = coordinates(vector)
        return _choose(latitude, {PLANETOGRAPHIC: [to_planetographic(own)], PLANETOCENTRIC: [own]})
    deviations = {
        frame: [angle_deg(vector, points - position) for position in spacecraft]
        for frame, (points, spacecraft) in sample.places.items()
    }
    return _choose(0 * latitude, deviations)


def _choose(stated: NDArray[Any], recomputed: Variants) -> str | None:
    """Return the frame whose values agree with the stated ones, and much better than those of the others.

    Returns UNDETERMINED if no frame agrees, None if several do or nothing can be compared.
    """
    differences = {
        frame: min(median_difference(stated, values) for values in variants) for frame, variants in recomputed.items()
    }
    best, second = sorted(differences.values())[:2]
    if best == np.inf or second < max(_MIN_RATIO * best, best + _MIN_MARGIN_DEG):
        return None
    if best > _MAX_DIFFERENCE_DEG:
        return UNDETERMINED
    return min(differences, key=differences.__getitem__)
