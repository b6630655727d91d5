"""Names, copies, levels and entries that are not regular files."""

from __future__ import annotations

import gzip
import os
import socket
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np

from bench.corpus import bases
from bench.corpus.case import AS_BASE, IGNORED, REJECTED, SUPERSEDED, Case, Document, Edit, Right, kind, rejected
from bench.corpus.editing import make_table
from bench.corpus.values import first_rows

ODD = (
    *(
        "a b+c#d%20&e=f",
        "=cmd|' C calc'!A0",
        "<img src=x onerror=alert(1)>",
        "mars_é中文",
        "new\nline",
        "-rf",
        "--help",
    ),
    *("[bold]x[_bold]", "q\"uote'", "tab\t;,", "cr\rcr", "esc\x1b[31m", "nul-like\x01\x02", "+1+1", "@SUM(A1)", "-1+2"),
    *(
        " leading",
        "trailing ",
        ".hidden",
        "..",
        "...",
        "~",
        "$HOME",
        "`id`",
        "*",
        "?",
        "a:b",
        "a|b",
        "a\\b",
        "con",
        "nul",
    ),
    *("\u202egnp.exe", "\u200b", "\ufeff", "e\u0301", "\u00e9", "\ud55c\uae00", "\U0001f680", "\x7f", "\x85", "\u2028"),
    *(
        "\udcff\udcfe",
        "ok\udcff",
        "\udc80",
        "%ff",
        "%2e%2e%2f",
        "&amp;",
        "]]>",
        "--",
        "{{7*7}}",
        "{0}",
        "%s%n",
        "0",
        "NaN",
    ),
    *(
        "None",
        "true",
        "'",
        '"',
        ",",
        ";",
        "#",
        "!",
        "(",
        "a" * 100,
        "_READY",
        ".aside-1",
        ".aside-",
        "ledger.csv",
        "x.json",
    ),
    *("x.fits", "x.fits.gz", "x.png", "x.npz", "images", "run.json", "emm_emu_l2b", "mvn_iuv_l1b", "\t", "  "),
)
LONG = (150, 190, 200, 205, 220, 235, 240, 245, 247)


@kind
def names() -> Iterator[Case]:
    for stem in ODD:
        for suffix in (".fits", ".fits.gz"):
            edit = _packed if suffix.endswith("gz") else _plain
            if stem != ".aside-1":
                yield Case("names", f"{stem!r}{suffix}", edit, AS_BASE, name=f"{stem}{suffix}")
    for length in LONG:
        for letter in ("x", "é", "中", "\udcff"):
            count = length // len(os.fsencode(letter))
            yield Case("names", f"{count} times {letter!r}", _packed, AS_BASE, name=f"{letter * count}.fits.gz")
    yield Case("names", "250 characters", _plain, AS_BASE, name="z" * 250 + ".fits")
    yield Case("names", "a deep tree", _plain, AS_BASE, name="/".join(["d" * 20] * 20) + "/x.fits")
    yield Case("names", "folders with long names", _plain, AS_BASE, name="/".join(["d" * 200] * 4) + "/x.fits")
    yield Case("names", "a name in a name", _plain, AS_BASE, name="a.fits.json.fits")
    for name in ("plain", "PLAIN"):
        yield Case("names", f"case of {name}", _plain, AS_BASE, name=f"case-{name}.fits")
    for first, second in (("t.fits", "t.fits.json/x.fits"), ("u.fits", "u.fits.png/x.fits"), ("v", "v.fits/x.fits")):
        if first != "v":
            yield Case("names", f"{first} beside a folder", _plain, AS_BASE, name=first)
        yield Case("names", f"in {second}", _plain, AS_BASE, name=second)


def _plain(_: Document) -> None:
    return None


def _packed(document: Document) -> bytes:
    return gzip.compress(document.content, 1, mtime=0)


HOUSEKEEPING = (
    "._{}",
    ".ipynb_checkpoints/{}",
    "{}.part",
    "{}.crdownload",
    "{}.tmp",
    "{}.filepart",
    "{}.download",
    "{}.aria2",
)


@kind
def housekeeping() -> Iterator[Case]:
    for number, form in enumerate(HOUSEKEEPING):
        for base in ("emus", "iuvs"):
            name = form.format(bases.mission_name(base, number))
            yield Case("housekeeping", name, _head, IGNORED, base, name=name)
    for name in (
        "truth.json",
        "notes.txt",
        "README",
        "a.png",
        "a.fits.md5",
        "checksums.sha256",
        "Thumbs.db",
        ".DS_Store",
        "a.fits.xml",
        "a.lbl",
    ):
        yield Case("housekeeping", name, lambda _: b"text", IGNORED, name=name)
    for name in ("a.tgz", "b.fit", "c.fts", "d.fits.fz", "e.fits.bz2", "f.fits.Z", "g.zip", "h.fits.xz"):
        yield Case("housekeeping", name, _packed, IGNORED | AS_BASE | REJECTED, name=name)


def _head(document: Document) -> bytes:
    return document.content[:9999]


def _copy(kind_name: str, what: str, name: str, right: Right, base: str = "emus", edit: Edit = _packed) -> Case:
    """Make a file of the observation that the text before the first colon of ``what`` names."""
    return Case(kind_name, what, edit, right, base, name=name, observation=what.split(":", maxsplit=1)[0])


@kind
def copies() -> Iterator[Case]:
    """Several files of one observation: one is used."""
    for base in ("emus", "iuvs"):
        mission = partial(bases.mission_name, base)
        name = mission(1)
        stem = name.removesuffix(".fits.gz")
        yield _copy("copies", f"browser {base}: first", f"browser/{name}", AS_BASE, base)
        for other in (
            f"{stem} (1).fits.gz",
            f"{stem}(2).fits.gz",
            f"Copy of {name}",
            f"{stem} - Copy.fits.gz",
            f"{stem}_copy.fits.gz",
            f"{stem} copy 2.fits.gz",
        ):
            yield _copy("copies", f"browser {base}: {other}", f"browser/{other}", SUPERSEDED, base)
        group = f"folders {base}"
        yield _copy("copies", f"{group}: first", f"a/{mission(2)}", AS_BASE, base)
        yield _copy("copies", f"{group}: second", f"b/{mission(2)}", SUPERSEDED, base)
        yield _copy("copies", f"{group}: third", f"b/c/{mission(2)}", SUPERSEDED, base)
        group = f"packed {base}"
        plain = f"p-{base}.fits"
        yield _copy("copies", f"{group}: plain", plain, AS_BASE, base, _plain)
        yield _copy("copies", f"{group}: gzipped", f"{plain}.gz", SUPERSEDED, base)
        yield _copy("copies", f"{group}: another name", f"q-{base}.fits.gz", SUPERSEDED, base)
        group = f"versions {base}"
        old, new = ("01-04", "01-05") if base == "emus" else ("13_r01", "13_r02")
        yield _copy("copies", f"{group}: old", f"v/{mission(3, old)}", SUPERSEDED, base)
        yield _copy("copies", f"{group}: new", f"v/{mission(3, new)}", AS_BASE, base)
        group = f"broken newer {base}"
        yield _copy("copies", f"{group}: good", f"w/{mission(4, old)}", AS_BASE, base)
        broken = _copy("copies", f"{group}: cut", f"w/{mission(4, new)}", rejected("truncated"), base, _cut)
        yield broken
        group = f"without times {base}"
        strip = _no_times if base == "emus" else _no_iuvs_times
        yield _copy("copies", f"{group}: first", f"n1-{base}.fits", Right(as_base=True), base, strip)
        yield _copy(
            "copies", f"{group}: second", f"n2-{base}.fits.gz", SUPERSEDED, base, partial(_pack_edited, edit=strip)
        )
    yield _copy(
        "copies", "revisions: r01", f"s/{bases.mission_name('iuvs', 9, '13_r01')}", SUPERSEDED | AS_BASE, "iuvs"
    )
    yield _copy(
        "copies", "revisions: s01", f"s/{bases.mission_name('iuvs', 9, '13_s01')}", SUPERSEDED | AS_BASE, "iuvs"
    )
    yield _copy("copies", "levels: l2b", f"emu/l2b/os2/2021/08/{bases.mission_name('emus', 5)}", AS_BASE)
    disk = bases.mission_name("emus", 5).replace("_l2b_", "_l3disk_")
    yield _copy("copies", "levels: l3disk", f"emu/l3disk/os2/2021/08/{disk}", SUPERSEDED, edit=_with_columns)
    yield _copy(
        "copies", "levels: l2a", f"emu/l2a/os2/2021/08/{bases.mission_name('emus_l2a', 5)}", SUPERSEDED, "emus_l2a"
    )
    yield _copy("copies", "l3disk before l2a: l3disk", f"m/{disk.replace('os2', 'os1')}", AS_BASE, edit=_with_columns)
    yield _copy(
        "copies",
        "l3disk before l2a: l2a",
        f"m/{bases.mission_name('emus_l2a', 5).replace('os2', 'os1')}",
        SUPERSEDED,
        "emus_l2a",
    )
    yield Case(
        "copies",
        "same times, another channel",
        _muv,
        rejected("no_130nm_line"),
        "iuvs",
        observation="browser iuvs",
        name="browser/muv.fits",
    )
    for count in (39, 30):
        yield Case(
            "copies",
            f"{count} integrations from the same time",
            partial(_fewer, count=count),
            Right(other=True, as_base=True),
            observation="packed emus",
            name=f"fewer-{count}.fits",
            timed=False,
        )


def _cut(document: Document) -> bytes:
    return _packed(document)[:20_000]


def _no_times(document: Document) -> None:
    document.hdus.remove(document["TIME"])
    for key in ("OBS_UTC", "END_UTC"):
        document.hdus[0].drop(key)


def _no_iuvs_times(document: Document) -> None:
    columns = document.columns("Integration")
    columns["UTC"] = (np.full(len(columns["UTC"][0]), b" " * 33), "")
    document.set_columns("Integration", columns)


def _pack_edited(document: Document, edit: Edit) -> bytes:
    edit(document)
    return gzip.compress(document.joined(), 1, mtime=0)


def _with_columns(document: Document) -> bytes:
    document.hdus.append(make_table("COLUMN_DENSITY", {"CO": (np.zeros(4), "cm-2")}))
    return gzip.compress(document.joined(), 1, mtime=0)


def _muv(document: Document) -> None:
    columns = document.columns("Observation")
    columns["WAVELENGTH"] = (columns["WAVELENGTH"][0] + 80, "nm")
    document.set_columns("Observation", columns)
    document.hdus[0].put("XUV", "'MUV'")


def _fewer(document: Document, count: int) -> None:
    first_rows(document, count)


def _folder(path: Path, _: bytes) -> None:
    path.mkdir()


def _link(path: Path, _: bytes, target: str) -> None:
    path.symlink_to(target)


def _fifo(path: Path, _: bytes) -> None:
    os.mkfifo(path)


def _socket(path: Path, _: bytes) -> None:
    with socket.socket(socket.AF_UNIX) as end:
        end.bind(str(path))


def _target(path: Path, content: bytes) -> None:
    path.with_name(f"{path.name}.target").write_bytes(content)
    path.symlink_to(f"{path.name}.target")


@kind
def entries() -> Iterator[Case]:
    """Entries of a folder that are not regular files."""
    unreadable = rejected("unreadable") | Right(outcomes=frozenset({"failed:unreadable"}))
    places: dict[str, tuple[Callable[[Path, bytes], None], Right]] = {
        "folder.fits": (_folder, unreadable),
        "broken.fits": (partial(_link, target="gone.fits"), unreadable),
        "itself.fits": (partial(_link, target="itself.fits"), unreadable),
        "one.fits": (partial(_link, target="two.fits"), unreadable),
        "two.fits": (partial(_link, target="one.fits"), unreadable),
        "pipe.fits": (_fifo, unreadable),
        "socket.fits": (_socket, unreadable),
        "device.fits": (partial(_link, target="/dev/zero"), unreadable),
        "null.fits": (partial(_link, target="/dev/null"), unreadable | rejected("empty_file")),
        "proc.fits": (partial(_link, target="/proc/self/mem"), REJECTED),
        "parent.fits": (partial(_link, target=".."), unreadable),
        "link.fits": (_target, AS_BASE),
    }
    for name, (place, right) in places.items():
        yield Case("entries", name, _plain, right, name=name, place=place)
    for number in range(3):
        yield Case("entries", f"a sound file {number}", _plain, AS_BASE, name=f"sound-{number}.fits")
