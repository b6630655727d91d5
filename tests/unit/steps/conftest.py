"""Folders that the steps read from and write to."""

from pathlib import Path

import pytest

from mars_aurora.run.storage import FolderStorage


@pytest.fixture
def inputs(tmp_path: Path) -> FolderStorage:
    return FolderStorage(tmp_path / "inputs")


@pytest.fixture
def work(tmp_path: Path) -> FolderStorage:
    return FolderStorage(tmp_path / "work")
