"""The figures that every inversion leaves in its folder, and those of a line of field data."""

import dataclasses
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from .. import plot
from ..conventions import IMPEDANCE, TIPPER
from ..data import Data
from ..inversion.result import Result
from ..plot.figure import WIDTH
from ..processing import positions
from .drawing import Drawing, clear, draw
from .fit import Fit
from .folder import BOTH
from .line import Line
from .settings import Reference, Settings
from .survey_map import page

PAGE = 12
"""Stations on a page of fit curves."""

DRAWN = (
    "station_map.png",
    "phase_tensors.png",
    "dimensionality.png",
    "strike.png",
    "strike_by_period.png",
    "induction_arrows.png",
    BOTH,
)
"""What a line may have; those of an earlier run must not stay."""

LAST = "uncertainty.png"
"""The figure of an inversion that is drawn last: where it is, the others are."""


@dataclasses.dataclass(frozen=True)
class View:
    """What the figures of a result show.

    - `target`: nRMS. `depth`: m, how far down to show the section; `limits`: ohm m, of its colours.
    - `true`: ohm m, drawn above the recovered section where there is one. `trust`: as in `plot.section`.
    - `reference`: another section, drawn above the recovered one in a figure of its own.
    - `elevations`, `colours`: as in `plot.section`.
    """

    title: str
    target: float
    depth: float
    limits: tuple[float, float] | None = None
    true: Float[np.ndarray, "earth y"] | None = None
    trust: Float[np.ndarray, "earth y"] | None = None
    reference: Reference | None = None
    elevations: Float[np.ndarray, " site"] | None = None
    colours: str = "red-blue"


def line_figures(folder: Path, line: Line) -> list[Drawing]:
    """What there is to see before an inversion: map, phase tensors, dimensionality, strike, arrows."""
    clear(folder, *DRAWN)
    if not line.sites:
        return []
    found: list[Drawing] = []
    place, located = positions(line.sites), np.isfinite(line.distances).any()
    if located and np.isfinite(place).all(axis=1).any():
        found.append(Drawing(folder / "station_map.png", partial(_station_map, line)))
    if not located:
        return found
    if _has_arrows(line):
        found.append(Drawing(folder / "induction_arrows.png", partial(_arrows, line)))
    if line.found is None:
        return found
    return [
        *found,
        Drawing(folder / "phase_tensors.png", partial(_phase_tensors, line)),
        Drawing(folder / "dimensionality.png", partial(_dimensionality, line)),
        Drawing(folder / "strike.png", partial(_strike, line)),
        Drawing(folder / "strike_by_period.png", partial(_strike_by_period, line)),
    ]


def _has_arrows(line: Line) -> bool:
    return any(
        np.isfinite(site.tipper).all(axis=1).any() and np.isfinite(y)
        for site, y in zip(line.sites, line.distances, strict=True)
    )


def _station_map(line: Line) -> Figure:
    figure = Figure(figsize=page(line.sites), layout="constrained")
    plot.station_map(
        figure.add_subplot(),
        line.sites,
        strike=line.strike,
        kept=[k for k in line.matched if k is not None],
        direction=line.direction,
    )
    return figure


def _phase_tensors(line: Line) -> Figure:
    figure = Figure(figsize=(WIDTH, 8), layout="constrained")
    for ax, colour in zip(figure.subplots(2, 1), ("beta", "phi_min"), strict=True):
        plot.tensor_section(ax, line.sites, line.distances, colour=colour, names=colour == "beta")
    return figure


def _dimensionality(line: Line) -> Figure:
    figure = Figure(figsize=(WIDTH, 4.5), layout="constrained")
    plot.dimensionality_section(figure.add_subplot(), line.sites, line.distances)
    return figure


def _arrows(line: Line) -> Figure:
    figure = Figure(figsize=(WIDTH, 5.5), layout="constrained")
    plot.induction_arrows(figure.add_subplot(), line.sites, line.distances)
    return figure


def _strike(line: Line) -> Figure:
    figure = Figure(figsize=(WIDTH, 5), layout="constrained")
    ax = figure.add_subplot(projection="polar")
    plot.strike_rose(ax, line.sites, found=line.found, strike=line.strike)
    return figure


def _strike_by_period(line: Line) -> Figure:
    figure = Figure(figsize=(WIDTH, 4.5), layout="constrained")
    plot.strike_by_period(figure.add_subplot(), line.sites, strike=line.strike)
    return figure


def fit_figures(folder: Path, fit: Fit, settings: Settings, line: Line) -> list[Drawing]:
    """An inversion of a line, and what its data say of the section.

    - `settings`: those of `Settings.shown`.
    """
    view = _view(fit, settings, line)
    last = Drawing(folder / LAST, partial(_uncertainty, fit, view.depth))
    return [*result_figures(folder, fit.result, view), last]


def section_figures(folder: Path, fit: Fit, settings: Settings, line: Line) -> list[Drawing]:
    """Those of `fit_figures` that show a section, for where its colours change."""
    return _sections(folder, fit.result, _view(fit, settings, line))


def _view(fit: Fit, settings: Settings, line: Line) -> View:
    if settings.depth is None:
        raise ValueError("`Settings(depth=...)` is None: take those of `Settings.shown`.")
    return View(
        f"{fit.label}, nRMS {fit.result.nrms:.2f}",
        settings.target,
        settings.depth,
        settings.limits,
        trust=fit.trust,
        reference=settings.reference,
        elevations=line.elevations,
        colours=settings.colours,
    )


def _uncertainty(fit: Fit, depth: float) -> Figure:
    figure, survey = Figure(figsize=(WIDTH, 8)), fit.result.data.survey
    stations = {"stations": survey.stations, "names": survey.names}
    plot.uncertainty(figure, fit.uncertainty, depth=depth, **stations)
    return figure


def draw_result(folder: Path, result: Result, view: View) -> None:
    """Draws section, fit curves, pseudo-sections, misfit and convergence, with a bar."""
    draw(result_figures(folder, result, view))


def result_figures(folder: Path, result: Result, view: View) -> list[Drawing]:
    """Section, pseudo-sections, fit curves, misfit and convergence; what was drawn before must not stay."""
    clear(folder, "pseudosections.png", "tipper.png", "beside.png", "fit_curves_[0-9][0-9].png")
    found, data = _sections(folder, result, view), result.data
    for rows, name in ((IMPEDANCE, "pseudosections.png"), (TIPPER, "tipper.png")):
        if data.mask[list(rows)].any():
            make = partial(_pseudosections, result, view, tipper=rows == TIPPER)
            found.append(Drawing(folder / name, make))
    return [
        *found,
        *_curves(folder, data, result.predicted),
        Drawing(folder / "misfit.png", partial(_misfit, result)),
        Drawing(folder / "convergence.png", partial(_convergence, result, view.target)),
    ]


def _sections(folder: Path, result: Result, view: View) -> list[Drawing]:
    """The section, and beside another where there is one."""
    found = [Drawing(folder / "section.png", partial(_section, result, view))]
    if view.reference is not None:
        found.append(Drawing(folder / "beside.png", partial(_beside, result, view, view.reference)))
    return found


def _window(result: Result, view: View) -> dict[str, Any]:
    """What the sections of a view show."""
    survey = result.data.survey
    stations = {"stations": survey.stations, "names": survey.names}
    return {"depth": view.depth, "limits": view.limits, "colours": view.colours, **stations}


def _section(result: Result, view: View) -> Figure:
    """The section, with the true one above where there is one."""
    mesh, found, window = result.mesh, result.resistivity, _window(result, view)
    figure = Figure(figsize=(WIDTH, 10 if view.true is not None else 4.8))
    if view.true is None:
        figure.set_layout_engine("constrained")
        ground = None if mesh.surface.any() else view.elevations
        more = {"title": view.title, "trust": view.trust, "elevations": ground}
        plot.section(figure.add_subplot(), mesh, found, **more, **window)
    else:
        titles = ("True", f"Recovered: {view.title}")
        plot.comparison(figure, mesh, view.true, found, titles=titles, **window)
    return figure


def _beside(result: Result, view: View, other: Reference) -> Figure:
    """The section below a reference, and how they differ."""
    figure, titles = Figure(figsize=(WIDTH, 10)), (other.title, view.title)
    sections = result.mesh, other.resistivity, result.resistivity
    plot.comparison(figure, *sections, titles=titles, true_mesh=other.mesh, **_window(result, view))
    return figure


def _pseudosections(result: Result, view: View, *, tipper: bool) -> Figure:
    rows = int(result.data.mask[list(TIPPER if tipper else IMPEDANCE)].any(axis=(1, 2)).sum())
    figure = Figure(figsize=(WIDTH, 2.0 * rows + 1.4))
    plot.pseudosections(figure, result.data, result.predicted, tipper=tipper, colours=view.colours)
    return figure


def _misfit(result: Result) -> Figure:
    figure = Figure(figsize=(WIDTH, 6))
    plot.misfit_by(figure, result.data, result.predicted)
    return figure


def _convergence(result: Result, target: float) -> Figure:
    figure = Figure(figsize=(WIDTH, 5))
    plot.convergence(figure, result.history, target=target)
    return figure


def both_figure(folder: Path, fits: Sequence[Fit], settings: Settings) -> Drawing:
    """The sections of two inversions of the same data one above the other, and how they differ."""
    return Drawing(folder / BOTH, partial(_both, fits, settings))


def _both(fits: Sequence[Fit], settings: Settings) -> Figure:
    first, second = (fit.result for fit in fits)
    titles = tuple(f"{fit.label}, nRMS {fit.result.nrms:.2f}" for fit in fits)
    survey, figure = first.data.survey, Figure(figsize=(WIDTH, 10))
    plot.comparison(
        figure,
        second.mesh,
        first.resistivity,
        second.resistivity,
        titles=(titles[0], titles[1]),
        depth=settings.depth,
        limits=settings.limits,
        stations=survey.stations,
        names=survey.names,
        true_mesh=first.mesh,
        colours=settings.colours,
    )
    return figure


def _curves(folder: Path, data: Data, predicted: np.ndarray) -> list[Drawing]:
    """The fit curves of every station along the profile, a dozen on a page; none of tippers alone."""
    if not data.mask[list(IMPEDANCE)].any():
        return []
    order = np.argsort(data.survey.stations).tolist()
    pages = [order[first : first + PAGE] for first in range(0, len(order), PAGE)]
    return [
        Drawing(folder / f"fit_curves_{number:02d}.png", partial(_curve_page, data, predicted, sites))
        for number, sites in enumerate(pages, 1)
    ]


def _curve_page(data: Data, predicted: np.ndarray, sites: list[int]) -> Figure:
    figure = Figure(figsize=(WIDTH, 2.6 * -(-len(sites) // 4) + 0.9))
    plot.fit_curves(figure, data, predicted, sites=sites)
    return figure
