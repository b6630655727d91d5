"""Packaging script: requirements match the lock, packages fit Lambda and can be loaded there."""

import io
import os
import re
import subprocess
import sys
import tarfile
from importlib.metadata import version
from pathlib import Path

import boto3
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))
import package


@pytest.mark.parametrize("target", [package.LAYER, *package.FUNCTIONS])
def test_requirements_match_the_lock(target: str) -> None:
    written = package.requirements_path(target).read_text()
    assert written == package.export(target), "regenerate with: python tools/package.py requirements"


def test_dependencies_are_installed_with_the_hashes_of_the_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = package.export("open", hashes=True) + package.export("classify", hashes=True)
    pinned = [line.split()[0] for line in given.splitlines() if "==" in line]
    assert pinned == package.export("classify").splitlines()
    assert given.count("--hash=sha256:") > len(pinned)
    wrong = re.sub("sha256:[0-9a-f]{8}", f"sha256:{'0' * 8}", given)
    monkeypatch.setattr(package, "export", lambda _target, **_: wrong)
    with pytest.raises(subprocess.CalledProcessError):
        package.install("classify", tmp_path, package.host_platform())
    assert not list(tmp_path.glob("PIL"))


def test_functions_do_not_repeat_packages_of_the_layer() -> None:
    layer = {line.split("==")[0] for line in package.requirements_path(package.LAYER).read_text().splitlines()}
    for name in package.WITH_LAYER:
        own = {line.split("==")[0] for line in package.requirements_path(name).read_text().splitlines()}
        assert not own & layer


def test_archive_has_neither_protobuf_nor_other_versions_than_the_functions() -> None:
    archived = set(package.requirements_path(package.PUBLISH).read_text().splitlines())
    assert not [line for line in archived if line.startswith("protobuf")]
    deployed = {
        line
        for target in (package.LAYER, "detect")
        for line in package.requirements_path(target).read_text().splitlines()
    }
    assert archived <= deployed


def test_packed_archive_does_not_depend_on_the_machine(tmp_path: Path) -> None:
    names = ["b/two.py", "a.py", "b/one.so", "b-1.dist-info/METADATA"]
    for folder, order, mode in (("first", names, 0o644), ("second", names[::-1], 0o700)):
        for age, name in enumerate(order):
            path = tmp_path / folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(name * 1000)
            path.chmod(mode)
            os.utime(path, (age, age))
        (tmp_path / folder / "b-1.dist-info" / "RECORD").write_text(f"../../bin/{folder}")
        package.archive.pack(tmp_path / folder, tmp_path / f"{folder}.tar.gz")
    first, second = ((tmp_path / f"{name}.tar.gz").read_bytes() for name in ("first", "second"))
    assert first == second
    with tarfile.open(fileobj=io.BytesIO(first)) as packed:
        assert packed.getnames() == ["code/a.py", "code/b/one.so", "code/b/two.py", "code/b-1.dist-info/METADATA"]
    assert first[4:8] == bytes(4), "the header of gzip has no time"


def make_library(path: Path, machine: int, text: bytes = b"") -> Path:
    path.write_bytes(b"\x7fELF".ljust(18, b"\0") + machine.to_bytes(2, "little") + text)
    return path


def test_library_built_for_lambda_has_no_faults(tmp_path: Path) -> None:
    library = make_library(tmp_path / "a.cpython-313-aarch64-linux-gnu.so", 0xB7, b"GLIBC_2.28\0GLIBC_2.4")
    assert package.find_faults(library, package.LAMBDA) == []


@pytest.mark.parametrize(
    ("name", "machine", "text", "fault"),
    [
        ("a.so", 0x3E, b"", "not built for aarch64"),
        ("a.so", 0xB7, b"GLIBC_2.39\0", "needs glibc 2.39"),
        ("a.cpython-312-aarch64-linux-gnu.so", 0xB7, b"", "built for CPython 312"),
    ],
)
def test_library_that_lambda_cannot_load_is_reported(
    tmp_path: Path, name: str, machine: int, text: bytes, fault: str
) -> None:
    assert package.find_faults(make_library(tmp_path / name, machine, text), package.LAMBDA) == [fault]


def test_pruning_keeps_imported_files(tmp_path: Path) -> None:
    for name in ("numpy/tests/a.py", "astropy/tests/b.py", "astropy/wcs/tests/c.py", "numpy/a.pyi", "numpy/a.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    package.prune(tmp_path)
    assert sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.py*")) == [
        "astropy/tests/b.py",
        "numpy/a.py",
    ]


def test_pruning_removes_libraries_that_no_other_library_names(tmp_path: Path) -> None:
    contents = {
        "PIL/_imaging.cpython-313-aarch64-linux-gnu.so": b"libtiff-1.so\0",
        "PIL/_avif.cpython-313-aarch64-linux-gnu.so": b"libavif-1.so\0",
        "pillow.libs/libtiff-1.so": b"libtiff-1.so\0libwebp-1.so\0",
        "pillow.libs/libwebp-1.so": b"libwebp-1.so\0",
        "pillow.libs/libavif-1.so": b"libavif-1.so\0libaom-1.so\0",
        "pillow.libs/libaom-1.so": b"libaom-1.so\0libavif-1.so\0",  # names its user, as libraries built together do
    }
    for name, data in contents.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
    package.prune(tmp_path)
    kept = {path.name for path in tmp_path.rglob("*.so")}
    assert kept == {"_imaging.cpython-313-aarch64-linux-gnu.so", "libtiff-1.so", "libwebp-1.so"}


def test_of_pyarrow_only_what_writes_and_reads_parquet_is_kept(tmp_path: Path) -> None:
    abi = "cpython-313-aarch64-linux-gnu.so"
    contents = {
        f"lib.{abi}": b"libarrow_python.so.26\0libarrow.so.26\0",
        f"_parquet.{abi}": b"libparquet.so.26\0",
        f"_parquet_encryption.{abi}": b"libarrow_python_parquet_encryption.so.26\0",
        f"_dataset_parquet.{abi}": b"libarrow_dataset.so.26\0",
        f"_s3fs.{abi}": b"libarrow_s3.so.26\0",
        "libarrow.so.26": b"libarrow.so.26\0",
        "libparquet.so.26": b"libparquet.so.26\0libarrow.so.26\0",
        "libarrow_python.so": b"libarrow_python.so.26\0libarrow.so.26\0",
        "libarrow_python.so.26": b"libarrow_python.so.26\0libarrow.so.26\0",
        "libarrow_python_parquet_encryption.so.26": b"libarrow.so.26\0",
        "libarrow_dataset.so.26": b"libarrow.so.26\0",
        "libarrow_flight.so.26": b"libarrow.so.26\0",
        "libarrow_s3.so.26": b"libarrow.so.26\0",
        "lib.pxd": b"",
        "array.pxi": b"",
    }
    (tmp_path / "pyarrow").mkdir()
    for name, data in contents.items():
        (tmp_path / "pyarrow" / name).write_bytes(data)
    package.prune(tmp_path)
    kept = {path.name for path in (tmp_path / "pyarrow").iterdir()}
    assert kept == {f"lib.{abi}", f"_parquet.{abi}", "libarrow.so.26", "libparquet.so.26", "libarrow_python.so.26"}


def test_package_over_the_size_limit_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "CoreLayer").mkdir()
    for name in package.FUNCTIONS:
        (tmp_path / name.capitalize()).mkdir()
    (tmp_path / "CoreLayer" / "layer").write_bytes(bytes(500))
    for name, size in (("Tally", 500), ("Detect", 501), ("Publish", 1000)):  # publish has no layer
        (tmp_path / name / "big").write_bytes(bytes(size))
    monkeypatch.setattr(package, "LIMIT_BYTES", 1000)
    assert package.check(tmp_path, package.LAMBDA) == ["detect: 1,001 bytes unpacked, limit 1,000"]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Layer and functions, built for Lambda."""
    folder = tmp_path_factory.mktemp("lambda")
    package.build(package.LAYER, folder / "CoreLayer", package.LAMBDA)
    for name in (*package.WITH_LAYER, package.PARQUET):
        package.build(name, folder / name.capitalize(), package.LAMBDA)
    package.build_publish(folder / "Publish", package.SAGEMAKER)
    return folder


@pytest.mark.slow
def test_built_packages_fit_lambda_and_can_be_loaded_there(built: Path) -> None:
    assert len(list(built.rglob("*.so"))) > 50
    assert package.check(built, package.LAMBDA) == []


@pytest.mark.slow
def test_bytecode_is_not_checked_against_its_source(built: Path) -> None:
    """The flags of every .pyc file mark it as hash-based and unchecked (PEP 552)."""
    if package.find_python(package.LAMBDA.python) is None:
        pytest.skip(f"CPython {package.LAMBDA.python} not found: packages are built without bytecode")
    compiled = list(built.rglob("*.cpython-313.pyc"))
    assert len(compiled) > 1000
    assert {int.from_bytes(path.read_bytes()[4:8], "little") for path in compiled} == {0b01}


@pytest.mark.slow
def test_layer_excludes_the_command_line_and_its_dependencies(built: Path) -> None:
    packages = built / "CoreLayer" / "python"
    assert (packages / "mars_aurora" / "steps" / "preprocess.py").exists()
    assert not (packages / "mars_aurora" / "local").exists()
    assert not {"typer", "astropy", "torch"} & {path.name for path in packages.iterdir()}


@pytest.mark.slow
def test_parquet_has_the_package_and_the_tested_boto3_and_pyarrow_but_not_the_libraries_of_the_layer(
    built: Path,
) -> None:
    packages = built / "Parquet"
    assert (packages / "mars_aurora" / "steps" / "parquet.py").exists()
    assert (packages / f"boto3-{boto3.__version__}.dist-info").exists()
    assert (packages / f"pyarrow-{version('pyarrow')}.dist-info").exists()
    assert not {"cv2", "astropy", "geopandas", "pandas"} & {path.name for path in packages.iterdir()}


@pytest.mark.slow
def test_layer_has_the_tested_boto3_and_only_the_services_that_are_used(built: Path) -> None:
    packages = built / "CoreLayer" / "python"
    assert (packages / f"boto3-{boto3.__version__}.dist-info").exists()
    connected = {"xray"}  # by its own SDK
    for name in package.WITH_LAYER:  # the others have the boto3 of Lambda
        source = (package.ROOT / "functions" / name / "app.py").read_text()
        connected |= set(re.findall(r'connect\("(\w+)"\)', source))
    assert {path.name for path in packages.glob("botocore/data/*/")} == connected == package.AWS_SERVICES
