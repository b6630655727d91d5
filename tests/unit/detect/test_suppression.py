"""From the network's output to boxes: thresholds, non-maximum suppression, nested boxes."""

import numpy as np
import pytest

from mars_aurora.detect.suppression import box_iou, select, suppress


def test_iou_of_known_boxes():
    a = np.array([[0, 0, 10, 10]], np.float32)
    b = np.array([[0, 0, 10, 10], [5, 0, 15, 10], [20, 20, 30, 30], [3, 3, 3, 3]], np.float32)
    assert box_iou(a, b)[0] == pytest.approx([1, 1 / 3, 0, 0])
    assert box_iou(b[3:], b[3:]) == 0


def _suppress_one_by_one(corners, label, overlap):
    kept = []
    for i in range(len(corners)):
        rivals = [j for j in kept if label[j] == label[i]]
        if all(box_iou(corners[[j]], corners[[i]])[0, 0] <= overlap for j in rivals):
            kept.append(i)
    return kept


@pytest.mark.parametrize("seed", range(5))
def test_suppression_equals_the_textbook_algorithm(seed):
    random = np.random.default_rng(seed)
    low = random.uniform(0, 60, (80, 2))
    corners = np.hstack((low, low + random.uniform(5, 40, (80, 2)))).astype(np.float32)
    label = random.integers(0, 2, 80)
    kept = np.flatnonzero(suppress(corners, label, 0.3))
    assert kept.tolist() == _suppress_one_by_one(corners, label, 0.3)
    assert 0 < len(kept) < 80


def test_each_class_has_its_own_threshold_and_boxes_are_sorted_by_confidence():
    scores = np.array(
        [
            [50, 50, 20, 20, 0.5, 0.9, 0.1],  # class 0 at 0.45
            [150, 50, 20, 20, 0.9, 0.1, 0.9],  # class 1 at 0.81
            [250, 50, 20, 20, 0.5, 0.1, 0.9],  # class 1 at 0.45: below its threshold
            [51, 50, 20, 20, 0.4, 0.9, 0.1],  # the first one again, less confident
        ],
        np.float32,
    )
    corners, confidence, label = select(scores, np.array([0.3, 0.6], np.float32))
    assert label.tolist() == [1, 0]
    assert confidence == pytest.approx([0.81, 0.45])
    assert corners.tolist() == [[140, 40, 160, 60], [40, 40, 60, 60]]


def test_less_confident_of_two_nested_boxes_has_its_confidence_halved():
    scores = np.array(
        [
            [100, 100, 90, 90, 0.9, 0.9, 0.0],  # Mars, which contains the next two
            [100, 100, 40, 40, 0.9, 0.0, 1.0],
            [90, 90, 10, 10, 0.8, 0.0, 1.0],  # inside that one
            [300, 100, 20, 20, 0.6, 0.0, 1.0],
            [305, 100, 60, 60, 0.5, 0.0, 1.0],  # contains that one
            [420, 100, 20, 20, 0.3, 0.0, 1.0],
        ],
        np.float32,
    )
    corners, confidence, label = select(scores, np.array([0.3, 0.28], np.float32))
    assert confidence == pytest.approx([0.9, 0.81, 0.6, 0.4, 0.3])
    assert label.tolist() == [1, 0, 1, 1, 1]
    assert corners[3].tolist() == [85, 85, 95, 95]


def test_box_of_exactly_the_least_confidence_is_selected():
    scores = np.array([[50, 50, 20, 20, 0.5, 1.0, 0.0], [150, 50, 20, 20, 0.5, 0.0, 0.5]], np.float32)
    _, confidence, label = select(scores, np.array([0.5, 0.25], np.float32))
    assert confidence.tolist() == [0.5, 0.25]
    assert label.tolist() == [0, 1]


def test_boxes_are_nested_where_four_fifths_of_the_smaller_one_are_inside():
    """Of the small box, 0.79 and 0.81 are inside the large one."""
    large = [100, 100, 100, 100, 1.0, 0.8]
    for inside, factor in ((0.79, 1.0), (0.81, 0.5)):
        small = [150 + 20 * (0.5 - inside), 100, 20, 20, 1.0, 0.6]
        _, confidence, _ = select(np.array([large, small], np.float32), np.array([0.1], np.float32))
        assert confidence == pytest.approx([0.8, factor * 0.6])


def test_boxes_of_another_class_are_neither_suppressed_nor_nested():
    scores = np.array([[50, 50, 20, 20, 1.0, 0.9, 0.1], [50, 50, 20, 20, 1.0, 0.1, 0.8]], np.float32)
    _, confidence, label = select(scores, np.array([0.3, 0.3], np.float32))
    assert confidence == pytest.approx([0.9, 0.8])
    assert label.tolist() == [0, 1]


def test_boxes_overlapping_by_half_are_both_selected_and_by_more_are_one():
    """The IoU of boxes of 20 px moved by s is (20 - s) / (20 + s); nested boxes are in the test above."""
    for moved_px, n_boxes in ((7.0, 2), (6.0, 1)):
        corners = np.array([[0, 0, 20, 20], [moved_px, 0, 20 + moved_px, 20]], np.float32)
        assert suppress(corners, np.zeros(2, int)).sum() == n_boxes


def test_box_suppressed_by_another_suppresses_none():
    corners = np.array([[0, 0, 20, 20], [5, 0, 25, 20], [10, 0, 30, 20]], np.float32)
    assert suppress(corners, np.zeros(3, int)).tolist() == [True, False, True]


def test_only_the_300_most_confident_boxes_are_compared():
    confidence = np.linspace(0.9, 0.5, 320)
    number = np.arange(320)
    columns = (30 * (number % 20), 30 * (number // 20), number * 0 + 10, number * 0 + 10, number * 0 + 1, confidence)
    corners, found, _ = select(np.stack(columns, axis=1).astype(np.float32), np.array([0.1], np.float32))
    assert found == pytest.approx(confidence[:300])
    assert corners[299].tolist() == [30 * 19 - 5, 30 * 14 - 5, 30 * 19 + 5, 30 * 14 + 5]


def test_no_score_above_the_thresholds_gives_no_boxes():
    corners, confidence, label = select(np.zeros((5, 7), np.float32), np.array([0.3, 0.3], np.float32))
    assert corners.shape == (0, 4)
    assert len(confidence) == len(label) == 0
