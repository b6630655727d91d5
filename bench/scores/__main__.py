"""Score the pipeline, the network and the published criterion on night images: python -m bench.scores.

One row per artefact of the simulator, and one for the noise of real IUVS spectra; docs/scores.md describes rows and
columns. With 300 images a kind it takes about an hour on one core. Results are kept in build/scores as they are made,
and a repeated command continues. Images are made again where reading, cleaning, drawing, the decision on the night or
detection have other result versions, and searched again where the count or the weights differ. Remove the folder after
a change of the simulator.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from bench.scores import real_noise
from bench.scores.cases import Case, make_case
from bench.scores.found import Found, find
from bench.scores.resuming import Mapper, collect, hash_stamp
from bench.scores.rows import AURORA, Row, list_rows
from bench.scores.scoring import Image, Scores
from bench.scores.table import format_table
from mars_aurora.detect.detectors import DetectorName, hash_weights
from mars_aurora.detect.yolo import load
from mars_aurora.run.stamps import RESULT_VERSIONS

START, END = "<!-- scores -->\n", "<!-- end of scores -->\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    rows = [row.name for row in list_rows()]
    parser.add_argument("--rows", nargs="+", choices=rows, default=rows, metavar="ROW", help=f"of {', '.join(rows)}")
    parser.add_argument("--count", type=int, default=300, help="images of each kind in a row")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    parser.add_argument("--out", type=Path, default=Path("build/scores"), help="folder of what is made")
    parser.add_argument("--write", type=Path, help="page whose table is replaced, between its two comments")
    arguments = parser.parse_args()
    with open_pool(arguments.processes) as run_map:
        scores = [score_row(row, arguments.count, arguments.out, run_map) for row in choose_rows(arguments.rows)]
    table = format_table(scores)
    print(table)
    if arguments.write:
        before, rest = arguments.write.read_text().split(START)
        arguments.write.write_text(f"{before}{START}{table}\n{END}{rest.split(END)[1]}")


@contextmanager
def open_pool(processes: int) -> Iterator[Mapper]:
    """Yield a function like `map` that uses so many processes."""
    if processes == 1:
        yield map
        return
    with ProcessPoolExecutor(processes) as pool:
        yield pool.map


def choose_rows(names: Sequence[str]) -> Iterator[Row]:
    """Yield the named rows; that of real noise is left out, with a message, where its files are missing."""
    for row in list_rows():
        if row.name in names:
            if row.has_real_noise and not real_noise.FOLDER.is_dir():
                print(f"{row.name}: left out, no real files in {real_noise.FOLDER}")
                continue
            yield row


def score_row(row: Row, images: int, out: Path, run_map: Mapper) -> Scores:
    """Make the images of a row that are not there yet, and search them."""
    found = {kind: list(list_images(row, kind, images, out, run_map)) for kind in row.kinds}
    print(f"{row.name}: {', '.join(f'{len(some)} {kind}' for kind, some in found.items())}", flush=True)
    return Scores(row, found, load().thresholds["aurora"])


def list_images(row: Row, kind: str, images: int, out: Path, run_map: Mapper) -> Iterator[Image]:
    """Yield the first images of a kind, until there are enough that count."""
    folder = out / row.name.replace(" ", "_")
    folder.mkdir(parents=True, exist_ok=True)

    def is_counted(line: dict[str, Any] | None) -> bool:
        return line is not None and (kind != AURORA or Case.from_json(line).is_visible)

    def is_enough(lines: Sequence[dict[str, Any] | None]) -> bool:
        return sum(map(is_counted, lines)) >= images

    versions = [RESULT_VERSIONS[stage] for stage in ("read", "clean", "picture", "night", "detect")]
    made = hash_stamp(versions, [asdict(world) for world in row.worlds], row.seed)
    make = partial(make_line, row=row, kind=kind, folder=folder)
    lines = collect(folder / f"{kind}.jsonl", made, make, count(), is_enough, run_map)
    last = [index for index, line in enumerate(lines) if is_counted(line)][images - 1]
    cases = [Case.from_json(line) for line in lines[: last + 1] if line is not None]
    searched = hash_stamp(made, RESULT_VERSIONS["classify"], RESULT_VERSIONS["detect"], hash_weights(DetectorName.YOLO))
    jobs = [{way: folder / product.picture for way, product in case.products.items()} for case in cases]
    found = collect(folder / f"{kind}.found.jsonl", searched, find_line, jobs, lambda _: False, run_map)
    for case, line in zip(cases, found, strict=False):
        yield Image(case, {way: Found.from_json(entry) for way, entry in line.items()})


def make_line(index: int, row: Row, kind: str, folder: Path) -> dict[str, Any] | None:
    case = make_case(index, row, kind, folder)
    return None if case is None else asdict(case)


def find_line(pictures: dict[str, Path]) -> dict[str, Any]:
    return {way: asdict(found) for way, found in find(pictures).items()}


if __name__ == "__main__":
    main()
