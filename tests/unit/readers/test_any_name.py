"""File names drawn by hypothesis: the grammar of the missions, and anything else."""

from __future__ import annotations

from datetime import datetime

from hypothesis import example, given
from hypothesis import strategies as st

from mars_aurora.readers.names import FileName, parse_name

TIMES = st.datetimes(datetime(2014, 1, 1), datetime(2035, 1, 1)).map(lambda time: time.replace(microsecond=0))  # noqa: DTZ001 -- all UTC
WORDS = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=6)
NUMBERS = st.integers(0, 99)
PIECES = (
    "emm_emu_",
    "mvn_iuv_",
    "l2b_",
    "l1b_",
    "20220331t212107",
    "99999999t999999",
    "_0191_",
    "os2_",
    "sw1of3_",
    "r_v01-04",
)
PIECES += (
    "-orbit18001-",
    "fuv_",
    "_v13_r01",
    "_s01",
    ".fits",
    ".gz",
    " (1)",
    "Copy of ",
    "/",
    "\\",
    "\n",
    "\0",
    "\udcff",
    "٣",
)


@given(TIMES, WORDS, NUMBERS, NUMBERS, st.sampled_from("prfn"))
def test_emus_name_gives_the_parts_that_it_is_made_of(time, mode, version, revision, kernel):
    name = f"emm_emu_l2b_{time:%Y%m%dt%H%M%S}_0191_{mode}_sw2of3_{kernel}_v{version:02d}-{revision:02d}.fits"
    found = parse_name(f"batch/{name}")
    assert found is not None
    assert datetime.fromisoformat(found.start_utc) == time
    assert (found.mode, found.swath, found.kernel, found.version) == (mode, (2, 3), kernel, (version, revision))


@given(TIMES, WORDS, st.integers(0, 99_999), NUMBERS, NUMBERS)
def test_iuvs_name_gives_the_parts_that_it_is_made_of(time, segment, orbit, version, revision):
    name = f"mvn_iuv_l1b_{segment}-orbit{orbit:05d}-fuv_{time:%Y%m%dT%H%M%S}_v{version:02d}_r{revision:02d}.fits.gz"
    found = parse_name(name)
    assert found is not None
    assert datetime.fromisoformat(found.start_utc) == time
    assert (found.mode, found.orbit, found.version) == (segment, orbit, (version, revision))


@given(st.lists(st.sampled_from(PIECES), max_size=14).map("".join) | st.text(max_size=60))
@example("emm_emu_l2b_99999999t999999_0191_os2_sw1of3_r_v01-04.fits")
@example("mvn_iuv_l1b_apoapse-orbit18001-fuv_00000000T000000_v13_r01.fits.gz")
def test_any_text_is_a_mission_name_with_a_valid_time_or_none(text: str):
    found = parse_name(text)
    assert found is None or isinstance(found, FileName)
    if found is not None and found.start_utc:
        datetime.fromisoformat(found.start_utc)
