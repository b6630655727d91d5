"""Print what QGIS sees in map files: python3 in_qgis.py SYSTEMS.json FILE ..., with Debian's Python and python3-qgis.

SYSTEMS has the WKT of each projection by its name. Each outline is reprojected and drawn by itself. Exits with 1 where
a file has no valid reference system, or an outline is invalid, empty, not drawn or wider than 180 degrees.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from qgis.core import (
    Qgis,
    QgsApplication,
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsFeatureRequest,
    QgsMapRendererParallelJob,
    QgsMapSettings,
    QgsProject,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QSize

_SIDE_PX = 200


def describe(path: str, systems: dict[str, str]) -> bool:
    """Print one line for a file; return whether all of it is right."""
    layer = QgsVectorLayer(path, "layer", "ogr")
    source, bad = layer.crs(), []
    for name, wkt in systems.items():
        target = QgsCoordinateReferenceSystem.fromWkt(wkt)
        transform = QgsCoordinateTransform(source, target, QgsProject.instance())
        for feature in layer.getFeatures():
            outline = feature.geometry()
            moved = transform.isValid() and not outline.transform(transform)
            if not moved or outline.isEmpty() or not outline.isGeosValid() or not _is_drawn(layer, feature, target):
                bad.append(f"{feature.id()} in {name}")
    wide = [feature.id() for feature in layer.getFeatures() if _width_deg(feature.geometry()) > 180]
    state = f"{source.authid() or 'no code'}, {'valid' if source.isValid() else 'NOT VALID'}"
    print(
        f"  {Path(path).name}: {layer.featureCount()} features, system {state}; invalid or not drawn: {bad or 'none'}"
    )
    return bool(layer.featureCount() and source.isValid() and not bad and not wide)


def _width_deg(outline: Any) -> float:  # noqa: ANN401 -- QGIS has no types
    return float(max(part.boundingBox().width() for part in outline.constParts()))


def _is_drawn(layer: Any, feature: Any, system: Any) -> bool:  # noqa: ANN401 -- QGIS has no types
    """Draw one feature on its own extent; return whether a pixel is not white."""
    alone = layer.materialize(QgsFeatureRequest(feature.id()))
    settings = QgsMapSettings()
    settings.setLayers([alone])
    settings.setDestinationCrs(system)
    settings.setExtent(settings.layerExtentToOutputExtent(alone, alone.extent()))
    settings.setOutputSize(QSize(_SIDE_PX, _SIDE_PX))
    job = QgsMapRendererParallelJob(settings)
    job.start()
    job.waitForFinished()
    image = job.renderedImage()
    pixels = image.constBits()
    pixels.setsize(image.sizeInBytes())
    return set(bytes(pixels)) != {0xFF}  # white


def main() -> None:
    QgsApplication.setPrefixPath("/usr", True)
    application = QgsApplication([], False)
    application.initQgis()
    print(f"QGIS {Qgis.version()}")
    systems = json.loads(Path(sys.argv[1]).read_text())
    right = [describe(path, systems) for path in sys.argv[2:]]
    sys.stdout.flush()
    os._exit(0 if all(right) else 1)  # without the destructors of QGIS, which fail in any order but theirs


if __name__ == "__main__":
    main()
