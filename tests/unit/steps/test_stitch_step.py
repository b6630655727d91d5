"""Pictures of observation sets."""

import cv2
import numpy as np
import pytest

from mars_aurora.errors import ProductError
from mars_aurora.picture import png
from mars_aurora.picture.palette import inferno
from mars_aurora.picture.picture import Picture
from mars_aurora.run.keys import RunKeys
from mars_aurora.run.messages import StitchRequest
from mars_aurora.run.storage import FolderStorage
from mars_aurora.steps.stitch import stitch

KEYS = RunKeys("r")
NAMES = [f"emm_emu_l2b_20220331t212{n}07_0191_os2_sw{n}of3_r_v01-04.fits" for n in (1, 2, 3)]


def draw(left: int) -> bytes:
    """A picture with a square that starts at a column."""
    levels = np.zeros((480, 640), np.uint8)
    levels[:100, left : left + 100] = left
    return png.write(Picture(levels, None))


def test_picture_of_each_set_is_named_after_its_first_input(work: FolderStorage) -> None:
    for number, name in enumerate(NAMES, 1):
        work.put(KEYS.image(name), draw(50 * number))
    sets = [{"names": NAMES[:2]}, {"names": NAMES[1:]}]
    assert stitch(StitchRequest("r", sets), work, work).sets == 2
    assert work.list(KEYS.sets) == [KEYS.set_picture(NAMES[0]), KEYS.set_picture(NAMES[1])]
    picture = cv2.imdecode(np.frombuffer(work.get(KEYS.set_picture(NAMES[0])), np.uint8), cv2.IMREAD_UNCHANGED)
    colors = {level: tuple(inferno()[level, ::-1]) for level in (50, 100)}
    for column, level in ((60, 50), (120, 50), (160, 100)):
        assert tuple(picture[0, column, :3]) == colors[level], "earlier ones cover later ones"


@pytest.mark.parametrize("picture", [None, b"", b"not a picture"])
def test_missing_picture_is_named(work: FolderStorage, picture: bytes | None) -> None:
    for name in NAMES if picture is not None else ():
        work.put(KEYS.image(name), picture)
    with pytest.raises(ProductError, match=r"sets/.*sw1of3.*a picture of .* cannot be read"):
        stitch(StitchRequest("r", [{"names": NAMES[:2]}]), work, work)
    assert work.list(KEYS.sets) == []


def test_picture_that_was_not_stored_as_written_is_an_error(work: FolderStorage) -> None:
    class Cutting(FolderStorage):
        def put(self, key: str, data: bytes) -> None:
            super().put(key, data[:-1])

    for name in NAMES[:2]:
        work.put(KEYS.image(name), draw(50))
    with pytest.raises(ProductError, match="not what was written"):
        stitch(StitchRequest("r", [{"names": NAMES[:2]}]), work, Cutting(work._root))
