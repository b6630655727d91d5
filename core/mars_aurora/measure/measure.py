"""Measure auroras: from boxes on the canvas to position, size, shape and brightness with errors.

The pixels of a box are traced back to the instrument's own grid; nothing is measured on the picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from mars_aurora.aurora import DIFFUSE, Aurora
from mars_aurora.background import observed
from mars_aurora.background.night import dark_pixels, find_usual_R
from mars_aurora.background.observed import Background
from mars_aurora.box import Box
from mars_aurora.geometry.canvas import Canvas
from mars_aurora.geometry.outline import to_wkt, unite
from mars_aurora.geometry.plane import Plane
from mars_aurora.measure.emission_shell import ShellPixels, project_to_shell
from mars_aurora.measure.morphology import Shape, describe
from mars_aurora.measure.photometry import find_area_error_km2, find_lost_signal, find_peak, integrate
from mars_aurora.measure.pixels import pixels_near, pixels_of_others, segment
from mars_aurora.measure.tracing import trace, trace_on_picture
from mars_aurora.measure.viewing import find_epoch, find_flags, find_viewing
from mars_aurora.night import Night
from mars_aurora.observation import BoolArray, Observation
from mars_aurora.sphere import mean_coordinates

_END_FRACTION = 0.014  # of the length: error of the centroid by faint ends that are not segmented, from simulated
# auroras (python -m bench.measuring)
_ORDINARY = Night()
_RING_PX = 30.0  # width of the ring around a box in which the local background is fitted


@dataclass(frozen=True)
class _Scene:
    """One observation and what the measurements of its auroras share; arrays are (nI, nS)."""

    observation: Observation
    canvas: Canvas
    boxes: Sequence[Box]
    usable: BoolArray
    boxed: BoolArray
    disk: Background


@dataclass(frozen=True)
class _Segment:
    """The pixels of one aurora in its box, with their background; its morphology, if not that of its outline."""

    box: Box
    pixels: BoolArray
    local: Background
    is_significant: bool
    has_edge: bool = True
    morphology: str = ""
    sky_flags: tuple[str, ...] = ()


def fit_disk(observation: Observation, canvas: Canvas, boxes: Sequence[Box]) -> Background:
    """Fit the background to the disk outside the boxes of auroras; NaN where no pixel is usable."""
    usable = observed.usable_pixels(observation)
    if not usable.any():
        unknown = np.full(usable.shape, np.nan, np.float32)
        return Background(unknown, unknown, unknown, usable)
    found = [pixels_near(canvas, box) for box in boxes if box.label == "aurora"]
    return observed.fit(observation, usable, np.any([np.zeros_like(usable), *found], axis=0))


def measure(
    observation: Observation,
    canvas: Canvas,
    boxes: Sequence[Box],
    night: Night = _ORDINARY,
    disk: Background | None = None,
) -> list[Aurora]:
    """Measure the auroras of an observation.

    Parameters
    ----------
    observation : Observation
    canvas : Canvas
    boxes : sequence of Box
        As a detector returns them; boxes of Mars are ignored, and so are boxes without a usable pixel of the disk.
    night : Night
        Says whether a diffuse aurora covers the night, which has no box.
    disk : Background, optional
        The result of `fit_disk`, where it is known.

    Returns
    -------
    list of Aurora, in the order of the boxes; a diffuse aurora is the last
    """
    usable = observed.usable_pixels(observation)
    auroras = [box for box in boxes if box.label == "aurora"]
    filled = [box for box in auroras if (usable & pixels_near(canvas, box)).any()]
    if not filled and not night.is_diffuse:
        return []
    boxed = np.any([np.zeros_like(usable), *(pixels_near(canvas, box) for box in filled)], axis=0)
    disk = fit_disk(observation, canvas, boxes) if disk is None else disk
    scene = _Scene(observation, canvas, filled, usable, boxed, disk)
    segments = [_segment_box(scene, box) for box in filled]
    if night.is_diffuse:
        segments.append(_segment_night(scene, night))
    return [_measure_segment(scene, segment, number) for number, segment in enumerate(segments, 1)]


def _segment_box(scene: _Scene, box: Box) -> _Segment:
    observation = scene.observation
    local = _fit_local_background(scene, box)
    excess_R = observation.brightness_R - local.level_R
    region = _select_search_area(observation, scene.usable & pixels_near(scene.canvas, box))
    others = pixels_of_others(box, scene.boxes, scene.canvas)
    significant = segment(excess_R, local, region, scene.usable, others, observation.emission.visible_R)
    pixels = significant if significant.any() else region
    return _Segment(box, pixels, local, is_significant=bool(significant.any()))


def _segment_night(scene: _Scene, night: Night) -> _Segment:
    """Take all of the dark night in view, over the usual night; the prior has no box and no confidence."""
    pixels = dark_pixels(scene.observation, observed.searched_pixels(scene.observation, scene.usable))
    level_R, error_R = find_usual_R(scene.observation, night.sky_R)
    prior = replace(scene.disk, level_R=level_R.astype(np.float32), error_R=error_R.astype(np.float32))
    x, y = scene.canvas.x[pixels], scene.canvas.y[pixels]
    corners = (float(side) for side in (x.min(), y.min(), x.max(), y.max()))
    flags = {"bright_sky": night.is_sky_bright, "no_sky": night.sky_R is None}
    return _Segment(
        box=Box("aurora", np.nan, *corners),
        pixels=pixels,
        local=prior,
        is_significant=True,
        has_edge=False,  # it ends where the view ends
        morphology=DIFFUSE,
        sky_flags=tuple(name for name, is_set in flags.items() if is_set),
    )


def _measure_segment(scene: _Scene, found: _Segment, number: int) -> Aurora:  # one line for each column
    observation, facts = scene.observation, scene.observation.facts
    box, pixels, local = found.box, found.pixels, found.local
    excess_R = observation.brightness_R - local.level_R
    on_shell = project_to_shell(observation, local, pixels)
    plane = on_shell.find_plane()
    outline = unite(on_shell.corner_lat_deg, on_shell.corner_lon_deg, plane)
    shape = describe(outline)
    lost_R = find_lost_signal(on_shell, excess_R, scene.usable, pixels, shape) if found.has_edge else None
    photometry = integrate(on_shell, local, pixels, shape, lost_R)
    peak = find_peak(observation, scene.usable, excess_R, local, pixels)
    flags = find_flags(observation, scene.usable, pixels, signal=found.is_significant, snr=photometry.snr)
    ground_lat_deg, ground_lon_deg = _ground_centroid(observation, pixels, on_shell)
    viewing = find_viewing(observation, pixels, on_shell)
    epoch = find_epoch(observation, on_shell.row)
    return Aurora(
        name=facts.name,
        detection=number,
        lat_deg=plane.lat_deg,
        lon_deg=plane.lon_deg,
        area_km2=shape.area_km2,
        mean_brightness_R=photometry.mean_brightness_R,
        peak_brightness_R=peak.peak_brightness_R,
        confidence=box.confidence,
        centroid_error_km=_centroid_error_km(on_shell, plane, shape),
        area_error_km2=find_area_error_km2(on_shell, shape),
        mean_random_error_R=photometry.mean_random_error_R,
        mean_systematic_error_R=photometry.mean_systematic_error_R,
        peak_random_error_R=peak.peak_random_error_R,
        peak_systematic_error_R=peak.peak_systematic_error_R,
        integrated_brightness_R_km2=photometry.integrated_brightness_R_km2,
        integrated_random_error_R_km2=photometry.integrated_random_error_R_km2,
        integrated_systematic_error_R_km2=photometry.integrated_systematic_error_R_km2,
        background_R=photometry.background_R,
        background_error_R=photometry.background_error_R,
        snr=photometry.snr,
        peak_lat_deg=peak.peak_lat_deg,
        peak_lon_deg=peak.peak_lon_deg,
        ground_lat_deg=ground_lat_deg,
        ground_lon_deg=ground_lon_deg,
        length_km=shape.length_km,
        width_km=shape.width_km,
        orientation_deg=shape.orientation_deg,
        elongation=shape.elongation,
        eccentricity=shape.eccentricity,
        morphology=found.morphology or shape.morphology,
        sza_deg=viewing.sza_deg,
        emission_angle_deg=viewing.emission_angle_deg,
        local_time_h=viewing.local_time_h,
        time_utc=epoch.time_utc,
        solar_longitude_deg=epoch.solar_longitude_deg,
        mars_year=epoch.mars_year,
        sub_spacecraft_lat_deg=viewing.sub_spacecraft_lat_deg,
        sub_spacecraft_lon_deg=viewing.sub_spacecraft_lon_deg,
        spacecraft_altitude_km=viewing.spacecraft_altitude_km,
        sub_solar_lat_deg=viewing.sub_solar_lat_deg,
        sub_solar_lon_deg=viewing.sub_solar_lon_deg,
        pixels=int(pixels.sum()),
        quality_flags=" ".join([*flags, *found.sky_flags]),
        instrument=facts.instrument,
        level=facts.level,
        emission=facts.emission,
        latitude_frame=facts.latitude_frame,
        orbit=facts.orbit,
        mode=facts.mode or "",
        swath="{}of{}".format(*facts.swath) if facts.swath else "",
        start_utc=facts.start_utc,
        box_x0=box.x0,
        box_y0=box.y0,
        box_x1=box.x1,
        box_y1=box.y1,
        outline_wkt=to_wkt(outline, plane),
        native_outline=trace(pixels),
        picture_outline=trace_on_picture(pixels, scene.canvas),
    )


def _select_search_area(observation: Observation, region: BoolArray) -> BoolArray:
    """Restrict a region to the side of Mars that is searched; all of it where none of it is on that side."""
    searched = region & observation.emission.search_area(observation.sza_deg)
    return searched if searched.any() else region


def _fit_local_background(scene: _Scene, box: Box) -> Background:
    """Fit the background to the pixels around the box that are outside every box and without sign of aurora."""
    x = (scene.canvas.x - (box.x0 + box.x1) / 2) / ((box.x1 - box.x0) / 2 + _RING_PX)
    y = (scene.canvas.y - (box.y0 + box.y1) / 2) / ((box.y1 - box.y0) / 2 + _RING_PX)
    ring = (np.maximum(np.abs(x), np.abs(y)) <= 1) & scene.disk.free & ~scene.boxed
    return observed.fit_locally(scene.observation, scene.disk, x, y, ring)


def _centroid_error_km(on_shell: ShellPixels, plane: Plane, shape: Shape) -> float:
    """Propagate the random errors of the pixels to the centroid; add a fraction of the length for faint ends."""
    distance_km = plane.distance_km(on_shell.lat_deg, on_shell.lon_deg)
    signal = on_shell.weights.sum()
    noise = np.sqrt(((on_shell.random_R * on_shell.area_km2 * distance_km) ** 2).sum()) / signal
    return float(np.hypot(noise, _END_FRACTION * shape.length_km))


def _ground_centroid(observation: Observation, pixels: BoolArray, on_shell: ShellPixels) -> tuple[float, float]:
    """Compute the centroid from the file's surface coordinates, without parallax correction."""
    return mean_coordinates(observation.latitude_deg[pixels], observation.longitude_deg[pixels], on_shell.weights)
