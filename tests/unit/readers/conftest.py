"""Fixtures that read EMUS files from tables and damaged files from bytes."""

from __future__ import annotations

from pathlib import Path

import pytest
from damaged_files import NAME
from emus_files import Tables, make_tables, write_tables

from mars_aurora import readers
from mars_aurora.errors import InputError
from mars_aurora.observation import Observation
from mars_aurora.readers import Limits


@pytest.fixture
def read_tables(tmp_path: Path):
    def read(tables: Tables, name: str = "swath.fits", **header: object) -> Observation:
        return readers.read(write_tables(tmp_path / Path(name).name, tables, **header), name)

    return read


@pytest.fixture
def reject_tables(read_tables):
    def reject(tables: Tables, name: str = "swath.fits", **header: object) -> InputError:
        with pytest.raises(InputError) as caught:
            read_tables(tables, name, **header)
        assert name in str(caught.value)
        return caught.value

    return reject


@pytest.fixture(scope="module")
def content(tmp_path_factory) -> bytes:
    """A small valid EMUS file."""
    return write_tables(tmp_path_factory.mktemp("valid") / "x.fits", make_tables(6, 16), MARSYEAR=36).read_bytes()


@pytest.fixture
def reject(tmp_path):
    def read(content: bytes, **limits: int) -> InputError:
        path = tmp_path / "x.fits"
        path.write_bytes(content)
        with pytest.raises(InputError) as caught:
            readers.read(path, NAME, limits=Limits(**limits))
        assert str(caught.value).startswith(f"{NAME}: {caught.value.reason}: ")
        assert "\n" not in str(caught.value)
        return caught.value

    return read
