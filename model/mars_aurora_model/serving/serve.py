"""Serve predictions over HTTP with the paths of a SageMaker container: /ping, /invocations, /execution-parameters.

Needs the standard library and the detector only. An unreadable picture is answered with status 200 and an error
record, because one failed object would fail the whole transform job.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import signal
import sys
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from mars_aurora.detect.detectors import DetectorName
from mars_aurora.detect.yolo import WEIGHTS, load
from mars_aurora.errors import UsageError
from mars_aurora.picture import png
from mars_aurora.run.predictions import Made, error_to_json, to_json

MAX_PAYLOAD_MB = 6
PICTURES = ("image/png", "application/x-image")
IDLE_S = 60  # idle connections are closed after this time


class Server(ThreadingHTTPServer):
    """One thread per connection, of which ``concurrency`` run the network at a time."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], weights: Path, concurrency: int) -> None:
        super().__init__(address, Handler)
        self.network, self.concurrency = load(weights), concurrency
        self.weights_sha256 = hashlib.sha256(weights.read_bytes()).hexdigest()
        self.slots = threading.BoundedSemaphore(concurrency)

    def predict(self, image: bytes) -> bytes:
        """Return the boxes of a picture, or an error record without boxes, as JSON."""
        made = Made(hashlib.sha256(image).hexdigest(), DetectorName.YOLO.value, self.weights_sha256)
        try:
            with self.slots:
                found = self.network.detect_all(png.read(image))
        except (UsageError, ValueError) as error:
            return error_to_json(str(error), made)
        return to_json(found, made)


class Handler(BaseHTTPRequestHandler):
    """The three paths of a SageMaker container."""

    server: Server
    protocol_version = "HTTP/1.1"  # keeps connections open between the pictures of a transform job
    timeout = IDLE_S

    def do_GET(self) -> None:
        if self.path == "/ping":
            self.reply(HTTPStatus.OK, b"{}")
        elif self.path == "/execution-parameters":
            parameters = {"MaxConcurrentTransforms": self.server.concurrency, "MaxPayloadInMB": MAX_PAYLOAD_MB}
            self.reply(HTTPStatus.OK, json.dumps({"BatchStrategy": "SINGLE_RECORD", **parameters}).encode())
        else:
            self.reply(HTTPStatus.NOT_FOUND, json.dumps({"error": f"unknown path {self.path}"}).encode())

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        kind = self.headers.get_content_type()
        if self.path != "/invocations":
            self.refuse(HTTPStatus.NOT_FOUND, f"unknown path {self.path}: send pictures to /invocations")
        elif not length.isdecimal():
            self.refuse(HTTPStatus.LENGTH_REQUIRED, "missing Content-Length: chunked requests are not supported")
        elif int(length) > MAX_PAYLOAD_MB * 2**20:
            self.refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"request too large: send at most {MAX_PAYLOAD_MB} MiB")
        elif kind not in PICTURES:
            self.refuse(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"unsupported type {kind}: send {' or '.join(PICTURES)}")
        else:
            self.reply(HTTPStatus.OK, self.server.predict(self.rfile.read(int(length))))

    def refuse(self, status: HTTPStatus, error: str) -> None:
        """Reply with an error; the connection is closed because the request's body is not read."""
        self.close_connection = True
        self.reply(status, json.dumps({"boxes": [], "error": error}).encode())

    def reply(self, status: HTTPStatus, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log failed requests only; SageMaker polls /ping, and each picture is a request."""
        if int(code) >= HTTPStatus.BAD_REQUEST:
            super().log_request(code, size)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("verb", nargs="?", choices=["serve"], help="passed by SageMaker; optional")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=int(os.environ.get("SAGEMAKER_BIND_TO_PORT", "8080")))
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    parser.add_argument("--concurrency", type=int, default=os.cpu_count() or 1)
    arguments = parser.parse_args()
    server = Server((arguments.host, arguments.port), arguments.weights, arguments.concurrency)
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    print(f"listening on {arguments.host}:{server.server_port}", file=sys.stderr, flush=True)
    server.serve_forever()
    server.server_close()


if __name__ == "__main__":
    main()
