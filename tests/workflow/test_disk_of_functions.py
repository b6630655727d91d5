"""The folders /tmp of the functions that write products hold a run of 100,000 auroras, as measured with fewer."""

from typing import Any

import pytest

from bench.products import measure_disk
from mars_aurora.catalogue import geographic

pytest.importorskip("pyarrow", reason="the extra 'parquet' is not installed")

ROWS, MEASURED = 100_000, 1000


@pytest.fixture(scope="module")
def needed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, float]:
    """Bytes that each function has in its folder at once, of products whose libraries the function has."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(geographic, "is_installed", lambda _suffix: False)
        found = measure_disk(MEASURED, tmp_path_factory.mktemp("disk"))
    return {name: size * ROWS / MEASURED for name, size in found.items()}


@pytest.mark.parametrize("name", ["Catalogue", "Parquet"])
def test_temporary_folder_holds_100_000_auroras_with_room_and_is_not_wasted(
    resources: dict[str, Any], needed: dict[str, float], name: str
) -> None:
    size = resources[name]["Properties"]["EphemeralStorage"]["Size"] << 20
    assert 1.2 * needed[name] <= size <= 4 * needed[name], f"{needed[name] / 2**20:.0f} MB are needed"
