"""Write the products that a run in the cloud does not: those whose libraries do not fit into its functions."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from mars_aurora.catalogue.tables import AURORAS, DETECTIONS, Kind, RowTable, load_ecsv
from mars_aurora.catalogue.write import Contents, is_written, write_product
from mars_aurora.run.keys import RUN, RunKeys
from mars_aurora.run.provenance import Provenance
from mars_aurora.run.storage import FolderStorage

COMPLETED = ("catalogue.gpkg", "auroras.gpkg", "catalogue.parquet", "auroras.parquet", "jmars.shp.zip")


def complete_products(folder: Path, keys: RunKeys) -> list[str]:
    """Write the products that a run lacks, or that are older than its tables, from these; return their names.

    The rows in ECSV are complete. Products that the run itself wrote are not made again, and those whose extra is not
    installed are left out. Raises ValueError if the tables are those of another version of mars-aurora.
    """
    ecsv = {kind.name: folder / keys.product(f"{kind.name}.ecsv") for kind in (DETECTIONS, AURORAS)}
    if not all(path.is_file() for path in (*ecsv.values(), folder / keys.product(RUN))):
        return []
    facts = json.loads((folder / keys.product(RUN)).read_text())

    def is_wanted(name: str) -> bool:
        product, table = folder / keys.product(name), ecsv.get(name.partition(".")[0], ecsv[AURORAS.name])
        if not product.is_file():
            return True
        return name not in facts["products_sha256"] and product.stat().st_mtime < table.stat().st_mtime

    wanted = [name for name in COMPLETED if is_written(name) and is_wanted(name)]
    if wanted:
        provenance = Provenance.from_dict(facts)
        with tempfile.TemporaryDirectory() as temporary:

            def read(kind: Kind) -> RowTable[Any]:
                return load_ecsv(ecsv[kind.name], kind, provenance, Path(temporary, kind.name))

            contents = Contents([], read(DETECTIONS), read(AURORAS))
            for name in wanted:
                write_product(name, contents, keys, FolderStorage(folder))
    return wanted
