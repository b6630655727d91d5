"""Answer pictures with boxes over HTTP, as SageMaker asks a container to: /ping, /invocations, /execution-parameters.

Standard library and the detector, nothing else; needs no network but the port it listens on. A bad picture is answered
with 200 and an error record, since one failing object would fail a whole transform job.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
from collections.abc import Mapping
from dataclasses import asdict
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from mars_aurora.detect.yolo import WEIGHTS, Yolo, load
from mars_aurora.errors import UsageError

MAX_PAYLOAD_MB = 6
PICTURES = ("image/png", "application/x-image")
IDLE_S = 60  # a connection that sends nothing for so long is closed


class Server(ThreadingHTTPServer):
    """A thread a connection; ``concurrency`` of them at a time run the network, the others wait their turn."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], network: Yolo, concurrency: int) -> None:
        super().__init__(address, Handler)
        self.network, self.concurrency = network, concurrency
        self.turns = threading.BoundedSemaphore(concurrency)

    def answer(self, picture: bytes) -> dict[str, Any]:
        """Give the boxes of a picture, or an error record with no boxes."""
        try:
            with self.turns:
                boxes = self.network.detect(picture)
        except UsageError as error:
            return {"error": str(error), "boxes": []}
        return {"boxes": [asdict(box) for box in boxes]}


class Handler(BaseHTTPRequestHandler):
    """The three paths of a SageMaker container."""

    server: Server
    protocol_version = "HTTP/1.1"  # connections stay open between the pictures of a transform job
    timeout = IDLE_S

    def do_GET(self) -> None:
        if self.path == "/ping":
            self.reply(HTTPStatus.OK, {})
        elif self.path == "/execution-parameters":
            parameters = {"MaxConcurrentTransforms": self.server.concurrency, "MaxPayloadInMB": MAX_PAYLOAD_MB}
            self.reply(HTTPStatus.OK, {"BatchStrategy": "SINGLE_RECORD", **parameters})
        else:
            self.reply(HTTPStatus.NOT_FOUND, {"error": f"there is nothing at {self.path}"})

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        kind = self.headers.get_content_type()
        if self.path != "/invocations":
            self.refuse(HTTPStatus.NOT_FOUND, f"there is nothing at {self.path}")
        elif not length.isdecimal():
            self.refuse(HTTPStatus.LENGTH_REQUIRED, "a picture is sent whole, with its Content-Length")
        elif int(length) > MAX_PAYLOAD_MB * 2**20:
            self.refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a picture has at most {MAX_PAYLOAD_MB} MiB")
        elif kind not in PICTURES:
            self.refuse(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"{kind} is not read; send {' or '.join(PICTURES)}")
        else:
            self.reply(HTTPStatus.OK, self.server.answer(self.rfile.read(int(length))))

    def refuse(self, status: HTTPStatus, why: str) -> None:
        """Answer without reading the body, so the connection cannot be used again."""
        self.close_connection = True
        self.reply(status, {"error": why, "boxes": []})

    def reply(self, status: HTTPStatus, content: Mapping[str, Any]) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log what failed; a line for every /ping and every picture would drown it."""
        if int(code) >= HTTPStatus.BAD_REQUEST:
            super().log_request(code, size)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("verb", nargs="?", choices=["serve"], help="what SageMaker starts a container with")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=int(os.environ.get("SAGEMAKER_BIND_TO_PORT", "8080")))
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    parser.add_argument("--concurrency", type=int, default=os.cpu_count() or 1)
    arguments = parser.parse_args()
    server = Server((arguments.host, arguments.port), load(arguments.weights), arguments.concurrency)
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    print(f"listening on {arguments.host}:{server.server_port}", file=sys.stderr, flush=True)
    server.serve_forever()
    server.server_close()


if __name__ == "__main__":
    main()
