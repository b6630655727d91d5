"""File names of the instruments."""

from __future__ import annotations

import pytest

from mars_aurora.readers.names import parse_name


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
