"""The command ``plot``: figures of the observations of a run, of its observation sets, and of the whole run."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal
from urllib.parse import unquote_to_bytes

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn

from mars_aurora.emission import EMISSIONS
from mars_aurora.errors import InputError, UsageError
from mars_aurora.local.progress import Bars
from mars_aurora.run.keys import RUN_FILE

if TYPE_CHECKING:
    from mars_aurora.catalogue.plots import Style
    from mars_aurora.local.api import Run
    from mars_aurora.observation import Observation

_MIN_DPI, _MAX_DPI = 30, 1200


def plot(  # noqa: PLR0913 -- one parameter per option
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a finished run: OUT/runs/RUN_ID.")],
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME", help="Inputs to plot; by default all with auroras, their observation sets, and an overview."
        ),
    ] = None,
    *,
    raw: Annotated[bool, typer.Option("--raw", help="Plot each observation before cleaning beside it.")] = False,
    range_R: Annotated[
        tuple[float, float] | None,
        typer.Option(
            "--range", metavar="LOW HIGH", help="Scale in R; by default 2 to 50 for night scenes, else 0.3 to 1000."
        ),
    ] = None,
    file_format: Annotated[Literal["png", "pdf", "svg"], typer.Option("--format", help="Format of the files.")] = "png",
    dpi: Annotated[int, typer.Option(min=_MIN_DPI, max=_MAX_DPI, help="Resolution in pixels per inch.")] = 100,
    other: Annotated[
        bool,
        typer.Option("--other/--no-other", help="Plot the other oxygen line beside, where the inputs still have it."),
    ] = True,
) -> None:
    """Plot observations, sets and the whole of a run to RUN/plots (requires the extra "plots")."""
    from mars_aurora.catalogue.plots import Style
    from mars_aurora.local.api import open_run

    if range_R is not None and not 0 < range_R[0] < range_R[1] < float("inf"):
        raise UsageError(
            f"the range {range_R[0]:g} to {range_R[1]:g} R is invalid: two numbers above 0, the lower first"
        )
    opened, style = open_run(run), Style(range_R, file_format, dpi)
    figures = dict(_list_figures(opened, names, style, raw=raw, other=other))
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Bars(Console(stderr=True), *columns) as bars:
        task = bars.add_task("plotting", total=len(figures))
        for path, draw in figures.items():
            opened.storage.put(path, draw())
            bars.advance(task)
    typer.echo(f"{len(figures)} plots in {run / opened.paths.plots}")


def _list_figures(
    run: Run, names: list[str] | None, style: Style, *, raw: bool, other: bool
) -> Iterator[tuple[str, Callable[[], bytes]]]:
    """Yield path and maker of each figure: of the given observations, or those with auroras, their sets and the run."""
    ledger = run.ledger
    found = names or ledger["name"][ledger["outcome"] == "aurora"].tolist()
    for name in found:
        draw = partial(_draw_observation, run, name, style, raw=raw, other=other)
        yield run.paths.plot(name, style.file_format), draw
    if names:
        return
    for members in _list_sets(run, found):
        yield run.paths.set_plot(members[0], style.file_format), partial(_draw_set, run, members, style)
    yield run.paths.overview(style.file_format), partial(_draw_overview, run, style)


def _draw_observation(run: Run, name: str, style: Style, *, raw: bool, other: bool) -> bytes:
    from mars_aurora.catalogue import plots

    try:
        observation, canvas = run.geometry(name)
    except KeyError:
        message = f"{run.folder} has no geometry of {name}: give the name of a usable input of this run"
        raise UsageError(message) from None
    beside = _read_other(run, observation) if other else None
    return plots.draw(observation, canvas, run.auroras(name), raw=raw, beside=beside, style=style)


def _list_sets(run: Run, names: list[str]) -> Iterator[list[str]]:
    """Yield the swaths of each observation set that has several with pictures, and an aurora."""
    from mars_aurora.run.ledger import PICTURED
    from mars_aurora.run.sets import group_sets

    ledger = run.ledger
    members: dict[str, list[str]] = {}
    for name, first in group_sets(row["name"] for row in ledger if row["outcome"] in PICTURED).items():
        members.setdefault(first, []).append(name)
    yield from (found for found in members.values() if len(found) > 1 and set(found) & set(names))


def _draw_set(run: Run, names: list[str], style: Style) -> bytes:
    from mars_aurora.catalogue.plot_sets import Swath, draw_set

    return draw_set([Swath(*run.geometry(name), run.auroras(name)) for name in names], style)


def _draw_overview(run: Run, style: Style) -> bytes:
    from mars_aurora.catalogue.entries import list_entries
    from mars_aurora.catalogue.plot_overview import draw_overview
    from mars_aurora.catalogue.plots import describe_count
    from mars_aurora.catalogue.tables import from_table
    from mars_aurora.emission import find_emission
    from mars_aurora.run.ledger import Outcome, Record

    records = [Record(row["name"], Outcome(row["outcome"])) for row in run.ledger]
    entries, line = list_entries(from_table(run.catalogue)), find_emission(run.catalogue.meta["emission"])
    title = f"Run {run.folder.resolve().name}: {describe_count(len(entries))} in {len(records)} inputs, {line.name} nm"
    return draw_overview(title, records, entries, line, style)


def _read_other(run: Run, observation: Observation) -> Observation | None:
    """Read the other oxygen line of an input; None if it is not there any more, was changed, or lacks the line."""
    from mars_aurora.cleaning.cleaning import clean
    from mars_aurora.local.api import read

    path = _find_input(run, observation.facts.name)
    if path is None:
        return None
    other = next(line for line in EMISSIONS if line != observation.emission.name)
    try:
        found = read(path, other)
    except InputError:
        return None
    return clean(found) if observation.facts.cleaning else found


def _find_input(run: Run, name: str) -> Path | None:
    """Find an input of a local run where it was; None if it is missing or has another size."""
    try:
        settings = json.loads(run.storage.get(run.paths.product(RUN_FILE)))
        roots = [Path(root).resolve() for root in settings["inputs"]]
    except (KeyError, ValueError, TypeError):
        return None  # a run of the cloud
    sizes = run.ledger["size_bytes"][run.ledger["name"] == name].tolist()
    relative = os.fsdecode(unquote_to_bytes(name))
    paths = ((root / relative).resolve() for root in roots)
    inside = (path for path in paths if any(path.is_relative_to(root) for root in roots) and path.is_file())
    return next((path for path in inside if [path.stat().st_size] == sizes), None)
