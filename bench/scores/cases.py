"""Images of a row with what does not depend on the network: picture, night decision, published criterion, truth."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from bench.scores import real_noise
from bench.scores.rows import EMPTY, Row
from mars_aurora import readers
from mars_aurora.background.night import find_night
from mars_aurora.background.search import find_search
from mars_aurora.cleaning.cleaning import clean
from mars_aurora.detect import threshold
from mars_aurora.errors import InputError
from mars_aurora.geometry import canvas as canvases
from mars_aurora.geometry.canvas import Canvas
from mars_aurora.observation import Observation
from mars_aurora.picture import heatmap, png
from mars_aurora_model.labels import Label
from mars_aurora_model.simulator import truth
from mars_aurora_model.simulator.simulate import Simulated, observe
from mars_aurora_model.true_boxes import box_auroras, find_features

MIN_NIGHT_PIXELS = 500  # native pixels of the disk beyond SZA 110 that make an image of the night side
CLEANED, RAW = "cleaned", "raw"  # with cleaning, and without


@dataclass(frozen=True)
class TrueAurora:
    """A true box with the means over its feature: excess, background and SZA; ``snr`` is that of the label."""

    corners: tuple[float, float, float, float]
    brightness_R: float
    snr: float
    background_R: float
    sza_deg: float

    @property
    def label(self) -> Label:
        return Label("aurora", *self.corners, brightness_R=self.brightness_R, snr=self.snr)


@dataclass(frozen=True)
class Product:
    """One image, preprocessed in one of two ways: file name of its picture, and decisions made without the network."""

    picture: str
    is_diffuse: bool
    meets_criterion: bool


@dataclass(frozen=True)
class Case:
    """One night image, with its products by way; ``is_diffuse`` where a diffuse aurora covers the night."""

    index: int
    auroras: tuple[TrueAurora, ...]
    products: dict[str, Product]
    is_diffuse: bool = False

    @classmethod
    def from_json(cls, line: dict[str, Any]) -> Case:
        auroras = tuple(TrueAurora(**{**entry, "corners": tuple(entry["corners"])}) for entry in line["auroras"])
        products = {way: Product(**entry) for way, entry in line["products"].items()}
        return cls(line["index"], auroras, products, line["is_diffuse"])

    @property
    def is_visible(self) -> bool:
        """True if an aurora counts in scoring."""
        return self.is_diffuse or any(not aurora.label.ignored for aurora in self.auroras)


def make_case(index: int, row: Row, kind: str, folder: Path) -> Case | None:
    """Simulate an image and process it both ways; its pictures are written to ``folder``.

    Returns None if too little of the night, or of the disk, is in view, or none of the auroras of the scene.
    """
    cv2.setNumThreads(1)
    simulated = observe(*row.draw(kind, index))
    is_diffuse = simulated.truth["diffuse_R"] is not None
    is_seen = kind == EMPTY or is_diffuse or any(aurora["visible"] for aurora in simulated.truth["auroras"])
    if simulated.truth["disk"]["night_pixels"] < MIN_NIGHT_PIXELS or not is_seen:
        return None
    if row.has_real_noise:
        rng = np.random.default_rng((row.seed, index))
        simulated = real_noise.replace_noise(simulated, real_noise.read_residuals(), rng)
    raw = _read(simulated)
    try:
        canvas = canvases.fit(raw)
    except InputError:
        return None
    products = {}
    for way, observation in ((CLEANED, clean(raw)), (RAW, raw)):
        picture = f"{kind}-{index:05d}-{way}.png"
        (folder / picture).write_bytes(png.write(heatmap.draw(observation, canvas)))
        meets = any(box.label == "aurora" for box in threshold.find(observation, canvas))
        products[way] = Product(picture, find_night(observation, find_search(observation)).is_diffuse, meets)
    return Case(index, tuple(_find_truth(simulated, canvas)), products, is_diffuse)


def _read(simulated: Simulated) -> Observation:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / simulated.plain_name
        path.write_bytes(simulated.to_fits())
        return readers.read(path, path.name)


def _find_truth(simulated: Simulated, canvas: Canvas) -> Iterator[TrueAurora]:
    """Yield the true auroras of an image; those too faint to be labeled have no background and no SZA."""
    swath = simulated.swath
    shown_R = np.where(swath.on_slit & ~swath.flagged, swath.excess_R, 0)
    ambient_R = swath.background_R + swath.diffuse_R
    seen = shown_R >= truth.visible_from(ambient_R, simulated.world)
    features = find_features(seen, canvas.index)  # in the order of the labels, which end with those too faint
    sza_deg = swath.geometry.sza_deg[:, 0]
    for label in box_auroras(swath, simulated.world, canvas):
        pixels = next(features)[0] if label.snr else None
        means = (0.0, 0.0) if pixels is None else (ambient_R[pixels].mean(), sza_deg[pixels].mean())
        yield TrueAurora(label.corners, label.brightness_R or 0.0, label.snr or 0.0, *map(float, means))
