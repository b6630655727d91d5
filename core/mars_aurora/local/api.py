"""The Python interface: read an observation, find its auroras, plot them, open the results of a run."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from astropy.table import QTable, Table

from mars_aurora import readers
from mars_aurora.aurora import Aurora, count_auroras
from mars_aurora.background.night import find_night
from mars_aurora.background.search import find_search
from mars_aurora.catalogue import exposure_table, ledger_table, sightings, tables
from mars_aurora.classify import count
from mars_aurora.cleaning.cleaning import clean
from mars_aurora.detect.candidate import Drawn
from mars_aurora.detect.detectors import DetectorName, choose_detector, load_detector
from mars_aurora.emission import OXYGEN_1304, find_emission
from mars_aurora.errors import UsageError
from mars_aurora.geometry import canvas as canvases
from mars_aurora.geometry.canvas import Canvas
from mars_aurora.measure.measure import measure
from mars_aurora.observation import Observation
from mars_aurora.picture import heatmap, png
from mars_aurora.picture.picture import Picture
from mars_aurora.run.escaping import escape_name
from mars_aurora.run.keys import CATALOGUE, EXPOSURE, LEDGER, RunPaths
from mars_aurora.run.ledger import Outcome, Record
from mars_aurora.run.provenance import describe_provenance
from mars_aurora.run.storage import FolderStorage

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def read(path: str | Path, emission: str = OXYGEN_1304.name) -> Observation:
    """Read one FITS file of EMM/EMUS (L2B, L2A) or MAVEN/IUVS (L1b), plain or gzipped, without cleaning it.

    Parameters
    ----------
    path : str or Path
    emission : str
        ``"O I 130.4"`` or ``"O I 135.6"``.

    Raises
    ------
    InputError
        With a reason code, where the file is not usable.
    UsageError
        Where the emission is not known.
    """
    path = Path(path)
    return readers.read(path, escape_name(path.name), find_emission(emission))


def find(
    source: str | Path | Observation,
    detector: str | None = None,
    min_objects: int = 2,
    emission: str | None = None,
    *,
    cleaning: bool = True,
) -> QTable:
    """Find and measure the auroras of one observation, as ``mars-aurora run`` does.

    Parameters
    ----------
    source : str, Path or Observation
        A FITS file, or an observation from `read`.
    detector : "yolo" or "threshold", optional
        By default the trained network for O I 130.4 nm and the threshold for other emissions.
    min_objects : int
        A picture with fewer objects, the disk being one, is discarded before detection, unless a diffuse aurora covers
        the night; 0 skips the count.
    emission : str, optional
        Emission to read from a file, by default O I 130.4 nm; an observation has its own.
    cleaning : bool
        Whether to remove light of the detector first; an observation that is clean already is used as it is.

    Returns
    -------
    astropy.table.QTable
        One row per aurora, with the columns of the catalogue, their units and descriptions; no rows where there is
        none. ``meta`` has the outcome, the number of objects (None if not counted) and the provenance.

    Raises
    ------
    InputError
        With a reason code, where the file is not usable.
    UsageError
        Where the detector or the emission is not known, the detector is not for the emission, the emission is not
        that of the observation, or ``min_objects`` is not an integer of 0 or more.

    Examples
    --------
    >>> auroras = find("swath.fits.gz")
    >>> auroras["area_km2"].unit
    Unit("km2")
    >>> auroras.meta["outcome"]
    'aurora'
    """
    if not isinstance(min_objects, int) or isinstance(min_objects, bool) or min_objects < 0:
        raise UsageError(f"min_objects must be an integer of 0 or more, not {min_objects!r}")
    observation = _observe(source, emission)
    observation = clean(observation) if cleaning else observation
    name = _choose(detector, observation)
    canvas = canvases.fit(observation)
    picture = heatmap.draw(observation, canvas)
    night = find_night(observation, find_search(observation))
    objects = count.find(picture).count + night.is_diffuse if min_objects > 0 else None
    auroras: list[Aurora] = []
    outcome = Outcome.DISCARDED
    if objects is None or night.is_diffuse or objects >= min_objects:
        boxes = load_detector(name)(Drawn(picture, observation, canvas)).boxes
        auroras = sightings.join(measure(observation, canvas, boxes, night))
        outcome = Outcome.AURORA if count_auroras(auroras) else Outcome.NO_AURORA
    outcome = Record(observation.facts.name, Outcome.CANDIDATE, night=night).conclude(outcome).outcome
    provenance = describe_provenance(name, min_objects, "mars_aurora.find", observation.emission, cleaning=cleaning)
    table = QTable(tables.to_table(auroras, provenance))
    table.meta |= {"name": observation.facts.name, "outcome": outcome.value, "objects": objects}
    return table


def plot(  # noqa: PLR0913 -- what is plotted beside it
    observation: Observation,
    auroras: Table | Sequence[Aurora] | None = None,
    axes: Axes | None = None,
    *,
    raw: bool = False,
    beside: Observation | None = None,
    range_R: tuple[float, float] | None = None,
) -> Axes:
    """Plot the heatmap of an observation with grid, local time, and boxes and outlines of its auroras.

    Parameters
    ----------
    observation : Observation
    auroras : Table from `find` or of a run, or sequence of Aurora, optional
        Rows of other observations are ignored. An observation from `read` has the name of the file without a folder:
        if no row has that name, rows are matched by the last part of their name.
    axes : matplotlib Axes, optional
        By default new ones of a new figure.
    raw : bool
        Whether to plot the brightness before cleaning as well, to the left on the new figure.
    beside : Observation, optional
        Another emission of the same file, to be plotted to the right on the new figure.
    range_R : pair of float, optional
        Ends of the logarithmic scale; by default 2 to 50 R where most of the disk is night, else that of the pictures,
        for O I 130.4 nm.

    Returns
    -------
    matplotlib Axes
        Those given, or the new ones, in canvas pixels.

    Raises
    ------
    UsageError
        Where matplotlib is not installed, ``raw`` or ``beside`` is given with axes, or ``auroras`` is neither a table
        with the columns of `find` nor a sequence of Aurora.
    """
    try:
        from matplotlib import pyplot as plt

        from mars_aurora.catalogue.plots import add_scale, draw_axes, draw_figure
    except ModuleNotFoundError as error:
        raise UsageError("plotting needs matplotlib: pip install 'mars-aurora[plots]'") from error
    own = _select(_list_auroras(auroras), observation.facts.name)
    canvas = canvases.fit(observation)
    if axes is None:
        figure = plt.figure(layout="constrained")
        return draw_figure(figure, observation, canvas, own, raw=raw, beside=beside, range_R=range_R)
    if raw or beside is not None:
        raise UsageError("raw and beside need axes of their own: call plot without axes")
    add_scale(draw_axes(axes, observation, canvas, own, range_R), [axes], observation.emission)
    return axes


def open_run(folder: str | Path) -> Run:
    """Open the results of a run: OUT/runs/RUN_ID.

    Raises
    ------
    UsageError
        Where the folder is not that of a finished run.

    Examples
    --------
    >>> run = open_run("out/demo/runs/demo")
    >>> name = run.catalogue["name"][0]
    >>> run.picture(name).levels.shape
    (480, 640)
    """
    run = Run(Path(folder))
    if run.storage.size(run.paths.product(LEDGER)) is None:
        raise UsageError(f"{folder} has no {LEDGER}: give the folder of a finished run, OUT/runs/RUN_ID")
    return run


class Run:
    """The results of a run.

    Attributes
    ----------
    folder : Path
    ledger : astropy.table.Table
    catalogue : astropy.table.QTable
    exposure : astropy.table.QTable
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.storage = FolderStorage(folder)
        self.paths = RunPaths()

    @cached_property
    def ledger(self) -> Table:
        """The ledger, one row per input.

        Columns are text, but for numbers of objects, auroras and bytes, and the residuals of the geometry, which are
        masked where unknown; docs/catalogue.md describes them.
        """
        return ledger_table.from_csv(self.storage.get(self.paths.product(LEDGER)))

    @cached_property
    def catalogue(self) -> QTable:
        """The catalogue, one row per detected aurora.

        Columns are those of `find`. Integers that are unknown are masked, other numbers are NaN. Raises UsageError
        where an earlier version of the package wrote the catalogue.
        """
        return QTable(tables.from_ecsv(self.storage.get(self.paths.product(CATALOGUE))))

    @cached_property
    def exposure(self) -> QTable:
        """What was searched for auroras, one row per cell; docs/catalogue.md describes the columns.

        Edges that are not known are NaN. Raises KeyError where an earlier version of the package made the run.
        """
        return exposure_table.from_fits(self.storage.get(self.paths.product(EXPOSURE)))

    def picture(self, name: str) -> Picture:
        """Read the picture of an input, by its name in the ledger; raises KeyError where it has none."""
        return png.read(self.storage.get(self.paths.image(name)))

    def observation(self, name: str) -> Observation:
        """Read the observation of an input, by its name in the ledger; raises KeyError where it has none."""
        return self.geometry(name)[0]

    def canvas(self, name: str) -> Canvas:
        """Read the canvas of an input; raises KeyError where it has none."""
        return self.geometry(name)[1]

    def geometry(self, name: str) -> tuple[Observation, Canvas]:
        """Read the observation and the canvas of an input, which are in one file; raises KeyError where it has none."""
        return canvases.unpack_geometry(self.storage.get(self.paths.geometry(name)))

    def auroras(self, name: str) -> list[Aurora]:
        """Return the measured auroras of an input, from the catalogue."""
        return list(self._auroras_by_name.get(name, []))

    @cached_property
    def _auroras_by_name(self) -> dict[str, list[Aurora]]:
        by_name: dict[str, list[Aurora]] = {}
        for aurora in tables.from_table(self.catalogue):
            by_name.setdefault(aurora.name, []).append(aurora)
        return by_name


def _observe(source: str | Path | Observation, emission: str | None) -> Observation:
    if not isinstance(source, Observation):
        return read(source, OXYGEN_1304.name if emission is None else emission)
    if emission is not None and find_emission(emission) != source.emission:
        raise UsageError(f"the observation is of {source.emission.name}, not {emission}: read its file again")
    return source


def _list_auroras(auroras: Table | Sequence[Aurora] | None) -> list[Aurora]:
    if isinstance(auroras, Table) and not tables.missing_columns(auroras):
        return tables.from_table(auroras)
    rows = [] if auroras is None else list(auroras)
    if isinstance(auroras, Table) or not all(isinstance(row, Aurora) for row in rows):
        raise UsageError("auroras must have the columns of `find`: pass its table, or a sequence of Aurora")
    return rows


def _select(auroras: Sequence[Aurora], name: str) -> list[Aurora]:
    """Select the auroras of an input: by its whole name, or by the name of its file if the folder is not known."""
    own = [aurora for aurora in auroras if aurora.name == name]
    return own or [aurora for aurora in auroras if PurePosixPath(aurora.name).name == name]


def _choose(detector: str | None, observation: Observation) -> DetectorName:
    try:
        requested = None if detector is None else DetectorName(detector)
    except ValueError:
        raise UsageError(f"the detector {detector!r} is not known; known are: {', '.join(DetectorName)}") from None
    return choose_detector(requested, observation.emission)
