"""Commands that process a folder of files on one computer: the paper's way, plain scripts, this pipeline, its peers."""

from __future__ import annotations

import shutil
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.paper import inputs, process
from bench.paper.plan import ROOT
from bench.paper.process import Used

PEERS = ROOT / "build" / "bench-venv" / "bin" / "python"


@dataclass(frozen=True)
class Way:
    """A way of processing files.

    Attributes
    ----------
    label : of its row
    words : of its command, in which INPUT is the folder of the files, FILES the files, and OUT a new folder
    workers : number of processes at once
    is_whole : whether auroras are detected, measured and catalogued too
    """

    label: str
    words: tuple[str, ...]
    workers: int = 1
    is_whole: bool = False

    @property
    def is_missing(self) -> bool:
        """Return whether its environment is not there."""
        return self.words[0] == str(PEERS) and not PEERS.is_file()

    def run(self, folder: Path, out: Path) -> tuple[Used, Counter[str]]:
        """Process the files of a folder; return what was used, and the outcomes if there is a ledger.

        Raises ValueError unless each file was a distinct observation.
        """
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir(parents=True)
        files = sorted(str(path) for path in folder.glob("*.fits.gz"))
        places = {"INPUT": [str(folder)], "OUT": [str(out)], "FILES": files}
        words = [word for given in self.words for word in places.get(given, [given])]
        used = process.run(words, {"TMPDIR": str(out)})
        outcomes = Counter[str]()
        if self.is_whole:
            (ledger,) = out.glob("runs/*/ledger.csv")
            outcomes = inputs.require_distinct(ledger, len(files))
        shutil.rmtree(out, ignore_errors=True)  # Lithops may still remove its own files
        return used, outcomes


def _script(label: str, *words: str) -> Way:
    return Way(label, (sys.executable, "-m", *words, "OUT", "FILES"))


def _pipeline(workers: int) -> Way:
    """Describe a run in the environment of the peers, which has what users install.

    That of the tests has pandas, too, which pyogrio and pyarrow import where they find it.
    """
    python = PEERS if PEERS.is_file() else Path(sys.executable)
    command = (str(python.with_name("mars-aurora")), "run", "INPUT", "--out", "OUT")
    label = f"this pipeline, {workers} {'worker' if workers == 1 else 'workers'}"
    return Way(label, (*command, "--workers", str(workers)), workers, is_whole=True)


def _peer(name: str, label: str) -> Way:
    words = (str(PEERS), "-m", "bench.paper.peers", name, "INPUT", "OUT", "2")
    return Way(f"the same steps by {label}, 2 workers", words, 2, is_whole=True)


WAYS = {
    "paper": _script("the paper's way, one thread", "bench.paper_way"),
    "plain": _script("a plain script with astropy and OpenCV, one thread", "bench.plain_script"),
    "isal": _script("the same with isal, one thread", "bench.plain_script", "--isal"),
    "one": _pipeline(1),
    "two": _pipeline(2),
    "joblib": _peer("joblib", "joblib"),
    "dask": _peer("dask", "dask"),
    "lithops": _peer("lithops", "Lithops on localhost"),
}


def run_ways(names: Sequence[str], folder: Path, out: Path, rounds: int = 1) -> dict[str, list[dict[str, float]]]:
    """Run several ways after one another, in rounds; return what each run used, by name of the way."""
    used: dict[str, list[dict[str, float]]] = {}
    for _ in range(rounds):
        for name in names:
            if WAYS[name].is_missing:
                continue
            found, outcomes = WAYS[name].run(folder, out)
            used.setdefault(name, []).append(
                {
                    "wall_s": found.wall_s,
                    "cpu_s": found.cpu_s,
                    "parent_s": found.parent_cpu_s,
                    "peak_mb": found.peak_mb,
                    "candidates": outcomes["aurora"] + outcomes["no_aurora"],
                }
            )
            print(f"  {WAYS[name].label}: {found.wall_s:.1f} s, {found.cpu_s:.1f} s CPU", flush=True)
    return used
