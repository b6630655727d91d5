import numpy as np
import pytest

from mars_aurora.box import Box
from mars_aurora_model.labels import Label, Picture
from mars_aurora_model.predictions import Answered, choose_thresholds
from mars_aurora_model.scoring import f1, match


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


def test_f1_of_known_shares():
    assert f1(0.5, 1.0) == pytest.approx(2 / 3)
    assert f1(0.0, 0.0) == 0


def picture(*auroras):
    mars = Label("mars", 150, 60, 490, 400)
    return Picture("", "", b"", (mars, *(Label("aurora", *box, brightness_R=9.0, snr=20.0) for box in auroras)))


def test_thresholds_are_chosen_between_what_is_right_and_what_is_not():
    mars = Box("mars", 0.9, 150, 60, 490, 400)
    seen, loose, false = (Box("aurora", sure, *box) for sure, box in (
        (0.8, (200, 100, 250, 150)), (0.3, (210, 120, 330, 260)), (0.4, (300, 300, 320, 320))
    ))  # fmt: skip
    answered = Answered([picture((200, 100, 250, 150)), picture()], [[mars, seen, loose], [mars, false]])
    thresholds = choose_thresholds(answered)
    assert 0.4 < thresholds["aurora"] <= 0.8
    assert 0.3 < thresholds["mars"] < 0.7  # anything up to 0.9 would do: the middle is safest


def test_a_threshold_that_finds_the_pictures_goes_before_one_with_better_boxes():
    sure, loose, lone = (Box("aurora", sure, *box) for sure, box in (
        (0.8, (200, 100, 250, 150)), (0.6, (210, 120, 330, 260)), (0.2, (300, 300, 340, 340))
    ))  # fmt: skip
    found = [picture((200, 100, 250, 150)), picture((300, 300, 340, 340)), picture()]
    answered = Answered(found, [[sure, loose, loose, loose], [lone], []])
    assert 0.05 <= choose_thresholds(answered)["aurora"] <= 0.2


def test_boxes_on_what_is_doubtful_are_neither_right_nor_wrong():
    predicted = boxes((0, 0, 10, 10), (52, 52, 58, 58), (200, 200, 210, 210))
    found = match([(predicted, sure(0.9, 0.8, 0.7))], [TRUTH[:1]], doubtful=[boxes((50, 50, 60, 60))])
    assert found.correct.tolist() == [True, False]
    assert found.confidence == pytest.approx([0.9, 0.7])
