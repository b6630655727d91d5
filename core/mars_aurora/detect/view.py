"""The view: the network's input tensor, made from a picture.

The view is a square window of the canvas: the disk, and the emitting shell beyond the limb. Its channels are
brightness on two scales rather than colors: averaging the logarithm of a night of few counts a pixel would lose them.
The others are the solar zenith angle (SZA), which separates twilight from aurora, the contrast over the background, and
the significance of the excess, which separates faint auroras from noise.

The weights store the constants on which the view depends; `require_version` compares them when the weights are loaded.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mars_aurora.background import binned, pictured, significance
from mars_aurora.background.window import LEFT, TOP, cut, draw_mask
from mars_aurora.emission import DAY_SZA_DEG, OXYGEN_1304
from mars_aurora.errors import UsageError
from mars_aurora.geometry.canvas import CENTER_X, CENTER_Y, DISK_RADIUS, HEIGHT, WIDTH
from mars_aurora.observation import FloatArray
from mars_aurora.picture import sun_angle
from mars_aurora.picture.heatmap import level_brightness
from mars_aurora.picture.picture import UNOBSERVED, Levels, Picture

VERSION = 3  # raise it with any change of the view that no constant below shows
VIEW_PX = 352  # side of the window on the canvas
VIEW_X, VIEW_Y = round(CENTER_X) - VIEW_PX // 2, round(CENTER_Y) - VIEW_PX // 2
CHANNELS = 6
PHOTONS_R = 30.0  # end of the linear brightness scale, on which averaging keeps the sum of faint counts
TWILIGHT_DEG = (80.0, 160.0)  # range of the SZA channel
CONTRAST = (-1.0, 3.0)  # range of the contrast channel; 1 is an aurora that is just visible
SIGMAS = (-4.0, 16.0)  # range of the significance channel


def describe_input() -> dict[str, Any]:
    """Return every constant on which the view depends, as the weights store them; JSON types only."""
    emission = OXYGEN_1304
    return {
        "version": VERSION,
        "emission": emission.name,
        "heatmap_R": list(emission.heatmap_R),
        "window_px": [VIEW_X, VIEW_Y, VIEW_PX],
        "disk_px": [CENTER_X, CENTER_Y, DISK_RADIUS],
        "linear_R": PHOTONS_R,
        "sza_deg": list(TWILIGHT_DEG),
        "contrast": list(CONTRAST),
        "sigmas": list(SIGMAS),
        "visible": [emission.visible_R, emission.visible_fraction],
        "night_R": emission.night_R,
        "background": {
            "px": [pictured.COARSE, pictured.SMOOTH_PX, pictured.FINE_PX],
            "min_observed": pictured.MIN_OBSERVED,
            "max_disk_radii": pictured.MAX_DISK_RADII,
            "bins_deg": [binned.SZA_BIN_DEG, binned.SLANT_BIN_DEG],
            "slant": list(binned.SLANT_RANGE),
            "day_dark_deg": [DAY_SZA_DEG, binned.DARK_SZA_DEG],
            "rounds": binned.ROUNDS,
            "bin_pixels": [binned.MIN_BIN_PIXELS, binned.BRIGHT_DIVISOR],
            "faint_R": binned.FAINT_R,
        },
        "significance": significance.describe(),
    }


def require_version(stored: Mapping[str, Any]) -> None:
    """Raise UsageError, naming what differs, unless the weights were trained on the view that this code makes."""
    if not stored:
        raise UsageError("the weights do not describe their input: export them again")
    own = describe_input()
    differing = sorted(name for name in own.keys() | stored.keys() if own.get(name) != stored.get(name))
    if differing:
        found = "; ".join(f"{name}: weights {stored.get(name)}, code {own.get(name)}" for name in differing)
        raise UsageError(
            f"the weights were trained on another input than this code makes ({found}): "
            "retrain them, or install the version of mars-aurora that they belong to"
        )


def make_view(picture: Picture, side: int) -> FloatArray:
    """Make the network's input from a picture.

    Parameters
    ----------
    picture : Picture
        Of any size; another size than the canvas is fitted into it with its aspect ratio kept (letterbox).
    side : int
        Side of the network's square input, px.

    Returns
    -------
    (1, 6, side, side) float32, 0 to 1
        Channels: the level, which is logarithmic brightness; brightness up to `PHOTONS_R`; the observed fraction; the
        SZA over `TWILIGHT_DEG`, the contrast over `CONTRAST` and the significance over `SIGMAS`, all three 0 where the
        SZA is unknown.

    Raises
    ------
    UsageError
        Where the picture is of another emission than the view, whose scale is that of O I 130.4 nm.
    """
    if picture.emission != OXYGEN_1304:
        raise UsageError(f"the network is not trained for {picture.emission.name}: use the threshold detector")
    levels = fit_levels(picture.levels)
    window = levels[VIEW_Y : VIEW_Y + VIEW_PX, VIEW_X : VIEW_X + VIEW_PX]
    view = np.zeros((1, CHANNELS, side, side), np.float32)
    for channel, values in enumerate(_tables()):
        _resize(window, values, view[0, channel])
    if picture.sza_coefficients is not None:
        _fill_sza_channels(view[0], window, picture.sza_coefficients)
        view[0, 5] = _scale(_find_significance(picture, levels, side), SIGMAS)
    return view


def fit_levels(levels: Levels) -> Levels:
    """Fit levels of any shape into the canvas, their aspect ratio kept: (480, 640)."""
    if levels.shape == (HEIGHT, WIDTH):
        return levels
    x0, y0, width, height = _fit_canvas(levels.shape)
    whole = np.zeros((HEIGHT, WIDTH), np.uint8)
    fitted = cv2.resize(levels, (width, height), interpolation=cv2.INTER_NEAREST)
    whole[y0 : y0 + height, x0 : x0 + width] = fitted
    return whole


def read_sza_deg(view: FloatArray) -> FloatArray:
    """Return the SZA that a view (6, side, side) shows, limited to `TWILIGHT_DEG`: (side, side)."""
    return _unscale(view[3], TWILIGHT_DEG)


def read_significance(view: FloatArray) -> FloatArray:
    """Return the significance that a view (6, side, side) shows, limited to `SIGMAS`: (side, side)."""
    return _unscale(view[5], SIGMAS)


def placement(shape: tuple[int, ...], side: int) -> tuple[float, float, float]:
    """Return where a picture of a shape is in the view: x and y of its corner in px, and its scale."""
    (x0, y0, _, _), zoom = _fit_canvas(shape), side / VIEW_PX
    return (x0 - VIEW_X) * zoom, (y0 - VIEW_Y) * zoom, min(HEIGHT / shape[0], WIDTH / shape[1]) * zoom


def _fit_canvas(shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """Fit a picture into the middle of the canvas: x, y, width and height."""
    scale = min(HEIGHT / shape[0], WIDTH / shape[1])
    width, height = max(round(shape[1] * scale), 1), max(round(shape[0] * scale), 1)
    return (WIDTH - width) // 2, (HEIGHT - height) // 2, width, height


def _fill_sza_channels(channels: FloatArray, window: Levels, sza_coefficients: FloatArray) -> None:
    """Write channels 3 and 4, in place."""
    terms, disk_radii = _grid(channels.shape[1])
    sza_deg = sun_angle.sza_deg(sza_coefficients, terms)
    brightness_R: FloatArray = np.empty_like(channels[0])
    _resize(window, level_brightness(OXYGEN_1304), brightness_R)
    contrast = pictured.find_contrast(brightness_R, channels[2], sza_deg, disk_radii, OXYGEN_1304)
    channels[3], channels[4] = _scale(sza_deg, TWILIGHT_DEG), _scale(contrast, CONTRAST)


def _find_significance(picture: Picture, levels: Levels, side: int) -> FloatArray:
    """Interpolate the significance between the middles of its cells: (side, side)."""
    shown = cut(levels)
    cells = significance.find_significance(picture, shown, draw_mask(shown))
    step = VIEW_PX / side / significance.CELL_PX
    first_x, first_y = (
        (start + (VIEW_PX / side - 1) / 2 - origin - (significance.CELL_PX - 1) / 2) / significance.CELL_PX
        for start, origin in ((VIEW_X, LEFT), (VIEW_Y, TOP))
    )
    place = np.array([[step, 0, first_x], [0, step, first_y]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(cells, place, (side, side), flags=flags), np.float32)


def _resize(window: Levels, value_of_level: NDArray[np.float32], out: FloatArray) -> None:
    """Average the values of levels over the pixels of ``out``, in place."""
    cv2.resize(cv2.LUT(window, value_of_level), out.shape[::-1], dst=out, interpolation=cv2.INTER_AREA)


@functools.cache
def _tables() -> FloatArray:
    """Return the value of each level in channels 0 to 2: (3, 256)."""
    levels = np.arange(256, dtype=np.float32)
    linear = np.minimum(level_brightness(OXYGEN_1304) / np.float32(PHOTONS_R), 1)
    return np.stack((levels / 255, linear, (levels != UNOBSERVED).astype(np.float32)))


def _scale(values: FloatArray, limits: tuple[float, float]) -> FloatArray:
    """Scale to 1/255 to 1; 0 is reserved for unknown."""
    low, high = limits
    scaled: FloatArray = np.clip((values - low) / (high - low), 1 / 255, 1)
    return scaled


def _unscale(scaled: FloatArray, limits: tuple[float, float]) -> FloatArray:
    low, high = limits
    return np.asarray(low + (high - low) * scaled, np.float32)


@functools.cache
def _grid(side: int) -> tuple[FloatArray, FloatArray]:
    """Return the terms of the SZA at each pixel of the view, (9, side, side), and its distance in disk radii."""
    middle = ((np.arange(side) + 0.5) * VIEW_PX / side - 0.5).astype(np.float32)
    x, y = np.meshgrid(VIEW_X + middle, VIEW_Y + middle)
    return sun_angle.find_terms(x, y), np.hypot(x - CENTER_X, y - CENTER_Y) / DISK_RADIUS
