"""docs/catalogue.md and the code say the same."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from mars_aurora.aurora import COLUMNS
from mars_aurora.catalogue import write
from mars_aurora.catalogue.sightings import Entry
from mars_aurora.measure.viewing import FLAGS
from mars_aurora.run.keys import RunKeys
from mars_aurora.run.storage import FolderStorage

PAGE = (Path(__file__).parents[3] / "docs" / "catalogue.md").read_text()


def _table(heading: str) -> list[list[str]]:
    section = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| `")]
    return [[cell.strip("` ") for cell in row] for row in rows]


def test_every_column_is_documented_with_its_unit_meaning_and_ucd_in_order():
    rows = [(name, unit, meaning, ucd) for name, unit, meaning, _, ucd in _table("Columns")]
    assert rows == [(column.name, column.unit, column.meaning, column.ucd) for column in COLUMNS]


def test_every_flag_is_documented():
    assert dict(_table("Quality flags")) == FLAGS


def test_every_column_of_the_joined_entries_is_documented():
    documented = re.findall(r"\w+", " ".join(row[0] for row in _table("Columns of `auroras.csv`")))
    assert sorted(documented) == sorted(field.name for field in fields(Entry))


def test_every_product_is_documented(tmp_path):
    written = write.write(RunKeys("r"), [], [], FolderStorage(tmp_path))
    for key in written:
        suffix = Path(key).suffix
        assert Path(key).name in PAGE or f"`{suffix}`" in PAGE, key


@pytest.mark.parametrize("number", ["130 km", "3396.19 km", "2 R and 3 sigma", "3 px"])
def test_constants_stand_in_the_text(number):
    assert number in PAGE
