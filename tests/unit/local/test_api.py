"""The Python interface returns the same auroras as a run, with units and provenance."""

import hashlib
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import astropy.units as u
import matplotlib as mpl
import numpy as np
import pytest
from astropy.table import QTable, vstack
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

import mars_aurora
from mars_aurora.aurora import COLUMNS
from mars_aurora.box import Box, Detections
from mars_aurora.catalogue import ledger_table
from mars_aurora.cleaning.cleaning import clean
from mars_aurora.detect import yolo
from mars_aurora.detect.detectors import hash_files
from mars_aurora.errors import InputError, UsageError
from mars_aurora.local import api
from mars_aurora.local.cli import main
from mars_aurora.local.inputs import find_inputs
from mars_aurora.local.inspection import inspect_files
from mars_aurora.local.tasks import Job
from mars_aurora.picture import heatmap
from mars_aurora.run.keys import RunPaths
from mars_aurora.run.ledger import Outcome, Record
from mars_aurora.run.storage import FolderStorage
from mars_aurora_model.simulator.simulate import Simulated

ASSOCIATION = ("aurora_id", "sightings")  # of several swaths, which `find` does not see


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, simulated_folder: Path) -> mars_aurora.Run:
    """A finished run over the small simulated files."""
    out = tmp_path_factory.mktemp("run")
    with pytest.raises(SystemExit) as ended:
        main(["run", str(simulated_folder), "--out", str(out), "--run-id", "api", "--workers", "1"])
    assert ended.value.code == 0
    return mars_aurora.open_run(str(out / "runs" / "api"))


def plain(column) -> list:
    return np.asarray(getattr(column, "value", column)).tolist()


def test_import_takes_under_a_tenth_of_a_second_and_loads_no_science():
    code = (
        "import sys, time\nstart = time.process_time()\nimport mars_aurora\nprint(time.process_time() - start)\n"
        "print(*({'numpy', 'astropy', 'cv2', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    seconds, loaded = done.stdout.split("\n")[:2]
    assert float(seconds) < 0.1
    assert loaded == ""


def test_package_is_marked_as_typed():
    assert Path(mars_aurora.__file__).with_name("py.typed").exists()


def test_public_names_exist_and_others_do_not():
    assert {"find", "open_run", "plot", "read"} <= set(dir(mars_aurora))
    with pytest.raises(AttributeError, match="no attribute 'look'"):
        mars_aurora.look  # noqa: B018 -- the access is what is tested


def test_find_returns_the_rows_of_the_run(run: mars_aurora.Run, simulated_folder: Path):
    assert len(run.catalogue) >= 5
    outcomes = dict(zip(run.ledger["name"], run.ledger["outcome"], strict=True))
    for path in sorted(simulated_folder.glob("*.fits.gz")):
        found = mars_aurora.find(path)
        own = run.catalogue[run.catalogue["name"] == path.name]
        assert len(found) == len(own)
        assert found.meta["outcome"] == outcomes[path.name]
        for column in COLUMNS:
            if column.name not in ASSOCIATION:
                assert plain(found[column.name]) == plain(own[column.name]), column.name


def test_inspection_agrees_with_the_ledger_of_a_run(run: mars_aurora.Run, simulated_folder: Path):
    reports = inspect_files(find_inputs([simulated_folder]), Job("x", Path()))
    assert [report["name"] for report in reports] == list(run.ledger["name"])
    for report, row in zip(reports, run.ledger, strict=True):
        after = {"candidate": {"aurora", "no_aurora", "no_night"}}.get(report["outcome"], {report["outcome"]})
        assert row["outcome"] in after
        if report["night"] is not None:
            assert row["objects"] == report["objects"]
            assert row["night_area_km2"] == pytest.approx(report["night"]["area_km2"])
            assert row["spike_pixels"] == report["cleaning"]["spike_pixels"]
    assert {"candidate", "ignored"} <= {report["outcome"] for report in reports}


def test_run_has_the_exposure_of_its_files_with_units_and_provenance(run: mars_aurora.Run):
    assert run.exposure["area_km2"].sum() > 1e6 * u.km**2
    assert run.exposure["sza_min_deg"].min() == 110 * u.deg
    assert run.exposure.meta["ledger_sha256"] == hashlib.sha256((run.folder / "ledger.csv").read_bytes()).hexdigest()


def test_columns_have_units_and_descriptions(night_file: Path):
    found = mars_aurora.find(str(night_file))
    assert isinstance(found, QTable)
    assert len(found) >= 1
    assert found["area_km2"].unit == u.km**2
    assert found["mean_brightness_R"].unit == u.R
    assert found["lat_deg"].unit == u.deg
    assert found["box_x0"].unit == u.pixel
    assert [found[column.name].info.description for column in COLUMNS] == [column.meaning for column in COLUMNS]


def test_meta_states_what_made_the_table(night_file: Path):
    meta = mars_aurora.find(night_file).meta
    assert meta["name"] == night_file.name
    assert meta["outcome"] == "aurora"
    assert meta["objects"] >= 2
    assert meta["version"] == mars_aurora.__version__
    assert (meta["detector"], meta["min_objects"], meta["emission"]) == ("yolo", 2, "O I 130.4")
    assert meta["weights_sha256"] == hash_files((yolo.WEIGHTS, yolo.RESCORING))
    assert mars_aurora.find(night_file, detector="threshold").meta["weights_sha256"] == ""


def test_min_objects_discards_and_zero_skips_the_count(night_file: Path):
    discarded = mars_aurora.find(night_file, min_objects=99)
    assert (len(discarded), discarded.meta["outcome"]) == (0, "discarded")
    assert discarded.colnames == [column.name for column in COLUMNS]
    counted, uncounted = mars_aurora.find(night_file), mars_aurora.find(night_file, min_objects=0)
    assert uncounted.meta["objects"] is None
    assert plain(uncounted["area_km2"]) == plain(counted["area_km2"])


def test_mars_is_never_measured_as_an_aurora(night_file: Path, monkeypatch: pytest.MonkeyPatch):
    mars, aurora = Box("mars", 1.0, 150, 60, 490, 400), Box("aurora", 0.9, 150, 60, 490, 400)
    monkeypatch.setattr(api, "load_detector", lambda _: lambda _: Detections((mars, aurora)))
    found = mars_aurora.find(night_file, min_objects=0)
    assert plain(found["confidence"]) == [0.9]


def test_observation_of_an_emission_is_searched_in_that_emission(night_file: Path):
    observation = mars_aurora.read(night_file, "o i 135.6")
    assert observation.emission.name == "O I 135.6"
    found = mars_aurora.find(observation, min_objects=0)
    assert found.meta["detector"] == "threshold"
    assert found.meta["emission"] == "O I 135.6"
    with pytest.raises(UsageError, match=r"not trained for O I 135\.6"):
        mars_aurora.find(observation, detector="yolo")


def test_unknown_names_are_usage_errors(night_file: Path):
    with pytest.raises(UsageError, match="'eyes' is not known; known are: threshold, yolo"):
        mars_aurora.find(night_file, detector="eyes")
    with pytest.raises(UsageError, match=r"'H I 121\.6' is not known; known are: O I 130\.4, O I 135\.6"):
        mars_aurora.read(night_file, "H I 121.6")


@pytest.mark.parametrize("value", [-1, True, 2.0, "2"])
def test_invalid_min_objects_is_a_usage_error(night_file: Path, value: object):
    with pytest.raises(UsageError, match=r"min_objects must be an integer of 0 or more"):
        mars_aurora.find(night_file, min_objects=value)


def test_emission_other_than_that_of_the_observation_is_a_usage_error(night_file: Path):
    observation = mars_aurora.read(night_file)
    assert mars_aurora.find(observation, min_objects=99, emission="o i 130.4").meta["emission"] == "O I 130.4"
    with pytest.raises(UsageError, match=r"the observation is of O I 130\.4, not O I 135\.6"):
        mars_aurora.find(observation, emission="O I 135.6")


def _count_spikes(monkeypatch: pytest.MonkeyPatch, source, **options) -> float | None:
    """Return the number of spikes that were removed from the observation that `find` measured."""
    seen = []
    fit = api.canvases.fit
    monkeypatch.setattr(api.canvases, "fit", lambda observation: seen.append(observation) or fit(observation))
    found = mars_aurora.find(source, min_objects=0, detector="threshold", **options)
    assert found.meta["cleaning"] == options.get("cleaning", True)
    return seen[0].facts.cleaning.get("spike_pixels")


def test_observation_is_cleaned_once_unless_not_wanted(night_file: Path, monkeypatch: pytest.MonkeyPatch):
    raw = mars_aurora.read(night_file)
    assert raw.facts.cleaning == {}
    row, column = (int(index[len(index) // 2]) for index in np.nonzero(raw.on_disk & (raw.sza_deg > 120)))
    raw.brightness_R[row, column] = 900
    assert _count_spikes(monkeypatch, raw) == 1
    assert _count_spikes(monkeypatch, raw, cleaning=False) is None
    assert _count_spikes(monkeypatch, mars_aurora.clean(raw)) == 1


def test_emission_of_a_file_is_read(night_file: Path):
    assert mars_aurora.find(night_file, min_objects=0, emission="O I 135.6").meta["emission"] == "O I 135.6"


def test_bad_file_raises_input_error_with_its_name(tmp_path: Path):
    (tmp_path / "bad.fits").write_bytes(b"SIMPLE")
    with pytest.raises(InputError, match=r"^bad\.fits: truncated"):
        mars_aurora.find(tmp_path / "bad.fits")


def test_run_opens_pictures_and_observations_by_name(run: mars_aurora.Run, simulated_folder: Path):
    name = run.catalogue["name"][0]
    observation = clean(mars_aurora.read(simulated_folder / name))
    opened, drawn = run.observation(name), heatmap.draw(observation, run.canvas(name))
    assert opened.facts == observation.facts
    assert np.array_equal(opened.brightness_R, observation.brightness_R, equal_nan=True)
    assert np.array_equal(run.picture(name).levels, drawn.levels)
    assert np.array_equal(run.picture(name).sza_coefficients, drawn.sza_coefficients)
    assert [aurora.detection for aurora in run.auroras(name)] == list(range(1, len(run.auroras(name)) + 1))
    with pytest.raises(KeyError):
        run.picture("nothing.fits")


def test_auroras_of_all_inputs_are_grouped_once(run: mars_aurora.Run, monkeypatch: pytest.MonkeyPatch):
    opened = mars_aurora.open_run(run.folder)
    read, calls = api.tables.from_table, []
    monkeypatch.setattr(api.tables, "from_table", lambda table: calls.append(1) or read(table))
    assert sum(len(opened.auroras(name)) for name in opened.ledger["name"]) == len(opened.catalogue)
    assert len(calls) == 1


def test_ledger_is_a_table_with_numbers_masked_where_unknown(run: mars_aurora.Run, simulated_folder: Path):
    assert len(run.ledger) == len(list(simulated_folder.iterdir()))
    ignored = run.ledger[run.ledger["outcome"] == "ignored"]
    assert (ignored["name"][0], ignored["objects"].mask[0]) == ("notes.txt", True)
    auroras = run.ledger[run.ledger["outcome"] == "aurora"]
    assert auroras["auroras"].sum() == len(run.catalogue)


def test_open_run_names_the_folder_it_needs(tmp_path: Path):
    with pytest.raises(UsageError, match="OUT/runs/RUN_ID"):
        mars_aurora.open_run(tmp_path)


def _boxes(axes: Axes) -> list[Rectangle]:
    return [patch for patch in axes.patches if isinstance(patch, Rectangle)]


def test_plot_draws_the_rows_of_the_observation(night_swath: Simulated, night_file: Path):
    mpl.use("Agg")
    observation = mars_aurora.read(night_file)
    found = mars_aurora.find(observation)
    bare, drawn = mars_aurora.plot(observation), mars_aurora.plot(observation, found)
    assert len(_boxes(drawn)) == len(found)
    assert len(_boxes(bare)) == 0
    assert drawn.get_xlim() == (0, 640)
    other = found.copy()
    other["name"] = "other.fits"
    assert len(_boxes(mars_aurora.plot(observation, other))) == 0
    mpl.pyplot.close("all")


def test_raw_and_cleaned_observation_are_plotted_on_a_new_figure(night_file: Path):
    observation = mars_aurora.clean(mars_aurora.read(night_file))
    axes = mars_aurora.plot(observation, raw=True)
    assert axes.figure.axes[0].get_title() == "before cleaning"
    assert axes is axes.figure.axes[1]
    with pytest.raises(UsageError, match="without axes"):
        mars_aurora.plot(observation, axes=axes, raw=True)
    with pytest.raises(UsageError, match="without axes"):
        mars_aurora.plot(observation, axes=axes, beside=observation)
    mpl.pyplot.close("all")


def test_plot_draws_rows_of_a_run_with_folders(night_file: Path):
    mpl.use("Agg")
    observation = mars_aurora.read(night_file)
    found = mars_aurora.find(observation)
    below = found.copy()
    below.replace_column("name", [f"2021/04/{night_file.name}"] * len(found))
    assert len(_boxes(mars_aurora.plot(observation, below))) == len(found) > 0
    in_run = replace(observation, facts=replace(observation.facts, name=f"2022/{night_file.name}"))
    assert len(_boxes(mars_aurora.plot(in_run, below))) == 0
    both = vstack([found, below])
    assert len(_boxes(mars_aurora.plot(observation, both))) == len(found)
    mpl.pyplot.close("all")


def test_plot_rejects_anything_but_auroras(night_file: Path):
    observation, found = mars_aurora.read(night_file), mars_aurora.find(night_file)
    for wrong in (found["name", "lat_deg"], found["name", "lat_deg"][:0], found[0], ["aurora"]):
        with pytest.raises(UsageError, match="auroras must have the columns of `find`"):
            mars_aurora.plot(observation, wrong)
    mpl.pyplot.close("all")


@pytest.mark.parametrize("name", ["+x.fits", "a\rb.fits", "%FF.fits"])
def test_pictures_are_found_by_the_names_in_the_ledger(run: mars_aurora.Run, tmp_path: Path, name: str):
    storage = FolderStorage(tmp_path)
    ledger_table.write_ledger(tmp_path / "ledger.csv", [Record(name, Outcome.DISCARDED)])
    storage.put(RunPaths().image(name), run.storage.get(run.paths.image(run.ledger["name"][0])))
    opened = mars_aurora.open_run(tmp_path)
    assert opened.picture(opened.ledger["name"][0]).levels.shape == (480, 640)
