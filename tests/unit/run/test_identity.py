"""Files of one observation, and which of them is used."""

from dataclasses import replace

import numpy as np
import pytest

from mars_aurora import readers
from mars_aurora.errors import InputError
from mars_aurora.run.identity import Identity, choose_files, identify

L2B = Identity(
    "EMM/EMUS", start_ms=10_000_049, integrations=120, mode="os2", swath="1of3", level="l2b", version=(1, 4, 2)
)


def _group(**identities: Identity) -> set[frozenset[str]]:
    """Return the groups of files of one observation."""
    used = choose_files(identities)
    return {frozenset(name for name, other in used.items() if other == best) for best in used.values()}


@pytest.mark.parametrize(
    "change",
    [
        {"start_ms": 10_000_149},
        {"start_ms": 9_999_951},
        {"level": "l2a"},
        {"version": ()},
        {"mode": ""},
        {"swath": ""},
    ],
)
def test_levels_versions_and_copies_are_one_observation(change):
    assert _group(a=L2B, b=replace(L2B, **change)) == {frozenset("ab")}


@pytest.mark.parametrize(
    "change",
    [
        {"start_ms": 10_000_150},
        {"start_ms": 9_999_948},
        {"integrations": 121},
        {"instrument": "MAVEN/IUVS"},
        {"channel": "fuv"},
        {"mode": "os1"},
        {"swath": "2of3"},
    ],
)
def test_other_observations_are_told_apart(change):
    assert _group(a=L2B, b=replace(L2B, **change)) == {frozenset("a"), frozenset("b")}


def test_name_in_the_header_has_precedence_over_the_name_of_the_file(tmp_path, broad_aurora):
    path = tmp_path / "x"
    path.write_bytes(broad_aurora.to_fits())
    observation = readers.read(path, "emm_emu_l2b_20220331t212107_0191_os1_sw1of3_r_v01-04.fits")
    unnamed = replace(observation, facts=replace(observation.facts, file_name=None))
    assert identify(unnamed).mode == "os1"
    facts = replace(observation.facts, file_name="emm_emu_l2b_20220331t212107_0191_os2_sw2of3_r_v02-01.fits")
    identity = identify(replace(observation, facts=facts))
    assert (identity.mode, identity.swath, identity.version[0]) == ("os2", "2of3", 2)


def test_files_without_times_are_compared_by_checksum():
    first = replace(L2B, start_ms=None, content_sha256="a")
    assert _group(a=first, b=first, c=replace(first, content_sha256="b")) == {frozenset("ab"), frozenset("c")}


@pytest.mark.parametrize(
    ("best", "other"),
    [
        (("x.fits", {}), ("y.fits", {"level": "l3disk", "version": (9, 0, 0)})),
        (("x.fits", {"level": "l3disk"}), ("a.fits", {"level": "l2a"})),
        (("x.fits", {"version": (2, 0, 0)}), ("a.fits", {})),
        (("x.fits", {}), ("x (1).fits", {})),
        (("a.fits", {}), ("b.fits", {})),
        (("emm_emu_l2b_20220331t212107_0191_os2_sw1of3_r_v01-04.fits", {}), ("a.fits", {})),
    ],
)
def test_best_level_then_version_then_name_is_used(best, other):
    files = {name: replace(L2B, **change) for name, change in (best, other)}
    assert choose_files(files) == {best[0]: best[0], other[0]: best[0]}


def test_identity_comes_from_the_tables_not_from_the_name(tmp_path, broad_aurora):
    path = tmp_path / "x"
    path.write_bytes(broad_aurora.to_fits())
    under_own_name, under_other = (identify(readers.read(path, name)) for name in (broad_aurora.name, "copy.fits"))
    assert under_own_name.may_equal(under_other)
    assert under_other.start_ms == readers.read(path, "x").time_utc[0].astype("datetime64[ms]").astype(np.int64)


def test_real_swaths_of_one_orbit_are_told_apart(iuvs_folder):
    paths = sorted(iuvs_folder.glob("*apoapse*fuv*"))
    found = {}
    for path in paths:
        try:
            found[path.name] = identify(readers.read(path, "x.fits"))
        except InputError:
            continue
    assert len(found) >= 5
    assert choose_files(found) == {name: name for name in found}
