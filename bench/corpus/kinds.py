"""All kinds of cases, and of disturbed runs, by name."""

from collections.abc import Callable, Iterator
from pathlib import Path

from bench.corpus import (
    bombs,
    checksums,
    containers,
    contents,
    copies,
    damage,
    emissions,
    fills,
    geometry,
    headers,
    missions,
    naming,
    shapes,
    spellings,
    tables,
    times,
    types,
    units,
    values,
)
from bench.corpus.case import KINDS, Found
from bench.corpus.disturbances import disk_full, disturbed
from bench.corpus.kills import kills
from bench.corpus.processes import Run, Tables, make_inputs
from bench.corpus.products import products
from bench.corpus.upgrades import upgrades

MODULES = (  # each registers its kinds
    units,
    fills,
    types,
    shapes,
    spellings,
    headers,
    tables,
    damage,
    checksums,
    containers,
    contents,
    bombs,
    geometry,
    values,
    emissions,
    times,
    missions,
    naming,
    copies,
)
__all__ = ["DISTURBANCES", "KINDS", "MODULES", "disturb"]

DISTURBANCES: dict[str, Callable[[Path, Tables, Path], Iterator[Found]]] = {
    "kills": kills,
    "disk_full": disk_full,
    "disturbed": disturbed,
    "products": products,
    "upgrades": upgrades,
}


def disturb(name: str, folder: Path) -> Iterator[Found]:
    """Disturb runs by kind, after one that is not disturbed."""
    inputs = folder / "in"
    make_inputs(inputs)
    undisturbed = Run(inputs, folder / "undisturbed")
    code, messages = undisturbed.finish()
    if code:
        yield Found(name, "undisturbed", "lost", f"it ends with {code}: {messages[-300:]}")
        return
    yield from DISTURBANCES[name](folder / name, undisturbed.tables(), inputs)
