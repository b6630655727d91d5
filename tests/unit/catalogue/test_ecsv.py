"""ECSV is written row by row, byte for byte as astropy writes a table."""

import io
import itertools
import math
from dataclasses import replace

import pytest

from mars_aurora.aurora import COLUMNS, Aurora
from mars_aurora.catalogue import tables
from mars_aurora.detect.detectors import DetectorName
from mars_aurora.run.provenance import describe_provenance

PROVENANCE = describe_provenance(DetectorName.YOLO, 2, "test")
TEXTS = ["", "a b", 'q"uo', "a#b", "ü", "x;y", "a,b", "tab\tx", "--", "nan", "'s'", "\\b", "{x}"]
NUMBERS = [math.nan, 1e-300, 1 / 3, 1e22, -0.0, math.inf, 5.0]
BASE = Aurora(**{column.name: {int: 7, float: 1234.5678, str: "text"}[column.kind] for column in COLUMNS})


@pytest.mark.parametrize("years", [(None, 36), (36,)])
@pytest.mark.parametrize("block_rows", [5000, 3])
def test_bytes_are_those_of_astropy(years, block_rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "_BLOCK_ROWS", block_rows)
    rows = [
        replace(BASE, name=text or "n", mode=text, confidence=number, mars_year=year)
        for text, number, year in itertools.product(TEXTS, NUMBERS, years)
    ]
    stream = io.StringIO()
    tables.to_table(rows, PROVENANCE).write(stream, format="ascii.ecsv")
    assert tables.to_ecsv(rows, PROVENANCE) == stream.getvalue().encode()
    assert tables.from_ecsv(tables.to_ecsv(rows, PROVENANCE))["mode"].tolist() == [row.mode for row in rows]
