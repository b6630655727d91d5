"""Conversion of messages from and to JSON."""

import json

import pytest

from mars_aurora.errors import UsageError
from mars_aurora.run import messages
from mars_aurora.run.messages import ClassifyRequest, Message, PreprocessResult, TallyResult


@pytest.mark.parametrize(
    "message",
    [
        messages.StartRequest("bucket", "incoming/b/", 2, keep_stages=False, run_id="r", again="all"),
        messages.OpenRequest({"bucket": "b"}, "arn", 2, False, 1000, 0, 20, 10, 5),
        messages.OpenResult("r", "bucket", "incoming/b/", 2, False, 0, "", "", "2026-11-28T12:00:00+00:00", 3, 10, 2),
        messages.CloseRequest("r", "bucket", "incoming/b/", "execution", "arn", {"Error": "States.Timeout"}),
        messages.CloseResult("r", "States.Timeout", "too long"),
        messages.PreprocessRequest("r", "bucket", "incoming/b/x.fits", "x.fits", "0123", "all"),
        PreprocessResult("r", "x.fits", usable=False, record={"outcome": "rejected"}),
        ClassifyRequest("r", "x.fits", 3, keep_stages=True),
        messages.ClassifyResult("r", "x.fits", {"outcome": "candidate"}),
        messages.TallyRequest("r", "bucket", "incoming/b/"),
        TallyResult("r", 3, 1, 1, 1, 0, 0, "weights", "sagemaker", "on SageMaker", {"candidate": 1, "ignored": 2}),
        messages.DetectRequest("r", "x.fits"),
        messages.DetectResult("r", "x.fits", 3),
        messages.MeasureRequest("r", "execution", 7, "weights"),
        messages.MeasureResult("r", 7, 30, 4),
        messages.StitchRequest("r", [{"names": ["a.fits", "b.fits"]}]),
        messages.StitchResult("r", 1),
        messages.CatalogueRequest("r", 3, "execution"),
        messages.CatalogueResult("r", 3, 1, {"aurora": 3}),
        messages.ParquetRequest("r", "execution"),
        messages.ParquetResult("r", 4, 3, 2),
    ],
)
def test_message_round_trips_through_json(message: Message):
    assert type(message).from_event(json.loads(json.dumps(message.to_event()))) == message


def test_optional_fields_default_to_those_of_the_command_line():
    assert ClassifyRequest.from_event({"run_id": "r", "name": "x.fits"}) == ClassifyRequest("r", "x.fits", 2)


@pytest.mark.parametrize(
    ("event", "message"),
    [
        ({"run_id": "r"}, "name"),
        ({"run_id": "r", "name": "x.fits", "min_object": 3}, "unknown field min_object"),
        ({"run_id": "r", "name": "x.fits", "min_objects": "3"}, "min_objects must be int, not '3'"),
        ({"run_id": "r", "name": "x.fits", "min_objects": True}, "min_objects must be int, not True"),
        ({"run_id": "r", "name": "x.fits", "min_objects": 0}, "min_objects must be at least 1, not 0"),
        ({"run_id": "r", "name": "x.fits", "min_objects": -5}, "min_objects must be at least 1, not -5"),
        ({"run_id": "r", "name": "x.fits", "keep_stages": 1}, "keep_stages must be bool, not 1"),
        ({"run_id": "r", "name": None}, "name must be str"),
    ],
)
def test_invalid_message_is_a_usage_error_naming_the_field(event: dict, message: str):
    with pytest.raises(UsageError, match=f"ClassifyRequest.*{message}"):
        ClassifyRequest.from_event(event)
