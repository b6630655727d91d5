"""The entry point of the command line; worker processes import it, so that it loads no command itself.

Exit codes: 0 success, 1 failure, 2 usage error or no usable input, 130 interrupted.
"""

from __future__ import annotations

import atexit
import gc
import sys
from collections.abc import Sequence

_WITHOUT_WORKERS = {"--help", "--dry-run"}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; usage errors and failures are printed in one line."""
    atexit.register(gc.freeze)  # else all objects are searched for cycles at the exit, for a tenth of a second
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    if arguments[:1] == ["run"] and _WITHOUT_WORKERS.isdisjoint(arguments):
        from mars_aurora.local.pool import start_server

        start_server()

    from mars_aurora.local.commands import execute

    execute(arguments)
