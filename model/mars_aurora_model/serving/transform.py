"""Predict the pictures of a folder as a SageMaker batch transform job does: X.png is answered in X.png.out.

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

Predict = Callable[[bytes], bytes]  # from a PNG to the JSON of its prediction


class Client:
    """HTTP client with one persistent connection per thread; a context manager that closes them."""

    def __init__(self, url: str, timeout_s: float) -> None:
        parts = urlsplit(url)
        if parts.scheme != "http" or not parts.hostname:
            raise UsageError(f"{url} is not a URL of the server: use http://HOST:PORT")
        self._host, self._port, self._timeout_s = parts.hostname, parts.port or 80, timeout_s
        self._local = threading.local()
        self._connections: list[http.client.HTTPConnection] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for connection in self._connections:
            connection.close()

    def predict(self, picture: bytes) -> bytes:
        """Send one picture and return the JSON of its prediction.

        Raises
        ------
        TransientError
            If the connection or the server failed.
        UsageError
            If the server rejected the request.
        """
        if not hasattr(self._local, "connection"):
            self._local.connection = http.client.HTTPConnection(self._host, self._port, timeout=self._timeout_s)
            self._connections.append(self._local.connection)
        connection = self._local.connection
        try:
            connection.request("POST", "/invocations", picture, {"Content-Type": "image/png"})
            response = connection.getresponse()
            body: bytes = response.read()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise TransientError(f"{self._host}:{self._port}: {error}") from error
        if response.status >= http.HTTPStatus.INTERNAL_SERVER_ERROR:
            raise TransientError(f"the server failed with status {response.status}")
        if response.status != http.HTTPStatus.OK:
            raise UsageError(f"the server rejected the picture, {response.status}: {body.decode(errors='replace')}")
        return body


def with_retries(predict: Predict, retries: int, pause_s: float) -> Predict:
    """Return a function that retries after TransientError, with pauses that double each time."""

    def retrying(picture: bytes) -> bytes:
        for attempt in range(retries):
            try:
                return predict(picture)
            except TransientError:
                time.sleep(pause_s * 2**attempt)
        return predict(picture)

    return retrying


def transform(source: Path, target: Path, predict: Predict, concurrency: int = 2) -> int:
    """Predict every PNG below ``source`` and write the predictions below ``target``; return the number of pictures.

    As in a transform job, an error of one picture fails the whole job: it is raised.
    """
    pictures, predictions = FolderStorage(source), FolderStorage(target)
    keys = [key for key in pictures.list("") if key.endswith(".png")]

    def process(key: str) -> None:
        predictions.put(f"{key}.out", predict(pictures.get(key)))

    with ThreadPoolExecutor(concurrency) as pool:
        for _ in pool.map(process, keys):
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
        predict = with_retries(client.predict, arguments.retries, pause_s=0.5)
        count = transform(arguments.source, arguments.target, predict, arguments.concurrency)
    print(f"{count} predictions in {arguments.target}", file=sys.stderr)


if __name__ == "__main__":
    main()
