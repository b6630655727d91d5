"""Prices, latencies and limits of AWS beside those of the package, each with its source and date."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True)
class Stated:
    """A number that somebody states."""

    value: float
    unit: str
    source: str
    date: str


@cache
def read_sources() -> dict[str, Stated]:
    """Return the numbers by name."""
    text = Path(__file__).with_name("sources.json").read_text()
    return {name: Stated(**given) for name, given in json.loads(text).items()}


def value(name: str) -> float:
    return read_sources()[name].value


def describe() -> str:
    """Return all numbers as a list in Markdown."""
    return "\n".join(
        f"- {format(s.value, '.10f').rstrip('0').rstrip('.')} {s.unit}: {s.source}, {s.date}"
        for s in read_sources().values()
    )
