"""The detectors by name."""

from dataclasses import replace

import pytest

from mars_aurora.detect import threshold
from mars_aurora.detect.detectors import DetectorName, DetectorVersion, choose_detector, load_detector
from mars_aurora.emission import OXYGEN_1304, OXYGEN_1356
from mars_aurora.errors import UsageError


def test_default_detector_is_the_network_where_it_is_trained_for_the_emission():
    assert choose_detector(None, OXYGEN_1304) is DetectorName.YOLO
    assert choose_detector(None, OXYGEN_1356) is DetectorName.THRESHOLD
    assert choose_detector(None, replace(OXYGEN_1304, has_network=False)) is DetectorName.THRESHOLD


@pytest.mark.parametrize("emission", [OXYGEN_1304, OXYGEN_1356])
def test_threshold_detector_can_be_chosen_for_every_emission(emission):
    assert choose_detector(DetectorName.THRESHOLD, emission) is DetectorName.THRESHOLD


def test_network_can_be_chosen_where_it_is_trained_for_the_emission():
    assert choose_detector(DetectorName.YOLO, OXYGEN_1304) is DetectorName.YOLO


def test_network_is_rejected_for_an_emission_it_is_not_trained_for():
    with pytest.raises(UsageError, match=r"yolo is not trained for O I 135\.6"):
        choose_detector(DetectorName.YOLO, OXYGEN_1356)


def test_predictions_are_kept_by_weights_or_by_name_where_there_are_none():
    assert DetectorVersion(DetectorName.YOLO, "0a1b").folder == "0a1b"
    assert DetectorVersion(DetectorName.THRESHOLD).folder == "threshold"


def test_detector_is_loaded_by_name():
    assert load_detector(DetectorName.THRESHOLD) is threshold.detect


@pytest.mark.parametrize("name", DetectorName)
def test_every_detector_can_be_loaded(name):
    assert callable(load_detector(name))
