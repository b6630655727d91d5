"""Scene shared by the swaths of one set, and the scan of each swath."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from mars_aurora_model.simulator import auroras, background, orbit
from mars_aurora_model.simulator.auroras import Aurora
from mars_aurora_model.simulator.background import Background
from mars_aurora_model.simulator.diffuse import Diffuse, draw_diffuse
from mars_aurora_model.simulator.geometry import Pointing
from mars_aurora_model.simulator.orbit import Array
from mars_aurora_model.simulator.world import MARS_RADIUS_KM, World

_MISSION_START = datetime(2021, 4, 20, tzinfo=UTC)
_STARTS, _SETS = 13_000, 8192  # start times of the sets of one seed are distinct to the second, within 3.4 years
_SWATH_GAP_S = 90.0
_SCAN_MARGIN = {"os1": (1.03, 1.15), "os2": (1.2, 1.5), "osr": (0.5, 1.3)}  # half length of the scan in disk radii


@dataclass(frozen=True)
class Orbit:
    """Orbital elements of the spacecraft; the mean anomaly (radians) is that at the start of the set."""

    node_deg: float
    periapsis_deg: float
    mean_anomaly: float


@dataclass(frozen=True)
class Scene:
    """State of Mars and the spacecraft during one set of swaths."""

    mode: str
    start: datetime
    orbit: Orbit
    roll_deg: float
    slit_width_deg: float
    kernel: str
    version: tuple[int, int]
    background: Background
    auroras: list[Aurora]
    diffuse: Diffuse | None

    def spacecraft_km(self, et: Array) -> Array:
        """Return positions of the spacecraft (n, 3) in J2000 at times (n,)."""
        anomaly = self.orbit.mean_anomaly + 2 * np.pi * (et - orbit.to_et(self.start)) / orbit.period_s()
        return orbit.position_km(self.orbit.node_deg, self.orbit.periapsis_deg, anomaly)


@dataclass(frozen=True)
class Part:
    """Set number of a file, its swath number and the number of swaths in the set."""

    set_number: int
    swath: int
    swaths: int


def locate(world: World, seed: int, index: int) -> Part:
    """Return the set and swath of a file.

    Files are grouped in blocks; a block contains the sets of ``world.swaths_per_set`` in random order.
    """
    pattern = world.swaths_per_set
    block, file_in_block = divmod(index, sum(pattern))
    order = np.random.default_rng((seed, 7, block)).permutation(pattern)
    position = int(np.searchsorted(order.cumsum(), file_in_block, side="right"))
    before = int(order[:position].sum())
    return Part(block * len(pattern) + position, file_in_block - before + 1, int(order[position]))


def draw_scene(world: World, seed: int, part: Part) -> Scene:
    """Draw the scene of a set of swaths; depends only on the seed and the set number."""
    rng = np.random.default_rng((seed, 0, part.set_number))
    start = _MISSION_START + timedelta(seconds=int(rng.integers(_STARTS)) * _SETS + part.set_number % _SETS)
    et = orbit.to_et(start)
    mode, elements = _draw_orbit(rng, world, et, part.swaths)
    frames = orbit.frames(np.array([et]))
    spacecraft_km = orbit.position_km(elements.node_deg, elements.periapsis_deg, elements.mean_anomaly)
    to_mars = frames.to_mars[0]
    return Scene(
        mode=mode,
        start=start,
        orbit=elements,
        roll_deg=rng.uniform(0, 360),
        slit_width_deg=float(rng.choice(world.slit_widths_deg)),
        kernel=str(rng.choice(["r", "f", "p"], p=[0.6, 0.3, 0.1])),
        version=(int(rng.integers(1, 5)), int(rng.integers(5))),
        background=background.draw_background(rng, world),
        auroras=auroras.draw_auroras(rng, world, to_mars @ frames.sun[0], to_mars @ spacecraft_km),
        diffuse=draw_diffuse(np.random.default_rng((seed, 5, part.set_number)), world, to_mars @ frames.sun[0]),
    )


def draw_pointing(rng: np.random.Generator, world: World, scene: Scene, part: Part) -> Pointing:
    """Draw a scan across Mars and part of its corona, offset along the slit by swath."""
    distance = np.linalg.norm(scene.spacecraft_km(np.array([orbit.to_et(scene.start)])))
    radius = float(np.degrees(np.arcsin(MARS_RADIUS_KM / distance)))
    reach = radius * rng.uniform(*_SCAN_MARGIN[scene.mode])
    offset = radius * (rng.uniform(-0.5, 0.5) if scene.mode == "osr" else rng.normal(0, 0.02))
    step = max(rng.uniform(*world.scan_step_deg), 2 * reach / (world.max_integrations - 1))
    count = min(int(2 * reach / step) + 1, world.max_integrations)
    if rng.random() < world.truncated_fraction:
        least, most = (int(fraction * count) for fraction in world.truncated_to)
        count = int(rng.integers(least, most))
    bin_deg = world.slit_length_deg / world.n_slit
    slit: Array = (np.arange(world.n_slit, dtype=np.float64) - (world.n_slit - 1) / 2) * bin_deg
    return Pointing(
        scan_deg=(np.arange(count) * step - reach) * rng.choice([-1, 1]) + offset,
        slit_deg=slit + _slit_offset_deg(rng, world, radius, part),
        bin_deg=bin_deg,
        width_deg=scene.slit_width_deg,
        roll_deg=scene.roll_deg,
    )


def times(world: World, scene: Scene, part: Part, count: int) -> Array:
    """Return times of a swath's integrations (n,), s past J2000; the swaths of a set are consecutive."""
    lead = (part.swath - 1) * (world.max_integrations * world.cadence_s + _SWATH_GAP_S)
    return orbit.to_et(scene.start) + lead + world.cadence_s * np.arange(count, dtype=np.float64)


def draw_pause_s(rng: np.random.Generator, world: World, count: int) -> Array:
    """Draw the delay of each integration (n,) by a pause of the scan; zeros for most swaths."""
    delay = np.zeros(count)
    if rng.random() < world.pause_fraction:
        delay[int(rng.integers(1, count)) :] = rng.uniform(*world.pause_s)
    return delay


def _draw_orbit(rng: np.random.Generator, world: World, et: float, swaths: int) -> tuple[str, Orbit]:
    """Draw a mode, and orbits until altitude and phase angle are in the ranges of the mode."""
    modes, fractions, phases = zip(*world.modes, strict=True)
    mode = str(rng.choice(modes, p=fractions)) if swaths == 1 else "os2"
    low, high = phases[modes.index(mode)]
    near, far = world.altitude_km[swaths - 1]
    sun = orbit.frames(np.array([et])).sun[0]
    while True:
        node, periapsis = rng.uniform(0, 360, (2, 256))
        anomaly = rng.uniform(0, 2 * np.pi, 256)
        positions = orbit.position_km(node, periapsis, anomaly)
        distance = np.linalg.norm(positions, axis=1)
        phase = np.degrees(np.arccos(positions @ sun / distance))
        altitude = distance - MARS_RADIUS_KM
        valid = np.flatnonzero((altitude > near) & (altitude < far) & (phase > low) & (phase < high))
        if valid.size:
            pick = valid[0]
            return mode, Orbit(float(node[pick]), float(periapsis[pick]), float(anomaly[pick]))


def _slit_offset_deg(rng: np.random.Generator, world: World, radius_deg: float, part: Part) -> float:
    if part.swaths == 1:
        if rng.random() < world.slit_cut_fraction:
            return float(rng.choice([-1, 1]) * radius_deg * rng.uniform(*world.slit_cut_offset))
        return float(rng.normal(0, 0.15))
    needed = (2.4 * radius_deg - world.slit_length_deg) / (part.swaths - 1)
    spacing = min(0.95 * world.slit_length_deg, max(0.5, needed))
    return float((part.swath - (part.swaths + 1) / 2) * spacing + rng.normal(0, 0.1))
