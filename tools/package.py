"""Build the layer or one function as Lambda wants it; `sam build` calls this by way of the two Makefiles.

    python tools/package.py layer|preprocess|classify|tally|detect|catalogue FOLDER
    python tools/package.py requirements     write each requirements.txt anew from uv.lock
    python tools/package.py check BUILD       hold every function, with the layer, against Lambda's limits

No interpreter of Lambda's kind is needed: ready-made packages of its platform are unpacked. With
``MARS_AURORA_PLATFORM=host`` the same is built for this machine, which is what the rehearsal runs.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LAYER = "layer"
FUNCTIONS = ("preprocess", "classify", "tally", "detect", "catalogue")
LIMIT_BYTES = 262_144_000 * 9 // 10  # nine tenths of what Lambda unpacks, the layer included
RUNTIME_HAS = {"boto3", "botocore", "jmespath", "python-dateutil", "s3transfer", "six", "urllib3"}
MACHINES = {"aarch64": 0xB7, "x86_64": 0x3E}  # e_machine in the ELF header


@dataclass(frozen=True)
class Platform:
    """Where the package is to run: ``machine`` as uname has it, the oldest glibc it must do with."""

    machine: str
    python: str
    glibc: tuple[int, int]

    @property
    def is_host(self) -> bool:
        return (self.machine, self.python) == (os.uname().machine, sysconfig.get_python_version())


LAMBDA = Platform("aarch64", "3.13", (2, 34))  # Amazon Linux 2023


def choose_platform() -> Platform:
    if os.environ.get("MARS_AURORA_PLATFORM") != "host":
        return LAMBDA
    glibc = os.confstr("CS_GNU_LIBC_VERSION") or "glibc 2.28"
    major, minor = glibc.split()[1].split(".")
    return Platform(os.uname().machine, sysconfig.get_python_version(), (int(major), int(minor)))


def requirements_path(target: str) -> Path:
    return ROOT / ("core" if target == LAYER else f"functions/{target}") / "requirements.txt"


def export(target: str) -> str:
    """Give the pinned requirements of a target: its group in the lock, less what runtime and layer have."""
    command = ["export", "--quiet", "--frozen", "--no-hashes", "--no-header", "--no-annotate", "--only-group", target]
    lines = _uv(*command).splitlines()
    present = set(RUNTIME_HAS)
    if target != LAYER:
        present |= {_name(line) for line in export(LAYER).splitlines()}
    return "".join(f"{line}\n" for line in lines if line and _name(line) not in present)


def _name(requirement: str) -> str:
    return re.split(r"[=\s;\[]", requirement, maxsplit=1)[0]


def _uv(*arguments: str) -> str:
    environment = {key: value for key, value in os.environ.items() if key != "VIRTUAL_ENV"}
    command = [sys.executable, "-m", "uv", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout


def build(target: str, folder: Path, platform: Platform) -> None:
    """Put dependencies and code of the layer or a function into a folder."""
    packages = folder / "python" if target == LAYER else folder
    packages.mkdir(parents=True, exist_ok=True)
    requirements = requirements_path(target)
    if requirements.read_text().strip():
        install(requirements, packages, platform)
    if target == LAYER:
        code = ROOT / "core" / "mars_aurora"
        shutil.copytree(code, packages / "mars_aurora", ignore=shutil.ignore_patterns("local", "__pycache__"))
    else:
        shutil.copy(ROOT / "functions" / target / "app.py", packages)
    prune(packages)
    compile_bytecode(packages, platform)


def install(requirements: Path, folder: Path, platform: Platform) -> None:
    glibc = "_".join(str(part) for part in min(platform.glibc, (2, 28)))
    where = ["--python-platform", f"{platform.machine}-manylinux_{glibc}", "--python-version", platform.python]
    how = ["--quiet", "--no-deps", "--only-binary", ":all:", "--link-mode", "copy"]
    _uv("pip", "install", *how, *where, "--target", str(folder), "--requirements", str(requirements))


def prune(folder: Path) -> None:
    """Remove what no function ever opens: tests, stubs, sources, scripts."""
    for path in sorted(folder.rglob("*"), reverse=True):
        name = path.relative_to(folder).as_posix()
        is_test = path.name in {"test", "tests"} and name != "astropy/tests"  # astropy imports its own
        if path.is_dir() and (is_test or path.name in {"__pycache__", "include"} or name == "bin"):
            shutil.rmtree(path)
        elif path.suffix in {".pyi", ".pyx", ".pxd", ".c", ".h", ".a"} or name == ".lock":
            path.unlink()


def compile_bytecode(folder: Path, platform: Platform) -> None:
    """Compile ahead with an interpreter of Lambda's version; Lambda's disk is read-only, so it never could itself."""
    python = sys.executable if platform.is_host else find_python(platform.python)
    if python is None:
        print(f"no Python {platform.python} at hand: without bytecode, cold starts take about twice as long")
        return
    command = [python, "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", str(folder)]
    subprocess.run(command, check=True)


def find_python(version: str) -> str | None:
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    places = [shutil.which(f"python{version}"), *pyenv.glob(f"{version}.*/bin/python{version}")]
    for place in (str(place) for place in places if place):
        if subprocess.run([place, "-c", ""], check=False, capture_output=True).returncode == 0:
            return place
    return None


def check(build_folder: Path, platform: Platform) -> list[str]:
    """Measure what was built; give what is wrong with it, a line each."""
    layer = build_folder / "CoreLayer"
    wrong = []
    for name in FUNCTIONS:
        folder = build_folder / name.capitalize()
        total = size_bytes(folder) + size_bytes(layer)
        own, share = f"{size_bytes(folder):>10,}", f"{total / LIMIT_BYTES:4.0%}"
        print(f"{name:10} {own} + layer {size_bytes(layer):,} bytes = {share} of the 225 MiB allowed")
        if total > LIMIT_BYTES:
            wrong.append(f"{name}: {total:,} bytes unpacked, over {LIMIT_BYTES:,}")
    libraries = sorted(path for path in build_folder.rglob("*.so*") if path.is_file())
    return wrong + [f"{path}: {fault}" for path in libraries for fault in find_faults(path, platform)]


def size_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def find_faults(library: Path, platform: Platform) -> list[str]:
    """Tell why a shared library would not load on the platform: architecture, glibc, Python's ABI."""
    data = library.read_bytes()
    faults = []
    if data[:4] == b"\x7fELF" and int.from_bytes(data[18:20], "little") != MACHINES[platform.machine]:
        faults.append(f"not built for {platform.machine}")
    needed = max((tuple(map(int, found)) for found in re.findall(rb"GLIBC_(\d+)\.(\d+)", data)), default=(0, 0))
    if needed > platform.glibc:
        faults.append(f"needs glibc {needed[0]}.{needed[1]}")
    abi = re.search(r"\.cpython-(\d+)", library.name)
    if abi and abi[1] != platform.python.replace(".", ""):
        faults.append(f"built for CPython {abi[1]}")
    return faults


def main(arguments: list[str]) -> int:
    match arguments:
        case ["requirements"]:
            for target in (LAYER, *FUNCTIONS):
                requirements_path(target).write_text(export(target))
        case ["check", folder]:
            wrong = check(Path(folder), choose_platform())
            print(*wrong, sep="\n")
            return 1 if wrong else 0
        case [target, folder] if target in (LAYER, *FUNCTIONS):
            build(target, Path(folder).resolve(), choose_platform())
        case _:
            print(__doc__)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
