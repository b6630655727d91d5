"""Simulate EMUS L2B observations with known auroras.

`observe` simulates one in memory; `simulate` writes many to a folder. The same world, seed and index give the same
bytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import cv2
import numpy as np
import typer
from isal import igzip
from numpy.typing import NDArray
from rich.progress import track

from mars_aurora_model.simulator import auroras, orbit, scene, truth
from mars_aurora_model.simulator.auroras import Aurora
from mars_aurora_model.simulator.figure import Figure
from mars_aurora_model.simulator.geometry import Pointing, trace
from mars_aurora_model.simulator.orbit import Array
from mars_aurora_model.simulator.scene import Part, Scene
from mars_aurora_model.simulator.swath import Swath
from mars_aurora_model.simulator.world import LatitudeFrame, World
from mars_aurora_model.simulator.writers import emus

_OPTICS_BINS = 0.7  # standard deviation of the point spread along the slit, for 128 bins


@dataclass(frozen=True)
class Simulated:
    """One simulated file.

    Attributes
    ----------
    name : file name by the mission's convention, ``.fits.gz``
    world : World
    swath : Swath, measured and noise-free arrays with their geometry, all (nI, nS)
    aurora_R : (nA, nI, nS), observed excess of each aurora, noise-free and smeared, in the order of ``truth``
    labels : (nI, nS) uint8, number (1 ...) of the brightest aurora where one is visible (see `truth.label`); else 0
    truth : entry of this file in truth.json
    writer_seed : seed of the writer's random numbers
    auroras : maps of the auroras, in the order of ``truth``, and
    factors : (nA,), their brightness in this swath relative to the maps
    """

    name: str
    world: World
    swath: Swath
    aurora_R: Array
    labels: NDArray[np.uint8]
    truth: dict[str, Any]
    writer_seed: tuple[int, ...]
    auroras: tuple[Aurora, ...]
    factors: Array

    @property
    def plain_name(self) -> str:
        """Name of the file when it is not gzipped."""
        return self.name.removesuffix(".gz")

    def to_fits(self, *, spectra: bool = False, level: str = "l2b") -> bytes:
        """Write as uncompressed FITS; see `writers.emus.write`."""
        rng = np.random.default_rng(self.writer_seed)
        return emus.write(self.swath, self.world, rng, spectra=spectra, level=level)

    def to_gzip(self, *, spectra: bool = False, level: str = "l2b") -> bytes:
        """Write as gzipped FITS; see `writers.emus.write`."""
        packed: bytes = igzip.compress(self.to_fits(spectra=spectra, level=level), compresslevel=1, mtime=0)
        return packed


def observe(world: World, seed: int, index: int) -> Simulated:
    """Simulate file ``index`` of the mission with this seed; files share only the scene of their set."""
    part = scene.locate(world, seed, index)
    shared = scene.draw_scene(world, seed, part)
    rng = np.random.default_rng((seed, 1, index))
    pointing = scene.draw_pointing(rng, world, shared, part)
    et = scene.times(world, shared, part, len(pointing.scan_deg))
    geometry = trace(et, shared.spacecraft_km(et), pointing, Figure(world.latitude_frame))
    background = _smear(shared.background.brightness(geometry), pointing)
    factors = np.exp(rng.normal(0, world.swath_variation, len(shared.auroras)))
    excess = [
        factor * _smear(auroras.excess(aurora, geometry, world.emission_altitude_km), pointing)
        for aurora, factor in zip(shared.auroras, factors, strict=True)
    ]
    aurora_R = np.array(excess).reshape(-1, *background.shape)
    name, header = _name(rng, world, shared, part, et)
    swath = Swath(
        header=header,
        geometry=geometry,
        slit_width_deg=pointing.width_deg,
        **_measure(rng, world, background, aurora_R.sum(0)),
    )
    labels = truth.label(swath, aurora_R, world)
    found = [
        {"id": number, "swath_factor": round(float(factor), 4)}
        | truth.describe_aurora(aurora, swath, seen_R, labels == number)
        for number, (aurora, seen_R, factor) in enumerate(zip(shared.auroras, aurora_R, factors, strict=True), 1)
    ]
    facts = {"name": name, **truth.describe_file(shared, swath, part), "auroras": found}
    return Simulated(name, world, swath, aurora_R, labels, facts, (seed, 2, index), tuple(shared.auroras), factors)


def simulate(out: Path, count: int, seed: int, world: World | None = None, *, spectra: bool = False) -> list[Path]:
    """Write ``count`` files and truth.json to ``out``; return the paths of the files."""
    out.mkdir(parents=True, exist_ok=True)
    paths, truths = [], []
    for simulated in _observe_all(world or World(), seed, count):
        paths.append(out / simulated.name)
        paths[-1].write_bytes(simulated.to_gzip(spectra=spectra))
        truths.append(simulated.truth)
    record = {"definitions": truth.DEFINITIONS, "seed": seed, "world": asdict(world or World()), "files": truths}
    (out / "truth.json").write_text(json.dumps(record) + "\n")
    return paths


def simulate_command(
    out: Annotated[Path, typer.Argument(help="Folder for the files and truth.json; created if missing.")],
    count: Annotated[int, typer.Option(min=1, help="Number of files.")] = 24,
    seed: Annotated[int, typer.Option(min=0, help="Random seed; the same seed gives the same files.")] = 1,
    *,
    spectra: Annotated[
        bool, typer.Option("--spectra", help="Add the full spectra: 100 to 200 MB per uncompressed file.")
    ] = False,
    latitudes: Annotated[
        LatitudeFrame,
        typer.Option(help="Latitudes on the ellipsoid of Mars, or on a sphere, as the detector was trained."),
    ] = "sphere",
) -> None:
    """Simulate EMUS L2B files; the true auroras are written to truth.json."""
    paths = simulate(out, count, seed, World(latitude_frame=latitudes), spectra=spectra)
    print(f"{len(paths)} files and truth.json in {out}")


def _observe_all(world: World, seed: int, count: int) -> Iterator[Simulated]:
    for index in track(range(count), "Simulating", transient=True):
        yield observe(world, seed, index)


def _smear(image: Array, pointing: Pointing) -> Array:
    """Smear by the slit width across the slit and by the optics along it."""
    across = pointing.width_deg / np.sqrt(12) / pointing.step_deg
    along = _OPTICS_BINS * len(pointing.slit_deg) / 128
    smeared = cv2.GaussianBlur(image, (0, 0), sigmaX=along, sigmaY=across, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(smeared, np.float64)


def _measure(rng: np.random.Generator, world: World, background_R: Array, excess_R: Array) -> dict[str, Any]:
    """Add photon noise, calibration errors, flagged pixels and bins off the slit; return keyword arguments of Swath."""
    n_slit = background_R.shape[1]
    counts = rng.poisson((background_R + excess_R) * world.counts_per_R)
    scale = rng.normal(1, world.systematic_error / 2) * rng.normal(1, world.flat_field_error, n_slit)
    brightness = counts / world.counts_per_R * scale + rng.normal(0, world.fit_noise_R, counts.shape)
    error = np.hypot(np.sqrt(np.maximum(counts, 1)) / world.counts_per_R, world.fit_noise_R)
    off_slit = np.zeros(n_slit, bool)
    off_slit[: rng.integers(4)] = True
    off_slit[n_slit - rng.integers(4) :] = True
    unlit = off_slit | (np.arange(n_slit) == 0)  # bin 0 is off the slit even if it has geometry
    flagged = (rng.random(counts.shape) < world.flagged_fraction) & ~unlit
    brightness[flagged] = np.nan
    brightness[:, unlit], error[:, unlit] = np.nan, np.nan
    return {
        "brightness_R": brightness,
        "random_error_R": error,
        "systematic_error_R": np.abs(brightness) * world.systematic_error,
        "background_R": background_R,
        "excess_R": excess_R,
        "flagged": flagged,
        "off_slit": off_slit,
    }


def _name(rng: np.random.Generator, world: World, shared: Scene, part: Part, et: Array) -> tuple[str, dict[str, Any]]:
    """Return the file name by the mission's convention, and the primary header."""
    start, end = orbit.to_utc(et[0]), orbit.to_utc(et[-1] + world.cadence_s)
    ls = float(orbit.solar_longitude_deg(et[:1])[0])
    number = orbit.orbit_number(shared.start)
    piece = f"{rng.integers(10_000, 100_000)}" if shared.mode == "osr" else f"sw{part.swath}of{part.swaths}"
    observation = f"{number:04d}_{shared.mode}_{piece}"
    version = "v{:02d}-{:02d}".format(*shared.version)
    name = f"emm_emu_l2b_{start:%Y%m%dt%H%M%S}_{observation}_{shared.kernel}_{version}.fits"
    return name + ".gz", {
        "DATE": (end + timedelta(days=40)).strftime("%Y-%m-%dT%H:%M:%S"),
        "MISSION": "EMM",
        "INSTRUME": "EMUS",
        "FILENAME": name,
        "OBS_ID": observation,
        "OBS_UTC": orbit.stamp(start),
        "END_UTC": orbit.stamp(end),
        "OBS_ET": float(et[0]),
        "ORBNUM": number,
        "MARSYEAR": orbit.mars_year(start, ls),
        "SOL_LONG": round(ls, 4),
        "QLTY_FLG": 0,
        "IMG_RCV": len(et),
        "SIMULATE": True,
    }
