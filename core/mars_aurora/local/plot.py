"""The command `plot`: pictures of a run's observations with limb, grid, terminator, boxes and outlines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from mars_aurora.errors import UsageError


def plot(
    run: Annotated[Path, typer.Argument(help="Folder of a finished run: OUT/runs/RUN_ID.")],
    names: Annotated[list[str] | None, typer.Argument(help="Inputs to draw; none: all with auroras.")] = None,
) -> None:
    """Draw observations of a run, with auroras outlined, to RUN/plots (needs the extra "plots")."""
    from mars_aurora.box import Box
    from mars_aurora.catalogue import plots
    from mars_aurora.geometry.canvas import Canvas
    from mars_aurora.measure import measure
    from mars_aurora.observation import from_npz

    found = names or [_name(path, run / "detections") for path in sorted((run / "detections").rglob("*.png"))]
    for name in found:
        geometry, prediction = run / "geometry" / f"{name}.npz", run / "predictions" / f"{name}.png.out"
        if not geometry.is_file():
            raise UsageError(f"{run} has no geometry of {name}: is it an input of this run, and was it usable?")
        boxes = json.loads(prediction.read_bytes())["boxes"] if prediction.is_file() else []
        observation, arrays = from_npz(geometry.read_bytes())
        auroras = measure.measure(geometry.read_bytes(), [Box(**box) for box in boxes])
        path = run / "plots" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(plots.draw(observation, Canvas.from_arrays(arrays), auroras))
    typer.echo(f"{len(found)} pictures in {run / 'plots'}")


def _name(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix().removesuffix(".png")
