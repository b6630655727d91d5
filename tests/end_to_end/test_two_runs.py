"""Two runs in one run folder."""

import os
import shutil

from mars_aurora.local.lock import lock_folder


def test_run_in_a_folder_where_another_process_works_stops_with_one_line(run, night_file, tmp_path):
    (tmp_path / "in").mkdir()
    shutil.copy(night_file, tmp_path / "in")
    with lock_folder(tmp_path / "runs/r"):
        done = run(tmp_path / "in", out=tmp_path)
    assert (done.code, done.stdout) == (1, "")
    assert done.stderr == (
        f"mars-aurora: process {os.getpid()} is working in {done.folder}: wait until it ends, or stop it\n"
    )
    assert not (done.folder / "ledger.csv").exists()
    assert run(tmp_path / "in", out=tmp_path).code == 0
