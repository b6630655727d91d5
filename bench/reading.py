"""Measure the CPU time and peak memory of reading a file, compared with unpacking it: python -m bench.reading.

Files are simulated: a typical Level 2B swath, one with its spectra (CAL) at full size, before and after EMISS, and a
Level 2A swath, which has only spectra. CPU is user and system time, the median of several rounds; reading and
unpacking alternate in each round. Peak memory is that of a process that only reads the file.
"""

from __future__ import annotations

import gzip
import io
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from astropy.io import fits

from bench.measurement import CHUNK_BYTES, cpu_ms, inflate
from mars_aurora import readers
from mars_aurora_model.simulator.simulate import observe
from mars_aurora_model.simulator.world import World

SEED, INDEX = 5, 0
GZIP_LEVEL = 5  # between the level of the mission archive and that of the simulator
ROUNDS = 5
_MEMORY = """
import sys
from pathlib import Path
from bench.measurement import peak_memory_mb
from mars_aurora.readers.reading import read
if len(sys.argv) > 1: read(Path(sys.argv[1]), "swath.fits.gz")
print(peak_memory_mb())
"""


def make_files(folder: Path) -> dict[str, Path]:
    """Write the simulated files; return their paths by label."""
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
        paths[label].write_bytes(gzip.compress(content, GZIP_LEVEL, mtime=0))
    return paths


def _order(content: bytes, first: str, last: str) -> bytes:
    """Reorder HDUs: ``first`` directly after the primary one, ``last`` at the end."""
    ordered = io.BytesIO()
    with fits.open(io.BytesIO(content)) as hdus:
        others = [hdu for hdu in hdus[1:] if hdu.name not in {first, last}]
        fits.HDUList([hdus[0], hdus[first], *others, hdus[last]]).writeto(ordered)
    return ordered.getvalue()


def read(path: Path) -> None:
    readers.read(path, path.name)


def inflate_zlib(path: Path) -> None:
    with gzip.open(path) as stream:
        while stream.read(CHUNK_BYTES):
            pass


def median_cpu_ms(actions: list[Callable[[Path], None]], path: Path) -> list[float]:
    """Measure the median CPU time of each action; they alternate, so that load affects all of them equally."""
    rounds = [[cpu_ms(action, path)[0] for action in actions] for _ in range(ROUNDS)]
    return [statistics.median(values) for values in zip(*rounds, strict=True)]


def peak_mb(*arguments: str) -> float:
    """Measure the peak memory of a process that imports the readers and, given a path, reads that file."""
    done = subprocess.run([sys.executable, "-c", _MEMORY, *arguments], capture_output=True, text=True, check=True)
    return float(done.stdout)


COLUMNS = {
    "EMISS": ("NAME", "RADIANCE", "RAD_ERR_RAND", "RAD_ERR_SYS", "QLTY_FLG"),
    "FOV_GEOM": ("LAT", "LON", "SOLAR_Z_ANGLE", "EMISSION_ANGLE", "LOCAL_TIME", "MRH_ALT", "RA", "DEC"),
    "SC_GEOM": ("SUB_SC_LAT", "SUB_SC_LON", "SC_ALT", "SUB_SOLAR_LAT", "SUB_SOLAR_LON"),
}


def read_by_astropy(source: Path | io.BytesIO) -> None:
    """Copy the columns that the reader uses, with astropy alone."""
    with fits.open(source, memmap=isinstance(source, Path)) as hdus:
        for hdu, columns in COLUMNS.items():
            for column in columns:
                values = hdus[hdu].data[column]
                (values[:, 0] if hdu == "FOV_GEOM" else values[17] if column in COLUMNS["EMISS"][1:] else values).copy()


def compare_with_astropy(packed: Path) -> None:
    """Print the CPU time of the reader and of astropy on the unpacked file."""
    plain = packed.with_suffix("")
    plain.write_bytes(gzip.decompress(packed.read_bytes()))
    content = plain.read_bytes()
    reader, on_disk = median_cpu_ms([read, read_by_astropy], plain)
    (in_memory,) = median_cpu_ms([lambda _: read_by_astropy(io.BytesIO(content))], plain)
    print(f"unpacked, CPU ms: read {reader:.0f}; astropy alone {on_disk:.0f} from disk, {in_memory:.0f} from memory")


def main() -> None:
    print(f"peak memory without reading a file: {peak_mb():.0f} MB")
    print("file        packed MB  unpacked MB  peak MB  CPU ms: read  isal  zlib  read/isal  read-isal ms")
    with tempfile.TemporaryDirectory() as folder:
        for label, path in make_files(Path(folder)).items():
            with gzip.open(path) as stream:
                unpacked = stream.seek(0, io.SEEK_END)
            reading, isal, zlib = median_cpu_ms([read, inflate, inflate_zlib], path)
            print(
                f"{label:10} {path.stat().st_size / 1e6:10.1f} {unpacked / 1e6:12.1f} {peak_mb(str(path)):8.0f}"
                f" {reading:13.0f} {isal:5.0f} {zlib:5.0f} {reading / isal:10.2f} {reading - isal:13.1f}"
            )
            if label == "typical":
                compare_with_astropy(path)


if __name__ == "__main__":
    main()
