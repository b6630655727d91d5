"""File names of the instruments."""

from __future__ import annotations

from mars_aurora.readers.names import parse_name


def test_rank_is_by_version_then_revision_then_kernel():
    versions = ("n_v01-00", "p_v01-00", "r_v01-00", "f_v01-00", "n_v01-01", "n_v02-00", "n_v10-00")
    names = [parse_name(f"emm_emu_l2b_20220331t212107_0191_os2_sw1of3_{version}.fits") for version in versions]
    ranks = [name.rank for name in names if name]
    assert len(ranks) == len(versions)
    assert ranks == sorted(set(ranks))
