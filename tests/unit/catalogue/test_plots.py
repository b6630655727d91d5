"""Figures of observations with their auroras."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from matplotlib.figure import Figure

from mars_aurora import readers
from mars_aurora.box import Box
from mars_aurora.catalogue import ledger_table, tables
from mars_aurora.detect.detectors import DetectorName
from mars_aurora.emission import OXYGEN_1304, OXYGEN_1356
from mars_aurora.errors import UsageError
from mars_aurora.geometry import canvas
from mars_aurora.local.plot import plot
from mars_aurora.measure.measure import measure
from mars_aurora.run.keys import RunPaths
from mars_aurora.run.ledger import Outcome, Record
from mars_aurora.run.provenance import describe_provenance
from mars_aurora.run.storage import FolderStorage
from mars_aurora_model.simulator.simulate import Simulated

plots = pytest.importorskip("mars_aurora.catalogue.plots", reason="the extra 'plots' is not installed")


def test_outline_is_drawn_at_the_position_of_the_aurora(broad_aurora: Simulated, tmp_path: Path):
    path = tmp_path / broad_aurora.plain_name
    path.write_bytes(broad_aurora.to_fits())
    observation = readers.read(path, path.name)
    fitted = canvas.fit(observation)
    pixels = (broad_aurora.labels == 1) & (observation.tangent_altitude_km <= 0)
    x, y = fitted.x[pixels], fitted.y[pixels]
    box = Box("aurora", 0.9, *map(float, (x.min(), y.min(), x.max(), y.max())))
    found = measure(observation, fitted, [box])
    with_outline, without = (
        cv2.imdecode(np.frombuffer(plots.draw(observation, fitted, auroras), np.uint8), cv2.IMREAD_COLOR)
        for auroras in (found, [])
    )
    assert with_outline.shape == (720, 960, 3)
    lime = (with_outline == (0, 255, 0)).all(-1)
    assert lime.sum() > 100
    assert not (without == (0, 255, 0)).all(-1).any()
    shift, scale = 5, 825 / 640  # of the axes in the figure, approximately
    column = np.nonzero(lime)[1]
    assert column.min() == pytest.approx(shift + box.x0 * scale, abs=25)
    assert column.max() == pytest.approx(shift + box.x1 * scale, abs=25)


def test_raw_observation_is_drawn_beside_the_cleaned_one(night_file: Path):
    raw = readers.read(night_file, night_file.name)
    dirty = replace(raw, brightness_R=raw.brightness_R.copy())
    dirty.brightness_R[:, 70] += 300
    brightness = dirty.brightness_R.copy()
    brightness[:, 70] = np.nan
    removed = np.nan_to_num(dirty.brightness_R - np.nan_to_num(brightness))
    cleaned = replace(dirty, brightness_R=brightness, removed_R=removed)
    fitted = canvas.fit(cleaned)
    figure = Figure()
    axes = plots.draw_figure(figure, cleaned, fitted, [], raw=True)
    before, after, _ = figure.axes
    assert axes is after
    assert before.get_title() == "before cleaning"
    shown = [panel.images[0].get_array().filled(np.nan) for panel in (before, after)]
    faintest_R = raw.emission.heatmap_R[0]
    assert np.array_equal(
        shown[0], np.clip(canvas.to_canvas(dirty.brightness_R, fitted, np.nan), faintest_R, None), True
    )
    assert np.isnan(shown[1]).sum() > np.isnan(shown[0]).sum()
    wide = cv2.imdecode(np.frombuffer(plots.draw(cleaned, fitted, [], raw=True), np.uint8), cv2.IMREAD_COLOR)
    assert wide.shape == (720, 1920, 3)


def test_scale_is_that_of_the_emission_and_sza_may_be_unknown(night_file: Path):
    figure = Figure()
    for emission in (OXYGEN_1304, OXYGEN_1356):
        observation = readers.read(night_file, night_file.name, emission)
        fitted = canvas.fit(observation)
        unknown = replace(observation, sza_deg=np.full(observation.shape, np.nan, np.float32))
        image = plots.draw_axes(figure.add_subplot(), unknown, fitted, [])
        assert (image.norm.vmin, image.norm.vmax) == emission.heatmap_R


@pytest.fixture(scope="module")
def run(broad_aurora: Simulated, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of one input with an aurora, and one that was rejected."""
    folder = tmp_path_factory.mktemp("run")
    path = folder / "x.fits"
    path.write_bytes(broad_aurora.to_fits())
    observation = readers.read(path, "x.fits")
    fitted = canvas.fit(observation)
    auroras = measure(observation, fitted, [Box("aurora", 0.9, 150, 60, 490, 400)])
    records = [Record("x.fits", Outcome.AURORA, objects=2, auroras=1), Record("y.fits", Outcome.REJECTED, "not_fits")]
    storage, paths = FolderStorage(folder), RunPaths()
    storage.put(paths.product("ledger.csv"), ledger_table.to_csv(records))
    storage.put(
        paths.product("catalogue.ecsv"),
        tables.to_ecsv(auroras, describe_provenance(DetectorName.YOLO, 2, "")),
    )
    storage.put(paths.geometry("x.fits"), canvas.pack_geometry(observation, fitted))
    return folder


def test_inputs_with_auroras_are_plotted_by_default(
    run: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    unpack, calls = canvas.unpack_geometry, []
    monkeypatch.setattr(canvas, "unpack_geometry", lambda data: calls.append(1) or unpack(data))
    plot(run)
    assert len(calls) == 1
    assert [path.name for path in (run / "plots").iterdir()] == ["x.fits.png"]
    assert capsys.readouterr().out.startswith("1 plots in ")
    pixels = cv2.imread(str(run / "plots" / "x.fits.png"), cv2.IMREAD_COLOR)
    assert (pixels == (0, 255, 0)).all(-1).sum() > 100


@pytest.mark.parametrize("name", ["y.fits", "z.fits"])
def test_input_without_geometry_is_rejected_by_name(run: Path, name: str):
    with pytest.raises(UsageError, match=f"no geometry of {name}"):
        plot(run, [name])


def test_folder_without_ledger_is_rejected(tmp_path: Path):
    with pytest.raises(UsageError, match=r"no ledger\.csv"):
        plot(tmp_path, ["x.fits"])
