"""Read files, each in a process of its own: python -m bench.corpus.measuring FOLDER prints one line of JSON per file.

A line has the path (its bytes as text), CPU seconds, peak memory in MB, and the reason of the rejection, "" for an
observation, or the last line of a traceback. The processes are forked, so that imports are not measured.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from pathlib import Path

from mars_aurora.errors import InputError, TransientError
from mars_aurora.geometry import canvas
from mars_aurora.readers import reading

WALL_S = 60


def read(path: Path) -> str:
    """Read one file; return the reason of its rejection, "" for an observation, or the error that must not occur."""
    try:
        canvas.fit(reading.read(path, path.name))
    except InputError as error:
        return str(error.reason)
    except TransientError:
        return "transient"
    except BaseException as error:  # noqa: BLE001 -- any other error is what is looked for
        return f"Traceback: {traceback.format_exception_only(error)[-1].strip()}"
    return ""


def measure(path: Path) -> dict[str, object]:
    """Read one file in a forked process; return what the module prints."""
    answer, told = os.pipe()
    child = os.fork()
    if child == 0:
        signal.alarm(WALL_S)
        os.write(told, read(path).encode(errors="replace")[:4000])
        os._exit(0)
    os.close(told)
    with os.fdopen(answer, "rb") as stream:
        result = stream.read().decode(errors="replace")
    _, status, usage = os.wait4(child, 0)
    if status:
        result = f"Traceback: killed by signal {status & 0x7F}, status {status}"
    return {
        "path": os.fsencode(path).decode(errors="surrogateescape"),
        "cpu_s": usage.ru_utime + usage.ru_stime,
        "peak_mb": usage.ru_maxrss * 1024 / 1e6,
        "result": result,
    }


def main() -> None:
    for path in sorted(Path(sys.argv[1]).rglob("*")):
        if path.name.lower().endswith((".fits", ".fits.gz")):
            print(json.dumps(measure(path)), flush=True)


if __name__ == "__main__":
    main()
