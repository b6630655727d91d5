"""The command ``cost``: the estimated cost of a run on AWS."""

from __future__ import annotations

from typing import Annotated

import typer

from mars_aurora.errors import UsageError
from mars_aurora.local.stack import Stack
from mars_aurora.run.costs import Usage, describe, describe_prices, estimate, read_prices

CANDIDATES = 0.3  # of the inputs, where the number is not known


def cost(  # noqa: PLR0913, PLR0917 -- one parameter per option
    count: Annotated[int, typer.Argument(metavar="FILES", min=1, help="Number of input files.")],
    candidates: Annotated[int | None, typer.Option(min=0, help="Number of candidates; by default 30 %.")] = None,
    megabytes: Annotated[float, typer.Option(metavar="MB", help="Size of a file.")] = 10.0,
    instance: Annotated[
        str, typer.Option(help="Instance of the transform job; empty to detect on Lambda.")
    ] = "ml.c5.xlarge",
    keep_days: Annotated[int, typer.Option(min=1, help="Days until the work files expire.")] = 30,
    prices: Annotated[bool, typer.Option("--prices", help="Print the prices with their sources too.")] = False,  # noqa: FBT002 -- a command line flag
) -> None:
    """Estimate the cost of a run on AWS, in US dollars, without the free amounts of an account."""
    priced = [name for name in read_prices() if name.startswith("ml.")]
    if instance and instance not in priced:
        raise UsageError(f"there is no price of the instance {instance!r}: choose one of {', '.join(priced)}")
    found = round(count * CANDIDATES) if candidates is None else candidates
    typer.echo(describe(estimate(Usage(count, found, megabytes, instance, keep_days=keep_days))))
    if prices:
        typer.echo(describe_prices())


def estimate_usage(stack: Stack, count: int, size_bytes: int) -> Usage:
    """Return what a run of some files on a stack will use; the number of candidates is not known before."""
    candidates = round(count * CANDIDATES)
    few = candidates <= int(stack.parameters.get("DetectOnLambdaUpTo", 0))
    on_sagemaker = stack.detector_path.startswith("SageMaker") and not few
    return Usage(
        files=count,
        candidates=candidates,
        megabytes=size_bytes / 1e6 / max(1, count),
        instance=stack.parameters.get("TransformInstanceType", "") if on_sagemaker else "",
        instances=int(stack.parameters.get("TransformInstanceCount", 1)),
        keep_days=int(stack.parameters.get("KeepWorkDays", 30)),
    )
