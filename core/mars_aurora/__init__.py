"""Find and measure auroras on Mars in far-ultraviolet spacecraft observations.

>>> import mars_aurora
>>> observation = mars_aurora.read("swath.fits.gz")
>>> auroras = mars_aurora.find(observation)
>>> auroras["lat_deg", "lon_deg", "area_km2", "mean_brightness_R"].colnames
['lat_deg', 'lon_deg', 'area_km2', 'mean_brightness_R']
>>> axes = mars_aurora.plot(observation, auroras)

`clean` removes light of the detector, as `find` does; `open_run` opens the results of ``mars-aurora run``. Everything
is imported at its first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mars_aurora.cleaning.cleaning import clean
    from mars_aurora.local.api import Run, find, open_run, plot, read
    from mars_aurora.observation import Observation

__version__ = "0.1.0"
__all__ = ["Observation", "Run", "clean", "find", "open_run", "plot", "read"]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415 -- imported at first use, to keep `import mars_aurora` fast

    module = "mars_aurora.observation" if name == "Observation" else "mars_aurora.local.api"
    return getattr(import_module(module), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
