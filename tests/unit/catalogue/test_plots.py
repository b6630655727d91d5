"""Pictures of observations with their auroras."""

import cv2
import numpy as np
import pytest

from mars_aurora import readers
from mars_aurora.box import Box
from mars_aurora.geometry import canvas
from mars_aurora.local.plot import plot
from mars_aurora.measure import measure
from mars_aurora_model.simulator.simulate import Simulated

plots = pytest.importorskip("mars_aurora.catalogue.plots", reason="the extra 'plots' is not installed")


def test_outline_and_box_stand_where_the_aurora_is_seen(broad_aurora: Simulated, tmp_path):
    path = tmp_path / broad_aurora.name.removesuffix(".gz")
    path.write_bytes(broad_aurora.to_fits())
    observation = readers.read(path, path.name)
    view = canvas.fit(observation)
    pixels = (broad_aurora.labels == 1) & (observation.tangent_altitude_km <= 0)
    x, y = view.x[pixels], view.y[pixels]
    box = Box("aurora", 0.9, *map(float, (x.min(), y.min(), x.max(), y.max())))
    found = measure.measure_observation(observation, view, [box])
    with_outline, without = (
        cv2.imdecode(np.frombuffer(plots.draw(observation, view, auroras), np.uint8), cv2.IMREAD_COLOR)
        for auroras in (found, [])
    )
    assert with_outline.shape == (720, 960, 3)
    lime = (with_outline == (0, 255, 0)).all(-1)
    assert lime.sum() > 100
    assert not (without == (0, 255, 0)).all(-1).any()
    shift, scale = 5, 825 / 640  # of the axes in the figure, nearly
    column = np.nonzero(lime)[1]
    assert column.min() == pytest.approx(shift + box.x0 * scale, abs=25)
    assert column.max() == pytest.approx(shift + box.x1 * scale, abs=25)


def test_a_name_that_the_run_does_not_hold_is_said(tmp_path):
    with pytest.raises(Exception, match="no geometry of x"):
        plot(tmp_path, ["x"])
