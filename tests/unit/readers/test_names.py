"""File names of the instruments, in all their forms, and of their copies."""

from __future__ import annotations

import pytest

from mars_aurora.readers.names import parse_name

EMUS = "emm_emu_l2b_20220331t212107_0191_os2_sw1of3_r_v01-04"
IUVS = "mvn_iuv_l1b_apoapse-orbit18001-fuv_20230114T071818_v13_r01"


def test_rank_is_by_version_then_revision_then_kernel():
    versions = ("n_v01-00", "p_v01-00", "r_v01-00", "f_v01-00", "n_v01-01", "n_v02-00", "n_v10-00")
    names = [parse_name(f"emm_emu_l2b_20220331t212107_0191_os2_sw1of3_{version}.fits") for version in versions]
    ranks = [name.rank for name in names if name]
    assert len(ranks) == len(versions)
    assert ranks == sorted(set(ranks))


@pytest.mark.parametrize(
    "name",
    [
        "emm_emu_l2b_20220231t212107_0191_os2_sw1of3_r_v01-04.fits",
        "emm_emu_l2b_20220331t252107_0191_os2_sw1of3_r_v01-04.fits",
        "emm_emu_l2b_20220331t212107_99999999999999999999_os2_sw1of3_r_v01-04.fits",
        "mvn_iuv_l1b_apoapse-orbit18001-fuv_00000114T071818_v13_r01.fits.gz",
    ],
)
def test_name_with_an_impossible_date_or_orbit_follows_no_grammar(name: str):
    assert parse_name(name) is None


def test_revisions_of_iuvs_rank_s_before_r():
    versions = ("v12_r09", "v13_s01", "v13_s02", "v13_r01", "v13_r02", "v13_r10", "v14_s01")
    names = [
        parse_name(f"mvn_iuv_l1b_apoapse-orbit18001-fuv_20230114T071818_{version}.fits.gz") for version in versions
    ]
    ranks = [name.rank for name in names if name]
    assert len(ranks) == len(versions)
    assert ranks == sorted(set(ranks))
    assert len({name.observation for name in names if name}) == 1


@pytest.mark.parametrize(
    ("name", "mode", "orbit", "observation"),
    [
        (f"{IUVS}.fits", "apoapse", 18001, ("apoapse", "fuv")),
        (
            "mvn_iuv_l1b_APP2-orbit00254-mode0111-fuv_20141115T130546_v13_r01.fits.gz",
            "app2",
            254,
            ("app2", "0111", "fuv"),
        ),
        (
            "mvn_iuv_l1b_relay-echelle-orbit12190-ech_20200821T214652_v13_r01.fits.gz",
            "relay-echelle",
            12190,
            ("relay-echelle", "ech"),
        ),
    ],
)
def test_modes_of_iuvs_may_have_hyphens_and_numbers(name, mode, orbit, observation):
    parsed = parse_name(name)
    assert (parsed.mode, parsed.orbit, parsed.observation[3:]) == (mode, orbit, observation)


@pytest.mark.parametrize("level", ["l2a", "l2b", "l3disk"])
def test_levels_of_emus_are_parsed(level):
    parsed = parse_name(f"emu/{level}/os2/2022/03/{EMUS.replace('l2b', level)}.fits.gz")
    assert (parsed.instrument, parsed.level, parsed.swath) == ("EMM/EMUS", level, (1, 3))


@pytest.mark.parametrize("stem", [EMUS, IUVS])
@pytest.mark.parametrize(
    "form",
    [
        *("{} (1).fits.gz", "{}(2).fits.gz", "{}.fits(1).gz", "{}.fits (12).gz", "{}.fits (1)", "{} 2.fits"),
        *("Copy of {}.fits.gz", "copy (2) of {}.fits", "{} - Copy.fits.gz", "{} - Copy (3).fits.gz", "{} copy.fits"),
        *("{} copy 2.fits.gz", "{}_copy.fits.gz", "{}-copy.fits", "Kopie von {}.fits.gz"),
    ],
)
def test_copies_are_parsed_as_the_file_and_marked(stem, form):
    original, copy = parse_name(f"{stem}.fits.gz"), parse_name(f"a/{form.format(stem)}")
    assert (copy.observation, copy.rank) == (original.observation, original.rank)
    assert (copy.is_copy, original.is_copy) == (True, False)


@pytest.mark.parametrize(
    "name",
    [
        f"{EMUS}.fits.gz.png",
        f"x{EMUS}.fits",
        f"{EMUS}x.fits",
        f"{EMUS}.txt",
        IUVS.replace("_r01", "_q01") + ".fits",
        "Copy of.fits",
        "(1).fits",
    ],
)
def test_other_names_are_not_parsed(name):
    assert parse_name(name) is None
