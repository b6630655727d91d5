"""Simulated configurations of the sets: for training, for testing out of distribution, and hard negatives."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from mars_aurora_model.simulator.world import ARTEFACTS, ArtefactName, Artefacts, World

__all__ = (
    "ARTEFACTS",
    "FURTHER_ARTEFACTS",
    "HARDEST_ARTEFACTS",
    "HARD_ARTEFACTS",
    "NEGATIVE_WORLDS",
    "TWILIGHT",
    "UNLIKE",
    "draw_artefact_world",
    "draw_mixed_world",
    "draw_sliver_world",
    "draw_terminator_world",
    "draw_world",
    "with_artefact",
)

_MORE_AURORAS = World(
    auroras_per_scene=(0.25, 0.3, 0.25, 0.12, 0.08),
    modes=(("os1", 0.25, (25, 80)), ("os2", 0.6, (50, 155)), ("osr", 0.15, (30, 150))),
    crustal_peak_R=(5.0, 70.0),
    patch_peak_R=(2.8, 14.0),
    sinuous_peak_R=(3.5, 35.0),
    crustal_size_km=(85.0, 650.0),
    patch_size_km=(100.0, 850.0),
    sinuous_length_km=(900.0, 6200.0),
    sinuous_width_km=(42.0, 260.0),
)

_IN_TWILIGHT: dict[str, Any] = {
    "aurora_sza_deg": (104.0, 125.0),
    "crustal_peak_R": (10.0, 150.0),
    "patch_peak_R": (10.0, 150.0),
    "sinuous_peak_R": (10.0, 100.0),
}
_TWILIGHT_FRACTION = 0.2  # of the training worlds
_AT_TERMINATOR: dict[str, Any] = {
    "modes": (("os2", 1.0, (50.0, 140.0)),),
    "no_aurora_fraction": 0.5,
    "day_structure_fraction": 0.8,
}
_ARTEFACT_FRACTION = 0.6  # of the mixed worlds, those with an artefact in every file

UNLIKE = World(  # out of distribution: optics, noise, background, shapes and cuts differ from all training worlds
    n_slit=192,
    slit_widths_deg=(0.25,),
    scan_step_deg=(0.08, 0.13),
    counts_per_R=0.22,
    fit_noise_R=0.55,
    systematic_error=0.08,
    flat_field_error=0.05,
    flagged_fraction=0.004,
    slit_cut_fraction=0.45,
    truncated_fraction=0.12,
    day_scale=(0.4, 0.85),
    day_structure_fraction=0.5,
    day_structure_amplitude=(0.2, 0.6),
    limb_brightening=(0.1, 0.6),
    terminator_shift_deg=(-5.0, 4.0),
    night_R=(0.3, 1.5),
    night_roughness=0.4,
    kinds=(("crustal", 0.2), ("patch", 0.4), ("sinuous", 0.4)),
    auroras_per_scene=(0.4, 0.3, 0.3),
    crustal_peak_R=(8.0, 80.0),
    patch_peak_R=(3.0, 12.0),
    sinuous_peak_R=(3.0, 40.0),
    crustal_size_km=(80.0, 700.0),
    patch_size_km=(100.0, 900.0),
    sinuous_length_km=(900.0, 6500.0),
    sinuous_width_km=(40.0, 280.0),
    emission_altitude_km=150.0,
)

TWILIGHT = replace(  # auroras in twilight, many of them brighter than it
    UNLIKE,
    aurora_sza_deg=(105.0, 114.0),
    no_aurora_fraction=0.0,
    kinds=(("patch", 1.0),),
    patch_peak_R=(20.0, 250.0),
    modes=(("os2", 1.0, (75, 130)),),
)

# easily mistaken for an aurora, or hiding one
HARD_ARTEFACTS: tuple[ArtefactName, ...] = ("particles", "slit_bands", "particle_background", "stars")
HARDEST_ARTEFACTS: tuple[ArtefactName, ...] = ("particles", "stars", "heavy_tails", "particle_background")
FURTHER_ARTEFACTS: tuple[ArtefactName, ...] = ("slit_bands", "stars", "particle_background", "heavy_tails")

_EMPTY = World(no_aurora_fraction=1.0)


def with_artefact(world: World, name: Artefacts) -> World:
    """Return a world with "usual" artefacts and diffuse auroras, with one artefact in every file, or with "none".

    The scenes and the noise of their light are those of ``world``.
    """
    if name != "usual":
        return replace(world, artefacts=name)
    return replace(
        world,
        artefacts=name,
        diffuse_fraction=0.04,
        missing_end_fraction=0.05,
        pause_fraction=0.05,
        noted_file_fraction=0.05,
    )


def _at_phase(low_deg: float, high_deg: float) -> World:
    return replace(_EMPTY, modes=(("os2", 1.0, (low_deg, high_deg)),), swaths_per_set=(1,))


NEGATIVE_WORLDS = {  # hard negatives: configurations without aurora that resemble one
    "day_side": replace(_at_phase(10, 60), day_structure_fraction=1.0, day_structure_amplitude=(0.3, 0.6)),
    "terminator": replace(_at_phase(75, 115), terminator_shift_deg=(-5.0, 5.0), day_structure_fraction=0.5),
    "limb": replace(_at_phase(125, 155), limb_brightening=(0.3, 0.6)),
    "noise": replace(
        _EMPTY, counts_per_R=0.12, fit_noise_R=1.0, flagged_fraction=0.02, flat_field_error=0.08, night_roughness=0.5
    ),
    "low_resolution": replace(_EMPTY, n_slit=40, scan_step_deg=(0.35, 0.5)),
    "white_areas": replace(_EMPTY, swaths_per_set=(1,)),  # saturated areas are added by `painting.whiten`
}


def draw_sliver_world(rng: np.random.Generator) -> World:
    """Draw a training world in which most swaths contain only a small part of the disk."""
    return replace(
        draw_world(rng, coarse_fraction=0.0),
        swaths_per_set=(1,),
        slit_cut_fraction=0.6,
        slit_cut_offset=(1.2, 1.9),
        truncated_fraction=0.6,
        truncated_to=(0.1, 0.4),
    )


def draw_artefact_world(rng: np.random.Generator, kinds: tuple[ArtefactName, ...] = ARTEFACTS) -> World:
    """Draw a training world in which every file has one of the artefacts, and half of the swaths have no aurora."""
    world = replace(draw_world(rng, coarse_fraction=0.0), no_aurora_fraction=0.5)
    return with_artefact(world, kinds[rng.integers(len(kinds))])


def draw_terminator_world(rng: np.random.Generator) -> World:
    """Draw a training world with the terminator in view, most with structure of the day side, half without aurora."""
    world = replace(draw_world(rng, coarse_fraction=0.0), **_AT_TERMINATOR)
    return with_artefact(replace(world, **_IN_TWILIGHT) if rng.random() < 0.5 else world, "none")


def draw_mixed_world(rng: np.random.Generator) -> World:
    """Draw a training world, half of whose swaths have no aurora: one artefact in every file, or the usual ones."""
    if rng.random() < _ARTEFACT_FRACTION:
        return draw_artefact_world(rng)
    return replace(draw_world(rng, coarse_fraction=1 / 12), no_aurora_fraction=0.5)


def draw_world(rng: np.random.Generator, coarse_fraction: float) -> World:
    """Draw a training world: the published configuration with all inferred parameters drawn at random.

    The optics of `UNLIKE` are excluded. With probability ``coarse_fraction`` pixels are so large that noise resembles
    patches.
    """
    coarse = rng.random() < coarse_fraction
    step_deg = rng.uniform(0.25, 0.4) if coarse else rng.uniform(0.05, 0.08)
    world = replace(
        with_artefact(_MORE_AURORAS, "usual"),
        artefact_fraction=0.6,
        n_slit=int(rng.choice([32, 40, 48] if coarse else [64, 96, 128, 128, 128, 160])),
        scan_step_deg=(step_deg, step_deg * rng.uniform(1.2, 2.0)),
        slit_widths_deg=(0.18, 0.25),
        counts_per_R=float(np.exp(rng.uniform(np.log(0.13), np.log(1.0)))),
        fit_noise_R=rng.uniform(0.05, 0.9),
        systematic_error=rng.uniform(0.02, 0.07),
        flat_field_error=rng.uniform(0.0, 0.07),
        flagged_fraction=float(rng.choice([0.0, 0.001, 0.01])),
        slit_cut_fraction=0.35,
        truncated_fraction=0.08,
        day_scale=(0.42, 0.82),
        day_structure_fraction=0.45,
        day_structure_amplitude=(0.15, 0.55),
        limb_brightening=(0.15, 0.55),
        terminator_shift_deg=(-4.5, 3.5),
        night_R=(rng.uniform(0.25, 0.7), rng.uniform(0.8, 1.6)),
        night_roughness=rng.uniform(0.1, 0.45),
        no_aurora_fraction=float(rng.choice([0.05, 0.3, 0.5])),
        emission_altitude_km=rng.uniform(120.0, 148.0),
    )
    return replace(world, **_IN_TWILIGHT) if rng.random() < _TWILIGHT_FRACTION else world
