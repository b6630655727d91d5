"""What reading costs over unpacking: python -m bench.reading.

Files are simulated: a swath as the pipeline meets it, and one with its spectra (CAL) at full size, before and after
EMISS, and one with spectra alone (L2A). CPU is user and system time, the median of some turns, each file's own
unpacking measured in the same turns. Peak memory is that of a process that does nothing but read the file.
"""

from __future__ import annotations

import gzip
import io
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from astropy.io import fits
from isal import igzip

from mars_aurora import readers
from mars_aurora_model.simulator.simulate import observe
from mars_aurora_model.simulator.world import World

SEED, INDEX = 5, 0
PACKING = 5  # between the mission's archive and the simulator's fastest
TURNS = 5
CHUNK_BYTES = 1 << 19
_MEMORY = (
    "import sys, resource\nfrom pathlib import Path\nfrom mars_aurora.readers.reading import read\n"
    "if len(sys.argv) > 1: read(Path(sys.argv[1]), 'swath.fits.gz')\n"
    "status = Path('/proc/self/status')\n"  # getrusage would count what this process was forked from
    "lines = status.read_text().split('\\n') if status.exists() else []\n"
    "own = [int(line.split()[1]) for line in lines if line.startswith('VmHWM')]\n"
    "print(own[0] if own else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n"
)


def make_files(folder: Path) -> dict[str, Path]:
    simulated = observe(World(), SEED, INDEX)
    contents = {
        "typical": simulated.to_fits(),
        "CAL first": _order(simulated.to_fits(spectra=True), "CAL", "EMISS"),
        "CAL last": _order(simulated.to_fits(spectra=True), "EMISS", "CAL"),
        "L2A": simulated.to_fits(level="l2a"),
    }
    paths = {}
    for label, content in contents.items():
        paths[label] = folder / f"{label.replace(' ', '-')}.fits.gz"
        paths[label].write_bytes(gzip.compress(content, PACKING, mtime=0))
    return paths


def _order(content: bytes, first: str, last: str) -> bytes:
    """Put one HDU right after the primary, another at the end."""
    ordered = io.BytesIO()
    with fits.open(io.BytesIO(content)) as hdus:
        others = [hdu for hdu in hdus[1:] if hdu.name not in {first, last}]
        fits.HDUList([hdus[0], hdus[first], *others, hdus[last]]).writeto(ordered)
    return ordered.getvalue()


def read(path: Path) -> None:
    readers.read(path, path.name)


def inflate(path: Path) -> None:
    with igzip.open(path) as stream:
        while stream.read(CHUNK_BYTES):
            pass


def inflate_zlib(path: Path) -> None:
    with gzip.open(path) as stream:
        while stream.read(CHUNK_BYTES):
            pass


def cpu_ms(actions: list[Callable[[Path], None]], path: Path) -> list[float]:
    """Median CPU of each action, in turns, so that a busy machine slows all alike."""
    turns = []
    for _ in range(TURNS):
        turn = []
        for action in actions:
            start = time.process_time()
            action(path)
            turn.append(1000 * (time.process_time() - start))
        turns.append(turn)
    return [statistics.median(values) for values in zip(*turns, strict=True)]


def peak_mb(*arguments: str) -> float:
    done = subprocess.run([sys.executable, "-c", _MEMORY, *arguments], capture_output=True, text=True, check=True)
    return int(done.stdout) / 1024


COLUMNS = {
    "EMISS": ("NAME", "RADIANCE", "RAD_ERR_RAND", "RAD_ERR_SYS", "QLTY_FLG"),
    "FOV_GEOM": ("LAT", "LON", "SOLAR_Z_ANGLE", "EMISSION_ANGLE", "LOCAL_TIME", "MRH_ALT", "RA", "DEC"),
    "SC_GEOM": ("SUB_SC_LAT", "SUB_SC_LON", "SC_ALT", "SUB_SOLAR_LAT", "SUB_SOLAR_LON"),
}


def read_by_astropy(source: Path | io.BytesIO) -> None:
    """Read the columns that the reader reads, and keep copies, with nothing but astropy."""
    with fits.open(source, memmap=isinstance(source, Path)) as hdus:
        for hdu, columns in COLUMNS.items():
            for column in columns:
                values = hdus[hdu].data[column]
                (values[:, 0] if hdu == "FOV_GEOM" else values[17] if column in COLUMNS["EMISS"][1:] else values).copy()


def compare_with_astropy(packed: Path) -> None:
    plain = packed.with_suffix("")
    plain.write_bytes(gzip.decompress(packed.read_bytes()))
    content = plain.read_bytes()
    ours, on_disk = cpu_ms([read, read_by_astropy], plain)
    (in_memory,) = cpu_ms([lambda _: read_by_astropy(io.BytesIO(content))], plain)
    print(f"unpacked, CPU ms: read {ours:.0f}; astropy alone {on_disk:.0f} from disk, {in_memory:.0f} from memory")


def main() -> None:
    print(f"peak memory with nothing read: {peak_mb():.0f} MB")
    print("file        packed MB  unpacked MB  peak MB  CPU ms: read  isal  zlib  read/isal  read-isal ms")
    with tempfile.TemporaryDirectory() as folder:
        for label, path in make_files(Path(folder)).items():
            with gzip.open(path) as stream:
                unpacked = stream.seek(0, io.SEEK_END)
            reading, isal, zlib = cpu_ms([read, inflate, inflate_zlib], path)
            print(
                f"{label:10} {path.stat().st_size / 1e6:10.1f} {unpacked / 1e6:12.1f} {peak_mb(str(path)):8.0f}"
                f" {reading:13.0f} {isal:5.0f} {zlib:5.0f} {reading / isal:10.2f} {reading - isal:13.1f}"
            )
            if label == "typical":
                compare_with_astropy(path)


if __name__ == "__main__":
    main()
