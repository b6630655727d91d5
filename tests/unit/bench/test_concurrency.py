"""Throttling of the map, in simulation."""

import pytest

from bench.concurrency import MOST, Retry, read_retry, run_twice, simulate
from mars_aurora.steps.open import share_concurrency

FILES = 10_000


@pytest.mark.parametrize("used", [0, 5])
def test_ten_thousand_files_finish_in_an_account_that_allows_ten_functions_at_once(used: int) -> None:
    first, second = run_twice(FILES, share_concurrency(10, 1, MOST), 10 - used, read_retry())
    assert first.left < FILES // 100
    assert second.left == 0


def test_two_runs_at_once_finish() -> None:
    """The first run had all functions when it started, and the second has its share."""
    both = share_concurrency(10, 1, MOST) + share_concurrency(10, 2, MOST)
    first, second = run_twice(FILES, both, 10, read_retry())
    assert first.left < FILES // 100
    assert second.left == 0


def test_a_thousand_children_would_exhaust_their_attempts() -> None:
    assert simulate(FILES, 1000, 10, Retry(1, 2, 20, 12)).left > FILES // 2
    assert simulate(FILES, 1000, 400, Retry(1, 2, 20, 12)).left < 10
