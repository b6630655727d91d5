"""What a run is given: folders and files on this machine, listed once, each under its name in the ledger."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from mars_aurora.errors import UsageError
from mars_aurora.run.keys import READY_MARKER, is_fits

RUN_FILE = "mars-aurora-run.json"  # marks a folder as a run's own, whose results are nobody's inputs


class InputFiles:
    """The inputs of a run as a `Source`, fixed when the run starts.

    Attributes
    ----------
    paths : where each input is, by its name in the ledger
    roots : the folders below which the names begin
    """

    def __init__(self, paths: Mapping[str, Path], roots: Iterable[Path] = ()) -> None:
        self.paths = dict(sorted(paths.items()))
        self.roots = sorted({str(root) for root in roots})

    def list(self, prefix: str) -> list[str]:
        return [name for name in self.paths if name.startswith(prefix)]

    @contextmanager
    def local_file(self, key: str) -> Iterator[Path]:
        yield self.paths[key]


def find_inputs(inputs: Sequence[Path]) -> InputFiles:
    """List everything in the given folders, at any depth, and the given files.

    A name is the path below the folder it was found in, or a given file's own name. A folder named like
    FITS is listed too, so that the ledger tells about it. Folders of earlier runs are passed over.

    Raises
    ------
    UsageError
        If an input does not exist, a folder cannot be listed, or two files would go by one name.
    """
    paths: dict[str, Path] = {}
    for given in inputs:
        root = _root(given)
        for path in _walk(root, ()) if given.is_dir() else [given.absolute()]:
            name = _name(path, root)
            if paths.setdefault(name, path) != path:
                raise UsageError(
                    f"{paths[name]} and {path} would both be called {name} in the ledger: "
                    "give the folder above them, or run them apart"
                )
    return InputFiles(paths, map(_root, inputs))


def _root(given: Path) -> Path:
    if not given.exists() and not given.is_symlink():
        raise UsageError(f"{given} does not exist")
    return given.absolute() if given.is_dir() else given.absolute().parent


def _walk(folder: Path, above: tuple[str, ...]) -> Iterator[Path]:
    """Walk through links to folders too, but not round in circles."""
    identity = os.path.realpath(folder)
    if identity in above:
        return
    entries = _entries(folder)
    if above and RUN_FILE in entries:
        return
    for name, is_folder in entries.items():
        if name != READY_MARKER and (is_fits(name) or not is_folder):
            yield folder / name
        if is_folder:
            yield from _walk(folder / name, (*above, identity))


def _entries(folder: Path) -> dict[str, bool]:
    """Give the names in a folder, sorted, and whether each is a folder itself."""
    try:
        with os.scandir(folder) as entries:
            return dict(sorted((entry.name, entry.is_dir()) for entry in entries))
    except OSError as error:
        raise UsageError(f"cannot list {folder}: {error.strerror}") from error


def _name(path: Path, root: Path) -> str:
    """Name a file as the ledger can print it, whatever bytes its file system holds."""
    return path.relative_to(root).as_posix().encode(errors="surrogateescape").decode(errors="backslashreplace")
