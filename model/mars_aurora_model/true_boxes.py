"""True boxes of simulated pictures: Mars, visible auroras, and auroras too faint to be labeled.

An aurora is the set of pixels whose true excess is visible (`simulator.truth.visible_from`), connected on the canvas
across gaps of less than 7 px.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from mars_aurora.geometry.canvas import Canvas, box_mask, to_canvas
from mars_aurora.observation import BoolArray, FloatArray
from mars_aurora_model.labels import Label
from mars_aurora_model.simulator import truth
from mars_aurora_model.simulator.orbit import Array
from mars_aurora_model.simulator.swath import Swath
from mars_aurora_model.simulator.world import World

STRUCTURE = 0.15  # fractional residual of the background about a smooth fit; see `python -m bench.labeling`
FAINT = 0.5  # fraction of the visible excess above which an aurora is boxed as ignored
_GAP_PX = 7  # parts separated by less are one feature


def find_features(
    seen: BoolArray, index: NDArray[np.int32]
) -> Iterator[tuple[BoolArray, tuple[float, float, float, float]]]:
    """Find connected features of a native map (nI, nS) on the canvas.

    ``index`` is a `Canvas.index`. Yields the native pixels (nI, nS) of each feature and its corners in canvas px.
    """
    drawn = np.append(seen.reshape(-1), False)[index].astype(np.uint8)
    joined = cv2.morphologyEx(drawn, cv2.MORPH_CLOSE, np.ones((_GAP_PX, _GAP_PX), np.uint8))
    count, regions, _, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    for region in range(1, count):
        shown = (regions == region) & (drawn > 0)
        pixels = np.zeros(seen.size, bool)
        pixels[index[shown]] = True
        yield pixels.reshape(seen.shape), box_mask(shown)


def box_auroras(swath: Swath, world: World, canvas: Canvas) -> Iterator[Label]:
    """Box the auroras of a swath as they appear on the canvas; see `box_excess`."""
    shown_R = np.where(swath.on_slit & ~swath.flagged, swath.excess_R, 0)
    ambient_R = swath.background_R + swath.diffuse_R  # the diffuse aurora is not boxed: it fills the night
    return box_excess(shown_R, ambient_R, world, canvas.index, instrument_R=swath.instrument_R)


def box_excess(  # noqa: PLR0913 -- what the noise of a feature depends on
    excess_R: Array | FloatArray,
    background_R: Array | FloatArray,
    world: World,
    index: NDArray[np.int32],
    *,
    pixel: float = 1.0,
    instrument_R: Array | float = 0.0,
) -> Iterator[Label]:
    """Box visible features with their mean excess and signal-to-noise ratio, then features too faint to be visible.

    The noise is the sum of photon noise and of the residual of the background about a smooth fit, which limits the
    detection in twilight and at the limb.

    Parameters
    ----------
    excess_R, background_R : (nI, nS) arrays, noise-free
    world : World
    index : (480, 640) array, a `Canvas.index`
    pixel : float
        Size of a pixel of the maps as a fraction of one of the instrument.
    instrument_R : (nI, nS) array or float
        Light that is not from Mars, which adds photon noise.
    """
    threshold_R = truth.visible_from(background_R, world)
    seen = excess_R >= threshold_R
    variance_R2 = (background_R + excess_R + instrument_R) / world.counts_per_R + world.fit_noise_R**2
    for pixels, corners in find_features(seen, index):
        signal_R, noise_R = pixel * excess_R[pixels].sum(), np.sqrt(pixel * variance_R2[pixels].sum())
        structure_R = STRUCTURE * pixel * background_R[pixels].sum()
        snr = float(signal_R / np.hypot(noise_R, structure_R))
        yield Label("aurora", *corners, brightness_R=float(excess_R[pixels].mean()), snr=snr)
    for pixels, corners in find_features(excess_R >= FAINT * threshold_R, index):
        if not (pixels & seen).any():  # a detection of such a feature is not a false alarm
            yield Label("aurora", *corners, brightness_R=float(excess_R[pixels].mean()), snr=0.0)


def box_mars(on_disk: BoolArray, canvas: Canvas) -> Iterator[Label]:
    """Box the observed part of the disk, (nI, nS) bool; yields nothing if there is none."""
    shown = to_canvas(on_disk, canvas, fill=False)
    if shown.any():
        yield Label("mars", *box_mask(shown))
