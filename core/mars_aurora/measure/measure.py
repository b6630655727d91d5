"""From a box on the canvas to an aurora on Mars: where it is, how large, how bright, how sure.

Pixels of the box are traced back to the instrument's own grid; nothing is measured on the picture. Brightnesses are
as seen, along the line of sight.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mars_aurora.aurora import Aurora
from mars_aurora.background import observed
from mars_aurora.background.observed import Background
from mars_aurora.box import Box
from mars_aurora.geometry import footprint
from mars_aurora.geometry.canvas import Canvas
from mars_aurora.geometry.footprint import Plane
from mars_aurora.measure import emission_shell as patches
from mars_aurora.measure import morphology, viewing
from mars_aurora.measure import pixels as segmentation
from mars_aurora.measure.emission_shell import Patch
from mars_aurora.observation import BoolArray, FloatArray, Observation, from_npz

_EDGE_SHARE = 0.2
_END_SHARE = 0.02
_RING_PX = 30.0  # how far round a box the local background is looked for


@dataclass(frozen=True)
class _Scene:
    """One observation with what all its auroras share; arrays are (nI, nS)."""

    observation: Observation
    canvas: Canvas
    boxes: Sequence[Box]
    usable: BoolArray
    boxed: BoolArray
    disk: Background


def measure(geometry_npz: bytes, boxes: Sequence[Box]) -> list[Aurora]:
    """Measure the aurora boxes of one image; a box that holds no usable pixel of the disk is left out."""
    wanted = [box for box in boxes if box.label == "aurora"]
    if not wanted:
        return []
    observation, arrays = from_npz(geometry_npz)
    return measure_observation(observation, Canvas.from_arrays(arrays), wanted)


def measure_observation(observation: Observation, canvas: Canvas, boxes: Sequence[Box]) -> list[Aurora]:
    """Measure boxes, all of them of auroras, on an observation at hand."""
    usable = observed.usable_pixels(observation)
    filled = [box for box in boxes if (usable & segmentation.pixels_near(canvas, box)).any()]
    if not filled:
        return []
    boxed = np.any([segmentation.pixels_near(canvas, box) for box in filled], axis=0)
    scene = _Scene(observation, canvas, filled, usable, boxed, observed.fit(observation, usable, boxed))
    return [_measure_one(scene, box, number) for number, box in enumerate(filled, 1)]


def _measure_one(scene: _Scene, box: Box, number: int) -> Aurora:
    observation = scene.observation
    local = _fit_local(scene, box)
    excess = observation.brightness_R - local.level_R
    region = _night(observation, scene.usable & segmentation.pixels_near(scene.canvas, box))
    others = segmentation.find_other(box, scene.boxes, scene.canvas)
    found = segmentation.find(excess, local, region, scene.usable, others)
    pixels = found if found.any() else region
    patch = patches.cut_out(observation, local, pixels)
    plane = patch.find_plane()
    outline = footprint.outline(patch.corner_lat_deg, patch.corner_lon_deg, plane)
    form = morphology.describe(outline)
    light = _integrate(patch, local, pixels, form)
    flags = viewing.flag(observation, scene.usable, pixels, signal=bool(found.any()), snr=light["snr"])
    return Aurora(
        name=observation.facts.name,
        detection=number,
        lat_deg=plane.lat_deg,
        lon_deg=plane.lon_deg,
        confidence=box.confidence,
        centroid_error_km=_centroid_error_km(patch, plane, form),
        **light,
        **_find_peak(scene, excess, local, pixels),
        **_find_ground(observation, pixels, patch),
        **{name: getattr(form, name) for name in morphology.COLUMNS},
        **viewing.view(observation, pixels, patch),
        **viewing.time_and_season(observation.facts, (patch.row + 0.5) / observation.shape[0]),
        pixels=int(pixels.sum()),
        quality_flags=flags,
        **viewing.source(observation.facts),
        box_x0=box.x0,
        box_y0=box.y0,
        box_x1=box.x1,
        box_y1=box.y1,
        native_outline=segmentation.trace(pixels),
        outline_wkt=footprint.to_wkt(footprint.to_longitude_latitude(outline, plane)),
    )


def _night(observation: Observation, region: BoolArray) -> BoolArray:
    """Keep a region's night; all of it where it has none."""
    night = region & (observation.sza_deg > observed.NIGHT_SZA_DEG)
    return night if night.any() else region


def _fit_local(scene: _Scene, box: Box) -> Background:
    """Fit the background to the free pixels round the box, outside every box."""
    x = (scene.canvas.x - (box.x0 + box.x1) / 2) / ((box.x1 - box.x0) / 2 + _RING_PX)
    y = (scene.canvas.y - (box.y0 + box.y1) / 2) / ((box.y1 - box.y0) / 2 + _RING_PX)
    ring = (np.maximum(np.abs(x), np.abs(y)) <= 1) & scene.disk.free & ~scene.boxed
    return observed.fit_locally(scene.observation, scene.disk, x, y, ring)


def _integrate(patch: Patch, local: Background, pixels: BoolArray, form: morphology.Shape) -> dict[str, Any]:
    """Average over the area, with errors: the pixels' own and the background's; calibration apart."""
    share = patch.area_km2 / patch.area_km2.sum()
    mean = float(share @ patch.excess_R)
    level, level_error = float(share @ local.level_R[pixels]), float(share @ local.error_R[pixels])
    random = float(np.hypot(np.sqrt(share**2 @ patch.random_R**2), level_error))
    systematic = abs(mean) * float(share @ patch.systematic_R) / max(mean + level, 1e-6)
    area_error = _area_error_km2(patch, form)
    return {
        "area_km2": form.area_km2,
        "area_error_km2": area_error,
        "mean_brightness_R": mean,
        "mean_random_error_R": random,
        "mean_systematic_error_R": systematic,
        "integrated_brightness_R_km2": mean * form.area_km2,
        "integrated_random_error_R_km2": float(np.hypot(random * form.area_km2, mean * area_error)),
        "integrated_systematic_error_R_km2": systematic * form.area_km2,
        "background_R": level,
        "background_error_R": level_error,
        "snr": mean / random,
    }


def _area_error_km2(patch: Patch, form: morphology.Shape) -> float:
    """Take the outline to be off by a share of a pixel all along it, which simulated truth bears out."""
    return _EDGE_SHARE * float(np.sqrt(np.median(patch.area_km2))) * form.boundary_km


def _centroid_error_km(patch: Patch, plane: Plane, form: morphology.Shape) -> float:
    """Propagate the pixels' random errors to the centroid; add a share of the length for faint ends left out."""
    lever_km = footprint.distance_km(patch.lat_deg, patch.lon_deg, plane)
    noise = np.sqrt(((patch.random_R * patch.area_km2 * lever_km) ** 2).sum()) / patch.pull.sum()
    return float(np.hypot(noise, _END_SHARE * form.length_km))


def _find_ground(observation: Observation, pixels: BoolArray, patch: Patch) -> dict[str, Any]:
    """Average the file's own places, which lie on the ground, for whoever compares with the file's geometry."""
    places = observation.latitude_deg[pixels], observation.longitude_deg[pixels]
    lat, lon = footprint.mean_place(*places, patch.pull)
    return {"ground_lat_deg": lat, "ground_lon_deg": lon}


def _find_peak(scene: _Scene, excess_R: FloatArray, local: Background, pixels: BoolArray) -> dict[str, Any]:
    """Find the highest 3 x 3 mean: a single pixel's would be the luckiest noise."""
    mean = observed.smooth(excess_R, scene.usable, segmentation.SMOOTH)
    peak = int(np.argmax(np.where(pixels, mean, -np.inf)))
    near = np.zeros_like(pixels)
    near.flat[peak] = True
    around = observed.count_neighbours(near, segmentation.SMOOTH).astype(bool) & scene.usable
    patch = patches.cut_out(scene.observation, local, around)
    only = patches.cut_out(scene.observation, local, near)
    random = float(np.hypot(np.sqrt((patch.random_R**2).sum()) / patch.random_R.size, local.error_R.flat[peak]))
    brightness = float(mean.flat[peak])
    calibration = float(patch.systematic_R.mean()) / max(brightness + float(local.level_R.flat[peak]), 1e-6)
    return {
        "peak_brightness_R": brightness,
        "peak_random_error_R": random,
        "peak_systematic_error_R": abs(brightness) * calibration,
        "peak_lat_deg": float(only.lat_deg[0]),
        "peak_lon_deg": float(only.lon_deg[0]),
    }
