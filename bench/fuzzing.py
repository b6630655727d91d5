"""Fuzz the readers with atheris: only observations, InputError and TransientError may come out.

    build/fuzz-venv/bin/python -m bench.fuzzing [--cpu-minutes 5] [--corpus build/fuzz-corpus]

An input of the fuzzer is a file as it is, or edits of a small sound EMUS or IUVS file: bytes written at positions,
cards replaced, the end cut off, plain or gzipped. It stops with the input in build/ when another exception occurs,
when one file takes over 20 s, or when memory exceeds 4 GB; else after the CPU time, with the number of executions.
"""

from __future__ import annotations

import argparse
import gzip
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["mars_aurora.readers", "astropy.io.fits"]):
    from mars_aurora import readers
    from mars_aurora.errors import InputError, TransientError
    from mars_aurora.readers import reading  # noqa: F401 -- instrumented here, imported lazily by `readers`

import numpy as np

from bench.corpus.editing import CARD, split
from bench.corpus.headers import DAMAGE, STRUCTURE_VALUES
from mars_aurora_model.simulator.simulate import observe
from mars_aurora_model.simulator.world import World
from mars_aurora_model.simulator.writers import iuvs

WORLD = World(
    n_slit=10,
    max_integrations=12,
    scan_step_deg=(1.2, 1.4),
    swaths_per_set=(1,),
    slit_cut_fraction=0.0,
    truncated_fraction=0.0,
    n_wavelengths=60,
)
LONGEST = 4096
_TEXTS = [*DAMAGE.values(), *(value for values in STRUCTURE_VALUES.values() for value in values)]
VALUES = [text if isinstance(text, bytes) else text.encode("latin-1") for text in _TEXTS]


@dataclass(frozen=True)
class Base:
    """A sound file, and the positions of its header cards."""

    content: bytes
    cards: tuple[int, ...]


def make_bases() -> list[Base]:
    """Make the sound files that are edited: EMUS L2B and L2A, IUVS."""
    simulated = observe(WORLD, 1, 0)
    spectra = iuvs.write(simulated.swath, WORLD, np.random.default_rng(1))
    contents = [simulated.to_fits(), simulated.to_fits(level="l2a"), spectra]
    return [Base(content, tuple(_find_cards(content))) for content in contents]


def _find_cards(content: bytes) -> Iterator[int]:
    start = 0
    for hdu in split(content):
        yield from range(start, start + (len(hdu.cards) + 1) * CARD, CARD)
        start += len(hdu.to_bytes())


def make_file(data: bytes, bases: list[Base]) -> bytes:
    """Make a file of the fuzzer's bytes; the first one says which."""
    provider = atheris.FuzzedDataProvider(data)
    choice = provider.ConsumeIntInRange(0, 7)
    content = bytes(provider.ConsumeBytes(LONGEST)) if choice >= 6 else _edit(provider, bases[choice % 3])
    return gzip.compress(content, 0) if choice in {3, 4, 5, 7} else content


def _edit(provider: atheris.FuzzedDataProvider, base: Base) -> bytes:
    content = bytearray(base.content)
    for _ in range(provider.ConsumeIntInRange(1, 6)):
        action = provider.ConsumeIntInRange(0, 9)
        if action == 0:
            return bytes(content[: provider.ConsumeIntInRange(1, len(content))])
        if action <= 2:
            at = provider.ConsumeIntInRange(0, len(content) - 1)
            written = provider.ConsumeBytes(8)
            content[at : at + len(written)] = written
            continue
        at = base.cards[provider.ConsumeIntInRange(0, len(base.cards) - 1)]
        if action <= 4:
            content[at : at + CARD] = provider.ConsumeBytes(40).ljust(CARD)[:CARD]
        else:
            value = provider.ConsumeBytes(30) if action <= 6 else VALUES[provider.ConsumeIntInRange(0, len(VALUES) - 1)]
            content[at + 10 : at + CARD] = value.ljust(CARD - 10)[: CARD - 10]
    return bytes(content)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cpu-minutes", type=float, default=5)
    parser.add_argument("--corpus", type=Path, default=Path("build/fuzz-corpus"))
    options = parser.parse_args()
    options.corpus.mkdir(parents=True, exist_ok=True)
    bases, folder = make_bases(), tempfile.TemporaryDirectory()
    path = Path(folder.name) / "x.fits"
    counts = {"executions": 0, "observations": 0}

    def read_one(data: bytes) -> None:
        path.write_bytes(make_file(data, bases))
        counts["executions"] += 1
        try:
            readers.read(path, path.name)
            counts["observations"] += 1
        except (InputError, TransientError):
            pass
        if time.process_time() > 60 * options.cpu_minutes:
            print(f"{time.process_time() / 60:.1f} CPU minutes: {counts}", flush=True)
            folder.cleanup()
            os._exit(0)

    limits = [
        "-len_control=0",
        "-timeout=20",
        "-rss_limit_mb=4000",
        f"-max_len={LONGEST}",
        "-artifact_prefix=build/fuzz-",
    ]
    atheris.Setup([sys.argv[0], *limits, str(options.corpus)], read_one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
