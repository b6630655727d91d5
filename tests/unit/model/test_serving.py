import functools
import hashlib
import http.client
import json
import subprocess
import sys
import threading

import pytest

from mars_aurora.detect.yolo import load
from mars_aurora.errors import TransientError, UsageError
from mars_aurora.picture import png
from mars_aurora_model.dataset import simulate_picture
from mars_aurora_model.serving.transform import Client, transform, with_retries
from mars_aurora_model.simulator.world import World


@pytest.fixture(scope="module")
def server():
    """Server in a separate process, on a free port."""
    words = [sys.executable, "-m", "mars_aurora_model.serving.serve", "serve", "--port", "0", "--concurrency", "2"]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as process:
        port = int(process.stderr.readline().rpartition(":")[2])
        yield port
        process.terminate()
        assert process.wait(10) == 0


@functools.cache
def draw_picture(index=0):
    return simulate_picture(index, World(swaths_per_set=(1,)), 41, "served").png


def request(port, method="POST", path="/invocations", body=None, **headers):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
    response = connection.getresponse()
    status, body = response.status, json.loads(response.read())
    connection.close()
    return status, body


def test_ping_succeeds(server):
    assert request(server, "GET", "/ping")[0] == 200


def test_execution_parameters_are_within_sagemakers_limit(server):
    status, parameters = request(server, "GET", "/execution-parameters")
    assert status == 200
    assert parameters["MaxConcurrentTransforms"] * parameters["MaxPayloadInMB"] <= 100


@pytest.mark.parametrize("kind", ["image/png", "application/x-image"])
def test_server_predicts_the_boxes_of_the_command_line(server, kind):
    picture = draw_picture()
    status, answer = request(server, body=picture, Content_Type=kind)
    assert status == 200
    assert answer["boxes"] == [vars(box) for box in load().detect(png.read(picture))]
    assert answer["boxes"]


@pytest.mark.parametrize("body", [b"", b"not a picture", draw_picture()[:200]], ids=["empty", "text", "cut"])
def test_unreadable_picture_is_answered_with_an_error_record(server, body):
    status, answer = request(server, body=body, Content_Type="image/png")
    assert status == 200
    assert answer["boxes"] == []
    assert answer["error"]


@pytest.mark.parametrize(
    ("path", "body", "headers", "status"),
    [
        ("/invocations", b"{}", {"Content_Type": "application/json"}, 415),
        ("/invocations", b"", {"Content_Type": "image/png", "Content_Length": str(7 * 2**20)}, 413),
        ("/invocations", b"", {"Content_Type": "image/png", "Content_Length": "many"}, 411),
        ("/elsewhere", b"", {"Content_Type": "image/png"}, 404),
    ],
)
def test_invalid_requests_are_rejected(server, path, body, headers, status):
    assert request(server, path=path, body=body, **headers)[0] == status


def test_one_connection_serves_many_pictures(server):
    picture = draw_picture()
    with Client(f"http://127.0.0.1:{server}", timeout_s=20) as client:
        assert client.predict(picture) == client.predict(picture)


def test_transform_predicts_all_pictures_of_a_folder(server, tmp_path):
    for number in range(6):
        path = tmp_path / "candidates" / f"orbit{number % 2}" / f"{number}.fits.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(draw_picture(number))
    (tmp_path / "candidates" / "orbit0" / "broken.fits.png").write_bytes(b"broken")
    with Client(f"http://127.0.0.1:{server}", timeout_s=20) as client:
        assert transform(tmp_path / "candidates", tmp_path / "predictions", client.predict, concurrency=3) == 7
    answer = json.loads((tmp_path / "predictions" / "orbit1" / "3.fits.png.out").read_bytes())
    assert answer["boxes"] == [vars(box) for box in load().detect(png.read(draw_picture(3)))]
    assert answer["made"]["picture_sha256"] == hashlib.sha256(draw_picture(3)).hexdigest()
    assert json.loads((tmp_path / "predictions" / "orbit0" / "broken.fits.png.out").read_bytes())["boxes"] == []


def test_transient_errors_are_retried_and_usage_errors_are_not():
    tries = []

    def fail_twice(picture):
        tries.append(picture)
        if len(tries) < 3:
            raise TransientError("busy")
        return b"{}"

    assert with_retries(fail_twice, retries=3, pause_s=0)(b"x") == b"{}"
    assert len(tries) == 3

    def refuse(picture):
        tries.append(picture)
        raise UsageError("415")

    with pytest.raises(UsageError):
        with_retries(refuse, retries=3, pause_s=0)(b"x")
    assert len(tries) == 4


def test_unreachable_server_is_a_transient_error(tmp_path):
    (tmp_path / "a.png").write_bytes(draw_picture())
    client = Client("http://127.0.0.1:1", timeout_s=2)
    with pytest.raises(TransientError):
        transform(tmp_path, tmp_path / "out", with_retries(client.predict, retries=1, pause_s=0))


def test_concurrent_requests_get_the_same_prediction(server):
    picture, answers = draw_picture(), []
    threads = [
        threading.Thread(target=lambda: answers.append(request(server, body=picture, Content_Type="image/png")[1]))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 8
    assert all(answer == answers[0] for answer in answers)
