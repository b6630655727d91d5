import functools
import http.client
import json
import subprocess
import sys
import threading

import pytest

from mars_aurora.detect.yolo import detect
from mars_aurora.errors import TransientError, UsageError
from mars_aurora_model.dataset import simulate_picture
from mars_aurora_model.serving.transform import Client, transform, with_retries
from mars_aurora_model.simulator.world import World


@pytest.fixture(scope="module")
def server():
    """The server as a process of its own, on a free port."""
    words = [sys.executable, "-m", "mars_aurora_model.serving.serve", "serve", "--port", "0", "--concurrency", "2"]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as process:
        port = int(process.stderr.readline().rpartition(":")[2])
        yield port
        process.terminate()
        assert process.wait(10) == 0


@functools.cache
def draw_picture(index=0):
    return simulate_picture(index, World(swaths_per_set=(1,)), 41, "served").png


def ask(port, method="POST", path="/invocations", body=None, **headers):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
    response = connection.getresponse()
    answer = response.status, json.loads(response.read())
    connection.close()
    return answer


def test_ping_says_that_it_is_well(server):
    assert ask(server, "GET", "/ping")[0] == 200


def test_parameters_keep_within_sagemakers_bound(server):
    status, parameters = ask(server, "GET", "/execution-parameters")
    assert status == 200
    assert parameters["MaxConcurrentTransforms"] * parameters["MaxPayloadInMB"] <= 100


@pytest.mark.parametrize("kind", ["image/png", "application/x-image"])
def test_a_picture_is_answered_with_the_boxes_the_command_line_finds(server, kind):
    picture = draw_picture()
    status, answer = ask(server, body=picture, Content_Type=kind)
    assert status == 200
    assert answer == {"boxes": [vars(box) for box in detect(picture)]}
    assert answer["boxes"]


@pytest.mark.parametrize("body", [b"", b"not a picture", draw_picture()[:200]], ids=["empty", "text", "cut"])
def test_a_bad_picture_is_answered_not_failed(server, body):
    status, answer = ask(server, body=body, Content_Type="image/png")
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
def test_what_is_no_request_for_boxes_is_refused(server, path, body, headers, status):
    assert ask(server, path=path, body=body, **headers)[0] == status


def test_one_connection_serves_many_pictures(server):
    picture = draw_picture()
    with Client(f"http://127.0.0.1:{server}", timeout_s=20) as client:
        assert client.ask(picture) == client.ask(picture)


def test_a_folder_is_walked_as_a_transform_job_walks_a_prefix(server, tmp_path):
    for number in range(6):
        path = tmp_path / "candidates" / f"orbit{number % 2}" / f"{number}.fits.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(draw_picture(number))
    (tmp_path / "candidates" / "orbit0" / "broken.fits.png").write_bytes(b"broken")
    with Client(f"http://127.0.0.1:{server}", timeout_s=20) as client:
        assert transform(tmp_path / "candidates", tmp_path / "predictions", client.ask, concurrency=3) == 7
    answer = json.loads((tmp_path / "predictions" / "orbit1" / "3.fits.png.out").read_bytes())
    assert answer == {"boxes": [vars(box) for box in detect(draw_picture(3))]}
    assert json.loads((tmp_path / "predictions" / "orbit0" / "broken.fits.png.out").read_bytes())["boxes"] == []


def test_transient_failures_are_tried_again_and_lasting_ones_are_not():
    tries = []

    def ask_thrice(picture):
        tries.append(picture)
        if len(tries) < 3:
            raise TransientError("busy")
        return b"{}"

    assert with_retries(ask_thrice, retries=3, pause_s=0)(b"x") == b"{}"
    assert len(tries) == 3

    def refuse(picture):
        tries.append(picture)
        raise UsageError("415")

    with pytest.raises(UsageError):
        with_retries(refuse, retries=3, pause_s=0)(b"x")
    assert len(tries) == 4


def test_a_server_that_is_not_there_is_a_transient_failure(tmp_path):
    (tmp_path / "a.png").write_bytes(draw_picture())
    client = Client("http://127.0.0.1:1", timeout_s=2)
    with pytest.raises(TransientError):
        transform(tmp_path, tmp_path / "out", with_retries(client.ask, retries=1, pause_s=0))


def test_pictures_in_flight_take_turns(server):
    picture, answers = draw_picture(), []
    threads = [
        threading.Thread(target=lambda: answers.append(ask(server, body=picture, Content_Type="image/png")[1]))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 8
    assert all(answer == answers[0] for answer in answers)
