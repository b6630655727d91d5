"""ECSV is written row by row, byte for byte as astropy writes a table."""

import io
import itertools
import math
from dataclasses import replace
from pathlib import Path

import pytest

from mars_aurora.aurora import COLUMNS, Aurora
from mars_aurora.catalogue import tables
from mars_aurora.catalogue.tables import RowTable
from mars_aurora.detect.detectors import DetectorName
from mars_aurora.run.provenance import describe_provenance

PROVENANCE = describe_provenance(DetectorName.YOLO, 2, "test")
TEXTS = ["", "a b", 'q"uo', "a#b", "ü", "x;y", "a,b", "tab\tx", "--", "nan", "'s'", "\\b", "{x}"]
NUMBERS = [math.nan, 1e-300, 1 / 3, 1e22, -0.0, math.inf, 5.0]
BASE = Aurora(**{column.name: {int: 7, float: 1234.5678, str: "text"}[column.kind] for column in COLUMNS})


@pytest.mark.parametrize("years", [(None, 36), (36,)])
def test_bytes_are_those_of_astropy(years, tmp_path: Path) -> None:
    rows = [
        replace(BASE, name=text or "n", mode=text, confidence=number, mars_year=year)
        for text, number, year in itertools.product(TEXTS, NUMBERS, years)
    ]
    stream = io.StringIO()
    tables.to_table(rows, PROVENANCE).write(stream, format="ascii.ecsv")
    path = tmp_path / "catalogue.ecsv"
    assert tables.write_ecsv(path, RowTable(rows, PROVENANCE)) == len(rows)
    assert path.read_bytes() == stream.getvalue().encode()
    assert tables.from_ecsv(path.read_bytes())["mode"].tolist() == [row.mode for row in rows]
    assert repr(list(tables.read_ecsv(path))) == repr(rows)  # numbers that are not known are not equal


def test_ecsv_of_other_columns_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.ecsv"
    path.write_text("# %ECSV 1.0\nname lat_deg\na 1.0\n")
    with pytest.raises(ValueError, match=r"catalogue\.ecsv has other columns"):
        list(tables.read_ecsv(path))
