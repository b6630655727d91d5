"""Names of files, files that are not data, and entries that are not regular files."""

from __future__ import annotations

import gzip
import os
import socket
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from bench.corpus import bases
from bench.corpus.case import AS_BASE, IGNORED, REJECTED, Case, Document, Right, kind, rejected

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
    unreadable = rejected("not_a_file") | Right(outcomes=frozenset({"failed:unreadable"}))
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
        "proc.fits": (partial(_link, target="/proc/self/mem"), REJECTED | unreadable),
        "parent.fits": (partial(_link, target=".."), unreadable),
        "link.fits": (_target, AS_BASE),
    }
    for name, (place, right) in places.items():
        yield Case("entries", name, _plain, right, name=name, place=place)
    for number in range(3):
        yield Case("entries", f"a sound file {number}", _plain, AS_BASE, name=f"sound-{number}.fits")
