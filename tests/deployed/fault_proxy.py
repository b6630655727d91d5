"""An HTTP proxy in front of the emulator that answers a fraction of the requests as S3 does in a brown-out."""

import random
import socket
import struct
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

FAULTS = ("500 before", "500 after", "503", "reset before", "reset after", "truncated")
ERROR = b'<?xml version="1.0"?><Error><Code>%s</Code><Message>brown-out</Message></Error>'
ERRORS = {"503": (b"SlowDown", 503), "archived": (b"InvalidObjectState", 403)}
HOP_BY_HOP = {"connection", "content-length", "date", "host", "keep-alive", "server", "transfer-encoding"}


class FaultProxy(ThreadingHTTPServer):
    """Forwards requests to ``upstream``, except a fraction of faults in an order given by the seed.

    The request is carried out in the faults "after" and "truncated", and not in the others. The first request for the
    contents of an object whose key ends in one of ``archived`` is answered as that for an archived object.
    """

    daemon_threads = True

    def __init__(self, upstream: str, fraction: float, seed: int, archived: Iterable[str]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.upstream = urlsplit(upstream).netloc
        self.fraction = fraction
        self.done: Counter[str] = Counter()
        self._archived = list(archived)
        self._random, self._lock = random.Random(seed), threading.Lock()  # noqa: S311 -- faults, not secrets

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def choose_fault(self) -> str:
        with self._lock:
            fault = self._random.choice(FAULTS) if self._random.random() < self.fraction else ""
            self.done[fault] += 1
            return fault

    def is_archived(self, path: str) -> bool:
        """Return whether the object of a path is refused, which it is once."""
        with self._lock:
            found = [key for key in self._archived if path.endswith(key)]
            self._archived = [key for key in self._archived if key not in found]
            return bool(found)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FaultProxy

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.command == "GET" and self.server.is_archived(urlsplit(self.path).path):
            return self.answer_error("archived")
        fault = self.server.choose_fault()
        if fault == "reset before":
            return self.reset()
        if fault in {"500 before", "503"}:
            return self.answer_error(fault)
        status, headers, answer = self.forward(body)
        if fault == "reset after" or (fault == "truncated" and (self.command == "HEAD" or len(answer) < 2)):
            return self.reset()
        if fault == "500 after":
            return self.answer_error(fault)
        return self.answer(status, headers, answer, truncated=fault == "truncated")

    do_HEAD = do_PUT = do_POST = do_DELETE = do_GET

    def forward(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        connection = HTTPConnection(self.server.upstream, timeout=60)
        connection.request(self.command, self.path, body, dict(self.headers))
        response = connection.getresponse()
        answer = response.read()
        connection.close()
        length = response.headers.get("Content-Length", str(len(answer)))
        kept = {name: value for name, value in response.headers.items() if name.lower() not in HOP_BY_HOP}
        return response.status, kept | {"Content-Length": length}, answer

    def answer(self, status: int, headers: dict[str, str], body: bytes, *, truncated: bool = False) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body[: len(body) // 2] if truncated else body)
        if truncated:
            self.close_connection = True

    def answer_error(self, fault: str) -> None:
        code, status = ERRORS.get(fault, (b"InternalError", 500))
        body = ERROR % code
        self.answer(status, {"Content-Type": "application/xml", "Content-Length": str(len(body))}, body)

    def reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # RST instead of FIN
        self.connection.close()
        self.close_connection = True

    def finish(self) -> None:
        try:
            super().finish()
        except OSError:  # the connection was reset
            self.close_connection = True

    def log_message(self, *_arguments: object) -> None:
        """Keep the output of the tests short."""


@contextmanager
def run_proxy(
    upstream: str, fraction: float = 0.0, seed: int = 0, archived: Iterable[str] = ()
) -> Iterator[FaultProxy]:
    """Run the proxy on a free local port until the context ends."""
    proxy = FaultProxy(upstream, fraction, seed, archived)
    thread = threading.Thread(target=proxy.serve_forever)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.shutdown()
        proxy.server_close()
        thread.join()
