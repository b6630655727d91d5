"""Simulate EMUS L2B observations with known auroras.

`observe` simulates one in memory; `simulate` writes many to a folder. The same world, seed and index give the same
bytes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any, get_args

import numpy as np
import typer
from isal import igzip
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from mars_aurora_model.simulator import auroras, scene, truth
from mars_aurora_model.simulator.artefacts.draw import choose, draw_effects
from mars_aurora_model.simulator.artefacts.effect import View
from mars_aurora_model.simulator.auroras import Aurora
from mars_aurora_model.simulator.detector import count_photons, draw_noted, measure, smear
from mars_aurora_model.simulator.figure import Figure
from mars_aurora_model.simulator.geometry import Geometry, Pointing, trace
from mars_aurora_model.simulator.header import mark, name_file
from mars_aurora_model.simulator.orbit import Array
from mars_aurora_model.simulator.swath import Swath
from mars_aurora_model.simulator.world import ArtefactName, Artefacts, LatitudeFrame, World
from mars_aurora_model.simulator.worlds import with_artefact
from mars_aurora_model.simulator.writers import emus

_KINDS = ", ".join(get_args(ArtefactName))


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
    truth : entry of this file in the truth
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
    rng, odd_rng, added_rng = (np.random.default_rng((seed, stream, index)) for stream in (1, 6, 8))
    pointing = scene.draw_pointing(rng, world, shared, part)
    et = scene.times(world, shared, part, len(pointing.scan_deg))
    et = et + scene.draw_pause_s(odd_rng, world, len(et))
    geometry = trace(et, shared.spacecraft_km(et), pointing, Figure(world.latitude_frame))
    background = smear(shared.background.brightness(geometry), pointing)
    factors = np.exp(rng.normal(0, world.swath_variation, len(shared.auroras)))
    excess = [
        factor * _find_excess(aurora, geometry, pointing, world)
        for aurora, factor in zip(shared.auroras, factors, strict=True)
    ]
    aurora_R = np.array(excess).reshape(-1, *background.shape)
    diffuse = np.zeros_like(background)
    if shared.diffuse:
        diffuse = _find_excess(shared.diffuse, geometry, pointing, world)
    name, header = name_file(rng, world, shared, part, et)
    light = background + aurora_R.sum(0)
    view = View(light + diffuse, geometry, shared.background.night_R, partial(smear, pointing=pointing))
    effect, added = draw_effects(choose(world, seed, part), seed, index, part, view)
    foreign = diffuse + effect.nightglow_R + effect.smooth_R + effect.sharp_R
    counts = count_photons(rng, world, light)
    counts = counts + count_photons(added_rng, world, foreign)  # a file without artefacts is unchanged
    noted = draw_noted(odd_rng, world, background.shape)
    swath = Swath(
        header=mark(odd_rng, world, header, flagged=bool(noted.any())),
        geometry=geometry,
        slit_width_deg=pointing.width_deg,
        background_R=background + effect.nightglow_R,
        excess_R=aurora_R.sum(0),
        diffuse_R=diffuse,
        instrument_R=effect.smooth_R,
        noted=noted,
        **measure(rng, world, counts, effect),
    )
    labels = truth.label(swath, aurora_R, world)
    facts = {
        "name": name,
        **truth.describe_file(shared, swath, part),
        **truth.describe_diffuse(shared.diffuse, swath),
        "artefacts": added,
        "auroras": truth.describe_auroras(shared.auroras, factors, aurora_R, swath, labels),
    }
    return Simulated(name, world, swath, aurora_R, labels, facts, (seed, 2, index), tuple(shared.auroras), factors)


def simulate(  # noqa: PLR0913 -- the options of the command
    out: Path,
    count: int,
    seed: int,
    world: World | None = None,
    *,
    spectra: bool = False,
    progress: Callable[[Iterable[int]], Iterable[int]] = iter,
) -> list[Path]:
    """Write ``count`` files to ``out``, and the truth beside it; return the paths of the files.

    ``progress`` passes the numbers of the files on, and may show them.
    """
    out.mkdir(parents=True, exist_ok=True)
    paths, truths = [], []
    for index in progress(range(count)):
        simulated = observe(world or World(), seed, index)
        paths.append(out / simulated.name)
        paths[-1].write_bytes(simulated.to_gzip(spectra=spectra))
        truths.append(simulated.truth)
    record = {"definitions": truth.DEFINITIONS, "seed": seed, "world": asdict(world or World()), "files": truths}
    truth_path(out).write_text(json.dumps(record) + "\n")
    return paths


def truth_path(out: Path) -> Path:
    """Return the path of the truth of the files in a folder: beside it, so that it is not among the inputs of a run."""
    folder = out.resolve()
    return folder.with_name(f"{folder.name}.truth.json")


def simulate_command(  # noqa: PLR0913 -- the options of the command
    out: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder for the files; created if missing.")],
    count: Annotated[int, typer.Option(min=1, help="Number of files.")] = 24,
    seed: Annotated[int, typer.Option(min=0, help="Random seed; the same seed gives the same files.")] = 1,
    *,
    spectra: Annotated[
        bool, typer.Option("--spectra", help="Add the full spectra: 100 to 200 MB per uncompressed file.")
    ] = False,
    latitudes: Annotated[
        LatitudeFrame,
        typer.Option(
            metavar="FRAME",
            help="Frame of the latitudes: sphere, as the detector was trained, or planetographic or planetocentric on "
            "the ellipsoid of Mars.",
        ),
    ] = "sphere",
    artefacts: Annotated[
        Artefacts,
        typer.Option(
            metavar="KIND",
            help=f"Artefacts of the instrument: usual, in some files; none; or one kind in every file: {_KINDS}.",
        ),
    ] = "usual",
) -> None:
    """Simulate EMUS L2B files; the true auroras are written to FOLDER.truth.json, beside the folder."""
    world = with_artefact(World(latitude_frame=latitudes), artefacts)
    console = Console(stderr=True)
    progress = partial(track, description="Simulating", console=console, transient=True)
    paths = simulate(out, count, seed, world, spectra=spectra, progress=progress)
    print(f"{len(paths)} files in {out}, the true auroras in {truth_path(out)}")


def _find_excess(emitter: auroras.Emitter, geometry: Geometry, pointing: Pointing, world: World) -> Array:
    """Return the brightness (nI, nS) of an aurora as observed, noise-free."""
    return smear(auroras.excess(emitter, geometry, world.emission_altitude_km), pointing)
