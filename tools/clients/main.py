"""Open the products of a run in the programs of the field, and print what each saw: make clients.

python tools/clients/main.py RUN, after tools/clients/install. Programs from Debian run in a namespace in which their
unpacked packages lie over /usr. Exits with 1 where a program sees anything else than the run has; one that is not
installed is named.
"""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import pyproj
from astropy.io import fits

_HERE = Path(__file__).parent
_CLIENTS = _HERE.parents[1] / "build" / "clients"
_DEBIAN = _CLIENTS / "debian"
_OVERLAY = 'mount -t overlay overlay -o lowerdir="$0"/usr:/usr /usr && exec "$@"'
_LIBRARIES = "/usr/lib/x86_64-linux-gnu"
_SYSTEMS = {"equirectangular": 49910, "north polar": 49930, "south polar": 49935}
_MOST_FITS = 3
_COMMAND = str(Path(sys.executable).with_name("mars-aurora"))


def in_debian(*command: str | Path) -> list[str]:
    """Return a command line that runs a program of the unpacked packages."""
    settings = [
        f"LD_LIBRARY_PATH={_LIBRARIES}/blas:{_LIBRARIES}/lapack:{_LIBRARIES}/pulseaudio",
        f"HOME={_CLIENTS}",
        "QT_QPA_PLATFORM=offscreen",
    ]
    inner = ["env", "-u", "PYTHONPATH", *settings, *map(str, command)]
    return ["unshare", "--map-root-user", "--mount", "sh", "-c", _OVERLAY, str(_DEBIAN), *inner]


def check_qgis(run: Path, folder: Path) -> bool:
    systems = {name: pyproj.CRS(f"IAU_2015:{code}").to_wkt("WKT2_2019") for name, code in _SYSTEMS.items()}
    (folder / "systems.json").write_text(json.dumps(systems))
    maps = [run / f"{table}.{suffix}" for table in ("catalogue", "auroras") for suffix in ("gpkg", "geojson")]
    command = in_debian("/usr/bin/python3", _HERE / "in_qgis.py", folder / "systems.json", *maps)
    return _show(command) == 0


def check_stilts(run: Path, _folder: Path) -> bool:
    print("STILTS")
    right = []
    for name in ("catalogue.vot", "auroras.vot"):
        done = _run(in_debian("stilts", "votlint", f"votable={run / name}"))
        messages = (done.stdout + done.stderr).splitlines()
        print(f"  votlint {name}: {len(messages)} messages")
        print("".join(f"    {line}\n" for line in messages[:5]), end="")
        right.append(done.returncode == 0 and not messages)
        _show(in_debian("stilts", "tpipe", f"in={run / name}", "omode=count"))
    return all(right)


def check_ds9(run: Path, folder: Path) -> bool:
    """Compare the image that DS9 exports with the file, and the regions that it saves with those that it was given."""
    with zipfile.ZipFile(run / "regions.ds9.zip") as archive:
        archive.extractall(folder)
    right = []
    print("DS9")
    for path in sorted((run / "native").rglob("*.fits"))[:_MOST_FITS]:
        name = path.relative_to(run / "native").as_posix().removesuffix(".fits")
        regions, array, saved = folder / f"regions/{name}.reg", folder / "array", folder / "saved.reg"
        shown: list[str | Path] = ["-regions", "load", regions, "-regions", "save", saved]
        shown += ["-export", "array", array, "little", "-exit"]
        screen = ["xvfb-run", "-a", "-s", "-screen 0 1280x1024x24", "timeout", "300"]
        _run(in_debian(*screen, "ds9", path, *shown))
        image = fits.getdata(path, 1)
        seen = np.fromfile(array, "<f4") if array.exists() else np.empty(0)
        equal = seen.size == image.size and np.allclose(seen.reshape(image.shape), image, rtol=1e-6, equal_nan=True)
        given, kept = (text.count("polygon(") for text in (regions.read_text(), _read(saved)))
        print(f"  {path.name}: image {'equal' if equal else 'NOT EQUAL'} to the file, {kept} of {given} outlines")
        right.append(bool(equal) and given == kept)
        array.unlink(missing_ok=True)
        saved.unlink(missing_ok=True)
    return bool(right) and all(right)


def check_datumaro(run: Path, folder: Path) -> bool:
    labels, out = _label(run, folder / "datumaro"), folder / "datumaro-out"
    code = _show([_python("datumaro"), str(_HERE / "in_datumaro.py"), str(labels), str(out)])
    return code == 0 and _is_kept(run, labels, out / "annotations/instances_train.json")


def check_label_studio(run: Path, folder: Path) -> bool:
    labels, out = _label(run, folder / "studio"), folder / "studio-out"
    code = _show([_python("label-studio-sdk"), str(_HERE / "in_label_studio.py"), str(labels), str(out)])
    return code == 0 and _is_kept(run, labels, out / "result.json")


def _label(run: Path, folder: Path) -> Path:
    subprocess.run([_COMMAND, "label", run, folder], check=True, capture_output=True)
    return folder


def _is_kept(run: Path, labels: Path, export: Path) -> bool:
    """Import an export with ``label --corrected``; return whether every box is where it was."""
    again = labels.with_name(f"{labels.name}-again")
    done = _run([_COMMAND, "label", str(run), str(again), "--corrected", str(export)])
    before, after = _list_boxes(labels), _list_boxes(again) if done.returncode == 0 else []
    equal = len(before) == len(after) and all(
        one[:2] == other[:2] and np.allclose(one[2], other[2], atol=0.01)
        for one, other in zip(before, after, strict=True)
    )
    print(f"  label --corrected: {len(after)} of {len(before)} boxes{'' if equal else ', NOT EQUAL'}{done.stderr}")
    return equal


def _list_boxes(labels: Path) -> list[tuple[str, int, list[float]]]:
    coco = json.loads((labels / "annotations/instances_train.json").read_text())
    names = {image["id"]: image["file_name"] for image in coco["images"]}
    return sorted((names[item["image_id"]], item["category_id"], item["bbox"]) for item in coco["annotations"])


def _python(environment: str) -> str:
    return str(_CLIENTS / environment / "bin" / "python")


def _read(path: Path) -> str:
    return path.read_text() if path.exists() else ""


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, check=False, capture_output=True, text=True)


def _show(command: list[str]) -> int:
    """Run a command, and print its output without the messages of its libraries."""
    done = _run(command)
    print(done.stdout, end="")
    if done.returncode:
        print(done.stderr, end="")
    return done.returncode


CHECKS = {
    "QGIS": (check_qgis, _DEBIAN / "usr"),
    "STILTS": (check_stilts, _DEBIAN / "usr"),
    "DS9": (check_ds9, _DEBIAN / "usr"),
    "datumaro": (check_datumaro, _CLIENTS / "datumaro"),
    "Label Studio": (check_label_studio, _CLIENTS / "label-studio-sdk"),
}


def main() -> None:
    run = Path(sys.argv[1]).resolve()
    rows = list(csv.DictReader((run / "ledger.csv").open()))
    print(f"{len(rows)} inputs, {sum(int(row['auroras'] or 0) for row in rows)} auroras in {run.name}")
    wrong = []
    for name, (check, place) in CHECKS.items():
        if not place.exists():
            print(f"{name} is not installed")
            continue
        with tempfile.TemporaryDirectory() as folder:
            if not check(run, Path(folder)):
                wrong.append(name)
    print(f"something is wrong in {', '.join(wrong)}" if wrong else "all that was opened is right")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
