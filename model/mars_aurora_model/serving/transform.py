"""Walk a folder of candidates as a batch transform job walks a prefix: X.png in, X.png.out beside its like.

``python -m mars_aurora_model.serving.transform RUN/candidates RUN/predictions --url http://127.0.0.1:8080``
"""

from __future__ import annotations

import argparse
import http.client
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from mars_aurora.errors import TransientError, UsageError
from mars_aurora.run.storage import FolderStorage

Ask = Callable[[bytes], bytes]


class Client:
    """Sends pictures over one lasting connection a thread; a context manager, which closes them."""

    def __init__(self, url: str, timeout_s: float) -> None:
        parts = urlsplit(url)
        if parts.scheme != "http" or not parts.hostname:
            raise UsageError(f"{url} is not an http:// address")
        self._host, self._port, self._timeout_s = parts.hostname, parts.port or 80, timeout_s
        self._own = threading.local()
        self._all: list[http.client.HTTPConnection] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for connection in self._all:
            connection.close()

    def ask(self, picture: bytes) -> bytes:
        """Send one picture; raises TransientError where another try may help, UsageError where none will."""
        if not hasattr(self._own, "connection"):
            self._own.connection = http.client.HTTPConnection(self._host, self._port, timeout=self._timeout_s)
            self._all.append(self._own.connection)
        connection = self._own.connection
        try:
            connection.request("POST", "/invocations", picture, {"Content-Type": "image/png"})
            response = connection.getresponse()
            body: bytes = response.read()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise TransientError(f"{self._host}:{self._port}: {error}") from error
        if response.status >= http.HTTPStatus.INTERNAL_SERVER_ERROR:
            raise TransientError(f"the server answered {response.status}")
        if response.status != http.HTTPStatus.OK:
            raise UsageError(f"the server answered {response.status}: {body.decode(errors='replace')}")
        return body


def with_retries(ask: Ask, retries: int, pause_s: float) -> Ask:
    """Try again after TransientError, waiting twice as long each time."""

    def patient(picture: bytes) -> bytes:
        for attempt in range(retries):
            try:
                return ask(picture)
            except TransientError:
                time.sleep(pause_s * 2**attempt)
        return ask(picture)

    return patient


def transform(source: Path, target: Path, ask: Ask, concurrency: int = 2) -> int:
    """Ask about every PNG below ``source``; write the answers below ``target``. Returns how many.

    As with a transform job, one picture that cannot be asked about fails the whole: the error is raised.
    """
    pictures, answers = FolderStorage(source), FolderStorage(target)
    keys = [key for key in pictures.list("") if key.endswith(".png")]

    def answer(key: str) -> None:
        answers.put(f"{key}.out", ask(pictures.get(key)))

    with ThreadPoolExecutor(concurrency) as pool:
        for _ in pool.map(answer, keys):
            pass
    return len(keys)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--url", default="http://127.0.0.1:8080")
    parser.add_argument("--concurrency", type=int, default=2)
    parser.add_argument("--retries", type=int, default=3)
    parser.add_argument("--timeout-s", type=float, default=60.0)
    arguments = parser.parse_args()
    with Client(arguments.url, arguments.timeout_s) as client:
        ask = with_retries(client.ask, arguments.retries, pause_s=0.5)
        count = transform(arguments.source, arguments.target, ask, arguments.concurrency)
    print(f"{count} pictures answered", file=sys.stderr)


if __name__ == "__main__":
    main()
