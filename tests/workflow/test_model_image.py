"""The image of AWS's scikit-learn container: the mapping of the template against AWS's own list, and its end."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))
import model_image

ROOT = Path(__file__).parents[2]


def test_mapping_has_the_images_of_sagemaker_core(template: dict[str, Any]) -> None:
    python = ROOT / "build" / "tools" / "sagemaker" / "bin" / "python"
    if not python.exists():
        pytest.skip("sagemaker-core is not installed: run make tools")
    command = [python, ROOT / "tools" / "model_image.py", "print"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    listed = dict(line.split() for line in done.stdout.splitlines())
    assert {region: row["Uri"] for region, row in template["Mappings"]["ModelImages"].items()} == listed
    assert len(listed) >= 37


def test_image_is_patched_for_another_60_days() -> None:
    left = model_image.END_OF_PATCHING - datetime.now(UTC).date()
    assert left >= timedelta(days=60), f"choose a newer version in tools/model_image.py: {left.days} days are left"


def test_mapping_has_one_version(template: dict[str, Any]) -> None:
    tags = {row["Uri"].rpartition("/")[2] for row in template["Mappings"]["ModelImages"].values()}
    assert tags == {f"sagemaker-scikit-learn:{model_image.VERSION}-cpu-py3"}
