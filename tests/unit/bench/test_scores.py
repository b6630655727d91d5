import sys
from dataclasses import replace
from itertools import count
from types import SimpleNamespace

import numpy as np
import pytest

from bench.scores import __main__ as command
from bench.scores import real_noise, resuming
from bench.scores.cases import CLEANED, RAW, Case, Product, TrueAurora
from bench.scores.found import Found
from bench.scores.rows import AURORA, CLEAN, DIFFUSE, EMPTY, IUVS_NOISE, list_rows
from bench.scores.scoring import (
    CRITERION,
    NETWORK,
    NIGHT,
    PIPELINE,
    Fraction,
    Image,
    Scores,
    is_bright_in_twilight,
    is_faint,
)
from bench.scores.table import Requirement, format_table
from mars_aurora.box import Box
from mars_aurora_model.simulator.world import ARTEFACTS

CORNERS = (200.0, 100.0, 240.0, 140.0)


def true_aurora(**changes):
    facts = {"brightness_R": 9.0, "snr": 20.0, "background_R": 1.0, "sza_deg": 130.0}
    return TrueAurora(CORNERS, **{**facts, **changes})


def image(*auroras, confidence=None, objects=2, diffuse=False, criterion=False, raw_confidence=0.0):
    found = {
        CLEANED: Found(objects, () if confidence is None else (Box("aurora", confidence, *CORNERS),)),
        RAW: Found(objects, (Box("aurora", raw_confidence, *CORNERS),)),
    }
    products = dict.fromkeys((CLEANED, RAW), Product("", is_diffuse=diffuse, meets_criterion=criterion))
    return Image(Case(0, auroras, products), found)


def scores(empty=(), aurora=(), row=CLEAN):
    (chosen,) = (one for one in list_rows() if one.name == row)
    return Scores(chosen, {EMPTY: empty, AURORA: aurora}, 0.5)


def test_there_is_a_row_for_each_artefact_and_no_seed_is_used_twice():
    rows = {row.name: row for row in list_rows()}
    assert set(ARTEFACTS) | {CLEAN, IUVS_NOISE} <= set(rows)
    kinds = [(row, kind, index) for row in rows.values() for kind in row.kinds for index in range(len(row.worlds))]
    seeds = {row.draw(kind, index)[1] for row, kind, index in kinds}
    assert min(seeds) >= 970_000
    assert len(seeds) == len(kinds)
    assert [rows["gaps"].draw(EMPTY, index)[2] for index in range(4)] == [0, 0, 1, 1]
    assert [rows[CLEAN].draw(kind, 0)[0].no_aurora_fraction for kind in (EMPTY, AURORA)] == [1, 0]
    assert rows[DIFFUSE].draw(AURORA, 0)[0].no_aurora_fraction == 1


def test_the_pipeline_needs_count_and_network_or_a_diffuse_night():
    found = scores(
        [
            image(confidence=0.6),
            image(confidence=0.6, objects=1),
            image(confidence=0.4),
            image(objects=1, diffuse=True),
            image(criterion=True, raw_confidence=0.9),
        ]
    )
    assert found.false_alarms(PIPELINE) == Fraction(2, 5)
    assert found.false_alarms(NETWORK) == Fraction(2, 5)
    assert found.false_alarms(NIGHT) == Fraction(1, 5)
    assert found.false_alarms(CRITERION) == Fraction(1, 5)
    assert found.false_alarms(NETWORK, RAW) == Fraction(1, 5)


def test_images_with_only_auroras_too_faint_to_count_are_left_out_of_the_recall():
    faint = image(true_aurora(snr=7.9), confidence=0.9)
    found = scores(aurora=[image(true_aurora(), confidence=0.9), image(true_aurora(snr=8.0)), faint])
    assert found.recall(NETWORK) == Fraction(1, 2)


def test_average_precision_and_calibration_are_of_all_images_of_a_row():
    found = scores([image(confidence=0.9)], [image(true_aurora(), confidence=0.8)])
    assert found.ap50 == pytest.approx(0.5)
    assert found.calibration_error == pytest.approx((0.9 + 0.2) / 2)


def test_recall_of_chosen_auroras_is_of_boxes():
    some = [
        image(true_aurora(brightness_R=2.0), confidence=0.9),
        image(true_aurora(brightness_R=4.9), confidence=0.4),
        image(true_aurora(brightness_R=5.0)),
        image(true_aurora(brightness_R=4.0, snr=7.0)),
        image(true_aurora(sza_deg=106.0, background_R=8.9, snr=6.0), confidence=0.5),
        image(true_aurora(sza_deg=112.0, background_R=9.0)),
        image(true_aurora(sza_deg=105.9, background_R=8.0)),
    ]
    assert scores(aurora=some).box_recall(is_faint) == Fraction(1, 2)
    assert scores(aurora=some).box_recall(is_bright_in_twilight) == Fraction(1, 1)


def test_a_requirement_is_reached_at_its_limit_and_not_without_a_figure():
    assert Requirement("alarms", 0.05, is_upper=True, values={"a": 0.05, "b": 0.051}).missed == {"b": 0.051}
    assert Requirement("recall", 0.97, is_upper=False, values={"a": 0.97, "b": 0.969}).missed == {"b": 0.969}
    assert list(Requirement("recall", 0.97, is_upper=False, values={"a": float("nan")}).missed) == ["a"]
    assert "no: b 0.051" in Requirement("alarms", 0.05, is_upper=True, values={"a": 0.0, "b": 0.051}).describe()


def test_the_table_states_each_row_and_whether_the_requirements_are_reached():
    good = {"empty": [image()] * 4, "aurora": [image(true_aurora(brightness_R=3.0), confidence=1.0)] * 4}
    bad = {"empty": [image(confidence=0.9)], "aurora": [image(true_aurora())]}
    lines = format_table([scores(**good), scores(**bad, row="gaps")]).splitlines()
    assert [line.split("|")[1].strip() for line in lines[2:4]] == ["clean", "gaps"]
    end = lines.index("", 5)
    reached = {line.split("|")[1].strip(): line.split("|")[4].strip() for line in lines[7:end]}
    assert reached["false-alarm images, clean"] == "yes"
    assert reached["false-alarm images, each artefact"] == "no: gaps 1.000"
    assert reached["recall of auroras of 2 to 5 R, clean (4)"] == "yes"
    assert not any("twilight" in name for name in reached)  # there is none
    header, _, *cuts = ([cell.strip() for cell in line.split("|")[1:-1]] for line in lines[end + 1 :])
    assert header[:3] == ["least confidence", "false-alarm images, clean", "image recall, clean"]
    assert [cut[0] for cut in cuts] == ["0.1", "0.16", "0.3", "0.5"]


def test_the_table_has_the_worst_figures_at_several_thresholds():
    row = scores([image(confidence=0.2), image()], [image(true_aurora(), confidence=0.4)] * 2, row="gaps")
    cuts = [line.split("|")[1:4] for line in format_table([row]).splitlines()[-4:]]
    assert [[cell.strip() for cell in cut] for cut in cuts] == [
        ["0.1", "0.500", "1.000"],
        ["0.16", "0.500", "1.000"],
        ["0.3", "0.000", "1.000"],
        ["0.5", "0.000", "0.000"],
    ]


def test_a_diffuse_night_counts_without_boxes():
    night = Image(replace(image(diffuse=True).case, is_diffuse=True), image(diffuse=True).found)
    missed = Image(replace(image().case, is_diffuse=True), image().found)
    found = scores(aurora=[night] * 3 + [missed], row=DIFFUSE)
    assert found.recall(PIPELINE) == Fraction(3, 4)
    assert "| diffuse night | 0, 4 |" in format_table([found])
    assert "| - | - |" in format_table([found])
    assert "no: diffuse night 0.750" in format_table([found])


def test_stopped_work_continues_after_the_last_complete_result(tmp_path):
    path, made = tmp_path / "results.jsonl", []

    def make(job):
        made.append(job)
        return {"square": job * job}

    few = resuming.collect(path, "a", make, range(100), lambda results: len(results) >= 20)
    with path.open("a") as stream:
        stream.write('{"square": 1')
    more = resuming.collect(path, "a", make, range(50), lambda results: len(results) >= 1000)
    assert made == list(range(50))
    assert more[: len(few)] == few
    assert [result["square"] for result in more] == [job * job for job in range(50)]
    resuming.collect(path, "b", make, count(), lambda results: len(results) >= 3)
    assert made[50:53] == [0, 1, 2]


def test_tiles_are_blocks_mirrored_without_a_break():
    block = np.arange(40.0)[:, None] + 1000 * np.arange(10)
    tiled = real_noise.tile((block,), (130, 34), np.random.default_rng(3))
    assert tiled.shape == (130, 34)
    assert set(np.abs(np.diff(tiled, axis=0)).reshape(-1)) == {0, 1}  # 0 at a mirror
    assert np.unique(tiled[:, :10] // 1000).tolist() == list(range(10))
    assert (np.abs(np.diff(tiled[:, :10] // 1000, axis=1)) == 1).all()


def test_residuals_are_in_units_of_the_stated_error_and_keep_offsets_of_bins():
    rng = np.random.default_rng(4)
    shape = (150, 10)
    smooth_R = 500 + 300 * np.sin(np.arange(150) / 30)[:, None] + 10 * np.arange(10)
    error_R = 0.4 * smooth_R
    offset = np.where(np.arange(10) == 6, 0.8, 0.0)
    observation = SimpleNamespace(
        brightness_R=smooth_R + error_R * (offset + 1.2 * rng.normal(size=shape)),
        random_error_R=error_R,
        emission_angle_deg=np.full(shape, 40.0),
        on_disk=np.ones(shape, bool),
    )
    observation.emission_angle_deg[-10:, 3] = 80.0
    residual = real_noise.find_residual(observation)
    assert residual.shape == (140, 10)
    assert (residual - residual.mean(0)).std() == pytest.approx(1.2, rel=0.06)
    assert residual[:, 6].mean() - np.delete(residual, 6, axis=1).mean() == pytest.approx(0.8, abs=0.25)
    assert residual.mean() == pytest.approx(0, abs=0.1)
    observation.on_disk[40:, 0] = False
    assert real_noise.find_residual(observation).shape == (0, 10)


def test_real_noise_is_wider_than_stated_and_has_offset_bins(iuvs_folder):
    blocks = real_noise.read_residuals(iuvs_folder)
    assert len(blocks) >= 4
    assert all(1.1 < block.std() < 1.35 for block in blocks)
    assert min(np.abs(block.mean(0)).max() for block in blocks) > 0.3


def test_replaced_noise_has_the_scatter_of_its_blocks_and_keeps_gaps(night_swath):
    blocks = (1.2 * np.random.default_rng(5).normal(size=(150, 10)),)
    before, after = (
        one.swath for one in (night_swath, real_noise.replace_noise(night_swath, blocks, np.random.default_rng(6)))
    )
    true_R, world = before.background_R + before.excess_R, night_swath.world
    sigma_R = np.hypot(np.sqrt(true_R / world.counts_per_R), world.fit_noise_R)
    assert np.nanstd((after.brightness_R - true_R) / sigma_R) == pytest.approx(1.2, rel=0.05)
    assert (np.isnan(after.brightness_R) == np.isnan(before.brightness_R)).all()
    assert (after.on_slit == before.on_slit).all()
    assert np.nanmedian(after.random_error_R / before.random_error_R) == pytest.approx(1, abs=0.15)


def test_the_command_continues_and_writes_its_table(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(resuming, "_BATCH", 1)
    page = tmp_path / "page.md"
    page.write_text(f"before\n{command.START}old\n{command.END}after\n")
    arguments = ["scores", "--rows", "gaps", "--count", "1", "--processes", "1", "--out", str(tmp_path / "made")]
    monkeypatch.setattr(sys, "argv", [*arguments, "--write", str(page)])
    command.main()
    printed = capsys.readouterr().out
    assert "| gaps | 1, 1 |" in printed
    assert "before\n" in page.read_text()
    assert "after\n" in page.read_text()
    assert "| gaps | 1, 1 |" in page.read_text()
    assert "old" not in page.read_text()

    monkeypatch.setattr(command, "make_case", None)  # all is there
    monkeypatch.setattr(command, "find", None)
    command.main()
    assert capsys.readouterr().out == printed


def test_the_row_of_real_noise_is_left_out_without_real_files(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(real_noise, "FOLDER", tmp_path / "missing")
    assert [row.name for row in command.choose_rows([CLEAN, IUVS_NOISE])] == [CLEAN]
    assert "IUVS noise: left out" in capsys.readouterr().out
