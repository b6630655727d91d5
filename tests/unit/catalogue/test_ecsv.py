"""ECSV is written row by row; astropy reads it as a table that it has written itself."""

import io
import itertools
import math
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from astropy.table import Table

from mars_aurora.aurora import COLUMNS, Aurora
from mars_aurora.catalogue import tables
from mars_aurora.catalogue.tables import RowTable
from mars_aurora.detect.detectors import DetectorName
from mars_aurora.run.provenance import Provenance, describe_provenance

PROVENANCE = describe_provenance(DetectorName.YOLO, 2, "test")
TEXTS = ["", "a b", 'q"uo', "a#b", "ü", "x;y", "a,b", "tab\tx", "--", "nan", "'s'", "\\b", "{x}"]
NUMBERS = [math.nan, 1e-300, 1 / 3, 1e22, -0.0, math.inf, 5.0]
BASE = Aurora(**{column.name: {int: 7, float: 1234.5678, str: "text"}[column.kind] for column in COLUMNS})


def write_by_astropy(rows: list[Aurora], provenance: Provenance) -> str:
    stream = io.StringIO()
    tables.to_table(rows, provenance).write(stream, format="ascii.ecsv")
    return stream.getvalue()


def without_header(text: str) -> str:
    return "".join(line for line in text.splitlines(keepends=True) if not line.startswith("# "))


@pytest.mark.parametrize("years", [(None, 36), (36,)])
def test_rows_are_those_of_astropy_byte_by_byte(years, tmp_path: Path) -> None:
    rows = [
        replace(BASE, name=text or "n", mode=text, confidence=number, mars_year=year)
        for text, number, year in itertools.product(TEXTS, NUMBERS, years)
    ]
    path = tmp_path / "catalogue.ecsv"
    assert tables.write_ecsv(path, RowTable(rows, PROVENANCE)) == len(rows)
    assert without_header(path.read_bytes().decode()) == without_header(write_by_astropy(rows, PROVENANCE))
    assert tables.from_ecsv(path.read_bytes())["mode"].tolist() == [row.mode for row in rows]
    assert repr(list(tables.read_ecsv(path))) == repr(rows)  # numbers that are not known are not equal


@pytest.mark.parametrize(
    "command", [*TEXTS, "one\n\n two\x7f\x85", "😀", ": {# -", "2026-01-02", "null", "1e3", "x " * 3000]
)
@pytest.mark.parametrize("dumper", ["CSafeDumper", None])
def test_header_says_what_that_of_astropy_says(command, dumper, tmp_path: Path, monkeypatch) -> None:
    if dumper is None:
        monkeypatch.delattr(yaml, "CSafeDumper")
    provenance = replace(PROVENANCE, command=command)
    path = tmp_path / "catalogue.ecsv"
    tables.write_ecsv(path, RowTable([BASE], provenance))
    table, expected = (
        Table.read(text, format="ascii.ecsv") for text in (path.read_text(), write_by_astropy([BASE], provenance))
    )
    assert table.meta == expected.meta
    assert table.meta["command"] == command
    assert table.colnames == expected.colnames
    for ours, theirs in zip(table.itercols(), expected.itercols(), strict=True):
        assert (ours.dtype, ours.unit, ours.description) == (theirs.dtype, theirs.unit, theirs.description)
        assert ours.meta == dict(theirs.meta)


def test_ecsv_of_other_columns_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.ecsv"
    path.write_text("# %ECSV 1.0\nname lat_deg\na 1.0\n")
    with pytest.raises(ValueError, match=r"catalogue\.ecsv has other columns"):
        list(tables.read_ecsv(path))
