"""The intermediate pictures of the object count."""

import cv2
import numpy as np
from night_pictures import NIGHT, draw_counts, make_spot

from mars_aurora.background.window import LEFT, TOP
from mars_aurora.classify.count import run_stages
from mars_aurora.classify.stages import draw_stages
from mars_aurora.picture.palette import inferno

CROSS = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))


def test_every_stage_is_drawn():
    stages = draw_stages(draw_counts(NIGHT + make_spot(380, 250, 12, 20.0)))
    images = {name: cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED) for name, png in stages.items()}
    assert len(images) == 11
    assert {image.shape[:2] for image in images.values()} == {(365, 365)}
    assert np.array_equal(images["6_inverted"], 255 - images["5_binary"])
    assert np.array_equal(images["8_edges"], 255 - images["7_eroded"])
    assert (images["8_edges"] > 0).sum() > (images["5_binary"] > 0).sum() > 0
    assert {0, 192} <= set(np.unique(images["10_flooded"])) <= {0, 192, 255}  # 255: regions too faint for a feature
    assert not images["2_masked"][0, 0, 3]


def test_pictures_have_the_colors_of_the_heatmap_and_lines_around_each_object():
    counts = draw_counts(NIGHT + make_spot(380, 250, 12, 20.0) + make_spot(250, 200, 12, 20.0))
    stages = run_stages(counts)
    images = {
        name: cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED)
        for name, png in draw_stages(counts).items()
    }
    colors = inferno()[stages.levels][..., ::-1]  # blue green red
    mask = stages.mask > 0
    assert np.array_equal(images["2_masked"], np.dstack((colors, stages.mask)))
    assert np.array_equal(images["3_background"], colors * mask[..., None])

    outlines = images["9_outlines"]
    parts, labels = cv2.connectedComponents(stages.edges)
    assert parts == 3  # and what is around them
    for part in (1, 2):
        inside = cv2.erode((labels == part).astype(np.uint8), CROSS, borderValue=0) > 0
        assert np.array_equal(outlines[labels == part] == 255, ~inside[labels == part])
    assert set(np.unique(outlines)) == {0, 255}

    drawn = (images["11_circles"] != colors).any(-1)
    assert np.array_equal(np.unique(images["11_circles"][drawn], axis=0), [[255, 128, 0]])
    y, x = np.nonzero(drawn)
    objects = stages.found.objects
    beside = np.array([np.hypot(x + LEFT - item.x, y + TOP - item.y) - item.radius for item in objects])
    assert np.abs(beside).min(axis=0).max() < 2.5
    assert len(objects) == 3
    for item, around in zip(objects, np.abs(beside), strict=True):
        angles = np.arctan2(y + TOP - item.y, x + LEFT - item.x)[around < 2.5]
        assert len(np.unique(np.rint(8 * angles))) == 51  # all around
        assert np.count_nonzero(around < 2.5) > 1.5 * 2 * np.pi * item.radius  # two pixels wide
