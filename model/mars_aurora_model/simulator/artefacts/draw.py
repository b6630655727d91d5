"""Choice of the artefacts of a file, and their joint effect."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

import numpy as np

from mars_aurora_model.simulator.artefacts import bins, pixels, sky
from mars_aurora_model.simulator.artefacts.effect import Effect, View, join
from mars_aurora_model.simulator.scene import Part
from mars_aurora_model.simulator.world import ARTEFACTS, ArtefactName, World

_DRAW: dict[ArtefactName, Callable[[np.random.Generator, View], Effect]] = {
    "particles": pixels.draw_particles,
    "hot_pixels": pixels.draw_hot_pixels,
    "hot_bins": bins.draw_hot_bins,
    "slit_bands": bins.draw_slit_bands,
    "flat_field": bins.draw_flat_field,
    "particle_background": sky.draw_particle_background,
    "stars": sky.draw_stars,
    "stray_light": sky.draw_stray_light,
    "gaps": pixels.draw_gaps,
    "patchy_nightglow": sky.draw_patchy_nightglow,
    "heavy_tails": pixels.draw_heavy_tails,
}


def choose(world: World, seed: int, part: Part) -> tuple[ArtefactName, ...]:
    """Choose the artefacts of a set of swaths, which share the state of the instrument and of Mars."""
    if world.artefacts == "none":
        return ()
    if world.artefacts != "usual":
        return (world.artefacts,)
    rng = np.random.default_rng((seed, 3, part.set_number))
    if rng.random() >= world.artefact_fraction:
        return ()
    count = 1 + rng.choice(len(world.artefacts_per_file), p=world.artefacts_per_file)
    chosen = rng.choice(len(ARTEFACTS), count, replace=False)
    return tuple(ARTEFACTS[number] for number in sorted(chosen))


def draw_effects(
    names: Sequence[ArtefactName], seed: int, index: int, part: Part, view: View
) -> tuple[Effect, list[dict[str, Any]]]:
    """Draw the named artefacts of a file; return their joint effect and the entries of truth.json.

    The nightglow depends on the set only, all others on the file. No artefact changes another.
    """
    effects = []
    for name in names:
        number = part.set_number if name == "patchy_nightglow" else index
        rng = np.random.default_rng((seed, 4, ARTEFACTS.index(name), number))
        effects.append(_DRAW[name](rng, view))
    facts = [effect.describe(name) for name, effect in zip(names, effects, strict=True)]
    return reduce(join, effects, Effect.none(view.shape)), facts
