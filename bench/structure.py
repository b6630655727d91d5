"""Sizes of modules and functions, and imports between rooms: python -m bench.structure [CORE [MODEL]].

Lines of a module are those of its file; lines of a function are those of its body without docstring, comments and blank
lines. A room is a package or module directly below `mars_aurora`.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[1]
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
DEFAULT = (ROOT / "core" / "mars_aurora", ROOT / "model" / "mars_aurora_model")


def main() -> None:
    packages = [Path(argument) for argument in sys.argv[1:]] or list(DEFAULT)
    for package in packages:
        modules = {path: ast.parse(path.read_text()) for path in package.rglob("*.py") if path.read_text().strip()}
        lines = [len(path.read_text().splitlines()) for path in modules if path.name != "__init__.py"]
        sizes = [
            count_lines(node) for tree in modules.values() for node in ast.walk(tree) if isinstance(node, FUNCTIONS)
        ]
        print(f"{package.name}: {len(lines)} modules, lines median {median(lines):.0f}, largest {max(lines)}")
        print(
            f"  {len(sizes)} functions, lines median {median(sizes):.0f}, over 50: {sum(size > 50 for size in sizes)}"
        )
    rooms = find_rooms(packages[0])
    arrows = set(find_arrows(packages[0]))
    mutual = {frozenset(arrow) for arrow in arrows if arrow[::-1] in arrows}
    print(f"{len(rooms)} rooms ({', '.join(rooms)}), {len(arrows)} imports between them, {len(mutual)} of them mutual")


def count_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Count the lines of code of a function's body."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return len({line for part in body for line in range(part.lineno, (part.end_lineno or part.lineno) + 1)})


def find_rooms(package: Path) -> list[str]:
    return sorted(path.stem for path in package.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists())


def find_arrows(package: Path) -> Iterator[tuple[str, str]]:
    """Yield (importing room, imported room) for each import between rooms."""
    prefix = package.name
    for path in package.rglob("*.py"):
        own = path.relative_to(package).parts[0].removesuffix(".py")
        for node in ast.walk(ast.parse(path.read_text())):
            for name in imported_names(node):
                parts = name.split(".")
                if parts[0] == prefix and len(parts) > 1 and parts[1] != own:
                    yield own, parts[1]


def imported_names(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module:
        return [f"{node.module}.{alias.name}" for alias in node.names]
    return []


if __name__ == "__main__":
    main()
