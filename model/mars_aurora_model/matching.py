"""Match the files of a labeling tool with the pictures that it was given.

Tools change names: Label Studio puts eight hexadecimal digits before them (``ab12cd34-NAME.png``), Roboflow a hash
behind them (``NAME_png.rf.HASH.jpg``), and both replace characters.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import unquote

_FOLDER = re.compile(r"^.*(?:[/\\]|\?d=)")  # of Windows too, and of Label Studio's local files
_EXTENSION = re.compile(r"\.(png|jpe?g|webp|bmp|tiff?)$", re.IGNORECASE)
_ROBOFLOW = re.compile(r"[_.-](png|jpe?g)\.rf\.[0-9A-Za-z]+$", re.IGNORECASE)
_LABEL_STUDIO = re.compile(r"^[0-9a-f]{8}-", re.IGNORECASE)


def match_files(files: Iterable[str], outcomes: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Return the picture of each file, and the likely reason for each file that has none.

    Parameters
    ----------
    files : iterable of str
        Names of files, with or without a folder.
    outcomes : mapping of str to str
        For each name of a picture an empty text; for other names of the run why they have no picture.

    Returns
    -------
    matched : dict of str to str
        Name of the picture by file.
    reasons : dict of str to str
        Reason by file.
    """
    index: dict[str, list[str]] = {}
    for name in outcomes:
        index.setdefault(_simplify(name), []).append(name)
    found = {file: _find_names(file, outcomes, index) for file in files}
    files_of: dict[str, list[str]] = {}
    for file, names in found.items():
        files_of.setdefault(names[0] if len(names) == 1 else "", []).append(file)
    reasons = {file: _explain(names, outcomes, files_of) for file, names in found.items()}
    matched = {file: found[file][0] for file, reason in reasons.items() if not reason}
    return matched, {file: reason for file, reason in reasons.items() if reason}


def _find_names(file: str, names: Mapping[str, str], index: Mapping[str, list[str]]) -> list[str]:
    """Return the names that a file may have had: one that is equal, else those that differ in signs only."""
    stems = list(_list_stems(file))
    exact = next(([stem] for stem in stems if stem in names), [])
    return exact or next((index[simple] for stem in stems if (simple := _simplify(stem)) in index), [])


def _list_stems(file: str) -> Iterator[str]:
    """Yield what may be the name of the picture, the least changed first."""
    last = _FOLDER.sub("", file)
    for text in (last, unquote(last)):
        stem = _EXTENSION.sub("", text)
        yield stem
        yield _LABEL_STUDIO.sub("", stem)
        plain = _ROBOFLOW.sub("", stem)
        yield plain
        yield _LABEL_STUDIO.sub("", plain)


def _simplify(name: str) -> str:
    """Return the letters and digits of a name."""
    return re.sub(r"[\W_]+", "", name).casefold()


def _explain(names: list[str], outcomes: Mapping[str, str], files_of: Mapping[str, list[str]]) -> str:
    if not names:
        return "the run has no picture of this name: is it of another run, or was it renamed?"
    if len(names) > 1:
        return f"its name was changed, and it may be {' or '.join(sorted(names))}"
    if outcomes[names[0]]:
        return f"the run has no picture of it: {outcomes[names[0]]}"
    if len(files := files_of[names[0]]) > 1:
        return (
            f"{len(files)} files are this picture ({', '.join(sorted(files))}): export each once, without augmentation"
        )
    return ""
