"""The commands ``mars-aurora run`` and ``inspect``, and those added by installed packages."""

from __future__ import annotations

import hashlib
import os
import re
import sys
from collections.abc import Sequence
from importlib.metadata import entry_points
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console

from mars_aurora import __version__
from mars_aurora.detect.detectors import DetectorName, choose_detector
from mars_aurora.emission import OXYGEN_1304, find_emission
from mars_aurora.local import summary
from mars_aurora.local.advice import describe_error
from mars_aurora.local.help import LOCAL, OTHER, PANELS, Command, Group
from mars_aurora.local.tasks import Job
from mars_aurora.run.ledger import Outcome
from mars_aurora.run.messages import Again

_PLUGINS = "mars_aurora.commands"

app = typer.Typer(
    name="mars-aurora",
    cls=Group,
    rich_markup_mode="markdown",
    help="Find and measure auroras on Mars in far-ultraviolet spacecraft images.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _show_version(requested: bool) -> None:  # noqa: FBT001 -- signature of a typer callback
    if requested:
        typer.echo(f"mars-aurora {__version__}")
        raise typer.Exit


@app.callback()
def common(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Process the options that precede a command."""


@app.command(cls=Command, rich_help_panel=LOCAL)
def run(  # noqa: PLR0913, PLR0917 -- one parameter per option
    inputs: Annotated[
        list[Path], typer.Argument(metavar="INPUT", help="FITS files, or folders to search recursively.")
    ],
    out: Annotated[Path, typer.Option(help="Output folder; results are written to OUT/runs/RUN_ID/.")],
    run_id: Annotated[
        str | None,
        typer.Option(
            help="Run identifier; reuse it to resume an interrupted run. By default it is derived from the inputs "
            "and settings, so that repeating the command resumes the run."
        ),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Number of worker processes; by default one per available core.")
    ] = None,
    min_objects: Annotated[
        int, typer.Option(min=1, help="Discard pictures with fewer objects; the disk of Mars counts as one.")
    ] = 2,
    detector: Annotated[
        DetectorName | None,
        typer.Option(
            help="Detector applied to the candidates; by default yolo for O I 130.4, threshold for other emissions."
        ),
    ] = None,
    emission: Annotated[
        str, typer.Option(help='Emission to read and measure: "O I 130.4" or "O I 135.6".')
    ] = OXYGEN_1304.name,
    keep_stages: Annotated[  # noqa: FBT002 -- a command line flag
        bool, typer.Option("--keep-stages", help="Keep a picture of each step of the object count.")
    ] = False,
    again: Annotated[
        Literal["rejected", "all"] | None,
        typer.Option(help="Process inputs again although their results are valid: those that were rejected, or all."),
    ] = None,
    cleaning: Annotated[  # noqa: FBT002 -- a command line flag
        bool, typer.Option("--cleaning/--no-cleaning", help="Remove light of the detector before the picture is drawn.")
    ] = True,
    native: Annotated[  # noqa: FBT002 -- a command line flag
        bool,
        typer.Option("--native", help="Write native images of all observations, not only of those with auroras."),
    ] = False,
    dry_run: Annotated[  # noqa: FBT002 -- a command line flag
        bool, typer.Option("--dry-run", help="Print what would be done for how many inputs, and write nothing.")
    ] = False,
) -> None:
    """Find auroras in FITS files; write pictures, detections, a ledger and a catalogue.

    The exit code is 0 if an input was usable and none failed, 2 if none was usable.
    """
    from mars_aurora.local import inputs as files
    from mars_aurora.local import runner
    from mars_aurora.local.plan import describe_plan
    from mars_aurora.local.progress import Progress

    line = find_emission(emission)
    chosen = choose_detector(detector, line)
    settings = f"{min_objects} {chosen} {keep_stages}" + (f" {line.name}" if line != OXYGEN_1304 else "")
    settings += "" if cleaning else " raw"
    chosen_id = run_id or _default_run_id(inputs, settings)
    job = Job(
        chosen_id, out.absolute(), min_objects, chosen, keep_stages, line.name, Again(again or ""), cleaning, native
    )
    folder = out / job.keys.root
    found = files.find_fits(inputs)
    if dry_run:
        typer.echo(describe_plan(job, found))
        return
    try:
        with Progress(Console(stderr=True)) as progress:
            result = runner.run(job, found, workers or _available_cores(), progress)
    except KeyboardInterrupt:
        _print_error(f"interrupted, with finished work kept: repeat the command with --run-id {chosen_id} to resume")
        raise typer.Exit(130) from None
    rows = summary.read_ledger(folder)
    typer.echo(summary.describe_run(folder, rows, result.auroras))
    for failure in summary.describe_failures(rows):
        _print_error(failure)
    if result.counts[Outcome.FAILED]:
        raise typer.Exit(1)
    summary.require_usable(rows)


@app.command(cls=Command, rich_help_panel=LOCAL)
def inspect(
    inputs: Annotated[
        list[Path], typer.Argument(metavar="INPUT", help="FITS files, or folders to search recursively.")
    ],
    min_objects: Annotated[int, typer.Option(min=1, help="As for `run`.")] = 2,
    emission: Annotated[str, typer.Option(help='Emission to read: "O I 130.4" or "O I 135.6".')] = OXYGEN_1304.name,
    cleaning: Annotated[bool, typer.Option("--cleaning/--no-cleaning", help="As for `run`.")] = True,  # noqa: FBT002 -- a command line flag
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document, a list of objects.")] = False,  # noqa: FBT002 -- a command line flag
) -> None:
    """Show the contents of FITS files, and what `run` does with each before detection; write nothing.

    The exit code is 1 if a run would not use a file that is rejected, fails or is superseded, or that is given by its
    own path and ignored.
    """
    from mars_aurora.local import inputs as files
    from mars_aurora.local.inspection import inspect_files, is_used, to_json
    from mars_aurora.local.inspection_text import describe

    job = Job("inspect", Path(), min_objects, emission=find_emission(emission).name, cleaning=cleaning)
    find = files.find_inputs if any(map(Path.is_file, inputs)) else files.find_fits  # a given file is shown in any case
    found = find(inputs)
    reports = inspect_files(found, job)
    typer.echo(to_json(reports) if as_json else "\n".join(map(describe, reports)))
    given = {path.absolute() for path in inputs}
    expected = (item for item in reports if item["outcome"] != Outcome.IGNORED or found.paths[item["name"]] in given)
    raise typer.Exit(0 if all(map(is_used, expected)) else 1)


def execute(arguments: list[str]) -> None:
    """Execute a command; usage errors and failures are printed in one line."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # paths may have bytes that are not text, as in stderr
    try:
        add_commands(arguments)
        code = app(arguments, prog_name="mars-aurora", standalone_mode=False)
    except Exception as error:
        names = {command.name or command.callback.__name__ for command in app.registered_commands if command.callback}
        described = describe_error(error, next((word for word in arguments[:1] if word in names), ""))
        if described is None:
            raise
        _print_error(described[0])
        sys.exit(described[1])
    sys.exit(code if isinstance(code, int) else 0)


def add_commands(arguments: Sequence[str]) -> None:
    """Add the commands of installed packages, importing only the requested command, or all for the help."""
    for plugin in entry_points(group=_PLUGINS):
        if not arguments or arguments[0] in {plugin.name, "--help"}:
            try:
                panel = PANELS.get(plugin.name, OTHER)
                app.command(plugin.name, cls=Command, rich_help_panel=panel)(plugin.load())
            except ImportError as error:
                _print_error(f"the command {plugin.name} cannot be loaded: {error}")


def _print_error(message: str) -> None:
    typer.echo(f"mars-aurora: {' '.join(message.split())}", err=True)


def _default_run_id(inputs: Sequence[Path], settings: str) -> str:
    """Make a run id from the name of the first input and a hash of all inputs and settings."""
    paths = sorted(str(path.resolve()) for path in inputs)
    digest = hashlib.sha256("\n".join([*paths, settings]).encode(errors="surrogateescape")).hexdigest()[:8]
    stem = re.sub(r"[^A-Za-z0-9._-]+", "-", inputs[0].resolve().name).lstrip("._-")[:60]
    return f"{stem}-{digest}" if stem else digest


def _available_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
