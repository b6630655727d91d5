"""The worlds that the sets are simulated in: many to learn from, another to be tested in, one for each false friend."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mars_aurora_model.simulator.world import World

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

UNLIKE = World(  # other optics, noise, sky, shapes and cuts than any world below that is learnt from
    n_slit=192,
    slit_widths_deg=(0.25,),
    scan_step_deg=(0.08, 0.13),
    counts_per_R=0.22,
    fit_noise_R=0.55,
    systematic_error=0.08,
    flat_field_error=0.05,
    flagged_share=0.004,
    slit_cut_share=0.45,
    truncated_share=0.12,
    day_scale=(0.4, 0.85),
    day_structure_share=0.5,
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

_EMPTY = World(no_aurora_share=1.0)


def _facing(*phase_deg: float) -> World:
    low, high = phase_deg
    return replace(_EMPTY, modes=(("os2", 1.0, (low, high)),), swaths_per_set=(1,))


FALSE_FRIENDS = {  # no aurora in any of them
    "day_side": replace(_facing(10, 60), day_structure_share=1.0, day_structure_amplitude=(0.3, 0.6)),
    "terminator": replace(_facing(75, 115), terminator_shift_deg=(-5.0, 5.0), day_structure_share=0.5),
    "limb": replace(_facing(125, 155), limb_brightening=(0.3, 0.6)),
    "noise": replace(
        _EMPTY, counts_per_R=0.12, fit_noise_R=1.0, flagged_share=0.02, flat_field_error=0.08, night_roughness=0.5
    ),
    "low_resolution": replace(_EMPTY, n_slit=40, scan_step_deg=(0.35, 0.5)),
    "white_areas": replace(_EMPTY, swaths_per_set=(1,)),  # and what `painting.whiten` does to them
}


def draw_sliver_world(rng: np.random.Generator) -> World:
    """Draw a world to learn from in which the slit or an early end leaves little of the disk, in most swaths."""
    return replace(
        draw_world(rng, coarse_share=0.0),
        swaths_per_set=(1,),
        slit_cut_share=0.6,
        slit_cut_offset=(1.2, 1.9),
        truncated_share=0.6,
        truncated_to=(0.1, 0.4),
    )


def draw_world(rng: np.random.Generator, coarse_share: float) -> World:
    """Draw a world to learn from: around the published one, with all that is only inferred drawn anew.

    No world drawn has the optics of `UNLIKE`; a share of them has pixels so large that noise looks like patches.
    """
    coarse = rng.random() < coarse_share
    step_deg = rng.uniform(0.25, 0.4) if coarse else rng.uniform(0.05, 0.08)
    return replace(
        _MORE_AURORAS,
        n_slit=int(rng.choice([32, 40, 48] if coarse else [64, 96, 128, 128, 128, 160])),
        scan_step_deg=(step_deg, step_deg * rng.uniform(1.2, 2.0)),
        slit_widths_deg=(0.18, 0.25),
        counts_per_R=float(np.exp(rng.uniform(np.log(0.13), np.log(1.0)))),
        fit_noise_R=rng.uniform(0.05, 0.9),
        systematic_error=rng.uniform(0.02, 0.07),
        flat_field_error=rng.uniform(0.0, 0.07),
        flagged_share=float(rng.choice([0.0, 0.001, 0.01])),
        slit_cut_share=0.35,
        truncated_share=0.08,
        day_scale=(0.42, 0.82),
        day_structure_share=0.45,
        day_structure_amplitude=(0.15, 0.55),
        limb_brightening=(0.15, 0.55),
        terminator_shift_deg=(-4.5, 3.5),
        night_R=(rng.uniform(0.25, 0.7), rng.uniform(0.8, 1.6)),
        night_roughness=rng.uniform(0.1, 0.45),
        no_aurora_share=float(rng.choice([0.05, 0.05, 0.3])),
        emission_altitude_km=rng.uniform(120.0, 148.0),
    )
