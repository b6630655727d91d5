"""The command line: ``mars-aurora run``, ``inspect``, and the commands that installed packages add.

Exit codes: 0 done and balanced, 1 not so, 2 asked wrongly, 130 interrupted.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
from collections.abc import Sequence
from importlib.metadata import entry_points
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from mars_aurora import __version__
from mars_aurora.detect.detectors import DetectorName
from mars_aurora.errors import MarsAuroraError, UsageError
from mars_aurora.local.tasks import Job
from mars_aurora.run.messages import CatalogueResult

_PLUGINS = "mars_aurora.commands"


app = typer.Typer(
    name="mars-aurora",
    help="Find and measure auroras on Mars in far-ultraviolet spacecraft images.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _show_version(asked: bool) -> None:  # noqa: FBT001 -- called by typer
    if asked:
        typer.echo(f"mars-aurora {__version__}")
        raise typer.Exit


@app.callback()
def common(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Take the options that stand before a command."""


@app.command()
def run(  # noqa: PLR0913, PLR0917 -- one parameter for each option
    inputs: Annotated[
        list[Path], typer.Argument(metavar="INPUT", help="Folders of FITS files, searched at any depth, or files.")
    ],
    out: Annotated[Path, typer.Option(help="Folder for the results: they go to OUT/runs/RUN_ID/.")],
    run_id: Annotated[
        str | None,
        typer.Option(
            help="Name of the run; the same name goes on where a run was cut off. Without it the name is made "
            "from the inputs and settings, so that the same command goes on by itself."
        ),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Worker processes; without it, one for each core that may be used.")
    ] = None,
    min_objects: Annotated[
        int, typer.Option(min=1, help="Discard images of fewer objects, the Martian disk being one.")
    ] = 2,
    detector: Annotated[
        DetectorName, typer.Option(help="What looks for auroras in the images that are left.")
    ] = DetectorName.YOLO,
    keep_stages: Annotated[  # noqa: FBT002 -- a flag
        bool, typer.Option("--keep-stages", help="Keep the picture of every stage of the count.")
    ] = False,
) -> None:
    """Find auroras in FITS files: images, detections, a ledger and a catalogue.

    Exits with 0 when every input has its outcome and none failed.
    """
    from mars_aurora.local import inputs as files
    from mars_aurora.local import runner
    from mars_aurora.local.progress import Progress

    found = files.find_inputs(inputs)
    chosen = run_id or _default_run_id(inputs, f"{min_objects} {detector} {keep_stages}")
    job = Job(chosen, out.absolute(), min_objects, detector, keep_stages)
    try:
        with Progress(Console(stderr=True)) as progress:
            result = runner.run(job, found, workers or _usable_cores(), progress)
    except KeyboardInterrupt:
        _complain(f"interrupted; what is done is kept: the same command with --run-id {chosen} goes on from there")
        raise typer.Exit(130) from None
    _report(job, result)
    raise typer.Exit(1 if result.counts["failed"] else 0)


@app.command()
def inspect(path: Annotated[Path, typer.Argument(metavar="FILE", help="A FITS file, plain or gzipped.")]) -> None:
    """Tell what is in a FITS file, whether it is usable (exit code 0), and why not (1)."""
    from mars_aurora import readers
    from mars_aurora.local.inspection import describe

    inspection = readers.inspect(path, path.name)
    typer.echo(describe(inspection))
    raise typer.Exit(0 if inspection.usable else 1)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; what a person did wrong is told in one line."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    try:
        _add_plugins(arguments)
        code = app(arguments, prog_name="mars-aurora", standalone_mode=False)
    except (UsageError, typer.TyperException) as error:
        _complain(error.format_message() if isinstance(error, typer.TyperException) else str(error))
        sys.exit(2)
    except (MarsAuroraError, OSError) as error:
        _complain(str(error))
        sys.exit(1)
    sys.exit(code if isinstance(code, int) else 0)


def _add_plugins(arguments: Sequence[str]) -> None:
    """Add the commands of installed packages, importing only those that are asked for."""
    for plugin in entry_points(group=_PLUGINS):
        if not arguments or arguments[0] in {plugin.name, "--help"}:
            try:
                app.command(plugin.name)(plugin.load())
            except ImportError as error:
                _complain(f"the command {plugin.name} cannot be loaded: {error}")


def _complain(message: str) -> None:
    typer.echo(f"mars-aurora: {' '.join(message.split())}", err=True)


def _default_run_id(inputs: Sequence[Path], settings: str) -> str:
    """Name a run after its first input, with a mark that other inputs or settings change."""
    paths = sorted(str(path.resolve()) for path in inputs)
    mark = hashlib.sha256("\n".join([*paths, settings]).encode(errors="surrogateescape")).hexdigest()[:8]
    stem = re.sub(r"[^A-Za-z0-9._-]+", "-", inputs[0].resolve().name).lstrip("._-")[:60]
    return f"{stem}-{mark}" if stem else mark


def _usable_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _report(job: Job, result: CatalogueResult) -> None:
    console = Console(highlight=False, soft_wrap=True)
    counts = ", ".join(f"{count} {outcome.replace('_', ' ')}" for outcome, count in result.counts.items() if count)
    console.print(f"{result.listed} inputs: {counts or 'nothing to do'}")
    console.print(f"{result.auroras} auroras measured")
    for key in [*result.products, *([job.keys.detections] if result.auroras else [])]:
        console.print(escape(str(job.out / key)))
