"""Artefacts have the shapes and strengths that truth.json states, and change nothing else of a file."""

from dataclasses import replace

import numpy as np
import pytest

from mars_aurora import readers
from mars_aurora.local.cli import main
from mars_aurora_model import true_boxes
from mars_aurora_model.simulator import simulate as simulate_module
from mars_aurora_model.simulator import truth
from mars_aurora_model.simulator.simulate import observe
from mars_aurora_model.simulator.world import World
from mars_aurora_model.simulator.worlds import ARTEFACTS, NEGATIVE_WORLDS, UNLIKE, draw_world, with_artefact

WORLD = World(
    n_slit=64,
    max_integrations=120,
    scan_step_deg=(0.15, 0.2),
    swaths_per_set=(1,),
    modes=(("os2", 1.0, (90, 130)),),
    slit_cut_fraction=0.0,
    truncated_fraction=0.0,
)
EMPTY = replace(WORLD, no_aurora_fraction=1.0)
FILES = range(6)


@pytest.fixture(scope="module")
def clean():
    return [observe(EMPTY, 31, index) for index in FILES]


@pytest.fixture(scope="module")
def files():
    return {name: [observe(with_artefact(EMPTY, name), 31, index) for index in FILES] for name in ARTEFACTS}


def find_added(file, clean_file):
    return np.nan_to_num(file.swath.brightness_R - clean_file.swath.brightness_R)


def places(file):
    (artefact,) = file.truth["artefacts"]
    return [(slice(top, bottom + 1), slice(left, right + 1)) for top, bottom, left, right in artefact["where"]]


def covered(file):
    mask = np.zeros(file.labels.shape, bool)
    for place in places(file):
        mask[place] = True
    return mask


@pytest.mark.parametrize("name", ARTEFACTS)
def test_artefact_is_in_every_file_and_recorded(files, clean, name):
    changed = 0
    for file, clean_file in zip(files[name], clean, strict=True):
        (artefact,) = file.truth["artefacts"]
        assert artefact["name"] == name
        assert len(artefact["strength"]) == len(artefact["where"])
        assert artefact["strength"] == [pytest.approx(strength) for strength in artefact["strength"] if strength > 0]
        changed += not np.array_equal(file.swath.brightness_R, clean_file.swath.brightness_R, equal_nan=True)
    assert changed >= len(FILES) - 1  # a hot pixel may be off the slit
    assert observe(with_artefact(EMPTY, name), 31, 2).to_fits() == files[name][2].to_fits()


@pytest.mark.parametrize("name", ["particles", "hot_pixels", "hot_bins", "gaps"])
def test_pixels_outside_the_stated_places_are_unchanged(files, clean, name):
    for file, clean_file in zip(files[name], clean, strict=True):
        outside = ~covered(file)
        np.testing.assert_array_equal(file.swath.brightness_R[outside], clean_file.swath.brightness_R[outside])


@pytest.mark.parametrize("name", sorted(set(ARTEFACTS) - {"patchy_nightglow"}))
def test_true_light_of_mars_is_unchanged(files, clean, name):
    for file, clean_file in zip(files[name], clean, strict=True):
        np.testing.assert_array_equal(file.swath.background_R, clean_file.swath.background_R)


def test_streaks_are_short_and_within_one_integration(files):
    for file in files["particles"]:
        assert 1 <= len(places(file)) <= 36
        for top, bottom, left, right in file.truth["artefacts"][0]["where"]:
            assert top == bottom
            assert 3 <= right - left + 1 <= 16
        assert all(20 <= strength <= 400 for strength in file.truth["artefacts"][0]["strength"])


def test_streaks_and_hot_pixels_have_the_stated_brightness(files, clean):
    for name, mean in (("particles", 0.7), ("hot_pixels", 1.0)):
        ratios = []
        for file, clean_file in zip(files[name], clean, strict=True):
            added = find_added(file, clean_file)
            lit = file.swath.on_slit & ~file.swath.flagged
            for place, strength in zip(places(file), file.truth["artefacts"][0]["strength"], strict=True):
                if lit[place].all():
                    ratios.append(added[place].mean() / strength)
        assert np.mean(ratios) == pytest.approx(mean, abs=0.12)


def test_fraction_of_hot_pixels_is_small(files):
    fractions = [len(places(file)) / file.labels.size for file in files["hot_pixels"]]
    assert 0.0002 < np.mean(fractions) < 0.004


def test_hot_bins_are_raised_along_the_whole_scan_on_and_off_the_disk(files, clean):
    for file, clean_file in zip(files["hot_bins"], clean, strict=True):
        added, disk = find_added(file, clean_file), file.swath.geometry.on_disk
        dark = file.swath.background_R < 5
        for (_, column), strength in zip(places(file), file.truth["artefacts"][0]["strength"], strict=True):
            assert 1 <= strength <= 14
            for part in (disk, ~disk):
                chosen = (part & dark & file.swath.on_slit)[:, column]
                if chosen.sum() > 20:
                    noise_R = np.sqrt(strength / EMPTY.counts_per_R / chosen.sum())
                    assert added[:, column][chosen].mean() == pytest.approx(strength, abs=5 * noise_R)


def test_bands_particle_background_and_stray_light_are_smooth_over_the_detector(files):
    for name in ("slit_bands", "particle_background", "stray_light"):
        for file in files[name]:
            light = file.swath.instrument_R
            assert light.max() > 0
            assert max(np.abs(np.diff(light, axis=axis)).max() for axis in (0, 1)) < 0.45 * light.max()


def test_particle_background_is_the_same_in_all_bins(files, clean):
    for file, clean_file in zip(files["particle_background"], clean, strict=True):
        light, off = file.swath.instrument_R, ~file.swath.geometry.on_disk & file.swath.on_slit
        assert (light == light[:, :1]).all()
        assert find_added(file, clean_file)[off].mean() == pytest.approx(light[off].mean(), rel=0.15)


def test_stray_light_is_a_few_percent_of_the_day_side(files):
    for file in files["stray_light"]:
        light, day_R = file.swath.instrument_R, np.percentile(file.swath.background_R, 95)
        (fraction,) = file.truth["artefacts"][0]["strength"]
        assert 0.01 <= fraction <= 0.05
        assert light.max() == pytest.approx(fraction * day_R, rel=0.005)
        assert light[file.swath.background_R > 0.5 * day_R].mean() > light.mean()


def test_stars_are_off_the_disk_and_cross_a_few_integrations_and_bins():
    fine = replace(EMPTY, n_slit=128, max_integrations=260, scan_step_deg=(0.05, 0.08))
    size = []
    for index in FILES:
        file, clean_file = observe(with_artefact(fine, "stars"), 31, index), observe(fine, 31, index)
        added, disk = find_added(file, clean_file), file.swath.geometry.on_disk
        assert (added[disk] == 0).all()
        assert not any(disk[place].any() for place in places(file))
        size.append((added != 0).sum() / len(places(file)))
    assert 5 < np.mean(size) < 60


def test_flat_field_changes_bins_by_a_constant_factor(files, clean):
    factors, spread = [], []
    for file, clean_file in zip(files["flat_field"], clean, strict=True):
        bright = (file.swath.background_R > 100) & file.swath.on_slit & ~file.swath.flagged
        ratio = file.swath.brightness_R / clean_file.swath.brightness_R
        (sigma,) = file.truth["artefacts"][0]["strength"]
        assert 0.03 <= sigma <= 0.12
        for k in np.flatnonzero(bright.sum(0) > 10):
            factors.append((np.median(ratio[bright[:, k], k]) - 1) / sigma)
            spread.append(np.std(ratio[bright[:, k], k]))
    assert np.std(factors) == pytest.approx(1, rel=0.25)
    assert max(spread) < 0.01


def test_gaps_have_no_value_and_no_error(files):
    for file in files["gaps"]:
        missing = covered(file)
        assert np.isnan(file.swath.brightness_R[missing]).all()
        assert np.isnan(file.swath.random_error_R[missing]).all()
        assert 0 < missing.mean() < 0.4


def test_patchy_nightglow_is_background_below_the_level_of_a_labeled_aurora(files, clean):
    brightest = []
    for file, clean_file in zip(files["patchy_nightglow"], clean, strict=True):
        patches = file.swath.background_R - clean_file.swath.background_R
        (strength,) = file.truth["artefacts"][0]["strength"]
        assert patches.min() >= 0
        assert patches.max() <= strength + 1e-4
        brightest.append(patches.max())
        assert (file.swath.excess_R == 0).all()
    assert np.median(brightest) > 0.4


@pytest.mark.parametrize(("night_R", "highest_R"), [(0.6, 1.8), (1.2, 1.3), (2.4, 0.3)])
def test_patchy_nightglow_stays_below_an_aurora_of_2_R_and_below_2_5_R_in_total(night_R, highest_R):
    world = replace(with_artefact(EMPTY, "patchy_nightglow"), night_R=(night_R, night_R))
    world = replace(world, n_slit=16, max_integrations=20, scan_step_deg=(1.0, 1.2))
    strengths = [observe(world, 3, index).truth["artefacts"][0]["strength"][0] for index in range(40)]
    assert max(strengths) == pytest.approx(highest_R, abs=0.03)


def test_noise_with_heavy_tails_exceeds_the_stated_errors(files, clean):
    pulls = []
    for file, clean_file in zip(files["heavy_tails"], clean, strict=True):
        np.testing.assert_array_equal(file.swath.random_error_R, clean_file.swath.random_error_R)
        (factor,) = file.truth["artefacts"][0]["strength"]
        assert 1.1 <= factor <= 1.3
        valid = file.swath.on_slit & ~file.swath.flagged
        pull = (find_added(file, clean_file) / file.swath.random_error_R)[valid]
        pulls.append(pull / np.sqrt(factor**2 - 1))
    joined = np.concatenate(pulls)
    assert np.std(joined) == pytest.approx(1, abs=0.05)
    assert abs(np.mean(joined)) < 0.05
    assert 0.001 < np.mean(np.abs(joined) > 4) < 0.01  # 0.00006 of a normal distribution


def test_usual_artefacts_are_in_a_fraction_of_the_files():
    world = replace(with_artefact(EMPTY, "usual"), n_slit=16, max_integrations=20, scan_step_deg=(1.0, 1.2))
    names = [[entry["name"] for entry in observe(world, 3, index).truth["artefacts"]] for index in range(150)]
    assert np.mean([len(found) > 0 for found in names]) == pytest.approx(world.artefact_fraction, abs=0.1)
    assert {len(found) for found in names} == {0, 1, 2, 3}
    assert {name for found in names for name in found} == set(ARTEFACTS)
    assert all(len(set(found)) == len(found) for found in names)


def test_swaths_of_a_set_have_the_same_kinds_and_the_same_nightglow():
    world = replace(with_artefact(EMPTY, "patchy_nightglow"), swaths_per_set=(2,))
    first, second = (observe(world, 8, index).truth["artefacts"] for index in range(2))
    assert first[0]["strength"] == second[0]["strength"]
    usual = replace(with_artefact(EMPTY, "usual"), swaths_per_set=(3,), artefact_fraction=1.0)
    names = [[entry["name"] for entry in observe(usual, 8, index).truth["artefacts"]] for index in range(3)]
    assert names[0] == names[1] == names[2] != []


@pytest.fixture(scope="module")
def diffuse():
    return observe(replace(EMPTY, diffuse_fraction=1.0), 31, 1)


def test_diffuse_aurora_fills_the_night_and_leaves_the_sky_dark(diffuse):
    geometry, light = diffuse.swath.geometry, diffuse.swath.diffuse_R
    level, sza = diffuse.truth["diffuse_R"], geometry.sza_deg[:, 0]
    assert 8 <= level <= 30
    center = geometry.on_disk & (geometry.emission_deg[:, 0] < 40) & (sza > 110)
    edge = geometry.on_disk & (geometry.emission_deg[:, 0] > 65) & (geometry.emission_deg[:, 0] < 75) & (sza > 110)
    assert np.median(light[center]) == pytest.approx(level, rel=0.5)
    assert np.median(light[edge]) > 1.5 * np.median(light[center])
    assert light[geometry.on_disk & (sza > 110)].min() > 0.4 * level
    assert light[geometry.altitude_km[:, 0] > 600].max() < 0.1 * level
    assert light[geometry.on_disk & (sza < 80) & (geometry.emission_deg[:, 0] < 60)].max() < 0.1 * level


def test_diffuse_aurora_is_measured_and_described(diffuse, clean):
    night = diffuse.swath.geometry.on_disk & (diffuse.swath.geometry.sza_deg[:, 0] > 110) & diffuse.swath.on_slit
    described = diffuse.truth["diffuse"]
    assert described["kind"] == "diffuse"
    assert described["level_R"] == diffuse.truth["diffuse_R"]
    assert described["mean_R"] == pytest.approx(diffuse.swath.diffuse_R[night].mean(), abs=1e-3)
    assert find_added(diffuse, clean[1])[night].mean() == pytest.approx(described["mean_R"], rel=0.15)
    assert clean[1].truth["diffuse_R"] is None


def test_diffuse_aurora_is_not_labeled(diffuse):
    assert (diffuse.swath.excess_R == 0).all()
    assert (diffuse.labels == 0).all()
    assert diffuse.truth["auroras"] == []


def test_local_aurora_is_labeled_against_background_and_diffuse_aurora():
    bright = replace(WORLD, no_aurora_fraction=0.0, kinds=(("sinuous", 1.0),), sinuous_peak_R=(10.0, 20.0))
    alone = observe(bright, 3, 0)
    within = observe(replace(bright, diffuse_fraction=1.0, diffuse_R=(8.0, 8.1)), 3, 0)
    np.testing.assert_array_equal(alone.swath.excess_R, within.swath.excess_R)
    expected = truth.visible_from(within.swath.background_R + within.swath.diffuse_R, bright) <= within.aurora_R.max(0)
    np.testing.assert_array_equal(within.labels > 0, expected & within.swath.on_slit)
    assert 0 < (within.labels > 0).sum() < (alone.labels > 0).sum()


def test_light_of_the_instrument_adds_noise_to_the_boxes():
    size = 40
    excess = np.zeros((size, size))
    excess[10:20, 10:20] = 5
    index = np.arange(size * size, dtype=np.int32).reshape(size, size)
    background = np.full((size, size), 0.5)
    (dark,) = true_boxes.box_excess(excess, background, World(), index)
    (bright,) = true_boxes.box_excess(excess, background, World(), index, instrument_R=30.0)
    assert dark.corners == bright.corners == (10, 10, 20, 20)
    expected = 500 / np.hypot(np.sqrt(100 * ((35.5) / 0.36 + 0.09)), 0.15 * 50)
    assert bright.snr == pytest.approx(expected)
    assert bright.snr < dark.snr


def test_end_time_is_sometimes_missing_and_scans_sometimes_pause():
    odd = replace(EMPTY, missing_end_fraction=1.0, pause_fraction=1.0)
    file, plain = observe(odd, 31, 0), observe(EMPTY, 31, 0)
    assert "END_UTC" not in file.swath.header
    assert file.truth["end_utc"] is None
    assert "END_UTC" in plain.swath.header
    steps = np.diff(file.swath.geometry.et)
    assert np.sort(steps)[:-1] == pytest.approx(6)
    assert 18 <= steps.max() <= 86
    assert file.truth["pause_s"] == pytest.approx(steps.max() - 6, abs=0.01)
    assert plain.truth["pause_s"] == 0
    assert np.diff(plain.swath.geometry.et) == pytest.approx(6)


def test_noted_pixels_have_a_flag_and_a_value(clean):
    file = observe(replace(EMPTY, noted_file_fraction=1.0), 31, 0)
    noted = file.swath.noted & file.swath.on_slit & ~file.swath.flagged
    assert 0.0005 < noted.mean() < 0.025
    np.testing.assert_array_equal(file.swath.brightness_R, clean[0].swath.brightness_R)
    assert file.truth["noted_pixels"] == noted.sum()
    assert file.swath.header["QLTY_FLG"] == 1
    assert clean[0].swath.header["QLTY_FLG"] == 0


def test_reader_takes_files_with_all_oddities(tmp_path):
    odd = replace(EMPTY, artefacts="gaps", missing_end_fraction=1.0, pause_fraction=1.0, noted_file_fraction=1.0)
    file = observe(odd, 31, 0)
    path = tmp_path / file.plain_name
    path.write_bytes(file.to_fits())
    observation = readers.read(path, path.name)
    assert observation.shape == file.labels.shape
    assert observation.facts.end_utc is not None
    assert observation.flagged[file.swath.noted & file.swath.on_slit].all()
    np.testing.assert_array_equal(observation.brightness_R, file.swath.brightness_R.astype(np.float32))


def test_training_worlds_have_usual_artefacts_and_worlds_for_scores_have_none():
    drawn = draw_world(np.random.default_rng(1), coarse_fraction=0.0)
    assert drawn.artefacts == "usual"
    assert drawn.artefact_fraction == 0.6
    assert 0 < drawn.diffuse_fraction < 0.1
    assert {world.artefacts for world in (World(), UNLIKE, *NEGATIVE_WORLDS.values())} == {"none"}


def test_command_has_usual_artefacts_by_default(tmp_path, monkeypatch):
    worlds = []
    monkeypatch.setattr(simulate_module, "simulate", lambda _out, _count, _seed, world, **_: worlds.append(world) or [])
    for options in ([], ["--artefacts", "none"], ["--artefacts", "stars"]):
        with pytest.raises(SystemExit, match="0"):
            main(["simulate", str(tmp_path), *options])
    assert [world.artefacts for world in worlds] == ["usual", "none", "stars"]
    assert [world.diffuse_fraction > 0 for world in worlds] == [True, False, False]
