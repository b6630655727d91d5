"""Figures of observations with their auroras."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from matplotlib.figure import Figure
from rendering import read_written, render

from mars_aurora import readers
from mars_aurora.box import Box
from mars_aurora.catalogue import ledger_table, sightings, tables
from mars_aurora.detect.detectors import DetectorName
from mars_aurora.emission import OXYGEN_1304, OXYGEN_1356
from mars_aurora.errors import UsageError
from mars_aurora.geometry import canvas
from mars_aurora.local.plot import plot
from mars_aurora.measure.measure import measure
from mars_aurora.run.keys import RUN_FILE, RunPaths
from mars_aurora.run.ledger import Origin, Outcome, Record
from mars_aurora.run.provenance import describe_provenance
from mars_aurora.run.storage import FolderStorage, Version
from mars_aurora_model.simulator.simulate import Simulated

plots = pytest.importorskip("mars_aurora.catalogue.plots", reason="the extra 'plots' is not installed")
from mars_aurora.catalogue.plot_sets import Swath, _see_from  # noqa: E402 -- it needs the extra


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
    storage.put(paths.product("ledger.csv"), read_written(lambda path: ledger_table.write_ledger(path, records)))
    storage.put(
        paths.product("catalogue.ecsv"),
        render(tables.write_ecsv, auroras, describe_provenance(DetectorName.YOLO, 2, "")),
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
    assert sorted(path.name for path in (run / "plots").iterdir()) == ["overview.png", "x.fits.png"]
    out, err = capsys.readouterr()
    assert out.startswith("2 plots in ")
    assert err.splitlines()[-1].startswith("plotting 2/2")
    pixels = cv2.imread(str(run / "plots" / "x.fits.png"), cv2.IMREAD_COLOR)
    assert (pixels == (0, 255, 0)).all(-1).sum() > 100


@pytest.mark.parametrize("name", ["y.fits", "z.fits"])
def test_input_without_geometry_is_rejected_by_name(run: Path, name: str):
    with pytest.raises(UsageError, match=f"no geometry of {name}"):
        plot(run, [name])


def test_folder_without_ledger_is_rejected(tmp_path: Path):
    with pytest.raises(UsageError, match=r"no ledger\.csv"):
        plot(tmp_path, ["x.fits"])


def test_scale_is_that_of_the_night_where_most_of_the_disk_is_beyond_the_terminator(night_file: Path):
    observation = readers.read(night_file, night_file.name)
    known = observation.on_disk & np.isfinite(observation.brightness_R)
    for sza, expected in ((91.0, (2.0, 50.0)), (89.0, (0.3, 1000.0))):
        scene = replace(observation, sza_deg=np.where(known, np.float32(sza), np.float32(180 - sza)))
        assert plots.choose_range(scene) == expected
    assert OXYGEN_1356.night_figure_R == (0.5, 12.0)


def test_grid_has_labels_local_times_and_the_position_of_the_spacecraft(night_file: Path):
    observation = readers.read(night_file, night_file.name)
    n = observation.shape[0]
    observation = replace(
        observation,
        sub_spacecraft_latitude_deg=np.full(n, -12.0),
        sub_spacecraft_longitude_deg=np.full(n, 355.0),
        spacecraft_altitude_km=np.full(n, 20000.0),
        sub_solar_latitude_deg=np.full(n, 5.0),
        sub_solar_longitude_deg=np.full(n, 175.0),
    )
    axes = Figure().subplots()
    plots.draw_axes(axes, observation, canvas.fit(observation), [])
    texts = {text.get_text(): text.xy for text in axes.texts if hasattr(text, "xy")}
    assert {"30° N", "30° S", "0°", "30° E", "330° E", "0 h", "6 h", "18 h"} <= texts.keys()
    assert "12 h" not in texts, "noon is behind the limb"
    assert texts["0 h"][0] == pytest.approx(320, abs=1), "midnight is below the spacecraft, opposite to the Sun"
    assert texts["18 h"][0] < 320 < texts["6 h"][0], "north is up, so dusk is to the left"
    note = next(text.get_text() for text in axes.texts if "spacecraft" in text.get_text())
    assert note.startswith("spacecraft 12.0° S 355.0° E, 20,000 km   Sun 5.0° N 175.0° E")


def test_observation_of_unknown_position_is_drawn_without_grid(night_file: Path):
    observation = readers.read(night_file, night_file.name)
    fitted = canvas.fit(observation)
    unknown = replace(observation, sub_solar_longitude_deg=np.full(observation.shape[0], np.nan))
    axes = Figure().subplots()
    plots.draw_axes(axes, unknown, fitted, [])
    assert list(axes.lines) == []


@pytest.mark.parametrize(("file_format", "start"), [("png", b"\x89PNG"), ("pdf", b"%PDF"), ("svg", b"<?xml")])
def test_figure_is_written_in_a_format_with_the_same_bytes_each_time(night_file: Path, file_format: str, start: bytes):
    observation = readers.read(night_file, night_file.name)
    fitted = canvas.fit(observation)
    first, second = (
        plots.draw(observation, fitted, [], style=plots.Style(file_format=file_format, dpi=50)) for _ in range(2)
    )
    assert first.startswith(start)
    assert first == second


def test_resolution_and_range_are_those_of_the_options(run: Path):
    plot(run, ["x.fits"], range_R=(1.0, 20.0), dpi=50)
    assert cv2.imread(str(run / "plots" / "x.fits.png")).shape == (360, 480, 3)
    with pytest.raises(UsageError, match="the range 20 to 1 R is invalid"):
        plot(run, ["x.fits"], range_R=(20.0, 1.0))


@pytest.mark.parametrize(("change", "panels"), [("", 2), ("missing", 1), ("replaced", 1), ("outside", 1)])
def test_other_oxygen_line_is_plotted_beside_where_the_input_is_the_same(
    run: Path, broad_aurora: Simulated, tmp_path: Path, change: str, panels: int
):
    root = tmp_path / "input" / "below" if change == "outside" else tmp_path / "input"
    name = "../x.fits" if change == "outside" else "x.fits"
    root.mkdir(parents=True)
    content = broad_aurora.to_fits()
    (root / name).write_bytes(content)
    folder = tmp_path / "run"
    shutil.copytree(run, folder)
    paths = RunPaths()
    records = [Record(name, Outcome.AURORA, origin=Origin(Version(len(content)), read="r"))]
    (folder / "ledger.csv").write_bytes(read_written(lambda path: ledger_table.write_ledger(path, records)))
    (folder / RUN_FILE).write_text(json.dumps({"inputs": [str(root)]}))
    observation, fitted = canvas.unpack_geometry((folder / paths.geometry("x.fits")).read_bytes())
    renamed = replace(observation, facts=replace(observation.facts, name=name))
    FolderStorage(folder).put(paths.geometry(name), canvas.pack_geometry(renamed, fitted))
    if change == "missing":
        (root / name).unlink()
    if change == "replaced":
        (root / name).write_bytes(content + b" ")
    plot(folder, [name], dpi=50)
    assert cv2.imread(str(folder / paths.plot(name))).shape == (360, 480 * panels, 3)


def test_swaths_of_a_set_are_seen_from_one_position(night_file: Path):
    observation = readers.read(night_file, night_file.name)
    fitted = canvas.fit(observation)
    there = replace(observation.perspective, sub_spacecraft_lon_deg=observation.perspective.sub_spacecraft_lon_deg + 20)
    spot = np.zeros(observation.shape, np.float32)
    row, column = np.argwhere(observation.emission_angle_deg < 40)[0]
    spot[row - 1 : row + 2, column - 1 : column + 2] = 1
    seen = _see_from(Swath(replace(observation, brightness_R=spot), fitted, ()), there)
    y, x = (positions.mean() for positions in np.nonzero(seen > 0))
    expected = canvas.project_points(
        observation.latitude_deg[[row], [column]], observation.longitude_deg[[row], [column]], 0.0, there
    )
    assert (x, y) == pytest.approx([float(value[0]) for value in expected], abs=3)
    assert np.hypot(x - fitted.x[row, column], y - fitted.y[row, column]) > 20


def test_set_and_overview_are_plotted_with_the_boxes_of_joined_auroras(
    broad_aurora: Simulated, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    names = [f"emm_emu_l2b_20220331t21{minute}07_0191_os2_sw{n}of2_r_v01-04.fits" for n, minute in ((1, 21), (2, 45))]
    storage, paths, auroras = FolderStorage(tmp_path), RunPaths(), []
    for name in names:
        (tmp_path / name).write_bytes(broad_aurora.to_fits())
        observation = readers.read(tmp_path / name, name)
        fitted = canvas.fit(observation)
        auroras += measure(observation, fitted, [Box("aurora", 0.9, 150, 60, 490, 400)])
        storage.put(paths.geometry(name), canvas.pack_geometry(observation, fitted))
    records = [Record(name, Outcome.AURORA, objects=2, auroras=1) for name in names]
    storage.put(paths.product("ledger.csv"), read_written(lambda path: ledger_table.write_ledger(path, records)))
    provenance = describe_provenance(DetectorName.YOLO, 2, "")
    storage.put(paths.product("catalogue.ecsv"), render(tables.write_ecsv, sightings.join(auroras), provenance))
    plot(tmp_path, dpi=100)
    assert capsys.readouterr().out.startswith("4 plots in ")
    stitched = cv2.imread(str(tmp_path / paths.set_plot(names[0], "png")))
    assert stitched.shape == (720, 960, 3)
    assert (stitched == (0, 255, 0)).all(-1).sum() > 100
    assert (stitched == (255, 255, 0)).all(-1).sum() > 100, "a box in cyan"
    assert cv2.imread(str(tmp_path / paths.overview("png"))).shape == (1040, 1280, 3)
