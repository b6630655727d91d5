"""Mutation testing of the folders of `TESTS` with cosmic-ray, on copies of the tree.

    python tools/mutants.py [FOLDER ...] [--count 80] [--seed 1] [--jobs 2]

A fixed random sample of the mutants of each folder, at most one per place in the code, is tested with the unit tests
of the folder. Exits with status 1 if in any folder fewer than 90 % of the mutants that are not known to be equivalent
are killed.
"""

from __future__ import annotations

import argparse
import ast
import os
import random
import re
import shutil
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WORK = ROOT / "build" / "mutants"
COSMIC_RAY = ROOT / "build" / "tools" / "bin" / "cosmic-ray"
PAGE = ROOT / "docs" / "mutants.md"
COPIED = ("core", "model", "bench", "tests", "docs", "pyproject.toml")
PACKAGE = "core/mars_aurora"
TESTS = {
    "readers": ("tests/unit/readers",),
    "geometry": ("tests/unit/geometry", "tests/unit/measure/test_columns.py"),
    "cleaning": ("tests/unit/cleaning",),
    "picture": ("tests/unit/picture", "tests/unit/detect/test_view.py", "tests/unit/catalogue/test_stitching.py"),
    "background": ("tests/unit/background", "tests/unit/classify"),
    "classify": ("tests/unit/classify",),
    "detect": ("tests/unit/detect",),
    "measure": ("tests/unit/measure",),
}
GOAL = 0.9
# an operator is replaced only by one of the same kind: for others, a TypeError kills the mutant in any test
KINDS: tuple[set[str], ...] = (
    {"Add", "Sub", "Mul", "Div", "FloorDiv", "Mod", "Pow"},
    {"RShift", "LShift"},
    {"BitOr", "BitAnd", "BitXor"},
    {"Eq", "NotEq", "Lt", "LtE", "Gt", "GtE"},
    {"Is", "IsNot"},
    {"Delete", "Not"},
    {"Delete", "USub"},
    {"Delete", "Invert"},
)
MESSAGES = {"detail", "found", "label"}  # variables that contain parts of messages
GUARDS = {"frozen", "strict"}  # keywords that only detect programming errors
CACHES = {"cache", "cached_property"}  # decorators that only save time

Position = tuple[int, int]  # line, from 1; column, from 0
Span = tuple[Position, Position]
MutantKey = tuple[str, str, str]  # file, line, mutated line


@dataclass(frozen=True)
class Mutant:
    """A mutant that was tested: ``outcome`` is killed, survived, equivalent or error; ``diff`` is unified."""

    path: str
    line: int
    operator: str
    outcome: str
    diff: str

    @property
    def folder(self) -> str:
        return self.path.removeprefix(f"{PACKAGE}/").split("/")[0]


def main() -> int:
    """Sample, run and print; see the module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="*", metavar="FOLDER", help=f"of {', '.join(TESTS)}; default all")
    parser.add_argument("--count", type=int, default=80, help="mutants in the sample of each folder (default 80)")
    parser.add_argument("--seed", type=int, default=1, help="seed of the sample (default 1)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes (default one per CPU)")
    options = parser.parse_args()
    if unknown := set(options.folders) - set(TESTS):
        parser.error(f"no folder {', '.join(sorted(unknown))}; choose from {', '.join(TESTS)}")
    folders = options.folders or list(TESTS)
    shutil.rmtree(WORK, ignore_errors=True)
    copies = [copy_tree(WORK / str(job)) for job in range(options.jobs)]
    for folder in folders:
        prepare(copies[0], folder)
    n_places = sum(sample_mutants(copies, folder, options.count, options.seed) for folder in folders)
    with ThreadPoolExecutor(len(copies)) as pool:
        list(pool.map(lambda copy: test_sessions(copy, folders), copies))
    known = known_equivalents(PAGE.read_text())
    mutants = [mutant for copy in copies for folder in folders for mutant in tested_mutants(copy, folder, known)]
    print(f"{len(mutants)} mutants, at most one in each of {n_places} places, seed {options.seed}")
    return report(mutants, folders)


def copy_tree(copy: Path) -> Path:
    """Copy what the tests need to the folder ``copy``, which the mutants are written to."""
    copy.mkdir(parents=True)
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(ROOT / name, copy)
    return copy


def prepare(copy: Path, folder: str) -> None:
    """Check that the tests pass without a mutation, then list all mutants of ``folder`` in a session."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-m", "not slow", *TESTS[folder]]
    start = time.monotonic()
    subprocess.run(command, cwd=copy, env=environment(copy), stdout=subprocess.DEVNULL, check=True)
    seconds = 30 + 5 * (time.monotonic() - start)  # a mutant may loop forever; the other processes slow the tests
    tests = " ".join(TESTS[folder])
    (copy / f"{folder}.toml").write_text(
        f'[cosmic-ray]\nmodule-path = "{PACKAGE}/{folder}"\ntimeout = {seconds:.1f}\nexcluded-modules = []\n'
        f"test-command = \"{sys.executable} -m pytest -x -q -p no:cacheprovider -m 'not slow' {tests}\"\n"
        '[cosmic-ray.distributor]\nname = "local"\n'
    )
    cosmic_ray(copy, "init", folder)


def cosmic_ray(copy: Path, command: str, folder: str) -> None:
    """Run a command of cosmic-ray on the session of ``folder``."""
    arguments = [str(COSMIC_RAY), command, f"{folder}.toml", f"{folder}.sqlite"]
    subprocess.run(arguments, cwd=copy, env=environment(copy), check=True)


def test_sessions(copy: Path, folders: list[str]) -> None:
    """Test the mutants of every session of ``copy``, one at a time."""
    for folder in folders:
        cosmic_ray(copy, "exec", folder)


def environment(copy: Path) -> dict[str, str]:
    """Return an environment in which the packages are imported from ``copy`` instead of the working tree."""
    return {**os.environ, "PYTHONPATH": f"{copy / 'core'}:{copy / 'model'}", "PYTHONDONTWRITEBYTECODE": "1"}


def sample_mutants(copies: list[Path], folder: str, count: int, seed: int) -> int:
    """Distribute a sample of ``count`` mutants of ``folder`` over ``copies``; return the number of places in it."""
    places: dict[tuple[str, int, int], list[tuple[str, int, str]]] = {}
    for path, operator, occurrence, line, column, job in mutation_rows(copies[0], folder):
        if is_sampled(copies[0] / path, operator, (line, column)):
            places.setdefault((path, line, column), []).append((operator, occurrence, job))
    generator = random.Random(seed)  # noqa: S311 -- a sample, not a secret
    chosen = generator.sample(sorted(places), min(count, len(places)))
    jobs = [generator.choice(sorted(places[place]))[2] for place in chosen]
    for copy in copies[1:]:
        shutil.copy2(copies[0] / f"{folder}.toml", copy)
        shutil.copy2(copies[0] / f"{folder}.sqlite", copy)
    for number, copy in enumerate(copies):
        keep_only(copy / f"{folder}.sqlite", jobs[number :: len(copies)])
    return len(places)


def mutation_rows(copy: Path, folder: str) -> list[tuple[str, str, int, int, int, str]]:
    """Return path, operator, occurrence, line, column and job of every mutant in the session of ``folder``."""
    with closing(sqlite3.connect(copy / f"{folder}.sqlite")) as session:
        columns = "module_path, operator_name, occurrence, start_pos_row, start_pos_col, job_id"
        return session.execute(f"SELECT {columns} FROM mutation_specs").fetchall()  # noqa: S608 -- a constant


def keep_only(path: Path, jobs: list[str]) -> None:
    """Delete all mutants from a session, except those of ``jobs``."""
    with closing(sqlite3.connect(path)) as session, session:
        session.execute("CREATE TEMPORARY TABLE kept (job_id)")
        session.executemany("INSERT INTO kept VALUES (?)", [(job,) for job in jobs])
        session.execute("DELETE FROM mutation_specs WHERE job_id NOT IN (SELECT job_id FROM kept)")
        session.execute("DELETE FROM work_items WHERE job_id NOT IN (SELECT job_id FROM kept)")


def is_sampled(path: Path, operator: str, place: Position) -> bool:
    """Return whether a mutant may change what the code does: see `KINDS` and `unsampled_spans`."""
    name, *parts = operator.removeprefix("core/").split("_")
    if parts and not any(set(parts) <= kind for kind in KINDS):
        return False
    operators, unsampled = spans(path)
    if name == "ReplaceBinaryOperator" and not any(start <= place < end for start, end in operators):
        return False  # the asterisk of an argument
    return not any(start <= place < end for start, end in unsampled)


@cache
def spans(path: Path) -> tuple[list[Span], list[Span]]:
    """Return the spans of binary operators and the spans without a sample."""
    tree = ast.parse(path.read_text())
    return list(operator_spans(tree)), list(unsampled_spans(tree))


def operator_spans(tree: ast.Module) -> Iterator[Span]:
    """Yield the places between the operands of every binary operator."""
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp):
            yield span(node.left)[1], span(node.right)[0]
        elif isinstance(node, ast.AugAssign):
            yield span(node.target)[1], span(node.value)[0]


def unsampled_spans(tree: ast.Module) -> Iterator[Span]:
    """Yield the spans of annotations, messages, caches, and keywords that only detect programming errors."""
    for node in ast.walk(tree):
        if isinstance(node, ast.arg | ast.AnnAssign) and node.annotation:
            yield span(node.annotation)
        elif isinstance(node, ast.FunctionDef):
            if node.returns:
                yield span(node.returns)
            for decorator in node.decorator_list:
                if ast.unparse(decorator).removeprefix("functools.") in CACHES:
                    yield (decorator.lineno, decorator.col_offset - 1), span(decorator)[1]
        elif isinstance(node, ast.keyword) and node.arg in GUARDS:
            yield span(node)
        elif isinstance(node, ast.Raise) or (isinstance(node, ast.Assign | ast.AugAssign) and assigns_message(node)):
            yield from (span(part) for part in ast.walk(node) if isinstance(part, ast.JoinedStr | ast.Slice))


def assigns_message(node: ast.Assign | ast.AugAssign) -> bool:
    """Return whether ``node`` assigns to a variable that contains part of a message."""
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return any(isinstance(target, ast.Name) and target.id in MESSAGES for target in targets)


def span(node: ast.expr | ast.keyword) -> Span:
    """Return start and end of ``node``."""
    return (node.lineno, node.col_offset), (node.end_lineno or node.lineno, node.end_col_offset or node.col_offset)


def known_equivalents(page: str) -> set[MutantKey]:
    """Read the table of equivalent mutants: file, line, mutated line, reason; vertical bars are escaped."""
    rows = (re.split(r"(?<!\\)\|", row) for row in page.splitlines() if row.startswith("| `"))
    cells = ([cell.strip().strip("`").replace("\\|", "|") for cell in row] for row in rows)
    return {(row[1], row[2], row[3]) for row in cells}


def tested_mutants(copy: Path, folder: str, known: set[MutantKey]) -> Iterator[Mutant]:
    """Yield the mutants of a session with their outcome."""
    query = (
        "SELECT module_path, start_pos_row, operator_name, worker_outcome, test_outcome, diff "
        "FROM mutation_specs LEFT JOIN work_results USING (job_id)"
    )
    with closing(sqlite3.connect(copy / f"{folder}.sqlite")) as session:
        for path, line, operator, worker, outcome, diff in session.execute(query):
            name = str(outcome).lower() if worker == "NORMAL" else "error"
            if name == "survived" and (path.removeprefix(f"{PACKAGE}/"), *changed(diff)) in known:
                name = "equivalent"
            yield Mutant(path, line, operator.removeprefix("core/"), name, diff or "")


def changed(diff: str) -> tuple[str, str]:
    """Return the removed and the added line of a diff without indentation; ``(none)`` if no line was added."""
    lines = [line for line in diff.splitlines() if not line.startswith(("---", "+++")) and line[1:].strip()]
    first = [next((line[1:].strip() for line in lines if line.startswith(sign)), "(none)") for sign in "-+"]
    return first[0], first[1]


def report(mutants: list[Mutant], folders: list[str]) -> int:
    """Print a table per folder and the survivors; return the exit status."""
    print(f"{'folder':<10} {'killed':>8} {'survived':>8} {'equivalent':>10} {'error':>6} {'killed':>7}")
    rates = []
    for folder in [*folders, "all"]:
        counts = Counter(mutant.outcome for mutant in mutants if folder in (mutant.folder, "all"))
        rates.append(counts["killed"] / max(1, counts.total() - counts["equivalent"]))
        numbers = f"{counts['killed']:>8} {counts['survived']:>8} {counts['equivalent']:>10} {counts['error']:>6}"
        print(f"{folder:<10} {numbers} {rates[-1]:>7.1%}")
    for mutant in sorted(mutants, key=lambda mutant: (mutant.path, mutant.line)):
        if mutant.outcome in ("survived", "error"):
            before, after = changed(mutant.diff)
            print(f"\n{mutant.path}:{mutant.line} {mutant.operator} {mutant.outcome}\n- {before}\n+ {after}")
    return 0 if min(rates) >= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
