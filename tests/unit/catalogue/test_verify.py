"""Products are read back: one that is cut short, changed or lacks a row is found and named."""

import hashlib
import json
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from test_catalogue_files import AURORAS, PROVENANCE

from mars_aurora.background.exposure import CELL
from mars_aurora.catalogue import geographic, write
from mars_aurora.catalogue.stored import Written, verify_stored
from mars_aurora.catalogue.verify import verify_product
from mars_aurora.errors import ProductError
from mars_aurora.run.keys import PRODUCTS, RunKeys
from mars_aurora.run.ledger import Outcome, Record
from mars_aurora.run.storage import FolderStorage

KEYS = RunKeys("r")
RECORDS = [
    Record(AURORAS[0].name, Outcome.AURORA, objects=2, auroras=2),
    Record("x.fits", Outcome.DISCARDED, objects=1),
]
EXPOSURE = np.array([(0, 1, 2, 22, 1, pixels, 9.5) for pixels in (1, 2, 3)], CELL)
TABLES = [f"{kind}.{suffix}" for kind in ("auroras", "catalogue") for suffix in ("csv", "ecsv", "vot", "geojson")]
EXTRA = [f"{kind}.{suffix}" for kind in ("auroras", "catalogue") for suffix in ("gpkg", "parquet")]
OPTIONAL = {name for name in (*EXTRA, "jmars.shp.zip") if not geographic.is_installed(Path(name).suffix)}
ROWS = {
    "ledger.csv": 2,
    **dict.fromkeys([*TABLES, *EXTRA], 2),
    "jmars.csv": 2,
    "jmars.shp.zip": 2,
    "exposure.fits": 3,
    "annotations.coco.json": 2,
    "labels.yolo.zip": 2,
    "regions.ds9.zip": 4,
    "report.html": 2,
}
NAMES = sorted(ROWS.keys() - OPTIONAL)


@pytest.fixture(scope="module")
def products(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    storage = FolderStorage(tmp_path_factory.mktemp("products"))
    keys = write.write_products(KEYS, RECORDS, AURORAS, PROVENANCE, storage, exposure=EXPOSURE)
    return {key.removeprefix(KEYS.root): storage.get(key) for key in keys}


class CorruptingStorage(FolderStorage):
    """A folder that keeps only the first half of one product."""

    def __init__(self, root: Path, name: str) -> None:
        super().__init__(root)
        self.name = name

    def put(self, key: str, data: bytes) -> None:
        super().put(key, data[: len(data) // 2] if key.endswith(self.name) else data)

    def put_file(self, key: str, path: Path) -> None:
        self.put(key, path.read_bytes())


def verify_bytes(name: str, data: bytes, rows: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "object")
        path.write_bytes(data)
        verify_product(name, path, rows)


def test_every_product_of_a_run_is_verified(products: dict[str, bytes]):
    assert products.keys() == {*NAMES, "run.json"} == set(PRODUCTS) - OPTIONAL


@pytest.mark.parametrize("name", NAMES)
def test_whole_product_is_accepted(products: dict[str, bytes], name: str):
    verify_bytes(name, products[name], ROWS[name])


@pytest.mark.parametrize("name", NAMES)
def test_product_that_lacks_a_row_is_named_with_both_numbers(products: dict[str, bytes], name: str):
    with pytest.raises(ProductError, match=rf"^{name}: {ROWS[name]} rows were read back, not {ROWS[name] + 1}$"):
        verify_bytes(name, products[name], ROWS[name] + 1)


@pytest.mark.parametrize("kept", [0, 0.5, 0.98])
@pytest.mark.parametrize("name", NAMES)
def test_product_that_is_cut_short_is_found(products: dict[str, bytes], name: str, kept: float):
    data = products[name]
    with pytest.raises(ProductError, match=f"^{name}: "):
        verify_bytes(name, data[: int(kept * len(data))], ROWS[name])


def test_votable_with_a_character_that_xml_forbids_is_found(products: dict[str, bytes]):
    with pytest.raises(ProductError, match=r"^catalogue\.vot: "):
        verify_bytes("catalogue.vot", products["catalogue.vot"].replace(b"Mars", b"\x1b", 1), 2)


def test_zip_file_with_two_members_of_one_name_is_found(tmp_path: Path):
    path = tmp_path / "labels.yolo.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("labels/a.txt", "1 0 0 0 0\n")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("labels/a.txt", "1 0 0 0 0\n")
    with pytest.raises(ProductError, match="same name"):
        verify_product(path.name, path, 2)


@pytest.mark.parametrize("name", NAMES)
def test_run_fails_by_name_where_a_product_was_not_stored_whole(tmp_path: Path, name: str):
    storage = CorruptingStorage(tmp_path, name)
    with pytest.raises(ProductError, match=name):
        write.write_products(KEYS, RECORDS, AURORAS, PROVENANCE, storage)
    assert storage.size(KEYS.product("ledger.csv"))
    assert storage.size(KEYS.product("run.json")) is None


def test_product_that_was_removed_is_named(tmp_path: Path):
    with pytest.raises(ProductError, match=r"^runs/r/catalogue\.csv: it was removed"):
        verify_stored(Written("runs/r/catalogue.csv", 2, ""), FolderStorage(tmp_path))


def test_product_whose_bytes_changed_is_found(tmp_path: Path):
    storage = FolderStorage(tmp_path)
    storage.put("runs/r/auroras.csv", b"name\nb\n")
    with pytest.raises(ProductError, match="not what was written"):
        verify_stored(Written("runs/r/auroras.csv", 1, hashlib.sha256(b"name\na\n").hexdigest()), storage)


def test_failed_run_leaves_no_run_file_of_an_earlier_one(tmp_path: Path):
    write.write_products(KEYS, RECORDS, AURORAS, PROVENANCE, FolderStorage(tmp_path))
    assert json.loads((tmp_path / "runs/r/run.json").read_text())["inputs"] == 2
    with pytest.raises(ProductError, match=r"catalogue\.csv"):
        write.write_products(KEYS, RECORDS, AURORAS, PROVENANCE, CorruptingStorage(tmp_path, "catalogue.csv"))
    assert not (tmp_path / "runs/r/run.json").exists()


def test_products_of_an_earlier_run_are_removed_where_they_are_not_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    storage = FolderStorage(tmp_path)
    storage.put(KEYS.product("catalogue.gpkg"), b"old")
    monkeypatch.setattr(geographic, "is_installed", lambda _suffix: False)
    write.write_products(KEYS, RECORDS, AURORAS, PROVENANCE, storage)
    assert storage.size(KEYS.product("catalogue.gpkg")) is None


def test_json_of_unknown_numbers_is_read_by_browsers(products: dict[str, bytes]):
    (_, unknown) = json.loads(products["annotations.coco.json"])["annotations"]
    assert unknown["brightness_R"] is None
    with pytest.raises(ProductError, match="NaN is not JSON"):
        verify_bytes("annotations.coco.json", b'{"images": [\n], "annotations": [\nNaN\n]}\n', 0)


def test_cell_of_more_than_131072_characters_is_read_back():
    verify_bytes("auroras.csv", b"name,outline_wkt\na," + b"1" * 200_000 + b"\n", 1)
