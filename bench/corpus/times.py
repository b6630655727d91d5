"""Times in other forms, wrong or missing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.corpus.case import AS_BASE, Case, Document, kind

Values = NDArray[Any]


def _start(document: Document) -> datetime:
    return datetime.fromisoformat(document.hdus[0].text("OBS_UTC"))


TIMES: dict[str, Callable[[datetime], str]] = {
    "zone Z": lambda t: f"{t:%Y-%m-%dT%H:%M:%S}Z",
    "zone +00:00": lambda t: f"{t:%Y-%m-%dT%H:%M:%S}+00:00",
    "zone +04:00": lambda t: f"{t + timedelta(hours=4):%Y-%m-%dT%H:%M:%S}+04:00",
    "zone -07:00": lambda t: f"{t - timedelta(hours=7):%Y-%m-%dT%H:%M:%S}-07:00",
    "zone +0400": lambda t: f"{t + timedelta(hours=4):%Y-%m-%dT%H:%M:%S}+0400",
    "day of year": lambda t: f"{t:%Y-%jT%H:%M:%S}.000",
    "day of year with slash": lambda t: f"{t:%Y/%j %H:%M:%S}.000",
    "month name": lambda t: f"{t:%d-%b-%Y %H:%M:%S}".upper(),
    "month name first": lambda t: f"{t:%Y %b %d %H:%M:%S}",
    "month name, small": lambda t: f"{t:%d-%b-%Y %H:%M:%S}",
    "a blank for T": lambda t: f"{t:%Y-%m-%d %H:%M:%S}.000",
    "the word UTC": lambda t: f"{t:%Y-%m-%dT%H:%M:%S} UTC",
    "microseconds": lambda t: f"{t:%Y-%m-%dT%H:%M:%S}.000000",
    "no seconds fraction": lambda t: f"{t:%Y-%m-%dT%H:%M:%S}",
    "slashes": lambda t: f"{t:%Y/%m/%d %H:%M:%S}",
    "compact": lambda t: f"{t:%Y%m%dT%H%M%S}",
    "a Julian date": lambda t: f"{2440587.5 + t.timestamp() / 86400:.5f}",
    "garbage": lambda _: "garbage",
    "nothing": lambda _: "",
    "NaN": lambda _: "NaN",
    "year 0": lambda _: "0000-00-00T00:00:00",
    "hour 25": lambda t: f"{t:%Y-%m-%d}T25:00:00",
    "second 60": lambda t: f"{t:%Y-%m-%dT%H:%M}:60",
    "year 99999": lambda _: "99999-01-01T00:00:00",
}


@kind
def times() -> Iterator[Case]:
    """Times in other forms. The header may be in any; a result has the right time or none, never another."""
    for label, form in TIMES.items():
        for where in ("header", "table"):
            yield Case(
                "times",
                f"{label} in the {where}",
                partial(_write_times, form=form, where=where),
                AS_BASE,
                timed=where == "header",
            )
    yield Case("times", "no times at all", _no_times, AS_BASE, timed=False)
    yield Case("times", "no TIME_UTC", partial(_without, column="TIME_UTC"), AS_BASE, timed=False)
    yield Case("times", "no TIME_ET", partial(_without, column="TIME_ET"), AS_BASE)
    yield Case("times", "a header 3 hours off", _late_header, AS_BASE)
    for key in ("OBS_UTC", "END_UTC", "DATE", "OBS_ET", "FILENAME", "OBS_ID", "MARSYEAR", "SOL_LONG"):
        yield Case("times", f"no {key}", partial(_drop_card, key=key), AS_BASE)
    for text in ("%Y-%m-%dT%H:%M:%S.%f", "%Y/%j %H:%M:%S.%f", "garbage", ""):
        yield Case(
            "times", f"UTC of IUVS as {text!r}", partial(_write_iuvs_times, form=text), AS_BASE, "iuvs", timed=False
        )


def _write_times(document: Document, form: Callable[[datetime], str], where: str) -> None:
    start = _start(document)
    if where == "header":
        for key in ("OBS_UTC", "END_UTC"):
            document.hdus[0].put(key, f"'{form(start)}'")
        return
    columns = document.columns("TIME")
    texts = [form(datetime.fromisoformat(value.decode())).ljust(40) for value in columns["TIME_UTC"][0]]
    columns["TIME_UTC"] = (np.array(texts, "S40"), "")
    document.set_columns("TIME", columns)


def _write_iuvs_times(document: Document, form: str) -> None:
    columns = document.columns("Integration")
    old = [value.decode().strip().removesuffix("UTC").split() for value in columns["UTC"][0]]
    times = [datetime.strptime(f"{words[0]} {words[3]}", "%Y/%j %H:%M:%S.%f") for words in old]  # noqa: DTZ007 -- all UTC
    columns["UTC"] = (np.array([time.strftime(form).ljust(33) for time in times], "S33"), "")
    document.set_columns("Integration", columns)


def _no_times(document: Document) -> None:
    document.hdus.remove(document["TIME"])
    for key in ("OBS_UTC", "END_UTC"):
        document.hdus[0].drop(key)


def _without(document: Document, column: str) -> None:
    columns = document.columns("TIME")
    del columns[column]
    document.set_columns("TIME", columns)


def _late_header(document: Document) -> None:
    later = _start(document) + timedelta(hours=3)
    document.hdus[0].put("OBS_UTC", f"'{later.isoformat()}'")


def _drop_card(document: Document, key: str) -> None:
    document.hdus[0].drop(key)
