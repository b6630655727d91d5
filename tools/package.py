"""Build the Lambda layer or one function; `sam build` calls this script through the two Makefiles.

    python tools/package.py TARGET FOLDER     TARGET: layer or a function
    python tools/package.py requirements     regenerate every requirements.txt from uv.lock
    python tools/package.py check BUILD      check every function, with its layer, for size and platform

Binary wheels for Lambda's platform are unpacked, so no interpreter of that platform is needed. With
``MARS_AURORA_PLATFORM=host`` the packages are built for this machine instead, as the rehearsal needs. The function
publish carries the model archive, built for SageMaker; with ``host``, only where this machine can run that.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from dataclasses import dataclass
from pathlib import Path

import archive

ROOT = Path(__file__).resolve().parents[1]
LAYER = "layer"
WITH_LAYER = ("open", "preprocess", "classify", "tally", "detect", "measure", "stitch", "catalogue", "close")
PARQUET, PUBLISH = "parquet", "publish"
WITH_PACKAGE = (LAYER, PARQUET)  # mars_aurora
FUNCTIONS = (*WITH_LAYER, PARQUET, PUBLISH)
MODEL_ARCHIVE = "model.tar.gz"
LIMIT_BYTES = 262_144_000 * 9 // 10  # 90 % of Lambda's limit for the unpacked function and layer
UNUSED_EXTENSIONS = (
    *(f"PIL/_{name}.*" for name in ("avif", "imagingcms", "imagingft", "imagingtk", "webp")),
    *(f"pyarrow/_{name}*.so" for name in ("acero", "csv", "cuda", "dataset", "feather", "flight", "json", "orc")),
    *(f"pyarrow/_{name}.*.so" for name in ("azurefs", "gcsfs", "hdfs", "parquet_encryption", "s3fs", "substrait")),
    "pyarrow/_pyarrow_cpp_tests*.so",
)
UNUSED_PACKAGES = tuple(f"onnxruntime/{name}" for name in ("quantization", "tools", "transformers"))
AWS_SERVICES = {"lambda", "s3", "stepfunctions", "xray"}  # of 400; the SDK of X-Ray creates its client on import
MACHINES = {"aarch64": 0xB7, "x86_64": 0x3E}  # e_machine in the ELF header


@dataclass(frozen=True)
class Platform:
    """Target platform: ``machine`` as given by uname, Python version, and the version of its glibc."""

    machine: str
    python: str
    glibc: tuple[int, int]

    @property
    def is_host(self) -> bool:
        return (self.machine, self.python) == (os.uname().machine, sysconfig.get_python_version())


LAMBDA = Platform("aarch64", "3.13", (2, 34))  # Amazon Linux 2023
SAGEMAKER = Platform("x86_64", "3.12", (2, 39))  # Ubuntu 24.04


def choose_platform() -> Platform:
    return host_platform() if is_for_host() else LAMBDA


def choose_model_platform() -> Platform:
    """Return the platform of the model archive: this machine's only for the rehearsal, and only if it needs that."""
    runs_here = SAGEMAKER.machine == os.uname().machine and find_python(SAGEMAKER.python)
    if not is_for_host() or runs_here:
        return SAGEMAKER
    print("SageMaker's platform is not available here: the model archive is built for this machine")
    return host_platform()


def is_for_host() -> bool:
    return os.environ.get("MARS_AURORA_PLATFORM") == "host"


def host_platform() -> Platform:
    glibc = os.confstr("CS_GNU_LIBC_VERSION") or "glibc 2.28"
    major, minor = glibc.split()[1].split(".")
    return Platform(os.uname().machine, sysconfig.get_python_version(), (int(major), int(minor)))


def requirements_path(target: str) -> Path:
    return ROOT / ("core" if target == LAYER else f"functions/{target}") / "requirements.txt"


def export(target: str, *, hashes: bool = False) -> str:
    """Return the pinned requirements of a target: its group in the lock, minus what the layer provides.

    With ``hashes``, each has those of its files in the lock. The model archive is without protobuf: the container needs
    another version of it, and the runtime does not need it.
    """
    command = ["export", "--quiet", "--frozen", "--no-header", "--no-annotate", "--only-group", target]
    command += [] if hashes else ["--no-hashes"]
    if target == PUBLISH:
        command += ["--no-emit-package", "protobuf"]
    requirements = re.split(r"\n(?=\S)", _uv(*command).strip())
    present = {_name(line) for line in export(LAYER).splitlines()} if target in WITH_LAYER else set()
    return "".join(f"{entry}\n" for entry in requirements if entry and _name(entry) not in present)


def _name(requirement: str) -> str:
    return re.split(r"[=\s;\[]", requirement, maxsplit=1)[0]


def _uv(*arguments: str) -> str:
    environment = {key: value for key, value in os.environ.items() if key != "VIRTUAL_ENV"}
    command = [sys.executable, "-m", "uv", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout


def build(target: str, folder: Path, platform: Platform) -> None:
    """Install the dependencies and the code of the layer or of a function into a folder."""
    packages = folder / "python" if target == LAYER else folder
    packages.mkdir(parents=True, exist_ok=True)
    if requirements_path(target).read_text().strip():
        install(target, packages, platform)
    if target in WITH_PACKAGE:
        code = ROOT / "core" / "mars_aurora"
        shutil.copytree(code, packages / "mars_aurora", ignore=shutil.ignore_patterns("local", "__pycache__"))
    if target != LAYER:
        shutil.copy(ROOT / "functions" / target / "app.py", packages)
    prune(packages)
    compile_bytecode(packages, platform)


def build_publish(folder: Path, platform: Platform) -> None:
    """Copy the function publish, and build the model archive that it carries."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / "functions" / PUBLISH / "app.py", folder)
    with tempfile.TemporaryDirectory() as temporary:
        code = Path(temporary)
        install(PUBLISH, code, platform)
        archive.copy_sources(ROOT, code)
        prune(code)
        faults = [fault for path in code.rglob("*.so*") for fault in find_faults(path, platform)]
        if faults:
            raise SystemExit("\n".join(faults))
        archive.pack(code, folder / MODEL_ARCHIVE)


def install(target: str, folder: Path, platform: Platform) -> None:
    """Install the requirements of a target; the hashes of all files must be those of the lock."""
    glibc = "_".join(str(part) for part in min(platform.glibc, (2, 28)))
    options = ["--python-platform", f"{platform.machine}-manylinux_{glibc}", "--python-version", platform.python]
    options += ["--quiet", "--no-deps", "--only-binary", ":all:", "--link-mode", "copy", "--require-hashes"]
    with tempfile.TemporaryDirectory() as temporary:
        requirements = Path(temporary) / "requirements.txt"
        requirements.write_text(export(target, hashes=True))
        _uv("pip", "install", *options, "--target", str(folder), "--requirements", str(requirements))


def prune(folder: Path) -> None:
    """Remove files that no function opens: tests, stubs, sources, scripts, tools, other formats, other AWS services."""
    for pattern in UNUSED_EXTENSIONS:
        for path in folder.glob(pattern):
            path.unlink()
    services = {path for path in folder.glob("botocore/data/*/") if path.name not in AWS_SERVICES}
    for path in {*services, *(folder / name for name in UNUSED_PACKAGES)}:
        shutil.rmtree(path, ignore_errors=True)
    remove_unreferenced_libraries(folder)
    for path in sorted(folder.rglob("*"), reverse=True):
        name = path.relative_to(folder).as_posix()
        is_test = path.name in {"test", "tests"} and name != "astropy/tests"  # astropy imports its own
        if path.is_dir() and (is_test or path.name in {"__pycache__", "include"} or name == "bin"):
            shutil.rmtree(path)
        elif path.suffix in {".pyi", ".pyx", ".pxd", ".pxi", ".c", ".cc", ".h", ".a"} or name == ".lock":
            path.unlink()


def remove_unreferenced_libraries(folder: Path) -> None:
    """Remove shared libraries that no extension module names, directly or through others.

    They are in ``*.libs`` folders, and those of pyarrow beside its extension modules.
    """
    libraries = {path: path.read_bytes() for path in folder.rglob("*.so*") if path.is_file()}
    of_pyarrow = set(folder.glob("pyarrow/lib[a-z]*.so*"))
    waiting = [path for path in libraries if path.parent.suffix != ".libs" and path not in of_pyarrow]
    unreached = libraries.keys() - waiting
    while waiting:
        data = libraries[waiting.pop()]
        reached = {path for path in unreached if path.name.encode() + b"\0" in data}
        unreached -= reached
        waiting += reached
    for path in unreached:
        path.unlink()


def compile_bytecode(folder: Path, platform: Platform) -> None:
    """Compile to bytecode with the target's Python version; Lambda cannot, because its file system is read-only."""
    python = sys.executable if platform.is_host else find_python(platform.python)
    if python is None:
        print(f"Python {platform.python} not found: packages without bytecode, cold starts take about twice as long")
        return
    command = [python, "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", str(folder)]
    subprocess.run(command, check=True)


def find_python(version: str) -> str | None:
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    candidates = [shutil.which(f"python{version}"), *pyenv.glob(f"{version}.*/bin/python{version}")]
    for python in (str(candidate) for candidate in candidates if candidate):
        if subprocess.run([python, "-c", ""], check=False, capture_output=True).returncode == 0:
            return python
    return None


def check(build_folder: Path, platform: Platform) -> list[str]:
    """Print the size of every built function; return one line per problem."""
    layer = build_folder / "CoreLayer"
    problems = []
    for name in FUNCTIONS:
        folder = build_folder / name.capitalize()
        below = size_bytes(layer) if name in WITH_LAYER else 0
        total = size_bytes(folder) + below
        own, fraction = f"{size_bytes(folder):>11,}", f"{total / LIMIT_BYTES:4.0%}"
        print(f"{name:10} {own} + layer {below:>11,} bytes = {fraction} of the 225 MiB allowed")
        if total > LIMIT_BYTES:
            problems.append(f"{name}: {total:,} bytes unpacked, limit {LIMIT_BYTES:,}")
    libraries = sorted(path for path in build_folder.rglob("*.so*") if path.is_file())
    return problems + [f"{path}: {fault}" for path in libraries for fault in find_faults(path, platform)]


def size_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def find_faults(library: Path, platform: Platform) -> list[str]:
    """Return the reasons why a shared library cannot be loaded on the platform: architecture, glibc, Python ABI."""
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
            problems = check(Path(folder), choose_platform())
            print(*problems, sep="\n")
            return 1 if problems else 0
        case ["publish", folder]:
            build_publish(Path(folder).resolve(), choose_model_platform())
        case [target, folder] if target in (LAYER, *WITH_LAYER, PARQUET):
            build(target, Path(folder).resolve(), choose_platform())
        case _:
            print(__doc__)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
