"""The command ``plot``: figures of the observations of a run with limb, grid, terminator, boxes and outlines."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mars_aurora.errors import UsageError


def plot(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a finished run: OUT/runs/RUN_ID.")],
    names: Annotated[
        list[str] | None, typer.Argument(metavar="NAME", help="Inputs to plot; by default all with auroras.")
    ] = None,
    *,
    raw: Annotated[bool, typer.Option("--raw", help="Plot each observation before cleaning beside it.")] = False,
) -> None:
    """Plot observations of a run with outlines of the auroras to RUN/plots (requires the extra "plots")."""
    from mars_aurora.catalogue import plots
    from mars_aurora.local.api import open_run

    opened = open_run(run)
    ledger = opened.ledger
    found = names or ledger["name"][ledger["outcome"] == "aurora"].tolist()
    for name in found:
        try:
            observation, canvas = opened.geometry(name)
        except KeyError:
            raise UsageError(f"{run} has no geometry of {name}: give the name of a usable input of this run") from None
        path = opened.paths.plot(name)
        opened.storage.put(path, plots.draw(observation, canvas, opened.auroras(name), raw=raw))
    hint = "" if found else ": no input has auroras, name those to plot"
    typer.echo(f"{len(found)} plots in {run / opened.paths.plots}{hint}")
