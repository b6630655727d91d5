"""A fixed sample of the corpus of broken and odd files; all of it is run by ``make corpus``."""

import pytest

from bench.corpus.case import Case
from bench.corpus.judging import judge, write_cases
from bench.corpus.kinds import KINDS

WHOLE_GROUPS = {"browser emus", "levels", "without times iuvs"}  # files of one observation belong together
PER_KIND = 2


@pytest.fixture(scope="module")
def sample() -> list[Case]:
    cases = [case for case in KINDS["copies"]() if case.observation in WHOLE_GROUPS]
    for name in KINDS.keys() - {"copies", "bombs"}:
        listed = list(KINDS[name]())
        cases += listed[:: len(listed) // PER_KIND][:PER_KIND]
    return sorted(cases, key=lambda case: (case.kind, case.what))


@pytest.mark.slow
def test_every_file_has_a_right_outcome(sample, tmp_path):
    found = list(judge(write_cases(sample, tmp_path / "in"), tmp_path / "in", tmp_path / "out", measured=False))
    assert len(found) >= len(sample) > 60
    assert [item for item in found if item.verdict] == []
