"""The intermediate pictures of the object count."""

import cv2
import numpy as np
from night_pictures import NIGHT, draw_counts, make_spot

from mars_aurora.classify.stages import draw_stages


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
