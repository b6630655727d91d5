"""The inputs of a local run: files listed once at the start, each with its name in the ledger."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from mars_aurora.errors import UsageError
from mars_aurora.run.escaping import escape_name
from mars_aurora.run.keys import READY_MARKER, is_fits
from mars_aurora.run.storage import Version, file_version, unchanged_file

RUN_FILE = "mars-aurora-run.json"  # marks a run folder, whose results are not inputs of other runs


class InputFiles:
    """The inputs of a run as a `Source`, fixed when the run starts.

    Attributes
    ----------
    paths : dict of str to Path
        Path of each input by its name in the ledger, sorted by name.
    roots : list of str
        Folders that the names are relative to.
    """

    def __init__(self, paths: Mapping[str, Path], roots: Iterable[Path] = ()) -> None:
        self.paths = dict(sorted(paths.items()))
        self.roots = sorted({str(root) for root in roots})

    def list(self, prefix: str) -> list[str]:
        return [name for name in self.paths if name.startswith(prefix)]

    def version(self, key: str) -> Version:
        """Return size and times of an input; raises KeyError if it was removed since it was listed."""
        return file_version(self.paths[key])

    def local_file(self, key: str, version: Version) -> AbstractContextManager[Path]:
        return unchanged_file(self.paths[key], version)


def find_inputs(inputs: Sequence[Path]) -> InputFiles:
    """List all files in the given folders, recursively, and the given files.

    The name of an input is its path relative to the given folder, or the file name of a given file. A folder whose
    name ends in a FITS suffix is listed too, so that it appears in the ledger. Folders of earlier runs are skipped.

    Raises
    ------
    UsageError
        If an input does not exist, a folder cannot be listed, or two files have the same name.
    """
    paths: dict[str, Path] = {}
    for given in inputs:
        root = _root(given)
        for path in _walk(root, ()) if given.is_dir() else [given.absolute()]:
            name = _name(path, root)
            if paths.setdefault(name, path) != path:
                raise UsageError(
                    f"{paths[name]} and {path} would both be named {name} in the ledger: "
                    "pass their common parent folder, or use separate runs"
                )
    return InputFiles(paths, map(_root, inputs))


def _root(given: Path) -> Path:
    if not given.exists() and not given.is_symlink():
        raise UsageError(f"{given} does not exist")
    return given.absolute() if given.is_dir() else given.absolute().parent


def _walk(folder: Path, parents: tuple[str, ...]) -> Iterator[Path]:
    """Yield the files of a folder recursively, following links to folders except into a parent folder."""
    identity = os.path.realpath(folder)
    if identity in parents:
        return
    entries = _entries(folder)
    if parents and RUN_FILE in entries:
        return
    for name, is_folder in entries.items():
        if name != READY_MARKER and (is_fits(name) or not is_folder):
            yield folder / name
        if is_folder:
            yield from _walk(folder / name, (*parents, identity))


def _entries(folder: Path) -> dict[str, bool]:
    """Return the sorted names in a folder, and whether each is a folder."""
    try:
        with os.scandir(folder) as entries:
            return dict(sorted((entry.name, entry.is_dir()) for entry in entries))
    except OSError as error:
        raise UsageError(f"cannot list {folder}: {error.strerror}") from error


def _name(path: Path, root: Path) -> str:
    """Return the path relative to ``root``, with characters that products cannot hold escaped."""
    return escape_name(path.relative_to(root).as_posix())
