"""The model archive: unpack it, and run its functions in a process of SageMaker's Python version."""

import os
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))
import package


def find_clean_python() -> list[str]:
    """Return the command of a Python that loads nothing but the archive, of the version that it is built for."""
    runs_here = package.SAGEMAKER.machine == os.uname().machine
    python = package.find_python(package.SAGEMAKER.python) if runs_here else None
    return [python or sys.executable, "-I", "-S"]


def unpack(archive: Path, folder: Path) -> Path:
    subprocess.run(["tar", "-xf", archive, "-C", folder], check=True)
    return folder


def predict(model: Path, source: Path, target: Path) -> float:
    """Answer the pictures of a folder; return the CPU time in s."""
    script = Path(__file__).with_name("container.py")
    command = [*find_clean_python(), script, model, source, target]
    done = subprocess.run(command, env={"OMP_NUM_THREADS": "1"}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return float(done.stdout)
