"""Ledger and catalogue as files."""

import csv
import io

from mars_aurora import catalogue
from mars_aurora.keys import RunKeys
from mars_aurora.ledger import Outcome, Record
from mars_aurora.storage import FolderStorage


def _rows(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode())))


def test_an_empty_run_still_has_both_tables(tmp_path):
    storage, keys = FolderStorage(tmp_path), RunKeys("r")
    assert set(catalogue.write(keys, [], [], storage)) >= {keys.product("ledger.csv"), keys.product("catalogue.csv")}
    assert _rows(storage.get(keys.product("ledger.csv"))) == [
        ["name", "outcome", "reason", "objects", "auroras", "detail"]
    ]
    assert _rows(storage.get(keys.product("catalogue.csv")))[0][:8] == [
        "name",
        "detection",
        "lat_deg",
        "lon_deg",
        "area_km2",
        "mean_brightness_R",
        "peak_brightness_R",
        "confidence",
    ]


def test_a_record_is_one_line_even_with_commas_and_newlines_in_its_detail(tmp_path):
    storage, keys = FolderStorage(tmp_path), RunKeys("r")
    record = Record("a,b.fits", Outcome.REJECTED, "corrupt", detail='bad "x",\nreally')
    catalogue.write(keys, [record], [], storage)
    header, row = _rows(storage.get(keys.product("ledger.csv")))
    assert dict(zip(header, row, strict=True)) == {
        "name": "a,b.fits",
        "outcome": "rejected",
        "reason": "corrupt",
        "objects": "",
        "auroras": "",
        "detail": 'bad "x",\nreally',
    }
