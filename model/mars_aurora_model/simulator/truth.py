"""Entries of truth.json: the true auroras of a simulated file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mars_aurora_model.simulator import auroras, orbit
from mars_aurora_model.simulator.auroras import Aurora
from mars_aurora_model.simulator.diffuse import Diffuse
from mars_aurora_model.simulator.orbit import Array
from mars_aurora_model.simulator.scene import Part, Scene
from mars_aurora_model.simulator.swath import Swath
from mars_aurora_model.simulator.world import MARS_RADIUS_KM, World

NIGHT_DEG = 110.0

DEFINITIONS = {
    "lat_deg, lon_deg": "center weighted by brightness, as a vector mean; longitude east, 0 to 360; latitudes are those"
    " of the file: world.latitude_frame",
    "outline": "[lat, lon] of a simple polygon, not closed: where the excess at normal incidence is outline_R",
    "area_km2": "area inside the outline, on the sphere of 3396.19 km",
    "mean_R, peak_R": "excess over the background inside the outline, without noise, at normal incidence",
    "seen": "the same on the file's own pixels and their LAT and LON at the surface: brightness along the slanting line"
    " of sight through the shell at emission_altitude_km, smeared by slit and optics, times swath_factor",
    "seen.pixels": "pixels with an excess of outline_R or more that is at least label_contrast of the background",
    "seen.pixels_5R": "those of them with an excess of 5 R or more",
    "visible": "some such pixel lies on the disk",
    "pause_s": "the scan paused so long once",
    "noted_pixels": "pixels with a quality flag and a value",
    "artefacts": "what was added: strength at each place where, which is [first integration, last, first bin, last];"
    " random_error is the noise over the stated random error",
    "diffuse": "aurora over the whole night side, not among the auroras: level_R at normal incidence, and area_km2,"
    " mean_R along the line of sight of the pixels on the disk beyond SZA 110",
    "diffuse_R": "its level_R",
}


def describe_diffuse(diffuse: Diffuse | None, swath: Swath) -> dict[str, Any]:
    """Describe the diffuse aurora of the scene, and its part on the night disk of this swath."""
    if diffuse is None:
        return {"diffuse_R": None, "diffuse": None}
    geometry = swath.geometry
    night = geometry.on_disk & swath.on_slit & (geometry.sza_deg[:, 0] > NIGHT_DEG)
    level = round(diffuse.level_R, 3)
    seen = {
        "area_km2": round(float(geometry.cell_km2[night].sum()), 1),
        "mean_R": round(float(swath.diffuse_R[night].mean()), 3) if night.any() else None,
    }
    return {"diffuse_R": level, "diffuse": {"kind": "diffuse", "level_R": level, **seen}}


def label(swath: Swath, aurora_R: Array, world: World) -> NDArray[np.uint8]:
    """Label each pixel with the number of its brightest aurora where one is visible, else 0; (nI, nS)."""
    if not len(aurora_R):
        return np.zeros(swath.brightness_R.shape, np.uint8)
    seen = (aurora_R.max(0) >= visible_from(swath.background_R + swath.diffuse_R, world)) & swath.on_slit
    return np.where(seen, aurora_R.argmax(0) + 1, 0).astype(np.uint8)


def visible_from(background_R: Array | NDArray[np.float32], world: World) -> Array:
    """Return the least excess at which an aurora is visible over a background, of the same shape."""
    level: Array = np.maximum(world.outline_R, world.label_contrast * background_R)
    return level


def describe_file(scene: Scene, swath: Swath, part: Part) -> dict[str, Any]:
    """Return header values and the true position and size of the disk."""
    geometry = swath.geometry
    middle = geometry.spacecraft_mars_km[len(geometry.et) // 2]
    distance = float(np.linalg.norm(middle))
    lat, lon = auroras.mean_coordinates(middle[None] / distance, np.ones(1))
    disk = geometry.on_disk & swath.on_slit
    return {
        "mode": scene.mode,
        "set": part.set_number,
        "swath": (part.swath, part.swaths),
        **{key.lower(): swath.header.get(key) for key in ("OBS_UTC", "END_UTC", "ORBNUM", "MARSYEAR", "SOL_LONG")},
        "shape": swath.brightness_R.shape,
        "pause_s": round(float(np.ptp(np.diff(geometry.et))), 3),
        "noted_pixels": int((swath.noted & swath.on_slit & ~swath.flagged).sum()),
        "day_structure": scene.background.structured,
        "disk": {
            "sub_spacecraft_lat_deg": round(lat, 3),
            "sub_spacecraft_lon_deg": round(lon, 3),
            "altitude_km": round(distance - MARS_RADIUS_KM, 1),
            "angular_radius_deg": round(float(np.degrees(np.arcsin(MARS_RADIUS_KM / distance))), 4),
            "pixels": int(disk.sum()),
            "night_pixels": int((disk & (geometry.sza_deg[:, 0] > NIGHT_DEG)).sum()),
        },
    }


def describe_auroras(
    drawn: Sequence[Aurora], factors: Array, aurora_R: Array, swath: Swath, labels: NDArray[np.uint8]
) -> list[dict[str, Any]]:
    """Describe the auroras of a swath by their number in ``labels`` (nI, nS); see `describe_aurora`."""
    return [
        {"id": number, "swath_factor": round(float(factor), 4)}
        | describe_aurora(aurora, swath, seen_R, labels == number)
        for number, (aurora, seen_R, factor) in enumerate(zip(drawn, aurora_R, factors, strict=True), 1)
    ]


def describe_aurora(aurora: Aurora, swath: Swath, excess_R: Array, seen: NDArray[np.bool_]) -> dict[str, Any]:
    """Describe an aurora: its true properties and those observed by this swath.

    ``excess_R`` is the observed excess and ``seen`` the visible pixels, both (nI, nS).
    """
    vectors, areas_km2 = aurora.cells()
    inside = aurora.region
    half = inside & (aurora.excess_R >= aurora.excess_R.max() / 2)
    on_disk = seen & swath.geometry.on_disk
    return {
        "kind": aurora.kind,
        **_summarize(vectors[inside], areas_km2[inside], aurora.excess_R[inside]),
        "half_peak_area_km2": round(float(areas_km2[half].sum()), 1),
        "outline": np.round(aurora.outline, 3).tolist(),
        "visible": bool(on_disk.any()),
        "seen": {
            "pixels": int(seen.sum()),
            "pixels_5R": int((seen & (excess_R >= 5)).sum()),
            **(_summarize_seen(swath, excess_R, on_disk) if on_disk.any() else {}),
        },
    }


def _summarize_seen(swath: Swath, excess_R: Array, on_disk: NDArray[np.bool_]) -> dict[str, float]:
    geometry = swath.geometry
    vectors = orbit.unit(geometry.lat_deg[:, 0][on_disk], geometry.lon_deg[:, 0][on_disk])
    sza = geometry.sza_deg[:, 0][on_disk].mean()
    return {**_summarize(vectors, geometry.cell_km2[on_disk], excess_R[on_disk]), "sza_deg": round(float(sza), 2)}


def _summarize(vectors: Array, areas_km2: Array, excess_R: Array | NDArray[np.float32]) -> dict[str, float]:
    lat, lon = auroras.mean_coordinates(vectors, areas_km2 * excess_R)
    return {
        "lat_deg": round(lat, 3),
        "lon_deg": round(lon, 3),
        "area_km2": round(float(areas_km2.sum()), 1),
        "mean_R": round(float(np.average(excess_R, weights=areas_km2)), 3),
        "peak_R": round(float(excess_R.max()), 3),
    }
