"""Parameters of a simulated mission in one frozen dataclass; another configuration is another test set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Range = tuple[float, float]
LatitudeFrame = Literal["sphere", "planetographic", "planetocentric"]
ArtefactName = Literal[
    "particles",
    "hot_pixels",
    "hot_bins",
    "slit_bands",
    "flat_field",
    "particle_background",
    "stars",
    "stray_light",
    "gaps",
    "patchy_nightglow",
    "heavy_tails",
]
Artefacts = Literal["none", "usual", ArtefactName]
ARTEFACTS: tuple[ArtefactName, ...] = get_args(ArtefactName)

MARS_RADIUS_KM = 3396.19  # IAU 2015 equatorial radius, the sphere on which areas are measured


@dataclass(frozen=True)
class World:
    """Parameters of the simulated instrument, orbit, background and auroras.

    A value is drawn uniformly from each range; fractions are probabilities. Defaults follow publications on EMM/EMUS
    (Amiri et al. 2022, Holsclaw et al. 2021, Lillis et al. 2022). Parameters that are only inferred (noise, background,
    scan step, point spread) are those to vary between training and test.
    """

    # instrument
    n_slit: int = 128
    max_integrations: int = 260
    slit_length_deg: float = 10.75
    slit_widths_deg: tuple[float, ...] = (0.18, 0.25)
    scan_step_deg: Range = (0.05, 0.1)
    cadence_s: float = 6.0
    counts_per_R: float = 0.36
    fit_noise_R: float = 0.3  # of the line fit to the spectrum; makes brightness continuous and sometimes negative
    systematic_error: float = 0.04
    flat_field_error: float = 0.02
    flagged_fraction: float = 0.001  # of pixels, which have no value: what flags of real files mean is not published
    n_wavelengths: int = 192
    latitude_frame: LatitudeFrame = "sphere"  # else Mars is an ellipsoid
    artefacts: Artefacts = "none"  # "usual": some sets have one or several; a name: every file has that one
    artefact_fraction: float = 0.35  # of sets with "usual" artefacts
    artefacts_per_file: tuple[float, ...] = (0.6, 0.3, 0.1)  # probability of 1, 2, 3 ... of them
    missing_end_fraction: float = 0.0  # of files without END_UTC
    pause_fraction: float = 0.0  # of swaths whose scan pauses once
    pause_s: Range = (12.0, 80.0)
    noted_file_fraction: float = 0.0  # of files with quality flags on pixels that have a value
    noted_fraction: Range = (0.001, 0.02)  # of their pixels

    # orbit and swaths: a block of files contains sets with these numbers of swaths, in an order drawn per block
    swaths_per_set: tuple[int, ...] = (1, 2, 1, 3, 1, 1, 1, 2)
    altitude_km: tuple[Range, Range, Range] = ((30_000, 42_650), (21_000, 34_000), (19_970, 25_000))  # by swaths
    modes: tuple[tuple[str, float, Range], ...] = (  # name, fraction, phase angle of Mars from the spacecraft
        ("os1", 0.25, (10, 75)),
        ("os2", 0.6, (50, 155)),
        ("osr", 0.15, (30, 150)),
    )
    slit_cut_fraction: float = 0.2  # of single swaths: pointing offset along the slit so large that it cuts the disk
    slit_cut_offset: Range = (0.3, 1.2)  # of those, in disk radii
    truncated_fraction: float = 0.03  # of swaths: they end early
    truncated_to: Range = (0.25, 1.0)  # fraction of the integrations that a truncated swath has

    # non-auroral background
    day_scale: Range = (0.5, 0.7)  # factor on the day-side table in background.py
    day_structure_fraction: float = 0.25
    day_structure_amplitude: Range = (0.15, 0.5)
    limb_brightening: Range = (0.25, 0.45)
    terminator_shift_deg: Range = (-3.0, 2.0)
    night_R: Range = (0.5, 1.0)
    night_roughness: float = 0.25

    # auroras
    no_aurora_fraction: float = 0.25
    aurora_sza_deg: Range = (111.0, 180.0)  # of the centers of auroras
    auroras_per_scene: tuple[float, ...] = (0.3, 0.3, 0.22, 0.12, 0.06)  # probability of 1, 2, 3 ... auroras
    kinds: tuple[tuple[str, float], ...] = (("crustal", 0.35), ("patch", 0.4), ("sinuous", 0.25))
    crustal_peak_R: Range = (6.0, 50.0)
    patch_peak_R: Range = (2.6, 7.0)
    sinuous_peak_R: Range = (4.0, 25.0)
    crustal_size_km: Range = (120.0, 500.0)  # semi-major axis
    patch_size_km: Range = (150.0, 700.0)
    sinuous_length_km: Range = (1500.0, 5500.0)
    sinuous_width_km: Range = (60.0, 200.0)  # standard deviation across
    emission_altitude_km: float = 130.0
    swath_variation: float = 0.2  # log-normal variation of an aurora's brightness between swaths
    oxygen_ratio: float = 4.0  # O I 130.4 over 135.6 nm in auroras; no published value, plot scales suggest 3 to 10
    outline_R: float = 2.0  # level of the true outline: excess over the background at normal incidence
    diffuse_fraction: float = 0.0  # of scenes with a diffuse aurora over the whole night side
    diffuse_R: Range = (8.0, 30.0)  # its brightness at normal incidence
    label_contrast: float = 0.5  # an aurora is visible where its excess is at least this fraction of the background
