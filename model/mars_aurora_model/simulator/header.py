"""The name of a simulated file by the mission's convention, and its primary header."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np

from mars_aurora_model.simulator import orbit
from mars_aurora_model.simulator.orbit import Array
from mars_aurora_model.simulator.scene import Part, Scene
from mars_aurora_model.simulator.world import World


def name_file(
    rng: np.random.Generator, world: World, shared: Scene, part: Part, et: Array
) -> tuple[str, dict[str, Any]]:
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


def mark(rng: np.random.Generator, world: World, header: dict[str, Any], *, flagged: bool) -> dict[str, Any]:
    """Return the header with the quality flag of the file, sometimes without END_UTC."""
    dropped = {"END_UTC"} if rng.random() < world.missing_end_fraction else set()
    return {key: value for key, value in header.items() if key not in dropped} | {"QLTY_FLG": int(flagged)}
