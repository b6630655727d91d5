"""Load what all workers need for every input, before they are forked; see `mars_aurora.local.pool.start_server`."""

import gc
from importlib import import_module

_MODULES = (
    "astropy.io.fits",
    "cv2",
    "mars_aurora.local.tasks",
    "mars_aurora.readers.reading",
    "mars_aurora.cleaning.cleaning",
    "mars_aurora.picture.heatmap",
    "mars_aurora.picture.png",
    "mars_aurora.classify.count",
    "mars_aurora.measure.measure",
)

gc.disable()  # searching for cycles takes a tenth of the time of the imports
for _name in _MODULES:
    import_module(_name)
gc.freeze()  # nor do the workers search what was imported, whose pages they share
gc.enable()
