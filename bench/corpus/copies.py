"""Several files of one observation, of which one is used: copies, versions, levels."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from functools import partial
from pathlib import PurePosixPath

import numpy as np

from bench.corpus import bases
from bench.corpus.case import AS_BASE, SUPERSEDED, Case, Document, Edit, Right, kind, rejected
from bench.corpus.editing import make_table
from bench.corpus.values import first_rows


def _file(what: str, name: str, right: Right, base: str = "emus", edit: Edit | None = None) -> Case:
    """Make a file of the observation that the text before the colon of ``what`` names."""
    group = what.split(":", maxsplit=1)[0]
    return Case("copies", what, edit or _pack, right, base, name=name, observation=group)


def _entitled(what: str, name: str, right: Right, base: str = "emus", edit: Edit | None = None) -> Case:
    """Make a file whose header has its own name, as the mission's files of other versions and levels have."""

    def entitle(document: Document) -> bytes:
        if edit is not None:
            edit(document)
        document.hdus[0].put("FILENAME", f"'{PurePosixPath(name).name.removesuffix('.gz')}'")
        return gzip.compress(document.joined(), 1, mtime=0)

    return _file(what, name, right, base, entitle)


def _pack(document: Document) -> bytes:
    return gzip.compress(document.joined(), 1, mtime=0)


def _plain(_: Document) -> None:
    return None


@kind
def copies() -> Iterator[Case]:
    for base in ("emus", "iuvs"):
        yield from _copies(base)
        yield from _versions(base)
    yield from _levels()
    yield from _swaths()
    for revision, right in (("13_r01", SUPERSEDED | AS_BASE), ("13_s01", SUPERSEDED | AS_BASE)):
        name = f"s/{bases.mission_name('iuvs', 9, revision)}"
        yield _entitled(f"revisions: {revision}", name, right, "iuvs")
    right = rejected("no_130nm_line")
    yield Case("copies", "another channel", _muv, right, "iuvs", observation="browser iuvs", name="browser/muv.fits")
    for count in (39, 30):
        what, edit = f"the first {count} integrations", partial(first_rows, count=count)
        right = Right(other=True, as_base=True)
        yield Case("copies", what, edit, right, observation="packed emus", name=f"first-{count}.fits", timed=False)


def _copies(base: str) -> Iterator[Case]:
    name = bases.mission_name(base, 1)
    stem = name.removesuffix(".fits.gz")
    yield _file(f"browser {base}: first", f"browser/{name}", AS_BASE, base)
    for other in (" (1).fits.gz", "(2).fits.gz", " - Copy.fits.gz", "_copy.fits.gz", " copy 2.fits.gz"):
        yield _file(f"browser {base}: {other}", f"browser/{stem}{other}", SUPERSEDED, base)
    yield _file(f"browser {base}: Copy of", f"browser/Copy of {name}", SUPERSEDED, base)
    for folder, right in (("a", AS_BASE), ("b", SUPERSEDED), ("b/c", SUPERSEDED)):
        yield _file(f"folders {base}: {folder}", f"{folder}/{bases.mission_name(base, 2)}", right, base)
    yield _file(f"packed {base}: plain", f"p-{base}.fits", AS_BASE, base, _plain)
    yield _file(f"packed {base}: gzipped", f"p-{base}.fits.gz", SUPERSEDED, base)
    yield _file(f"packed {base}: another name", f"q-{base}.fits.gz", SUPERSEDED, base)
    strip = _without_times if base == "emus" else _without_iuvs_times
    yield _file(f"without times {base}: plain", f"n1-{base}.fits", AS_BASE, base, strip)
    packed = partial(_pack_edited, edit=strip)
    yield _file(f"without times {base}: gzipped", f"n2-{base}.fits.gz", SUPERSEDED, base, packed)


def _versions(base: str) -> Iterator[Case]:
    old, new = ("01-04", "01-05") if base == "emus" else ("13_r01", "13_r02")
    yield _entitled(f"versions {base}: old", f"v/{bases.mission_name(base, 3, old)}", SUPERSEDED, base)
    yield _entitled(f"versions {base}: new", f"v/{bases.mission_name(base, 3, new)}", AS_BASE, base)
    yield _entitled(f"broken newer {base}: good", f"w/{bases.mission_name(base, 4, old)}", AS_BASE, base)
    broken = f"w/{bases.mission_name(base, 4, new)}"
    yield _file(f"broken newer {base}: cut", broken, rejected("truncated"), base, _cut)


def _levels() -> Iterator[Case]:
    l2b, l2a = bases.mission_name("emus", 5), bases.mission_name("emus_l2a", 5)
    disk = l2b.replace("_l2b_", "_l3disk_")
    tree = "emu/{}/os2/2021/08/{}"
    yield _entitled("levels: l2b", tree.format("l2b", l2b), AS_BASE)
    yield _entitled("levels: l3disk", tree.format("l3disk", disk), SUPERSEDED, edit=_add_column_density)
    yield _entitled("levels: l2a", tree.format("l2a", l2a), SUPERSEDED, "emus_l2a")
    yield _entitled("l3disk before l2a: l3disk", f"m/{disk}", AS_BASE, edit=_add_column_density)
    yield _entitled("l3disk before l2a: l2a", f"m/{l2a}", SUPERSEDED, "emus_l2a")


def _swaths() -> Iterator[Case]:
    """Files with the same times and size: different swaths or modes where both say so, else copies."""
    for first, second in (("_os2_sw1of1_", "_os2_sw2of2_"), ("_os2_", "_os1_")):
        name = bases.mission_name("emus", 6)
        other = name.replace(first, second)
        yield _entitled(f"another{second}: first", f"x{second}/{name}", AS_BASE)
        yield _entitled(f"another{second}: second", f"x{second}/{other}", AS_BASE)
        yield _entitled(f"a copy of{second}: first", f"y{second}/{other}", AS_BASE)
        yield _file(f"a copy of{second}: second", f"y{second}/z.fits.gz", SUPERSEDED, edit=_without_name)


def _without_name(document: Document) -> bytes:
    document.hdus[0].drop("FILENAME")
    return _pack(document)


def _cut(document: Document) -> bytes:
    return _pack(document)[:20_000]


def _without_times(document: Document) -> None:
    document.hdus.remove(document["TIME"])
    for key in ("OBS_UTC", "END_UTC"):
        document.hdus[0].drop(key)


def _without_iuvs_times(document: Document) -> None:
    columns = document.columns("Integration")
    columns["UTC"] = (np.full(len(columns["UTC"][0]), b" " * 33), "")
    document.set_columns("Integration", columns)


def _pack_edited(document: Document, edit: Edit) -> bytes:
    edit(document)
    return _pack(document)


def _add_column_density(document: Document) -> None:
    document.hdus.append(make_table("COLUMN_DENSITY", {"CO": (np.zeros(4), "cm-2")}))


def _muv(document: Document) -> None:
    columns = document.columns("Observation")
    columns["WAVELENGTH"] = (columns["WAVELENGTH"][0] + 80, "nm")
    document.set_columns("Observation", columns)
    document.hdus[0].put("XUV", "'MUV'")
