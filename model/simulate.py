"""Simulated EMUS L2B observations, with the truth that real ones lack.

`observe` makes one in memory; `simulate` writes many to a folder. The same world, seed and index give the same bytes.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import cv2
import numpy as np
import typer
from isal import igzip
from mars_aurora_model import auroras, emus_writer, orbit, sky, view
from mars_aurora_model.emus_writer import Swath
from mars_aurora_model.orbit import Array
from mars_aurora_model.view import Pointing
from mars_aurora_model.world import MARS_RADIUS_KM, World
from numpy.typing import NDArray
from rich.progress import track

_MISSION_START = datetime(2021, 4, 20, tzinfo=UTC)
_FIRST_ORBIT = datetime(2021, 1, 21, tzinfo=UTC)  # counts back to it from published file names
_SETS = 8192  # sets of one seed that never share a start second
_SWATH_GAP_S = 90.0


@dataclass(frozen=True)
class Simulated:
    """One simulated file.

    Attributes
    ----------
    name : file name by the mission's grammar, ``.fits.gz``
    world : World
    swath : Swath, the measured and the noise-free arrays with their geometry, all (nI, nS)
    aurora_R : (nA, nI, nS), each aurora's excess as seen, noise-free and smeared, in the order of the truth
    labels : (nI, nS) uint8, number (1 ...) of the brightest aurora where it exceeds ``world.outline_R``; else 0
    truth : what stands in truth.json for this file
    """

    name: str
    world: World
    swath: Swath
    aurora_R: Array
    labels: NDArray[np.uint8]
    truth: dict[str, Any]
    writer_seed: tuple[int, ...]

    def to_fits(self, *, spectra: bool = False, level: str = "l2b") -> bytes:
        """Write as FITS, unpacked; ``level="l2a"`` gives CAL and no EMISS."""
        rng = np.random.default_rng(self.writer_seed)
        return emus_writer.write(self.swath, self.world, rng, spectra=spectra, level=level)

    def to_gzip(self, *, spectra: bool = False, level: str = "l2b") -> bytes:
        """Write as gzipped FITS."""
        packed: bytes = igzip.compress(self.to_fits(spectra=spectra, level=level), compresslevel=1, mtime=0)
        return packed


@dataclass(frozen=True)
class _Scene:
    """What the swaths of one set share."""

    mode: str
    start: datetime
    node_deg: float
    periapsis_deg: float
    mean_anomaly: float
    roll_deg: float
    slit_width_deg: float
    sky: sky.Sky
    auroras: list[auroras.Aurora]


def observe(world: World, seed: int, index: int) -> Simulated:
    """Simulate file ``index`` of the mission that ``seed`` starts; independent of every other index but for its set."""
    number, swath, swaths = _locate(world, seed, index)
    scene = _draw_scene(world, seed, number, swaths)
    rng = np.random.default_rng((seed, 1, index))
    pointing = _point(rng, world, scene, swath, swaths)
    start = scene.start + timedelta(seconds=(swath - 1) * (world.max_integrations * world.cadence_s + _SWATH_GAP_S))
    et = orbit.to_et(start) + world.cadence_s * np.arange(len(pointing.scan_deg))
    geometry = view.look(et, _fly(scene, et), pointing)
    background = scene.sky.brightness_R(geometry)
    blur = _blur_cells(pointing)
    factors = np.exp(rng.normal(0, world.swath_variation, len(scene.auroras)))
    seen = [
        factor * _smear(auroras.seen_R(a, geometry, world.emission_altitude_km), blur)
        for a, factor in zip(scene.auroras, factors, strict=True)
    ]
    aurora_R = np.array(seen).reshape(-1, *background.shape)
    measured = _measure(rng, world, _smear(background, blur), aurora_R.sum(0))
    name, header = _name(rng, world, scene, (swath, swaths), et)
    recorded = Swath(header=header, geometry=geometry, slit_width_deg=pointing.width_deg, **measured)
    labels = _label(recorded, aurora_R, world)
    truth = {
        "name": name,
        **_facts(scene, recorded, (swath, swaths)),
        "auroras": [
            {"id": number, **_aurora_truth(aurora, recorded, excess, labels == number, float(factor), world)}
            for number, (aurora, excess, factor) in enumerate(zip(scene.auroras, aurora_R, factors, strict=True), 1)
        ],
    }
    return Simulated(name, world, recorded, aurora_R, labels, truth, (seed, 2, index))


def simulate(
    out: Path, count: int, seed: int, world: World | None = None, *, spectra: bool = False, packed: bool = True
) -> list[Path]:
    """Write ``count`` files and truth.json to ``out``; return the files' paths."""
    world = world or World()
    out.mkdir(parents=True, exist_ok=True)
    paths, truths = [], []
    for index in track(range(count), "Simulating"):
        simulated = observe(world, seed, index)
        path = out / (simulated.name if packed else simulated.name.removesuffix(".gz"))
        path.write_bytes(simulated.to_gzip(spectra=spectra) if packed else simulated.to_fits(spectra=spectra))
        paths.append(path)
        truths.append({**simulated.truth, "name": path.name})
    record = {"seed": seed, "world": asdict(world), "files": truths}
    (out / "truth.json").write_text(json.dumps(record, indent=1) + "\n")
    return paths


def simulate_command(
    out: Annotated[Path, typer.Argument(help="Folder for the files and truth.json; made if need be.")],
    count: Annotated[int, typer.Option(min=1, help="Number of files.")] = 24,
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same files.")] = 1,
    spectra: Annotated[
        bool, typer.Option("--spectra", help="Add the full spectra: 100 to 200 MB a file, unpacked.")
    ] = False,
) -> None:
    """Make simulated EMUS L2B files, with their true auroras in truth.json."""
    paths = simulate(out, count, seed, spectra=spectra)
    print(f"{len(paths)} files and truth.json in {out}")


def _locate(world: World, seed: int, index: int) -> tuple[int, int, int]:
    """Find a file's set: its number, and which swath of how many the file is."""
    pattern = world.swaths_per_set
    block, place = divmod(index, sum(pattern))
    for order, swaths in enumerate(np.random.default_rng((seed, 7, block)).permutation(pattern)):
        if place < swaths:
            return block * len(pattern) + order, place + 1, int(swaths)
        place -= swaths
    raise AssertionError("a block holds as many files as its sets have swaths")


def _draw_scene(world: World, seed: int, number: int, swaths: int) -> _Scene:
    rng = np.random.default_rng((seed, 0, number))
    start = _MISSION_START + timedelta(seconds=int(rng.integers(13_000)) * _SETS + number % _SETS)
    mode, elements, place, sun = _draw_orbit(rng, world, orbit.to_et(start), swaths)
    return _Scene(
        mode=mode,
        start=start,
        node_deg=elements[0],
        periapsis_deg=elements[1],
        mean_anomaly=elements[2],
        roll_deg=rng.uniform(0, 360),
        slit_width_deg=float(rng.choice(world.slit_widths_deg)),
        sky=sky.draw_sky(rng, world),
        auroras=auroras.draw_auroras(rng, world, sun, place),
    )


def _draw_orbit(
    rng: np.random.Generator, world: World, et: float, swaths: int
) -> tuple[str, tuple[float, float, float], Array, Array]:
    """Draw mode and orbit so that altitude and phase suit them; also the spacecraft and the Sun, body-fixed."""
    modes, shares, phases = zip(*world.phase_deg, strict=True)
    turned = orbit.frames(np.array([et]))
    mode = modes[rng.choice(len(modes), p=shares)] if swaths == 1 else "os2"
    low, high = phases[modes.index(mode)]
    while True:
        node, periapsis, anomaly = rng.uniform(0, 360, 256), rng.uniform(0, 360, 256), rng.uniform(0, 2 * np.pi, 256)
        places = orbit.position_km(node, periapsis, anomaly)
        distance = np.linalg.norm(places, axis=1)
        altitude, bounds = distance - MARS_RADIUS_KM, world.altitude_km[swaths - 1]
        phase = np.degrees(np.arccos(places @ turned.sun[0] / distance))
        good = (altitude > bounds[0]) & (altitude < bounds[1]) & (phase > low) & (phase < high)
        if good.any():
            pick = int(np.argmax(good))
            to_mars = turned.to_mars[0]
            elements = (float(node[pick]), float(periapsis[pick]), float(anomaly[pick]))
            return str(mode), elements, to_mars @ places[pick], to_mars @ turned.sun[0]


def _fly(scene: _Scene, et: Array) -> Array:
    since = et - orbit.to_et(scene.start)
    anomaly = scene.mean_anomaly + 2 * np.pi * since / orbit.period_s()
    return orbit.position_km(np.float64(scene.node_deg), np.float64(scene.periapsis_deg), anomaly)


def _point(rng: np.random.Generator, world: World, scene: _Scene, swath: int, swaths: int) -> Pointing:
    """Lay out a scan: across Mars and some of its corona, offset along the slit by swath."""
    distance = np.linalg.norm(_fly(scene, np.array([orbit.to_et(scene.start)])))
    radius = float(np.degrees(np.arcsin(MARS_RADIUS_KM / distance)))
    margin = {"os1": rng.uniform(1.03, 1.15), "os2": rng.uniform(1.2, 1.5), "osr": rng.uniform(0.5, 1.3)}[scene.mode]
    reach = radius * margin
    scan_offset = rng.uniform(-0.5, 0.5) * radius if scene.mode == "osr" else rng.normal(0, 0.02) * radius
    step = max(rng.uniform(*world.scan_step_deg), 2 * reach / (world.max_integrations - 1))
    count = min(int(2 * reach / step) + 1, world.max_integrations)
    if rng.random() < world.truncated_share:
        count = int(rng.integers(count // 4, count))
    scan = (np.arange(count) * step - reach) * rng.choice([-1, 1]) + scan_offset
    bin_deg = world.slit_length_deg / world.n_slit
    slit = (np.arange(world.n_slit) - (world.n_slit - 1) / 2) * bin_deg
    return Pointing(
        scan, slit + _slit_offset_deg(rng, world, radius, swath, swaths), bin_deg, scene.slit_width_deg, scene.roll_deg
    )


def _slit_offset_deg(rng: np.random.Generator, world: World, radius_deg: float, swath: int, swaths: int) -> float:
    if swaths == 1:
        cut = rng.random() < world.slit_cut_share
        return float(rng.choice([-1, 1]) * radius_deg * rng.uniform(0.3, 1.2) if cut else rng.normal(0, 0.15))
    spacing = min(0.95 * world.slit_length_deg, max(0.5, (2.4 * radius_deg - world.slit_length_deg) / (swaths - 1)))
    return float((swath - (swaths + 1) / 2) * spacing + rng.normal(0, 0.1))


def _blur_cells(pointing: Pointing) -> tuple[float, float]:
    """Smearing by the slit's width and the optics, standard deviations in (scan steps, slit bins)."""
    return pointing.width_deg / np.sqrt(12) / pointing.step_deg, 0.7


def _smear(image: Array, blur: tuple[float, float]) -> Array:
    smeared: Array = cv2.GaussianBlur(image, (0, 0), sigmaX=blur[1], sigmaY=blur[0], borderType=cv2.BORDER_REPLICATE)
    return smeared


def _measure(rng: np.random.Generator, world: World, background_R: Array, excess_R: Array) -> dict[str, Any]:
    """Count photons, calibrate imperfectly, lose the bins off the slit; the keyword arguments of a Swath."""
    n_slit = background_R.shape[1]
    counts = rng.poisson((background_R + excess_R) * world.counts_per_R)
    scale = rng.normal(1, world.systematic_error / 2) * rng.normal(1, world.flat_field_error, n_slit)
    brightness = counts / world.counts_per_R * scale + rng.normal(0, world.fit_noise_R, counts.shape)
    error = np.hypot(np.sqrt(np.maximum(counts, 1)) / world.counts_per_R, world.fit_noise_R)
    flagged = rng.random(counts.shape) < world.flagged_share
    brightness[flagged] = np.where(rng.random(flagged.sum()) < 0.5, np.nan, rng.uniform(50, 2000, flagged.sum()))
    off_slit = np.zeros(n_slit, bool)
    off_slit[: rng.integers(0, 4)] = True
    off_slit[n_slit - rng.integers(0, 4) :] = True
    outside = off_slit.copy()
    outside[0] = True  # bin 0 is off the slit even where its geometry is given
    flagged &= ~outside
    brightness[:, outside], error[:, outside] = np.nan, np.nan
    return {
        "brightness_R": brightness,
        "random_error_R": error,
        "systematic_error_R": np.abs(brightness) * world.systematic_error,
        "background_R": background_R,
        "excess_R": excess_R,
        "flagged": flagged,
        "off_slit": off_slit,
    }


def _label(swath: Swath, aurora_R: Array, world: World) -> NDArray[np.uint8]:
    if not len(aurora_R):
        return np.zeros(swath.brightness_R.shape, np.uint8)
    seen = (aurora_R.max(0) >= world.outline_R) & np.isfinite(swath.random_error_R)
    return np.where(seen, aurora_R.argmax(0) + 1, 0).astype(np.uint8)


def _name(
    rng: np.random.Generator, world: World, scene: _Scene, part: tuple[int, int], et: Array
) -> tuple[str, dict[str, Any]]:
    start, end = orbit.to_utc(et[0]), orbit.to_utc(et[-1] + world.cadence_s)
    ls = float(orbit.solar_longitude_deg(et[:1])[0])
    number = int((start - _FIRST_ORBIT).total_seconds() / orbit.period_s())
    what = f"sw{part[0]}of{part[1]}" if scene.mode != "osr" else f"{rng.integers(10_000, 100_000)}"
    kernel = rng.choice(["r", "f", "p"], p=[0.6, 0.3, 0.1])
    name = f"emm_emu_l2b_{start:%Y%m%dt%H%M%S}_{number:04d}_{scene.mode}_{what}_{kernel}_v{rng.integers(1, 5):02d}-{rng.integers(5):02d}.fits"
    stamp = "%Y-%m-%dT%H:%M:%S.%f"
    header = {
        "DATE": (end + timedelta(days=40)).strftime("%Y-%m-%dT%H:%M:%S"),
        "MISSION": "EMM",
        "INSTRUME": "EMUS",
        "FILENAME": name,
        "OBS_ID": f"{number:04d}_{scene.mode}_{what}",
        "OBS_UTC": start.strftime(stamp)[:-3],
        "END_UTC": end.strftime(stamp)[:-3],
        "OBS_ET": float(et[0]),
        "ORBNUM": number,
        "MARSYEAR": orbit.mars_year(start, ls),
        "SOL_LONG": round(ls, 4),
        "QLTY_FLG": 0,
        "IMG_RCV": len(et),
        "SIMULATE": True,
    }
    return name + ".gz", header


def _facts(scene: _Scene, swath: Swath, part: tuple[int, int]) -> dict[str, Any]:
    """What the whole file is like: header facts and the true disk."""
    geometry = swath.geometry
    distance = float(np.linalg.norm(geometry.spacecraft_km[len(geometry.et) // 2]))
    on_slit = np.isfinite(swath.random_error_R)
    disk = geometry.on_disk & on_slit
    place = geometry.spacecraft_mars_km[len(geometry.et) // 2] / distance
    lat, lon = auroras.mean_place(place[None], np.ones(1))
    return {
        "mode": scene.mode,
        "swath": part,
        **{key.lower(): swath.header[key] for key in ("OBS_UTC", "END_UTC", "ORBNUM", "MARSYEAR", "SOL_LONG")},
        "shape": swath.brightness_R.shape,
        "day_structure": scene.sky.structured,
        "disk": {
            "sub_spacecraft_lat_deg": round(lat, 3),
            "sub_spacecraft_lon_deg": round(lon, 3),
            "altitude_km": round(distance - MARS_RADIUS_KM, 1),
            "angular_radius_deg": round(float(np.degrees(np.arcsin(MARS_RADIUS_KM / distance))), 4),
            "pixels": int(disk.sum()),
            "night_pixels": int((disk & (geometry.sza_deg[:, 0] > 110)).sum()),
        },
    }


def _aurora_truth(
    aurora: auroras.Aurora, swath: Swath, excess_R: Array, seen: NDArray[np.bool_], factor: float, world: World
) -> dict[str, Any]:
    """One aurora's truth: as it is, and as this swath sees it."""
    geometry = swath.geometry
    on_slit = np.isfinite(swath.random_error_R)
    on_disk = seen & geometry.on_disk
    truth = aurora.facts()
    truth["swath_factor"] = round(factor, 4)
    truth["seen"] = {"pixels": int(seen.sum()), "pixels_5R": int(((excess_R >= 5) & on_slit).sum())}
    if on_disk.any():
        weights = (geometry.cell_km2 * excess_R)[on_disk]
        lat, lon = auroras.mean_place(orbit.unit(geometry.lat_deg[:, 0], geometry.lon_deg[:, 0])[on_disk], weights)
        area = float(geometry.cell_km2[on_disk].sum())
        truth["seen"] |= {
            "lat_deg": round(lat, 3),
            "lon_deg": round(lon, 3),
            "area_km2": round(area, 1),
            "mean_R": round(float(weights.sum() / area), 3),
            "peak_R": round(float(excess_R[on_disk].max()), 3),
            "sza_deg": round(float(geometry.sza_deg[:, 0][on_disk].mean()), 2),
        }
    return {**truth, "visible": bool(on_disk.any())}
