"""The estimated cost of a run."""

import re
from datetime import date

import pytest

from mars_aurora.run import costs
from mars_aurora.run.costs import Usage, estimate

ON_SAGEMAKER = Usage(10_000, 3_000, instance="ml.c5.xlarge")


def find(usage: Usage, part: str) -> float:
    found = estimate(usage)
    return next(line.usd for line in (*found.lines, *found.monthly) if line.part == part)


def test_function_costs_its_seconds_by_its_memory_and_its_calls() -> None:
    memory_gb = costs.read_sizes()["Classify"].memory_mb / 1024
    expected = 2_000 * memory_gb * 0.0000133334 + 10_000 * 0.0000002
    assert find(ON_SAGEMAKER, "Function Classify") == pytest.approx(expected)


def test_disk_of_a_function_costs_what_is_above_the_free_size(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = costs.read_sizes()
    without = find(ON_SAGEMAKER, "Function Preprocess")
    larger = costs.Size(sizes["Preprocess"].memory_mb, sizes["Preprocess"].tmp_mb + 1024)
    monkeypatch.setattr(costs, "read_sizes", lambda: sizes | {"Preprocess": larger})
    assert find(ON_SAGEMAKER, "Function Preprocess") - without == pytest.approx(15_000 * 0.0000000309)


def test_candidates_cost_an_instance_or_the_detect_function() -> None:
    on_lambda = Usage(10_000, 3_000)
    assert find(ON_SAGEMAKER, "Transform job") == pytest.approx(600 / 3600 * 0.204)
    assert find(on_lambda, "Function Detect") > 0
    parts = [{line.part for line in estimate(usage).lines} for usage in (ON_SAGEMAKER, on_lambda)]
    assert parts[0] ^ parts[1] == {"Transform job", "Function Detect"}
    assert "Transform job" not in {line.part for line in estimate(Usage(5, 0, instance="ml.c5.xlarge")).lines}


def test_every_child_costs_a_transition() -> None:
    growth = find(Usage(1_000_000, 0), "Step Functions, transitions") - find(Usage(0, 0), "Step Functions, transitions")
    assert growth == pytest.approx(25 * (1 + 1 / 100 + 1 / 150)), "of inputs, slices and batches of sets"


def test_total_is_the_sum_of_the_lines_without_the_monthly_ones() -> None:
    found = estimate(ON_SAGEMAKER)
    assert found.usd == pytest.approx(sum(line.usd for line in found.lines))
    assert all(f"{line.part}, a month" in costs.describe(found) for line in found.monthly)


def test_every_price_has_its_unit_source_and_date() -> None:
    for price in costs.read_prices().values():
        assert price.usd > 0
        assert price.unit
        assert price.source
        assert re.fullmatch(r"20\d\d(-\d\d-\d\d)?", price.date)
        assert int(price.date[:4]) <= date.today().year  # noqa: DTZ011 -- the year alone
        assert price.source in costs.describe_prices()
