"""docs/catalogue.md agrees with the code."""

import re
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from mars_aurora.aurora import COLUMNS
from mars_aurora.background import observed
from mars_aurora.catalogue import write
from mars_aurora.catalogue.entry import Entry
from mars_aurora.detect.detectors import DetectorName
from mars_aurora.emission import NIGHT_SZA_DEG, OXYGEN_1304, OXYGEN_1356
from mars_aurora.measure import measure, morphology, photometry, pixels
from mars_aurora.measure.viewing import FLAGS
from mars_aurora.run.keys import RunKeys
from mars_aurora.run.provenance import describe_provenance
from mars_aurora.run.storage import FolderStorage
from mars_aurora.sphere import MARS_RADIUS_KM

PAGE = (Path(__file__).parents[3] / "docs" / "catalogue.md").read_text()

PROVENANCE = describe_provenance(DetectorName.YOLO, 2, "")


def _table(heading: str) -> list[list[str]]:
    section = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| `")]
    return [[cell.strip("` ") for cell in row] for row in rows]


def test_columns_are_documented_in_order_with_unit_meaning_and_ucd():
    rows = [(name, unit, meaning, ucd) for name, unit, meaning, _, ucd in _table("Columns")]
    assert rows == [(column.name, column.unit, column.meaning, column.ucd) for column in COLUMNS]


def test_quality_flags_are_documented():
    assert dict(_table("Quality flags")) == FLAGS


def test_columns_of_the_joined_entries_are_documented():
    documented = re.findall(r"\w+", " ".join(row[0] for row in _table("Columns of `auroras.*`")))
    assert sorted(documented) == sorted(field.name for field in fields(Entry))


def test_products_are_documented(tmp_path):
    written = write.write_products(RunKeys("r"), [], [], PROVENANCE, FolderStorage(tmp_path))
    for key in written:
        suffix = Path(key).suffix
        assert Path(key).name in PAGE or f"`{suffix}`" in PAGE, key


STRONG, WEAK = OXYGEN_1304, OXYGEN_1356
FINE, COARSE = pixels.SMOOTH_PX, pixels._SMOOTH_NOISY_PX
RAISED = round(100 * (pixels.NOISE_FACTOR - 1))
PARALLAX_KM = STRONG.shell_km * np.tan(np.radians(60))


@pytest.mark.parametrize(
    "phrase",
    [
        f"an altitude of some {STRONG.shell_km:g} km",
        f"at an emission angle of 60 degrees they are {PARALLAX_KM:.0f} km nearer",
        f"on the sphere of {MARS_RADIUS_KM} km",
        f"smoothed brightness exceeds it by {observed._SIGMAS:g} sigma",
        f"extrapolated, down to {STRONG.night_R:g} R",
        f"grown by {pixels.GROW_PX:g} px",
        f"solar zenith angle over {NIGHT_SZA_DEG:g} degrees",
        f"({FINE} x {FINE}, or {COARSE} x {COARSE} in twilight)",
        f"exceeds the background by {pixels.SIGMAS:g} sigma and by {STRONG.visible_R:g} R, raised by {RAISED} %",
        f"at least {morphology.SINUOUS_LENGTH_KM:g} km long and {morphology.SINUOUS_RATIO:g} times as long as wide",
        f"off by {photometry.EDGE_FRACTION} pixels along its length",
        f"of the mean is {photometry.MEAN_PER_EXTENT} times",
        f"integrated brightness {photometry.INTEGRATED_PER_EXTENT} times that of the area",
        f"minus {photometry.PEAK_BIAS} of its random error",
        f"a residual of {observed.LOCAL_RESIDUAL:.0%} about it".replace("%", " %"),
        f"includes {measure._END_FRACTION} of the length",
        f"{WEAK.visible_R:g} R instead of {STRONG.visible_R:g} R, {WEAK.night_R:g} R instead of {STRONG.night_R:g} R",
    ],
)
def test_constants_of_the_method_are_those_of_the_code(phrase: str):
    assert phrase in " ".join(PAGE.split())
