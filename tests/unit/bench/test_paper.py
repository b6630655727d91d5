"""Tables of the experiments of the paper, computed from fixed inputs."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bench.paper import aws, detection, images, load, options, pages, parent, process, speed, table1
from bench.paper.aws import Job
from bench.paper.functions import Calls
from bench.paper.inputs import require_outcomes
from bench.paper.sources import value
from mars_aurora.box import Box
from mars_aurora_model.labels import Label

CALLS = {
    "preprocess": Calls(calls=10, memory_mb=1769, cpu_s=2.0, wall_s=3.0, cold_s=1.0, peak_mb=160.0),
    "classify": Calls(calls=10, memory_mb=1024, cpu_s=0.1, wall_s=1.0, cold_s=0.5, peak_mb=90.0),
    "detect": Calls(calls=10, memory_mb=1769, cpu_s=0.2, wall_s=1.0, cold_s=0.5, peak_mb=150.0),
}
WAY = {"wall_s": 12.0, "cpu_s": 20.0, "parent_s": 1.0, "peak_mb": 300.0, "candidates": 3}
TABLE1 = {"files": 12, "megabytes": 8.5, "ways": {name: [WAY] for name in ("paper", "plain", "one", "two")}}
IMAGES = {"functions": {name: vars(calls) for name, calls in CALLS.items()}}


def test_less_memory_than_a_cpu_needs_is_billed_longer() -> None:
    assert CALLS["preprocess"].billed_s == pytest.approx(0.2)
    assert CALLS["classify"].billed_s == pytest.approx(0.01 * 1769 / 1024)


def test_time_of_reading_falls_as_the_number_of_functions_grows_and_cost_only_by_cold_starts() -> None:
    few, many = (aws.estimate(Job(1000, 300, 8.5, parallel), CALLS, aws.today()) for parallel in (10, 1000))
    assert few.parts_s["read and classify"] == pytest.approx(100 * many.parts_s["read and classify"])
    cold_gb_s = 990 * (1769 / 1024 * CALLS["preprocess"].billed_cold_s + CALLS["classify"].billed_cold_s)
    assert many.usd - few.usd == pytest.approx(cold_gb_s * aws.today().lambda_gb_s, rel=0.01)


def test_cost_of_reading_is_what_the_formula_says() -> None:
    seconds = 0.2 + 7 * value("s3_request_s") + 8.5 / value("s3_mb_s")
    assert aws.find_call_s("Preprocess", CALLS, 8.5) == pytest.approx(seconds)
    one, two = (aws.estimate(Job(1, 0, size, 1), CALLS, aws.today()) for size in (0.0, 8.5))
    longer_s = 8.5 / value("s3_mb_s")
    assert two.parts_usd["Lambda"] - one.parts_usd["Lambda"] == pytest.approx(
        longer_s * 1769 / 1024 * aws.today().lambda_gb_s, rel=0.3
    )


def test_prices_of_the_paper_change_lambda_and_the_instance_only() -> None:
    job = Job(1000, 300, 8.5, 1000)
    ours, theirs = (aws.estimate(job, CALLS, prices).parts_usd for prices in (aws.today(), aws.in_paper()))
    assert {part for part in ours if ours[part] != pytest.approx(theirs[part])} == {"Lambda", "Transform job"}
    assert theirs["Transform job"] == pytest.approx(330 / 3600 * 0.1345)


def test_detection_on_lambda_has_no_transform_job() -> None:
    on_lambda = aws.estimate(Job(1000, 300, 8.5, 1000, on_lambda=True), CALLS, aws.today())
    assert "Transform job" not in on_lambda.parts_usd
    assert on_lambda.parts_s["detect"] < 10


def test_table_1_scales_the_measured_files_and_names_what_is_missing() -> None:
    text = table1.describe(TABLE1, IMAGES)
    assert "| the paper's way, one thread | 17 min | 1,667 | 300 |" in text
    assert "joblib" in text.split("Left out")[1].split("\n")[0]
    assert text.count("| Lambda, ") == 5
    assert "25% of the files are candidates" in text


def test_table_of_200_images_scales_to_200() -> None:
    used = {"pictures": 20, "wall_s": 1.1, "work_s": 0.9, "cpu_s": 1.0, "peak_mb": 80.0}
    text = images.describe({"pictures": 20, "processes": {"count": used}, **IMAGES})
    assert "| classification, one process | 10 | 9.1 | 80 |  | under 4 s and under 150 MB |" in text
    assert "| classification, function of 1024 MB | 20 | 2 | 90 | 3.5 |" in text
    assert "Measured on 20 and scaled to 200" in text


def test_efs_costs_more_than_s3_and_waits_less() -> None:
    s3, efs = options.on_s3(10.0), options.on_efs(10.0)
    assert efs.usd_month == pytest.approx(s3.usd_month * 0.30 / 0.023)
    assert efs.seconds < s3.seconds
    assert efs.usd_once == pytest.approx(12.5 / 1000 * 0.09)


def test_percentiles_are_of_all_files() -> None:
    assert load.find_percentiles([3.0]) == (3.0, 3.0)
    assert load.find_percentiles(list(map(float, range(101)))) == pytest.approx((50, 95))


def test_parent_is_a_line_through_two_runs() -> None:
    slope_ms, fixed_s = parent.fit([{"parent_s": 1.5}, {"parent_s": 6.9}], [300, 3000])
    assert (slope_ms, fixed_s) == pytest.approx((2.0, 0.9))


def test_ratios_are_medians_of_rounds() -> None:
    used = {name: [{"wall_s": wall} for wall in walls] for name, walls in {"one": (4, 6, 9), "two": (2, 4, 5)}.items()}
    assert speed.find_ratio(used, "one") == pytest.approx(1.8)
    assert speed.find_efficiency(used) == pytest.approx(0.9)


def test_efficiency_of_many_files_is_stated_by_round_with_the_commit() -> None:
    used = {name: [{"wall_s": wall} for wall in walls] for name, walls in {"one": (72, 76), "two": (40, 38)}.items()}
    text = speed.describe_large({"used": used}, "abc1234")
    assert "2 rounds: 0.90 and 1.00" in text
    assert "1 worker 74 s" in text
    assert "abc1234" in text


def test_box_finds_one_label() -> None:
    labels = [Label("aurora", 0, 0, 10, 10), Label("aurora", 0, 0, 10, 12), Label("aurora", 100, 100, 120, 120)]
    assert detection.count_found(labels, [Box("aurora", 0.9, 0, 0, 10, 11)]) == 1
    assert (
        detection.count_found(labels, [Box("aurora", 0.9, *corners) for corners in ((0, 0, 10, 11), (0, 0, 9, 12))])
        == 2
    )
    assert detection.count_found([], [Box("aurora", 0.9, 0, 0, 1, 1)]) == 0


def test_table_of_detection_counts_before_and_after_the_object_count() -> None:
    found = detection.Answers(mars=1, mars_found=1, auroras=1, auroras_found=1, faint=0, has_box=True, objects=2)
    few = replace(found, objects=1)
    empty = replace(found, auroras=0, auroras_found=0, has_box=False)
    answers = {"pictures": [found, few, empty], "low_resolution": [few], "white_areas": [empty]}
    some = {name: [vars(answer) for answer in found] for name, found in answers.items()}
    text = detection.describe({"answers": some})
    assert "in which one is detected | 2 of 2 (100.0%) | 1 of 2 (50.0%) |" in text
    assert "low resolution, without aurora, the same | 1 of 1 (100.0%) | 0 of 1 (0.0%) |" in text


@pytest.mark.parametrize("outcomes", [["aurora", "superseded"], ["aurora"], ["aurora", "failed"]])
def test_inputs_that_are_not_distinct_observations_fail_the_benchmark(outcomes: list[str]) -> None:
    with pytest.raises(ValueError, match="2 distinct inputs"):
        require_outcomes(["outcome", *outcomes], 2, "ledger.csv")


def test_part_of_a_page_is_replaced_between_its_comments() -> None:
    page = "a\n<!-- paper: x -->\nold\n<!-- end of paper: x -->\nb\n"
    assert pages.replace_part(page, "x", "new") == page.replace("old", "new")
    with pytest.raises(ValueError, match="once each"):
        pages.replace_part(page, "y", "new")


def test_numbers_have_two_digits() -> None:
    assert [pages.format_number(number) for number in (0, 0.0123, 1.27, 12.7, 1234)] == [
        "0",
        "0.012",
        "1.3",
        "13",
        "1,200",
    ]
    assert [pages.format_duration(seconds) for seconds in (1.5, 150, 8000, 200_000)] == [
        "1.5 s",
        "2.5 min",
        "2.2 h",
        "2.3 d",
    ]


def test_cpu_time_of_processes_that_nobody_waits_for_is_counted() -> None:
    spin = "import time\nwhile time.process_time() < 0.4: pass"
    code = f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', {spin!r}]); time.sleep(1.5)"
    used = process.run([sys.executable, "-c", code])
    assert used.cpu_s - used.parent_cpu_s > 0.25
    with pytest.raises(RuntimeError, match="ended with 3"):
        process.run([sys.executable, "-c", "raise SystemExit(3)"])


def test_command_refuses_an_unknown_part() -> None:
    root = Path(__file__).parents[3]
    command = [sys.executable, "-m", "bench.paper", "figure1"]
    done = subprocess.run(command, cwd=root, env=os.environ, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "invalid choice" in done.stderr
