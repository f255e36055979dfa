"""The figures that every inversion leaves in its folder, and those of a line of field data."""

import dataclasses
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure
from tqdm import tqdm

from .. import plot
from ..conventions import IMPEDANCE, TIPPER
from ..data import Data
from ..inversion.result import Result
from ..processing import positions
from .fit import Fit
from .folder import BOTH
from .line import Line
from .settings import Reference, Settings

PAGE = 12
"""Stations on a page of fit curves."""


DRAWN = ("station_map.png", "phase_tensors.png", "dimensionality.png", "strike.png", BOTH)
"""What a line may have; those of an earlier run must not stay."""

LAST = "uncertainty.png"
"""The figure of an inversion that is drawn last: where it is, the others are."""

Drawing = Callable[[], object]
"""Draws one figure to its file."""


@dataclasses.dataclass(frozen=True)
class View:
    """What the figures of a result show.

    - `target`: nRMS. `depth`: m, how far down to show the section; `limits`: ohm m, of its colours.
    - `true`: ohm m, drawn above the recovered section where there is one. `trust`: as in `plot.section`.
    - `reference`: another section, drawn above the recovered one in a figure of its own.
    """

    title: str
    target: float
    depth: float
    limits: tuple[float, float] | None = None
    true: Float[np.ndarray, "earth y"] | None = None
    trust: Float[np.ndarray, "earth y"] | None = None
    reference: Reference | None = None


def draw(drawings: Sequence[Drawing], *, quiet: bool = False) -> None:
    """Draws figures, with a bar that says how many are left."""
    for drawing in tqdm(drawings, "Drawing", unit="figure", dynamic_ncols=True, disable=quiet):
        drawing()


def draw_line(folder: Path, line: Line) -> None:
    """Draws the figures of `line_figures`."""
    draw(line_figures(folder, line), quiet=True)


def line_figures(folder: Path, line: Line) -> list[Drawing]:
    """What there is to see before an inversion: map, phase tensors, dimensionality, strike."""
    for name in DRAWN:
        (folder / name).unlink(missing_ok=True)
    if not line.sites:
        return []
    found: list[Drawing] = []
    place, located = positions(line.sites), np.isfinite(line.distances).any()
    if located and np.isfinite(place).all(axis=1).any():
        found.append(partial(_station_map, folder / "station_map.png", line))
    if line.found is None or not located:
        return found
    return [
        *found,
        partial(_phase_tensors, folder / "phase_tensors.png", line),
        partial(_dimensionality, folder / "dimensionality.png", line),
        partial(_strike, folder / "strike.png", line),
    ]


def _station_map(path: Path, line: Line) -> None:
    place = positions(line.sites)
    north, east = np.nanmax(place, axis=0) - np.nanmin(place, axis=0)
    height = float(np.clip(9 * (north + 0.35 * east) / max(east, 1.0), 4.0, 8.0))
    figure = Figure(figsize=(9, height), layout="constrained")
    plot.station_map(
        figure.add_subplot(),
        line.sites,
        strike=line.strike,
        kept=line.data.survey.names,
        direction=line.direction,
    )
    plot.save(figure, path)


def _phase_tensors(path: Path, line: Line) -> None:
    figure = Figure(figsize=(13, 11), layout="constrained")
    for ax, colour in zip(figure.subplots(2, 1), ("beta", "phi_min"), strict=True):
        plot.tensor_section(ax, line.sites, line.distances, colour=colour)
    plot.save(figure, path)


def _dimensionality(path: Path, line: Line) -> None:
    figure = Figure(figsize=(12, 5), layout="constrained")
    plot.dimensionality_section(figure.add_subplot(), line.sites, line.distances)
    plot.save(figure, path)


def _strike(path: Path, line: Line) -> None:
    figure = Figure(figsize=(9, 5.5), layout="constrained")
    ax = figure.add_subplot(projection="polar")
    plot.strike_rose(ax, line.sites, found=line.found, strike=line.strike)
    plot.save(figure, path)


def fit_figures(folder: Path, fit: Fit, settings: Settings) -> list[Drawing]:
    """An inversion of a line, and what its data say of the section."""
    if settings.depth is None:
        raise ValueError("`Settings(depth=...)` is None: take those of `Settings.for_line`.")
    title = f"{fit.label}, nRMS {fit.result.nrms:.2f}"
    shown = {"limits": settings.limits, "trust": fit.trust, "reference": settings.reference}
    view = View(title, settings.target, settings.depth, **shown)
    last = partial(_uncertainty, folder / LAST, fit, settings.depth)
    return [*result_figures(folder, fit.result, view), last]


def _uncertainty(path: Path, fit: Fit, depth: float) -> None:
    figure, survey = Figure(figsize=(12, 9)), fit.result.data.survey
    stations = {"stations": survey.stations, "names": survey.names}
    plot.uncertainty(figure, fit.uncertainty, depth=depth, **stations)
    plot.save(figure, path)


def draw_result(folder: Path, result: Result, view: View) -> None:
    """Draws section, fit curves, pseudo-sections, misfit and convergence, with a bar."""
    draw(result_figures(folder, result, view))


def result_figures(folder: Path, result: Result, view: View) -> list[Drawing]:
    """Section, pseudo-sections, fit curves, misfit and convergence; what was drawn before must not stay."""
    for stale in ("pseudosections.png", "tipper.png", "beside.png"):
        (folder / stale).unlink(missing_ok=True)
    found: list[Drawing] = [partial(_section, folder / "section.png", result, view)]
    if view.reference is not None:
        found.append(partial(_beside, folder / "beside.png", result, view, view.reference))
    data, predicted = result.data, result.predicted
    for rows, name in ((IMPEDANCE, "pseudosections.png"), (TIPPER, "tipper.png")):
        if data.mask[list(rows)].any():
            found.append(partial(_pseudosections, folder / name, data, predicted, tipper=rows == TIPPER))
    return [
        *found,
        *_curves(folder, data, predicted),
        partial(_misfit, folder / "misfit.png", result),
        partial(_convergence, folder / "convergence.png", result, view.target),
    ]


def _window(result: Result, view: View) -> dict[str, Any]:
    """What the sections of a view show."""
    survey = result.data.survey
    stations = {"stations": survey.stations, "names": survey.names}
    return {"depth": view.depth, "limits": view.limits, **stations}


def _section(path: Path, result: Result, view: View) -> None:
    """The section, with the true one above where there is one."""
    mesh, found, window = result.mesh, result.resistivity, _window(result, view)
    figure = Figure(figsize=(12, 9 if view.true is not None else 5))
    if view.true is None:
        figure.set_layout_engine("constrained")
        plot.section(figure.add_subplot(), mesh, found, title=view.title, trust=view.trust, **window)
    else:
        titles = ("True", f"Recovered: {view.title}")
        plot.comparison(figure, mesh, view.true, found, titles=titles, **window)
    plot.save(figure, path)


def _beside(path: Path, result: Result, view: View, other: Reference) -> None:
    """The section below a reference."""
    figure, titles = Figure(figsize=(12, 9)), (other.title, view.title)
    sections = result.mesh, other.resistivity, result.resistivity
    plot.comparison(figure, *sections, titles=titles, true_mesh=other.mesh, **_window(result, view))
    plot.save(figure, path)


def _pseudosections(path: Path, data: Data, predicted: np.ndarray, *, tipper: bool) -> None:
    figure = Figure(figsize=(11 if tipper else 16, 9))
    plot.pseudosections(figure, data, predicted, tipper=tipper)
    plot.save(figure, path)


def _misfit(path: Path, result: Result) -> None:
    figure = Figure(figsize=(12, 8))
    plot.misfit_by(figure, result.data, result.predicted)
    plot.save(figure, path)


def _convergence(path: Path, result: Result, target: float) -> None:
    figure = Figure(figsize=(8, 10 if "cosine_with_squares" in result.history else 7))
    plot.convergence(figure, result.history, target=target)
    plot.save(figure, path)


def draw_both(folder: Path, fits: Sequence[Fit], settings: Settings) -> None:
    """Draws the sections of two inversions of the same data one above the other."""
    first, second = (fit.result for fit in fits)
    titles = tuple(f"{fit.label}, nRMS {fit.result.nrms:.2f}" for fit in fits)
    survey, figure = first.data.survey, Figure(figsize=(12, 9))
    plot.comparison(
        figure,
        first.mesh,
        first.resistivity,
        second.resistivity,
        titles=(titles[0], titles[1]),
        depth=settings.depth,
        limits=settings.limits,
        stations=survey.stations,
        names=survey.names,
    )
    plot.save(figure, folder / BOTH)


def _curves(folder: Path, data: Data, predicted: np.ndarray) -> list[Drawing]:
    """The fit curves of every station along the profile, a dozen on a page; none of tippers alone."""
    for stale in folder.glob("fit_curves_[0-9][0-9].png"):
        stale.unlink()
    if not data.mask[list(IMPEDANCE)].any():
        return []
    order = np.argsort(data.survey.stations).tolist()
    pages = [order[first : first + PAGE] for first in range(0, len(order), PAGE)]
    return [
        partial(_page, folder / f"fit_curves_{number:02d}.png", data, predicted, sites)
        for number, sites in enumerate(pages, 1)
    ]


def _page(path: Path, data: Data, predicted: np.ndarray, sites: list[int]) -> None:
    figure = Figure(figsize=(13, 3 * -(-len(sites) // 6) + 0.8))
    plot.fit_curves(figure, data, predicted, sites=sites)
    plot.save(figure, path)
