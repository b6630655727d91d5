"""A run over entries with difficult names and places: each has its own line, and all others are processed."""

import os
import shutil
from pathlib import Path

import pytest
from test_bad_input import WITHOUT_PRIVILEGES

from mars_aurora.run.keys import RunPaths

PATHS = RunPaths()
LONG = "x" * 250 + ".fits"
NAMES = {
    LONG: LONG,
    os.fsdecode(b"\xff" * 80 + b".fits"): "%FF" * 80 + ".fits",
    "a.fits": "a.fits",
    "a.fits.json/b.fits": "a.fits.json/b.fits",
    "a.fits.png/b.fits": "a.fits.png/b.fits",
    "a.fits.png.out/b.fits": "a.fits.png.out/b.fits",
    f".aside-{'0' * 32}.fits": f".aside-{'0' * 32}.fits",
    "blocked.fits": "blocked.fits",
    "locked/c.fits": None,
}


@pytest.fixture(scope="module")
def done(run, simulated_folder, tmp_path_factory):
    """A run over valid files under these names; the place of one record is taken, and one folder is locked."""
    folder, out = tmp_path_factory.mktemp("entries"), tmp_path_factory.mktemp("out")
    for name, source in zip(NAMES, sorted(simulated_folder.glob("*.fits.gz")), strict=False):
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(source, folder / name)
    (folder / "itself.fits").symlink_to("itself.fits")
    (folder / "cycle").symlink_to(folder)
    (folder / f".aside-{'0' * 32}").touch()
    (folder / "locked").chmod(0)
    (out / "runs/r" / PATHS.record("blocked.fits") / "in the way").mkdir(parents=True)
    if os.geteuid() == 0 and shutil.which("setpriv") is None:
        pytest.skip("root can list any folder, and setpriv is not installed")
    yield run(folder, out=out, prefix=WITHOUT_PRIVILEGES if os.geteuid() == 0 else ())
    (folder / "locked").chmod(0o700)


def test_run_fails_without_a_traceback_and_says_why(done):
    assert done.code == 1
    assert "Traceback" not in done.stderr
    assert "failed: unreadable, for example " in done.stderr
    assert len(done.errors) == 2


def test_each_entry_has_its_own_line(done):
    names = {name for name in NAMES.values() if name}
    assert set(done.ledger) == names | {"locked", "itself.fits", "cycle", f".aside-{'0' * 32}"}
    assert done.ledger["locked"]["detail"] == "the folder cannot be listed: Permission denied"
    assert done.ledger["blocked.fits"]["outcome"] == "failed"
    assert done.ledger["itself.fits"]["reason"] == "unreadable"
    assert done.ledger["cycle"]["reason"] == "linked_folder"
    assert done.ledger[f".aside-{'0' * 32}"]["outcome"] == "ignored"


@pytest.mark.parametrize("name", [name for name in NAMES.values() if name and name != "blocked.fits"])
def test_valid_file_of_any_name_is_processed(done, name: Path):
    assert done.ledger[name]["outcome"] in {"aurora", "no_aurora", "discarded", "superseded", "no_night"}
    assert (done.folder / PATHS.image(name)).is_file()
    assert (done.folder / PATHS.record(name)).is_file()
