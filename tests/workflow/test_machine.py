"""What the rehearsal does on a busy, full or shared machine."""

import subprocess
import sys
import tempfile
from pathlib import Path

import machine
import pytest


def test_time_passes_more_slowly_on_a_busy_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(machine.time, "sleep", lambda s: clock.__setitem__(0, clock[0] + s))
    monkeypatch.setattr(machine.time, "monotonic", lambda: clock[0])
    for load, expected_s in ((0.1, 10.0), (4 * (machine.os.cpu_count() or 1), 40.0)):
        monkeypatch.setattr(machine.os, "getloadavg", lambda load=load: (load, 0.0, 0.0))
        start_s = clock[0]
        with pytest.raises(AssertionError, match="it did not end within 10 s"):
            machine.wait_until(lambda: False, 10, "it did not end")
        assert clock[0] - start_s == pytest.approx(expected_s, abs=2)
    assert machine.wait_until(lambda: "answer", 10, "unused") == "answer"


def test_full_disk_is_reported_before_the_rehearsal(tmp_path: Path) -> None:
    machine.require_disk(tmp_path, 1)
    with pytest.raises(AssertionError, match=r"needs 1000000000 GB in .*, [\d.]+ are free"):
        machine.require_disk(tmp_path, 10**18)


def test_temporary_folders_are_removed_even_of_killed_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    for process in (ended.pid, 1):
        (tmp_path / f"{machine.PREFIX}{process}-x").mkdir()
    (tmp_path / "other").mkdir()
    with machine.temporary_folder() as folder:
        (folder / "unpacked").write_text("x")
        left = {path.name for path in tmp_path.iterdir()} - {folder.name}
    assert left == {"other", f"{machine.PREFIX}1-x"}
    assert not folder.exists()
