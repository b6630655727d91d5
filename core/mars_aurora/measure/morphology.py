"""Morphology: size, orientation and form of an outline."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from mars_aurora.observation import Float64Array

SINUOUS_LENGTH_KM = 1000.0  # discrete sinuous auroras are thousands of km long (Lillis et al. 2022)
SINUOUS_RATIO = 4.0


@dataclass(frozen=True)
class Shape:
    """Size and form of an outline; attributes but ``boundary_km`` are columns of the catalogue.

    Attributes
    ----------
    area_km2 : float, area inside
    boundary_km : float, length of the outline
    length_km : float, longest distance between two of its points
    width_km : float, area over length
    orientation_deg : float, position angle of the major axis, from north over east, 0 to 180
    elongation, eccentricity : float, of the ellipse with the same second moments
    """

    area_km2: float
    boundary_km: float
    length_km: float
    width_km: float
    orientation_deg: float
    elongation: float
    eccentricity: float

    @property
    def morphology(self) -> str:
        """``sinuous`` where at least 1000 km long and 4 times as long as wide, else ``patch``."""
        sinuous = self.length_km >= SINUOUS_LENGTH_KM and self.length_km >= SINUOUS_RATIO * self.width_km
        return "sinuous" if sinuous else "patch"


def describe(outline_km: BaseGeometry) -> Shape:
    """Describe an outline in a plane with x to the east and y to the north, in km."""
    area, length = float(outline_km.area), _longest_chord(outline_km)
    moments = _second_moments(outline_km)
    (minor, major), axes = np.linalg.eigh(moments)
    minor = max(float(minor), 1e-6 * float(major))
    east, north = axes[:, 1]
    return Shape(
        area_km2=area,
        boundary_km=float(outline_km.length),
        length_km=length,
        width_km=area / length,
        orientation_deg=float(np.degrees(np.arctan2(east, north)) % 180),
        elongation=float(np.sqrt(major / minor)),
        eccentricity=float(np.sqrt(1 - minor / major)),
    )


def _longest_chord(outline_km: BaseGeometry) -> float:
    corners = shapely.get_coordinates(outline_km.convex_hull)
    difference = corners[:, None] - corners[None]
    return float(np.hypot(difference[..., 0], difference[..., 1]).max())


def _second_moments(outline_km: BaseGeometry) -> Float64Array:
    """Compute the central second moments per area, (2, 2), over the triangles between each edge and the centroid."""
    center = shapely.get_coordinates(outline_km.centroid)[0]
    total = np.zeros((2, 2))
    for part in shapely.get_parts(outline_km):
        ring = shapely.get_coordinates(shapely.get_exterior_ring(shapely.normalize(part))) - center
        a, b = ring[:-1], ring[1:]
        twice_area = a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
        corners_sum = np.einsum("e,ei,ej->ij", twice_area, a + b, a + b)
        squares = np.einsum("e,ei,ej->ij", twice_area, a, a) + np.einsum("e,ei,ej->ij", twice_area, b, b)
        total += (corners_sum + squares) / 24
    moments: Float64Array = total * np.sign(np.trace(total)) / float(outline_km.area)
    return moments
