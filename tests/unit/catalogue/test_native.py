"""Native images of an observation: compressed, with units and checksums, below the DS9 regions."""

import io
import warnings
import zipfile

import numpy as np
import pytest
import regions
from astropy.io import fits
from astropy.units import Unit
from rendering import render

from mars_aurora import readers
from mars_aurora.catalogue import labels, native
from mars_aurora.catalogue.compressed_image import to_extension
from mars_aurora.cleaning.cleaning import clean
from mars_aurora.detect import yolo
from mars_aurora.detect.candidate import Drawn
from mars_aurora.detect.detectors import DetectorName
from mars_aurora.geometry import canvas as canvases
from mars_aurora.measure.measure import fit_disk, measure
from mars_aurora.picture import heatmap
from mars_aurora.run.provenance import describe_provenance

STAMP = "0123456789abcdef" * 2


@pytest.fixture(scope="module")
def found(tmp_path_factory, broad_aurora):
    """An observation, its canvas, boxes and auroras, and the file of its native images."""
    path = tmp_path_factory.mktemp("native") / "é x.fits"
    path.write_bytes(broad_aurora.to_fits())
    observation = clean(readers.read(path, path.name))
    canvas = canvases.fit(observation)
    boxes = yolo.detect(Drawn(heatmap.draw(observation, canvas), observation, canvas)).boxes
    auroras = measure(observation, canvas, boxes)
    return observation, auroras, native.to_fits(observation, fit_disk(observation, canvas, boxes).level_R, STAMP)


def test_images_are_those_of_the_observation_with_units(found):
    observation, _, data = found
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with fits.open(io.BytesIO(data), checksum=True) as hdus:
            assert [hdu.name for hdu in hdus[1:]] == list(native.IMAGES)
            for name, values in (
                ("BRIGHTNESS", observation.brightness_R),
                ("RANDOM_ERROR", observation.random_error_R),
                ("LATITUDE", observation.latitude_deg),
                ("LOCAL_TIME", observation.local_time_h),
            ):
                _, step, _ = native.IMAGES[name]
                np.testing.assert_allclose(hdus[name].data, values, rtol=2e-7, atol=0.51 * step)
            assert {Unit(hdu.header["BUNIT"]) for hdu in hdus[1:]} == {Unit("R"), Unit("deg"), Unit("h")}
            assert hdus[0].header["INPUT"] == "%C3%A9 x.fits"


def test_each_part_has_a_checksum_and_is_compressed(found):
    observation, _, data = found
    with fits.open(io.BytesIO(data), disable_image_compression=True) as hdus:
        assert all({"CHECKSUM", "DATASUM"} <= set(hdu.header) for hdu in hdus)
        assert all(hdu.header["ZIMAGE"] for hdu in hdus[1:])
    assert b"EXTEND  =                    T" in data[:2880]
    assert len(data) < 0.5 * 4 * len(native.IMAGES) * observation.brightness_R.size


def test_changed_byte_is_found(found):
    _, _, data = found
    changed = bytearray(data)
    changed[len(data) // 2] ^= 0xFF
    with (
        pytest.warns(UserWarning, match=r"(?i)checksum|datasum"),
        fits.open(io.BytesIO(changed), checksum=True) as hdus,
    ):
        assert len(hdus) > 1


def test_regions_lie_on_the_bright_pixels_of_the_image(found):
    observation, auroras, data = found
    made_by = describe_provenance(DetectorName.YOLO, 2, "")
    with zipfile.ZipFile(io.BytesIO(render(labels.write_ds9, auroras, made_by))) as archive:
        member = next(name for name in archive.namelist() if name.endswith(".reg"))
        outlines = regions.Regions.parse(archive.read(member).decode(), format="ds9")
    with fits.open(io.BytesIO(data)) as hdus:
        excess_R = hdus["BRIGHTNESS"].data - hdus["BACKGROUND"].data
    rows, columns = np.mgrid[: observation.shape[0], : observation.shape[1]]
    inside = np.any([outline.contains(regions.PixCoord(columns, rows)) for outline in outlines], axis=0)
    pixels = sum(aurora.pixels for aurora in auroras)
    expected_R = np.average([aurora.mean_brightness_R for aurora in auroras], weights=[a.pixels for a in auroras])
    assert inside.sum() == pytest.approx(pixels, rel=0.02)
    assert np.nanmean(excess_R[inside]) == pytest.approx(expected_R, rel=0.15)
    assert np.nanmedian(excess_R[~inside & (observation.sza_deg > 110)]) < 0.1 * expected_R


def test_file_states_what_it_was_made_from(found):
    assert native.has_stamp(found[2], STAMP)
    assert not native.has_stamp(found[2], STAMP[::-1])
    assert not native.has_stamp(b"", STAMP)


@pytest.mark.parametrize("odd", [1e8, -3e7, np.inf])
def test_image_whose_range_is_too_large_for_its_step_is_stored_as_it_is(odd):
    image = np.linspace(0, 1, 12, dtype=np.float32).reshape(3, 4)
    image[1, 1], image[2, 2] = odd, np.nan
    with fits.open(io.BytesIO(_write(to_extension("BRIGHTNESS", image, 1e-3))), checksum=True) as hdus:
        np.testing.assert_array_equal(hdus[1].data, image)


def test_rounded_values_are_multiples_of_the_step_and_nan_stays():
    image = np.array([[np.nan, -1.23456, 7.8]], np.float32)
    images = {"BRIGHTNESS": image, "SZA": image * np.nan}
    data = _write(*(to_extension(name, values, 1e-3) for name, values in images.items()))
    with fits.open(io.BytesIO(data), checksum=True) as hdus:
        np.testing.assert_array_equal(hdus[1].data, np.array([[np.nan, -1.235, 7.8]], np.float32))
        assert np.isnan(hdus[2].data).all()


def _write(*extensions):
    stream = io.BytesIO()
    fits.PrimaryHDU().writeto(stream)
    return b"".join([stream.getvalue(), *extensions])
