"""The inputs of a local run: files listed once at the start, each with its name in the ledger."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from mars_aurora.errors import UsageError
from mars_aurora.run.escaping import escape_name
from mars_aurora.run.keys import READY_MARKER, RUN_FILE, is_fits
from mars_aurora.run.ledger import Outcome, Record
from mars_aurora.run.storage import Version, file_version, unchanged_file


class InputFiles:
    """The inputs of a run as a `Source`, fixed when the run starts.

    Attributes
    ----------
    paths : dict of str to Path
        Path of each input by its name in the ledger, sorted by name.
    roots : list of str
        Folders that the names are relative to.
    records : dict of str to Record
        Records of the inputs that cannot be read: folders that cannot be listed, or are listed under another name.
    """

    def __init__(
        self, paths: Mapping[str, Path], roots: Iterable[Path] = (), records: Mapping[str, Record] | None = None
    ) -> None:
        self.paths = dict(sorted(paths.items()))
        self.roots = sorted({str(root) for root in roots})
        self.records = dict(records or {})

    def list(self, prefix: str) -> list[str]:
        return [name for name in self.paths if name.startswith(prefix)]

    def version(self, key: str) -> Version:
        """Return size and times of an input; raises KeyError if it was removed since it was listed."""
        return file_version(self.paths[key])

    def local_file(self, key: str, version: Version) -> AbstractContextManager[Path]:
        return unchanged_file(self.paths[key], version)


@dataclass(frozen=True)
class _Entry:
    """A file, or a folder with the reason why its files are not listed."""

    path: Path
    outcome: Outcome | None = None
    reason: str = ""
    detail: str = ""


def find_inputs(inputs: Sequence[Path]) -> InputFiles:
    """List all files in the given folders, recursively, and the given files.

    The name of an input is its path relative to the given folder, or the file name of a given file. A folder whose
    name ends in a FITS suffix is listed too, so that it appears in the ledger, and a folder that cannot be listed.
    Folders of earlier runs, and of the data set over all runs, are skipped.

    Raises
    ------
    UsageError
        If a given path does not exist, or two files have the same name.
    """
    paths: dict[str, Path] = {}
    records: dict[str, Record] = {}
    for given in inputs:
        root = _root(given)
        for entry in _walk(root) if given.is_dir() else [_Entry(given.absolute())]:
            name = _name(entry.path, root)
            if paths.setdefault(name, entry.path) != entry.path:
                raise UsageError(
                    f"{paths[name]} and {entry.path} would both be named {name} in the ledger: "
                    "pass their common parent folder, or use separate runs"
                )
            if entry.outcome is not None:
                records[name] = Record(name, entry.outcome, entry.reason, detail=entry.detail)
    return InputFiles(paths, map(_root, inputs), records)


def find_fits(inputs: Sequence[Path]) -> InputFiles:
    """List inputs as `find_inputs`.

    Raises
    ------
    UsageError
        If none of them is named like a FITS file, for example because the folder is not the intended one.
    """
    found = find_inputs(inputs)
    if not found.records and not any(map(is_fits, found.paths)):
        others = f" among {len(found.paths)} files" if found.paths else ""
        raise UsageError(
            f"no FITS files in {', '.join(map(str, inputs))}{others}: their names end in .fits, .fit or .fts, "
            "with .gz or .fz if packed"
        )
    return found


def _root(given: Path) -> Path:
    try:
        given.lstat()
    except (FileNotFoundError, NotADirectoryError):
        raise UsageError(f"{given} does not exist") from None
    except OSError as error:
        raise UsageError(f"{given}: {error.strerror}") from None
    return given.absolute() if given.is_dir() else given.absolute().parent


def _walk(root: Path) -> Iterator[_Entry]:
    """Yield the files of a folder recursively; links to folders last, except to folders that are listed already."""
    folders, links, listed = deque([root]), deque[Path](), set[tuple[int, int]]()
    while folders or links:
        folder = folders.popleft() if folders else links.popleft()
        entries: list[os.DirEntry[str]] = []
        try:
            status = folder.stat()
            if (status.st_dev, status.st_ino) in listed:
                detail = "a link to a folder whose files are listed under another name"
                yield _Entry(folder, Outcome.IGNORED, "linked_folder", detail)
                continue
            listed.add((status.st_dev, status.st_ino))
            with os.scandir(folder) as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except OSError as error:
            detail = f"the folder cannot be listed: {error.strerror}"
            yield _Entry(folder, Outcome.FAILED, "unreadable", detail)
        if folder != root and RUN_FILE in {entry.name for entry in entries}:
            continue
        for entry in entries:
            is_folder = _is_folder(entry)
            if entry.name != READY_MARKER and (is_fits(entry.name) or not is_folder):
                yield _Entry(folder / entry.name)
            if is_folder:
                (links if entry.is_symlink() else folders).append(folder / entry.name)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself, for example: it is listed, and rejected when it is read
        return False


def _name(path: Path, root: Path) -> str:
    """Return the path relative to ``root``, or its own name, with characters that products cannot hold escaped."""
    return escape_name(root.name if path == root else path.relative_to(root).as_posix())
