import cv2
import numpy as np
import pytest

from mars_aurora.detector import box_iou, fit_picture, placement, read_picture, select, suppress
from mars_aurora.errors import UsageError


def encode(pixels):
    return cv2.imencode(".png", pixels)[1].tobytes()


def test_transparent_pixels_are_read_as_black_and_colours_as_rgb():
    pixels = np.zeros((4, 6, 4), np.uint8)
    pixels[...] = (10, 20, 30, 255)  # OpenCV writes blue first
    pixels[0, :, 3] = 0
    picture = read_picture(encode(pixels))
    assert picture[1, 0].tolist() == [30, 20, 10]
    assert not picture[0].any()


def test_grey_picture_becomes_three_equal_channels():
    assert read_picture(encode(np.full((4, 6), 7, np.uint8))).tolist() == np.full((4, 6, 3), 7).tolist()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x89PNG\r\n\x1a\n",
        b"GIF89a" + bytes(40),
        encode(np.zeros((4, 6), np.uint8))[:40],
        encode(np.zeros((4, 6), np.uint16)),
    ],
    ids=["empty", "signature only", "gif", "cut", "16 bits"],
)
def test_what_is_no_picture_is_refused(data):
    with pytest.raises(UsageError):
        read_picture(data)


def test_a_picture_that_claims_to_be_huge_is_refused_before_it_is_unpacked():
    data = bytearray(encode(np.zeros((4, 6), np.uint8)))
    data[16:24] = (100_000).to_bytes(4, "big") * 2
    with pytest.raises(UsageError, match="100000x100000"):
        read_picture(bytes(data))


@pytest.mark.parametrize("shape", [(480, 640), (480, 480), (100, 900), (31, 17)])
def test_letterbox_keeps_the_shape_and_says_where_the_picture_went(shape):
    picture = np.full((*shape, 3), 255, np.uint8)
    blob = fit_picture(picture, 256, 320)[0, 0]
    x0, y0, scale = placement(picture.shape, 256, 320)
    rows, columns = np.nonzero(blob)
    assert (rows.min(), columns.min()) == (y0, x0)
    assert rows.max() + 1 - y0 == pytest.approx(shape[0] * scale, abs=0.51)
    assert columns.max() + 1 - x0 == pytest.approx(shape[1] * scale, abs=0.51)


def test_iou_of_known_boxes():
    a = np.array([[0, 0, 10, 10]], np.float32)
    b = np.array([[0, 0, 10, 10], [5, 0, 15, 10], [20, 20, 30, 30], [3, 3, 3, 3]], np.float32)
    assert box_iou(a, b)[0] == pytest.approx([1, 1 / 3, 0, 0])


def suppress_plainly(corners, label, overlap):
    kept = []
    for i in range(len(corners)):
        rivals = [j for j in kept if label[j] == label[i]]
        if all(box_iou(corners[[j]], corners[[i]])[0, 0] <= overlap for j in rivals):
            kept.append(i)
    return kept


@pytest.mark.parametrize("seed", range(5))
def test_suppression_equals_the_plain_algorithm(seed):
    random = np.random.default_rng(seed)
    low = random.uniform(0, 60, (80, 2))
    corners = np.hstack((low, low + random.uniform(5, 40, (80, 2)))).astype(np.float32)
    label = random.integers(0, 2, 80)
    kept = np.flatnonzero(suppress(corners, label, 0.3))
    assert kept.tolist() == suppress_plainly(corners, label, 0.3)
    assert 0 < len(kept) < 80


def test_selection_cuts_each_class_at_its_own_confidence_and_sorts():
    scores = np.array(
        [
            [50, 50, 20, 20, 0.5, 0.9, 0.1],  # class 0 at 0.45
            [150, 50, 20, 20, 0.9, 0.1, 0.9],  # class 1 at 0.81
            [250, 50, 20, 20, 0.5, 0.1, 0.9],  # class 1 at 0.45: below its threshold
            [51, 50, 20, 20, 0.4, 0.9, 0.1],  # the first one again, less sure
        ],
        np.float32,
    )
    corners, confidence, label = select(scores, np.array([0.3, 0.6], np.float32))
    assert label.tolist() == [1, 0]
    assert confidence == pytest.approx([0.81, 0.45])
    assert corners.tolist() == [[140, 40, 160, 60], [40, 40, 60, 60]]


def test_nothing_above_the_threshold_gives_no_boxes():
    corners, confidence, label = select(np.zeros((5, 7), np.float32), np.array([0.3, 0.3], np.float32))
    assert corners.shape == (0, 4)
    assert len(confidence) == len(label) == 0
