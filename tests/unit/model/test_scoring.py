import numpy as np
import pytest

from mars_aurora.box import Box
from mars_aurora_model.labels import Label, LabeledPicture
from mars_aurora_model.predictions import Predictions, choose_thresholds
from mars_aurora_model.scoring import expected_calibration_error, f1, match


def boxes(*corners):
    return np.array(corners, np.float32).reshape(-1, 4)


def confidences(*values):
    return np.array(values, np.float32)


TRUTH = boxes((0, 0, 10, 10), (100, 100, 120, 120))


def test_perfect_predictions_score_one():
    found = match([(TRUTH, confidences(0.9, 0.8))], [TRUTH])
    assert found.average_precision() == pytest.approx(1)
    assert found.at(0.85) == (1.0, 0.5)


def test_second_box_on_a_true_box_is_a_false_alarm():
    found = match([(boxes((0, 0, 10, 10), (1, 0, 10, 10)), confidences(0.9, 0.8))], [TRUTH])
    assert found.correct.tolist() == [True, False]
    assert found.found_at == pytest.approx([0.9, 0])


def test_most_confident_box_is_matched_in_any_order():
    found = match([(boxes((1, 0, 10, 10), (0, 0, 10, 10)), confidences(0.5, 0.9))], [TRUTH])
    assert found.correct.tolist() == [False, True]


def test_average_precision_of_a_known_curve():
    # right, wrong, right over two truths: precision 1 up to recall 0.5, then 2/3
    predicted = boxes((0, 0, 10, 10), (50, 50, 60, 60), (100, 100, 120, 120))
    found = match([(predicted, confidences(0.9, 0.8, 0.7))], [TRUTH])
    assert found.average_precision() == pytest.approx(0.5 + 0.5 * 2 / 3)


def test_image_without_true_boxes_contributes_false_alarms():
    found = match([(TRUTH, confidences(0.9, 0.8)), (boxes(), confidences())], [boxes(), TRUTH])
    assert found.average_precision() == 0
    assert len(found.found_at) == 2


def test_f1_of_known_values():
    assert f1(0.5, 1.0) == pytest.approx(2 / 3)
    assert f1(0.0, 0.0) == 0


def picture(*auroras):
    mars = Label("mars", 150, 60, 490, 400)
    return LabeledPicture("", "", b"", (mars, *(Label("aurora", *box, brightness_R=9.0, snr=20.0) for box in auroras)))


def test_thresholds_separate_correct_from_false_boxes():
    mars = Box("mars", 0.9, 150, 60, 490, 400)
    true, loose, false = (Box("aurora", confidence, *box) for confidence, box in (
        (0.8, (200, 100, 250, 150)), (0.3, (210, 120, 330, 260)), (0.4, (300, 300, 320, 320))
    ))  # fmt: skip
    predictions = Predictions([picture((200, 100, 250, 150)), picture()], [[mars, true, loose], [mars, false]])
    thresholds = choose_thresholds(predictions)
    assert 0.4 < thresholds["aurora"] <= 0.8
    assert 0.3 < thresholds["mars"] < 0.7  # all up to 0.9 are equal: the median is chosen


def test_threshold_of_auroras_is_the_lowest_with_few_false_alarms():
    empty = [Box("aurora", 0.1 + 0.005 * number, 300, 300, 320, 320) for number in range(100)]
    found = [picture((200, 100, 250, 150)), *(picture() for _ in empty)]
    predictions = Predictions(found, [[], *([box] for box in empty)])
    threshold = choose_thresholds(predictions)["aurora"]
    assert sum(box.confidence >= threshold for box in empty) <= 1
    assert sum(box.confidence >= threshold - 0.01 for box in empty) > 1


def test_boxes_on_ignored_boxes_count_neither_way():
    predicted = boxes((0, 0, 10, 10), (52, 52, 58, 58), (200, 200, 210, 210))
    found = match([(predicted, confidences(0.9, 0.8, 0.7))], [TRUTH[:1]], ignored=[boxes((50, 50, 60, 60))])
    assert found.correct.tolist() == [True, False]
    assert found.confidence == pytest.approx([0.9, 0.7])


def test_calibration_error_of_a_known_table():
    confidence = np.repeat([0.2, 0.6, 0.9], (10, 10, 20))
    correct = np.repeat([True, False, True, False, True], (4, 6, 3, 7, 20))  # 0.4, 0.3 and 1 are correct
    assert expected_calibration_error(confidence, correct, bins=4) == pytest.approx(0.25 * (0.2 + 0.3 + 0.1 + 0.1))


def test_calibration_error_is_small_where_confidence_is_the_probability():
    rng = np.random.default_rng(5)
    confidence = rng.uniform(0, 1, 20_000)
    correct = rng.random(20_000) < confidence
    assert expected_calibration_error(confidence, correct) < 0.02
    assert expected_calibration_error(np.sqrt(confidence), correct) > 0.1


def test_bins_of_the_calibration_error_have_equal_counts_in_order_of_confidence():
    confidence, correct = confidences(0.9, 0.2, 0.8, 0.1), np.array([True, False, False, False])
    assert expected_calibration_error(confidence, correct, bins=2) == pytest.approx((0.7 + 0.3) / 4)
    assert expected_calibration_error(confidence, correct, bins=4) == pytest.approx((0.1 + 0.2 + 0.8 + 0.1) / 4)


def test_calibration_error_leaves_out_low_confidences():
    confidence, correct = confidences(0.049, 0.05, 0.95), np.array([True, False, True])
    assert expected_calibration_error(confidence, correct) == pytest.approx(0.05)
    assert expected_calibration_error(confidence, correct, least=0.9) == pytest.approx(0.05)
    assert np.isnan(expected_calibration_error(confidence, correct, least=0.99))
