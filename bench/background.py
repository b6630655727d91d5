"""Residual of the fitted background about the true one, for other values of its constants: python -m bench.background.

Simulated swaths, in which nothing was tuned; for each the rms of fitted over true background minus 1, by solar zenith
angle (SZA), then the median over the swaths. The constants are common to observation and picture.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from mars_aurora.background import observed, pictured
from mars_aurora.detect.view import VIEW_PX, VIEW_X, VIEW_Y
from mars_aurora.emission import OXYGEN_1304
from mars_aurora.geometry.canvas import Canvas, to_canvas, unpack_geometry
from mars_aurora.observation import FloatArray, Observation
from mars_aurora.picture import png, sun_angle
from mars_aurora.picture.heatmap import level_brightness
from mars_aurora.picture.picture import UNOBSERVED, Picture
from mars_aurora_model.dataset import preprocess
from mars_aurora_model.simulator.simulate import observe
from mars_aurora_model.simulator.world import World

SEED, SWATHS = 321, 60
MIN_PIXELS = 300
RANGES = {"night (SZA over 118)": (118.0, 180.0), "twilight (100 to 118)": (100.0, 118.0), "day": (0.0, 100.0)}
VARIANTS: tuple[Mapping[str, Any], ...] = (
    {},
    *({"ROUNDS": rounds} for rounds in (1, 2, 4)),
    {"SLANT_RANGE": (0.5, 2.0)},
    *({"DARK_SZA_DEG": dark_deg} for dark_deg in (110.0, 116.0)),
)


@dataclass(frozen=True)
class Case:
    observation: Observation
    canvas: Canvas
    picture: Picture
    true_R: FloatArray


def main() -> None:
    cases = list(make_cases())
    print(f"{len(cases)} swaths | " + " | ".join(RANGES))
    for module, measure in ((observed, residual_of_observation), (pictured, residual_of_picture)):
        for constants in VARIANTS:
            with changed(module, constants):
                rms = [summarize(*measure(case)) for case in cases]
            name = f"{module.__name__.rpartition('.')[2]} {dict(constants) or 'as it is'}"
            print(f"{name:36} | " + " | ".join(f"{value:.3f}" for value in np.nanmedian(rms, axis=0)))


def make_cases() -> Iterator[Case]:
    for index in range(SWATHS):
        simulated = observe(World(), SEED, index)
        try:
            image, geometry = preprocess(simulated.plain_name, simulated.to_fits())
        except KeyError:
            continue  # without enough of the disk
        true_R = simulated.swath.background_R.astype(np.float32)
        yield Case(*unpack_geometry(geometry), png.read(image), true_R)


@contextmanager
def changed(module: ModuleType, constants: Mapping[str, Any]) -> Iterator[None]:
    """Set constants of a module inside the ``with``."""
    before = {name: getattr(module, name) for name in constants}
    vars(module).update(constants)
    try:
        yield
    finally:
        vars(module).update(before)


def residual_of_observation(case: Case) -> tuple[FloatArray, FloatArray]:
    usable = observed.usable_pixels(case.observation)
    fitted = observed.fit(case.observation, usable, np.zeros_like(usable))
    return (fitted.level_R / case.true_R - 1)[usable], case.observation.sza_deg[usable]


def residual_of_picture(case: Case) -> tuple[FloatArray, FloatArray]:
    window = (slice(VIEW_Y, VIEW_Y + VIEW_PX), slice(VIEW_X, VIEW_X + VIEW_PX))
    levels, coefficients = case.picture.levels[window], case.picture.sza_coefficients
    if coefficients is None:
        return np.zeros(0, np.float32), np.zeros(0, np.float32)
    x, y = np.meshgrid(np.arange(VIEW_PX) + VIEW_X, np.arange(VIEW_PX) + VIEW_Y)
    sza_deg = sun_angle.sza_deg(coefficients, sun_angle.find_terms(x.astype(np.float32), y.astype(np.float32)))
    disk_radii = Canvas(x.astype(np.float32), y.astype(np.float32)).disk_radii
    seen = (levels != UNOBSERVED).astype(np.float32)
    fitted_R = pictured.fit(level_brightness(OXYGEN_1304)[levels], seen, sza_deg, disk_radii, OXYGEN_1304)
    true_R = to_canvas(case.true_R, case.canvas, np.nan)[window]
    inside = (seen > 0) & (disk_radii < 0.95) & np.isfinite(true_R)
    return (fitted_R / true_R - 1)[inside], sza_deg[inside]


def summarize(residual: FloatArray, sza_deg: FloatArray) -> list[float]:
    """Compute the rms in each range of SZA; NaN with too few pixels."""
    parts = [residual[(sza_deg > low) & (sza_deg <= high)] for low, high in RANGES.values()]
    return [float(np.sqrt(np.mean(part**2))) if part.size >= MIN_PIXELS else np.nan for part in parts]


if __name__ == "__main__":
    main()
