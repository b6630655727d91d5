"""Files of labeling tools and the pictures that they were."""

import pytest

from mars_aurora_model.matching import match_files

NAMES = {
    "a__x v1.fits": "",
    "b__x-v1.fits.gz": "",
    "ab12cd34-q.fits": "",
    "q.fits": "",
    "%FF.fits": "",
    "bad.fits": "rejected empty_file",
}


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("images/a__x v1.fits.png", "a__x v1.fits"),
        ("a__x_v1.fits.jpg", "a__x v1.fits"),
        ("0123abcd-b__x-v1.fits.gz.png", "b__x-v1.fits.gz"),
        ("b__x-v1-fits-gz_png.rf.AbC123.jpg", "b__x-v1.fits.gz"),
        ("0123abcd-b__x-v1-fits-gz_png.rf.AbC123.jpg", "b__x-v1.fits.gz"),
        ("ab12cd34-q.fits.png", "ab12cd34-q.fits"),
        ("ffffffff-q.fits.png", "q.fits"),
        ("/data/upload/3/0123abcd-%25FF.fits.png", "%FF.fits"),
        ("%FF.fits.png", "%FF.fits"),
        ("B__X-V1.FITS.GZ", "b__x-v1.fits.gz"),
    ],
)
def test_file_is_matched(file: str, name: str):
    assert match_files([file], NAMES) == ({file: name}, {})


@pytest.mark.parametrize(
    ("files", "names", "reason"),
    [
        (["x.fits.png"], ["y.fits"], "no picture of this name"),
        (["a_b.png"], ["a b", "a-b"], "it may be a b or a-b"),
        (["bad.fits.png"], [], "the run has no picture of it: rejected empty_file"),
        (["q_png.rf.aa.jpg", "q_png.rf.bb.jpg"], ["q"], "2 files are this picture"),
        (["###.png"], ["y.fits"], "no picture of this name"),
    ],
)
def test_file_without_a_single_picture_has_a_reason(files: list[str], names: list[str], reason: str):
    matched, reasons = match_files(files, dict.fromkeys(names, "") | {"bad.fits": "rejected empty_file"})
    assert matched == {}
    assert list(reasons) == files
    assert all(reason in text for text in reasons.values())
