import numpy as np
import pytest

from mars_aurora_model.scoring import choose_threshold, match


def boxes(*corners):
    return np.array(corners, np.float32).reshape(-1, 4)


def sure(*values):
    return np.array(values, np.float32)


TRUTH = boxes((0, 0, 10, 10), (100, 100, 120, 120))


def test_perfect_predictions_score_one():
    found = match([(TRUTH, sure(0.9, 0.8))], [TRUTH])
    assert found.average_precision() == pytest.approx(1)
    assert found.at(0.85) == (1.0, 0.5)


def test_a_second_box_on_the_same_truth_is_a_false_alarm():
    found = match([(boxes((0, 0, 10, 10), (1, 0, 10, 10)), sure(0.9, 0.8))], [TRUTH])
    assert found.correct.tolist() == [True, False]
    assert found.found_at == pytest.approx([0.9, 0])


def test_the_surer_box_takes_the_truth_whatever_the_order():
    found = match([(boxes((1, 0, 10, 10), (0, 0, 10, 10)), sure(0.5, 0.9))], [TRUTH])
    assert found.correct.tolist() == [False, True]


def test_average_precision_of_a_known_curve():
    # right, wrong, right over two truths: precision 1 up to recall 0.5, then 2/3
    predicted = boxes((0, 0, 10, 10), (50, 50, 60, 60), (100, 100, 120, 120))
    found = match([(predicted, sure(0.9, 0.8, 0.7))], [TRUTH])
    assert found.average_precision() == pytest.approx(0.5 + 0.5 * 2 / 3)


def test_an_empty_image_only_counts_its_false_alarms():
    found = match([(TRUTH, sure(0.9, 0.8)), (boxes(), sure())], [boxes(), TRUTH])
    assert found.average_precision() == 0
    assert len(found.found_at) == 2


def test_the_threshold_is_chosen_for_the_precision_asked():
    predicted = boxes((0, 0, 10, 10), (50, 50, 60, 60), (100, 100, 120, 120))
    found = match([(predicted, sure(0.9, 0.8, 0.7))], [TRUTH])
    assert choose_threshold(found, 0.97) == pytest.approx(0.85)  # midway to the false alarm
    assert choose_threshold(found, 0.5) == pytest.approx(0.35)


def test_boxes_on_what_is_doubtful_are_neither_right_nor_wrong():
    predicted = boxes((0, 0, 10, 10), (52, 52, 58, 58), (200, 200, 210, 210))
    found = match([(predicted, sure(0.9, 0.8, 0.7))], [TRUTH[:1]], doubtful=[boxes((50, 50, 60, 60))])
    assert found.correct.tolist() == [True, False]
    assert found.confidence == pytest.approx([0.9, 0.7])
