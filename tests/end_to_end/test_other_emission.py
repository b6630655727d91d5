"""A run in another emission: O I 135.6 nm, with a known ratio to O I 130.4 nm in simulated auroras."""

import csv
from pathlib import Path

import numpy as np
import pytest

from mars_aurora import readers
from mars_aurora.detect import threshold
from mars_aurora.emission import OXYGEN_1304, OXYGEN_1356
from mars_aurora.geometry import canvas as canvases
from mars_aurora.local.cli import main
from mars_aurora.measure.measure import measure
from mars_aurora_model.simulator.simulate import observe, simulate
from mars_aurora_model.simulator.world import World

RATIO = 6.0  # neither the default of the simulator nor the one by which the scales of 135.6 nm were chosen
BRIGHT = World(
    n_slit=96,
    max_integrations=180,
    scan_step_deg=(0.1, 0.14),
    oxygen_ratio=RATIO,
    no_aurora_fraction=0.0,
    swaths_per_set=(1,),
    modes=(("os2", 1.0, (90, 150)),),
    kinds=(("crustal", 0.5), ("sinuous", 0.5)),
    crustal_peak_R=(30.0, 80.0),
    sinuous_peak_R=(25.0, 60.0),
    crustal_size_km=(250.0, 600.0),
)
MIN_SNR = 10


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    return int(ended.value.code or 0)


def read_csv(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text().splitlines()))


@pytest.mark.slow
@pytest.mark.parametrize(("level", "count"), [("l2b", 100), ("l2a", 30)])  # auroras; a fit of spectra takes longer
def test_ratio_of_the_oxygen_lines_is_recovered(level: str, count: int, tmp_path: Path):
    ratios: list[float] = []
    for index in range(300):
        simulated = observe(BRIGHT, 700, index)
        path = tmp_path / simulated.plain_name.replace("l2b", level)
        path.write_bytes(simulated.to_fits(level=level))
        strong, weak = (readers.read(path, path.name, emission) for emission in (OXYGEN_1304, OXYGEN_1356))
        path.unlink()
        canvas = canvases.fit(weak)
        boxes = threshold.find(weak, canvas)
        pairs = zip(measure(strong, canvas, boxes), measure(weak, canvas, boxes), strict=True)
        ratios += [
            one.integrated_brightness_R_km2 / other.integrated_brightness_R_km2
            for one, other in pairs
            if min(one.snr, other.snr) >= MIN_SNR
        ]
        if len(ratios) >= count:
            break
    assert len(ratios) >= count
    assert np.median(ratios) == pytest.approx(RATIO, rel=0.15)


def test_run_in_another_emission_uses_the_threshold_detector_and_says_what_it_measured(tmp_path: Path):
    simulate(tmp_path / "input", 4, 3, BRIGHT)
    assert run("run", tmp_path / "input", "--out", tmp_path, "--run-id", "r", "--emission", "O I 135.6") == 0
    rows = read_csv(tmp_path / "runs" / "r" / "catalogue.csv")
    assert len(rows) >= 2
    assert {row["emission"] for row in rows} == {"O I 135.6"}
    assert '"detector": "threshold"' in (tmp_path / "runs" / "r" / "mars-aurora-run.json").read_text()


def test_network_for_another_emission_is_a_usage_error_of_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    simulate(tmp_path / "input", 1, 3, BRIGHT)
    code = run("run", tmp_path / "input", "--out", tmp_path, "--emission", "O I 135.6", "--detector", "yolo")
    error = capsys.readouterr().err
    assert code == 2
    assert error.count("\n") == 1
    assert "yolo is not trained for O I 135.6" in error
    assert not (tmp_path / "runs").exists()


def test_unknown_emission_is_a_usage_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert run("run", tmp_path, "--out", tmp_path, "--emission", "O I 1356") == 2
    assert "known are: O I 130.4, O I 135.6" in capsys.readouterr().err


def test_run_of_another_emission_with_the_same_id_reads_again(tmp_path: Path):
    simulate(tmp_path / "input", 1, 3, BRIGHT)
    for emission in ("O I 130.4", "O I 135.6"):
        arguments = ("run", tmp_path / "input", "--out", tmp_path, "--run-id", "r", "--detector", "threshold")
        assert run(*arguments, "--emission", emission) == 0
        rows = read_csv(tmp_path / "runs" / "r" / "catalogue.csv")
        assert {row["emission"] for row in rows} == {emission}


def test_file_without_the_emission_is_rejected_with_the_names_it_has(tmp_path: Path):
    path = tmp_path / "a.fits"
    path.write_bytes(observe(BRIGHT, 1, 0).to_fits().replace(b"O I 135.6 doublet", b"O I 195.6 doublet"))
    assert run("run", path, "--out", tmp_path, "--run-id", "r", "--emission", "O I 135.6") == 2
    (row,) = read_csv(tmp_path / "runs" / "r" / "ledger.csv")
    assert (row["outcome"], row["reason"]) == ("rejected", "no_emission")
    assert row["detail"].startswith("EMISS has no emission O I 135.6; its emissions: H I 102.6")
