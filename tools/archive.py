"""Build the model archive that SageMaker's scikit-learn container serves: model.tar.gz.

Two builds of the same sources and lock are byte-identical, on any machine: entries are sorted, without times, owners
and modes; there is no bytecode; and the zlib is that of pyarrow's wheel, because systems have different ones.
"""

from __future__ import annotations

import io
import shutil
import tarfile
from pathlib import Path

import pyarrow as pa

ENTRY_POINTS = ("inference.py", "wsgi.py")
_COMPRESSION = 1  # level 6 saves a tenth in three times the time
_BY_INSTALLER = {"RECORD", "INSTALLER", "REQUESTED", "direct_url.json"}  # depend on the machine


def copy_sources(root: Path, folder: Path) -> None:
    """Copy the package with its weights, and the modules that the container imports, into the folder ``code``."""
    ignored = shutil.ignore_patterns("local", "catalogue", "__pycache__")
    shutil.copytree(root / "core" / "mars_aurora", folder / "mars_aurora", ignore=ignored)
    for name in ENTRY_POINTS:
        shutil.copy(root / "model" / "mars_aurora_model" / "serving" / name, folder)


def pack(folder: Path, archive: Path) -> None:
    """Pack the files of a folder, below ``code/``."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and path.name not in _BY_INSTALLER:
                entry = tarfile.TarInfo(f"code/{path.relative_to(folder).as_posix()}")
                entry.size = path.stat().st_size
                with path.open("rb") as file:
                    tar.addfile(entry, file)
    compressed = pa.Codec("gzip", compression_level=_COMPRESSION).compress(packed.getbuffer(), asbytes=True)
    archive.write_bytes(compressed)
