"""The sound files that are edited: one small simulated swath with two auroras, as EMUS and as IUVS file.

Each case has an observation of its own: its times are shifted by whole days, which changes neither geometry nor size.
"""

from __future__ import annotations

import struct
import tempfile
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

import numpy as np

from bench.corpus.case import Document
from mars_aurora.local import api
from mars_aurora_model.simulator.orbit import stamp, to_utc
from mars_aurora_model.simulator.simulate import Simulated, observe
from mars_aurora_model.simulator.world import World
from mars_aurora_model.simulator.writers import iuvs
from mars_aurora_model.simulator.writers.iuvs_geometry import stamp as iuvs_stamp

WORLD = World(  # coarse, almost free of noise, always with two bright auroras on the night side
    n_slit=40,
    max_integrations=60,
    scan_step_deg=(0.25, 0.3),
    counts_per_R=4.0,
    fit_noise_R=0.1,
    flat_field_error=0.005,
    systematic_error=0.02,
    flagged_fraction=0.0,
    n_wavelengths=96,
    night_roughness=0.1,
    swath_variation=0.0,
    no_aurora_fraction=0.0,
    swaths_per_set=(1,),
    slit_cut_fraction=0.0,
    truncated_fraction=0.0,
    modes=(("os2", 1.0, (100.0, 140.0)),),
    auroras_per_scene=(0.0, 1.0),
    kinds=(("crustal", 0.5), ("patch", 0.5)),
    crustal_peak_R=(20.0, 50.0),
    patch_peak_R=(20.0, 40.0),
    crustal_size_km=(300.0, 450.0),
    patch_size_km=(300.0, 450.0),
)
SEED = 3
MIN_SNR = 12.0
KEPT_EMISSIONS = ("H I 121.6", "O I 130.4", "O I 135.6", "C I 156.1")
IUVS_COUNTS_PER_R = 100.0


@cache
def swath() -> Simulated:
    """Return the first swath whose two auroras are found, well above noise, in both kinds of file."""
    for index in range(200):
        simulated = observe(WORLD, SEED, index)
        if all(_shows_two(content) for content in (simulated.to_fits(), _write_iuvs(simulated))):
            return simulated
    raise RuntimeError("none of 200 simulated swaths has two auroras that are found")


def _shows_two(content: bytes) -> bool:
    with tempfile.NamedTemporaryFile(suffix=".fits") as file:
        file.write(content)
        file.flush()
        found = api.find(Path(file.name))
    return len(found) == 2 and min(found["snr"]) > MIN_SNR


def _write_iuvs(simulated: Simulated) -> bytes:
    return iuvs.write(simulated.swath, replace(WORLD, counts_per_R=IUVS_COUNTS_PER_R), np.random.default_rng(1))


@cache
def sound(base: str) -> bytes:
    """Return a sound file by the name of its base."""
    if base == "iuvs":
        return _write_iuvs(swath())
    if base == "emus_l2a":
        return swath().to_fits(level="l2a")
    document = Document(swath().to_fits())
    columns = document.columns("EMISS")
    names = [name.decode().strip() for name in columns["NAME"][0]]
    kept = [row for row, name in enumerate(names) if name.startswith(KEPT_EMISSIONS)]
    document.set_columns("EMISS", {name: (values[kept], unit) for name, (values, unit) in columns.items()})
    return document.joined()


@cache
def _times(base: str) -> tuple[tuple[int, datetime, str], ...]:
    """Find every time in a file: position, value and format."""
    content = sound(base)
    found: set[tuple[int, datetime, str]] = set()
    times = [to_utc(et) for et in swath().swath.geometry.et]
    header = swath().swath.header
    times += [datetime.fromisoformat(f"{header[key]}+00:00") for key in ("OBS_UTC", "END_UTC")]
    for time in times:
        for form, text in (("emus", stamp(time)), ("iuvs", iuvs_stamp(time))):
            position = -1
            while (position := content.find(text.encode(), position + 1)) >= 0:
                found.add((position, time, form))
    return tuple(sorted(found))


def document(base: str, days: int) -> Document:
    """Return the sound file as observed ``days`` later."""
    content = bytearray(sound(base))
    for et in swath().swath.geometry.et:
        content = content.replace(struct.pack(">d", et), struct.pack(">d", et + 86_400 * days))
    for position, time, form in _times(base):
        shifted = time + timedelta(days=days)
        text = (stamp if form == "emus" else iuvs_stamp)(shifted).encode()
        content[position : position + len(text)] = text
    return Document(bytes(content))


def mission_name(base: str, days: int, version: str = "") -> str:
    """Return the mission's name of a sound file as observed ``days`` later, with another version if given."""
    start = to_utc(swath().swath.geometry.et[0])
    name = iuvs.name(swath().swath) if base == "iuvs" else swath().name
    form = "%Y%m%dT%H%M%S" if base == "iuvs" else "%Y%m%dt%H%M%S"
    name = name.replace(start.strftime(form), (start + timedelta(days=days)).strftime(form))
    if version:
        stem, suffix = name.rsplit("_v", 1)[0], name[name.index(".fits") :]
        name = f"{stem}_v{version}{suffix}"
    return name.replace("_l2b_", "_l2a_") if base == "emus_l2a" else name
