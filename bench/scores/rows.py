"""Rows of the table of scores: worlds by artefact, all with night in view, of seeds that nothing was chosen by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from mars_aurora_model.simulator.world import ARTEFACTS, World
from mars_aurora_model.simulator.worlds import TWILIGHT, UNLIKE, with_artefact

EMPTY, AURORA = "empty", "aurora"  # kinds of images
CLEAN, IUVS_NOISE, IN_TWILIGHT, DIFFUSE = "clean", "IUVS noise", "twilight", "diffuse night"
_SEED, _SEEDS_PER_ROW = 970_000, 10
_NIGHT_MODES = (("os2", 1.0, (60.0, 155.0)),)  # phase angles at which the night side is in view


@dataclass(frozen=True)
class Row:
    """One row: its images are of these worlds in turn.

    Attributes
    ----------
    worlds : tuple of World
    seed : int
        First of the seeds of the row, one per kind of images and world.
    kinds : tuple of str
        Of "empty" and "aurora".
    """

    name: str
    worlds: tuple[World, ...]
    seed: int
    kinds: tuple[str, ...] = (EMPTY, AURORA)

    @property
    def has_real_noise(self) -> bool:
        return self.name == IUVS_NOISE

    @property
    def is_clean(self) -> bool:
        return self.name in {CLEAN, IN_TWILIGHT, DIFFUSE}

    def draw(self, kind: str, index: int) -> tuple[World, int, int]:
        """Return world, seed and index of the simulated file of an image."""
        number, place = index % len(self.worlds), index // len(self.worlds)
        world = replace(self.worlds[number], no_aurora_fraction=float(kind == EMPTY or self.name == DIFFUSE))
        return world, self.seed + len(self.worlds) * (kind == AURORA) + number, place


def list_rows() -> Sequence[Row]:
    """List the rows: clean, each artefact, noise of real files, auroras in twilight, diffuse auroras."""
    nights = tuple(with_artefact(replace(world, modes=_NIGHT_MODES), "none") for world in (UNLIKE, World()))
    worlds = {CLEAN: nights, IN_TWILIGHT: (with_artefact(TWILIGHT, "none"),)}
    worlds |= {name: tuple(with_artefact(world, name) for world in nights) for name in ARTEFACTS}
    worlds |= {IUVS_NOISE: nights, DIFFUSE: tuple(replace(world, diffuse_fraction=1.0) for world in nights)}
    return [
        Row(
            name,
            some,
            _SEED + _SEEDS_PER_ROW * number,
            (AURORA,) if name in {IN_TWILIGHT, DIFFUSE} else (EMPTY, AURORA),
        )
        for number, (name, some) in enumerate(worlds.items())
    ]
