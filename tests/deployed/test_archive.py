"""The built model archive in a clean process of SageMaker's Python version: same answers as the local detector."""

import json
import struct
import tarfile
import zlib
from pathlib import Path

import model
import pytest

from mars_aurora.detect.yolo import load
from mars_aurora.picture import png
from mars_aurora_model.dataset import simulate_picture
from mars_aurora_model.serving import inference
from mars_aurora_model.simulator.world import World

pytestmark = [pytest.mark.deployed, pytest.mark.slow]
PICTURES, COPIES = 10, 20


def huge_png() -> bytes:
    """Return a PNG that declares 20,000 px a side, with all its pixels, in 400 kB."""
    side = 20_000
    packer = zlib.compressobj(9)
    row = bytes(side + 1)
    data = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


@pytest.fixture(scope="module")
def archive(built: Path) -> Path:
    return built / "Publish" / "model.tar.gz"


@pytest.fixture(scope="module")
def unpacked(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return model.unpack(archive, tmp_path_factory.mktemp("model"))


def test_archive_has_the_code_and_no_bytecode_and_nothing_of_the_machine(archive: Path) -> None:
    with tarfile.open(archive) as tar:
        entries = tar.getmembers()
    names = [entry.name for entry in entries]
    weights = {f"code/mars_aurora/detect/weights/{name}.onnx" for name in ("yolov5n", "rescoring")}
    assert {"code/wsgi.py", "code/inference.py", *weights} <= set(names)
    assert all(name.startswith("code/") for name in names)
    assert names == sorted(names, key=Path)
    assert not [name for name in names if name.endswith((".pyc", "requirements.txt", "RECORD")) or "protobuf" in name]
    assert {(entry.mtime, entry.uid, entry.gid, entry.uname, entry.mode) for entry in entries} == {(0, 0, 0, "", 0o644)}


def test_answers_are_those_of_the_local_detector_and_take_at_most_50_ms_of_cpu(unpacked: Path, tmp_path: Path) -> None:
    source, target = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    target.mkdir()
    drawn = [simulate_picture(i, World(swaths_per_set=(1,)), 41, "served").png for i in range(PICTURES)]
    for number in range(PICTURES * COPIES):
        (source / f"{number:03}.png").write_bytes(drawn[number % PICTURES])
    assert model.predict(unpacked, source, target) <= 10
    network = inference.model_fn("")
    for number in range(PICTURES):
        answer = (target / f"{number:03}.png.out").read_bytes()
        assert answer == inference.predict_fn(drawn[number], network)
        assert json.loads(answer)["boxes"] == [vars(box) for box in load().detect(png.read(drawn[number]))]
    assert len(list(target.iterdir())) == PICTURES * COPIES


def test_bodies_that_are_no_picture_get_an_error_record(unpacked: Path, tmp_path: Path) -> None:
    source, target = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    target.mkdir()
    bodies = {"empty": b"", "text": b"no picture", "binary": bytes(range(256)) * 40, "huge": huge_png()}
    for name, body in bodies.items():
        (source / f"{name}.png").write_bytes(body)
    assert model.predict(unpacked, source, target) <= 5
    answers = {name: json.loads((target / f"{name}.png.out").read_bytes()) for name in bodies}
    assert all(answer["boxes"] == [] and answer["error"] for answer in answers.values())
    assert "at most 4096 a side" in answers["huge"]["error"]
