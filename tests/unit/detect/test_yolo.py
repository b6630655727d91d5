import tracemalloc
import zlib

import cv2
import numpy as np
import pytest

from mars_aurora.detect.yolo import PHOTONS_R, box_iou, look, placement, read_levels, select, suppress
from mars_aurora.errors import UsageError
from mars_aurora.picture import heatmap


def encode(pixels):
    return cv2.imencode(".png", pixels)[1].tobytes()


def test_a_heatmap_saved_by_another_program_is_read_as_the_pipeline_s_own():
    levels = np.tile(np.arange(256, dtype=np.uint8), (480, 3))[:, :640]
    own = heatmap.encode(levels)
    saved_again = encode(cv2.imdecode(np.frombuffer(own, np.uint8), cv2.IMREAD_UNCHANGED))
    assert saved_again[:100] != own[:100]
    assert np.array_equal(read_levels(own), levels)
    assert np.abs(read_levels(saved_again).astype(int) - levels).max() <= 2


def test_transparent_pixels_are_unobserved():
    pixels = np.full((4, 6, 4), 255, np.uint8)
    pixels[0, :, 3] = 0
    levels = read_levels(encode(pixels))
    assert not levels[0].any()
    assert levels[1:].all()


def test_a_grey_picture_is_taken_for_levels():
    assert read_levels(encode(np.full((4, 6), 7, np.uint8))).tolist() == np.full((4, 6), 7).tolist()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x89PNG\r\n\x1a\n",
        b"GIF89a" + bytes(40),
        encode(np.zeros((4, 6), np.uint8))[:40],
        encode(np.zeros((4, 6), np.uint16)),
        encode(np.zeros((480, 640, 3), np.uint16)),
    ],
    ids=["empty", "signature only", "gif", "cut", "16 bits", "16 bits, of our size"],
)
def test_what_is_no_picture_is_refused(data):
    with pytest.raises(UsageError):
        read_levels(data)


def test_a_picture_that_claims_to_be_huge_is_refused_before_it_is_unpacked():
    data = bytearray(encode(np.zeros((4, 6), np.uint8)))
    data[16:24] = (100_000).to_bytes(4, "big") * 2
    with pytest.raises(UsageError, match="100000x100000"):
        read_levels(bytes(data))


def test_a_picture_of_ours_that_unpacks_to_gigabytes_is_refused():
    own = heatmap.encode(np.ones((480, 640), np.uint8))
    start = own.index(b"IDAT") + 4
    bomb = own[:start] + zlib.compress(bytes(50_000_000)) + own[-16:]
    tracemalloc.start()
    assert not read_levels(bomb).any()  # what is past the picture is not unpacked
    assert tracemalloc.get_traced_memory()[1] < 5e6
    tracemalloc.stop()


@pytest.mark.parametrize("shape", [(480, 640), (480, 480), (960, 1280), (240, 900)])
@pytest.mark.parametrize("side", [256, 352])
def test_a_place_in_the_picture_is_found_where_placement_says(shape, side):
    x0, y0, scale = placement(shape, side)
    column, row = round((0.4 * side - x0) / scale), round((0.6 * side - y0) / scale)
    levels = np.full(shape, 2, np.uint8)
    half = int(np.ceil(4 / scale))
    levels[row - half : row + half, column - half : column + half] = 200
    rows, columns = np.nonzero(look(levels, side)[0, 0] > 0.4)
    assert columns.mean() + 0.5 == pytest.approx(0.4 * side, abs=1)
    assert rows.mean() + 0.5 == pytest.approx(0.6 * side, abs=1)


def test_the_view_holds_limb_and_shell_and_nothing_is_lost_of_faint_light():
    levels = np.full((480, 640), heatmap.UNOBSERVED, np.uint8)
    cv2.circle(levels, (320, 230), 176, 1, cv2.FILLED)
    counts = np.random.default_rng(0).poisson(0.4, (340, 340))  # photons of a dark night, 2.8 R each
    levels[60:400, 150:490] = np.maximum(levels[60:400, 150:490] > 0, heatmap.to_levels(counts * np.float32(2.8)))
    _, light, observed, sun, contrast = look(levels, 256)[0]
    assert not sun.any()  # it is not known
    assert not contrast.any()
    assert observed.max() == 1
    assert observed.sum() == pytest.approx((levels > 0).sum() * (256 / 352) ** 2, rel=0.005)
    sent = np.minimum(heatmap.level_brightness()[levels], PHOTONS_R).sum()
    assert light.sum() * PHOTONS_R == pytest.approx(sent * (256 / 352) ** 2, rel=0.01)
    assert 0.9 * counts.sum() * 2.8 < sent < 1.1 * counts.sum() * 2.8


def test_the_view_tells_how_high_the_sun_stands():
    levels = np.ones((480, 640), np.uint8)
    from_the_right = np.array([0, 1, 0, 0, 0, 0, 0, 0, 0], np.float32)  # the cosine is x: noon at the right limb
    height = look(levels, 256, from_the_right)[0, 3]
    across = (np.arange(256) + 0.5 - 128) / 256 * 352 / 170
    angle = np.degrees(np.arccos(across[np.abs(across) < 0.95]))
    expected = np.clip((angle - 80) / 80, 1 / 255, 1)
    assert height[128][np.abs(across) < 0.95] == pytest.approx(expected, abs=0.01)


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


def test_of_two_boxes_one_in_the_other_the_less_sure_one_is_doubted():
    scores = np.array(
        [
            [100, 100, 90, 90, 0.9, 0.9, 0.0],  # Mars, which holds all else
            [100, 100, 40, 40, 0.9, 0.0, 1.0],
            [90, 90, 10, 10, 0.8, 0.0, 1.0],  # in that one
            [300, 100, 20, 20, 0.6, 0.0, 1.0],
            [305, 100, 60, 60, 0.5, 0.0, 1.0],  # holds that one
            [420, 100, 20, 20, 0.3, 0.0, 1.0],
        ],
        np.float32,
    )
    corners, confidence, label = select(scores, np.array([0.3, 0.28], np.float32))
    assert confidence == pytest.approx([0.9, 0.81, 0.6, 0.4, 0.3])
    assert label.tolist() == [1, 0, 1, 1, 1]
    assert corners[3].tolist() == [85, 85, 95, 95]


def test_nothing_above_the_threshold_gives_no_boxes():
    corners, confidence, label = select(np.zeros((5, 7), np.float32), np.array([0.3, 0.3], np.float32))
    assert corners.shape == (0, 4)
    assert len(confidence) == len(label) == 0
