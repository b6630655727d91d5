"""Simulated IUVS files have the name, HDUs, columns and spectra of the mission's files."""

import gzip
import io
from dataclasses import replace

import numpy as np
import pytest
from astropy.io import fits

from mars_aurora.readers.names import parse_name
from mars_aurora_model.simulator.orbit import stamp, to_utc
from mars_aurora_model.simulator.simulate import observe
from mars_aurora_model.simulator.writers import iuvs
from mars_aurora_model.simulator.writers.emissions import EMISSIONS, OXYGEN_1304

REAL = "*-fuv_20230114T073326_v13_r01.fits.gz"


@pytest.fixture(scope="module")
def world(small_world):
    return replace(small_world, n_slit=10, flagged_fraction=0.02)


@pytest.fixture(scope="module")
def swath(world):
    return observe(world, 1, 0).swath


@pytest.fixture(scope="module")
def written(swath, world):
    with open_fits(iuvs.write(swath, world, np.random.default_rng(3))) as hdus:
        yield hdus


def open_fits(content):
    return fits.open(io.BytesIO(content))


def line(swath, world, name):
    """Wavelengths (nS, nW) and the noise-free spectra (nI, nS, nW) of one emission, in R/nm, without stray light."""
    (emission,) = (emission for emission in EMISSIONS if emission.name == name)
    quiet = replace(swath, flagged=np.zeros_like(swath.flagged))
    radiance_kR_nm = []
    for emissions in ((emission,), ()):
        with open_fits(iuvs.write(quiet, world, None, emissions=emissions)) as hdus:
            radiance_kR_nm.append(hdus[0].data.astype(np.float64))
            wavelength_nm = hdus["Observation"].data["WAVELENGTH"][0]
    return wavelength_nm, 1000 * (radiance_kR_nm[0] - radiance_kR_nm[1])


def describe(hdu, n_integrations):
    """Type, shape and unit of an image, or name, type, shape and unit of each column; nI for the integrations."""

    def named(shape):
        return tuple("nI" if size == n_integrations else size for size in shape)

    if isinstance(hdu, fits.BinTableHDU):
        raw = hdu.columns.dtype
        columns = [(column.name, raw[column.name].str, column.unit, column.bzero) for column in hdu.columns]
        shapes = [tuple(hdu.data[column.name].shape[1:]) for column in hdu.columns]
        return named((len(hdu.data),)), list(zip(columns, shapes, strict=True))
    return hdu.header["BITPIX"], named(hdu.shape), hdu.header.get("BUNIT")


def test_hdus_columns_types_shapes_and_units_are_those_of_a_real_file(written, iuvs_folder):
    with fits.open(next(iuvs_folder.glob(REAL))) as real:
        assert [hdu.name for hdu in written] == [hdu.name for hdu in real]
        for simulated, hdu in zip(written, real, strict=True):
            counts = (len(hdus["Integration"].data) for hdus in (written, real))
            assert describe(simulated, next(counts)) == describe(hdu, next(counts)), hdu.name


def test_keywords_of_the_primary_header_are_those_of_a_real_file(written, iuvs_folder):
    with fits.open(next(iuvs_folder.glob(REAL))) as real:
        for key, value in written[0].header.items():
            assert key == "SIMULATE" or type(value) is type(real[0].header[key]), key


def test_files_are_valid_fits(written):
    written.verify("exception")
    assert [hdu.name for hdu in written] == list(iuvs.HDUS)


def test_name_follows_the_convention_of_the_mission(swath):
    parsed = parse_name(iuvs.name(swath))
    start = stamp(to_utc(swath.geometry.et[0]))
    assert (parsed.instrument, parsed.level, parsed.mode) == ("MAVEN/IUVS", "l1b", "apoapse")
    assert (parsed.orbit, parsed.start_utc[:19]) == (swath.header["ORBNUM"], start[:19])


def test_times_are_in_the_format_of_the_mission(written):
    for table in ("Integration", "Dark_Integration"):
        for time in written[table].data["UTC"]:
            assert len(time) == 33
    assert written["Integration"].data["UTC"][0] == "2022/328 Nov 24 04:56:32.00000UTC"
    assert written[0].header["CAPTURE"] == written["Integration"].data["UTC"][0]


def test_same_random_numbers_give_the_same_bytes(swath, world):
    first, again, other = (iuvs.write(swath, world, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert first == again != other


def test_pixel_vectors_point_to_the_sky_coordinates_and_axes_are_orthogonal(written):
    pixels, craft = written["PixelGeometry"].data, written["SpacecraftGeometry"].data
    assert np.linalg.norm(pixels["PIXEL_VEC"], axis=1) == pytest.approx(1)
    middle = pixels["PIXEL_VEC"][:, :, 5, 4]
    assert np.einsum("ni,ni->n", middle, craft["VZ_INSTRUMENT"]) == pytest.approx(1)
    for frame in ("", "_MSO", "_INERTIAL"):
        x, y, z = (craft[f"V{axis}_INSTRUMENT{frame}"] for axis in "XYZ")
        assert np.cross(z, x) == pytest.approx(y)
    down = 180 - pixels["PIXEL_ZENITH_ANGLE"]
    assert ((down >= 0) & (down < 20)).all()


def test_engineering_describes_the_exposures(written, swath):
    (engineering,), (binning,) = written["Engineering"].data, written["Binning"].data
    assert (engineering["XUV"], engineering["NUMBER"], engineering["CADENCE"]) == ("FUV", len(swath.geometry.et), 6000)
    for axis in ("SPA", "SPE"):
        assert binning[f"{axis}BINWIDTH"].sum() == 1024
        assert (binning[f"{axis}PIXLO"][1:] == binning[f"{axis}PIXHI"][:-1] + 1).all()


def test_line_has_the_true_brightness_and_is_narrow(swath, world):
    wavelength_nm, radiance_R_nm = line(swath, world, OXYGEN_1304)
    step_nm = np.diff(wavelength_nm).mean()
    assert radiance_R_nm.sum(2) * step_nm == pytest.approx(swath.background_R + swath.excess_R, rel=1e-3, abs=1e-3)
    assert radiance_R_nm[:, np.abs(wavelength_nm - 130.4) > 1].max() < 1e-3 * radiance_R_nm.max()


def test_lyman_alpha_has_a_wing_that_ends_before_the_oxygen_line(swath, world):
    wavelength_nm, radiance_R_nm = line(swath, world, "H I 121.6 singlet")

    def relative(distance_nm):
        near = np.abs(wavelength_nm - 121.6 - distance_nm) < 0.2
        return radiance_R_nm[:, near].mean() / radiance_R_nm.max(2).mean()

    assert 1e-3 < relative(1.3) < 1e-1
    assert relative(6) < 1e-4


def test_noise_is_the_stated_random_error_also_of_flagged_samples(written, swath, world):
    with open_fits(iuvs.write(swath, world, None)) as quiet:
        noise = written[0].data - quiet[0].data
    flags = written["quality_flag"].data > 0
    stated = written["Random_phy_unc"].data
    for samples in (flags, ~flags):
        assert np.std(noise[samples]) == pytest.approx(np.sqrt(np.mean(stated[samples] ** 2)), rel=0.1)
    assert (flags.any(2) == swath.flagged).all()
    assert (flags.sum(2)[swath.flagged] == 3).all()


def test_images_of_the_detector_agree_with_the_radiance(written):
    raw, dark, signal = (written[name].data for name in ("detector_raw", "background_dark", "detector_dark_subtracted"))
    assert raw == pytest.approx(signal + dark, abs=1)
    ratio = written[0].data[signal > 0] / signal[signal > 0]
    assert ratio == pytest.approx(ratio[0], rel=1e-5)
    assert (written["Random_phy_unc"].data / written["Random_dn_unc"].data) == pytest.approx(ratio[0], rel=1e-5)


def test_swaths_of_any_size_are_written(small_world):
    swath = observe(replace(small_world, n_slit=23), 1, 3).swath
    with open_fits(gzip.decompress(gzip.compress(iuvs.write(swath, small_world, None, n_wavelengths=70)))) as hdus:
        assert hdus[0].shape == (*swath.brightness_R.shape, 70)
        assert hdus["PixelGeometry"].data["PIXEL_CORNER_LAT"].shape == (*swath.brightness_R.shape, 5)
        assert hdus["Observation"].data["WAVELENGTH"].shape == (1, 23, 70)
