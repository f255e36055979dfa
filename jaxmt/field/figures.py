"""The figures that every inversion leaves in its folder, and those of a line of field data."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

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


def draw_line(folder: Path, line: Line) -> None:
    """Draws what there is to see before an inversion: map, phase tensors, dimensionality, strike."""
    for name in DRAWN:
        (folder / name).unlink(missing_ok=True)
    if not line.sites:
        return
    place = positions(line.sites)
    if np.isfinite(line.distances).any() and np.isfinite(place).all(axis=1).any():
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
        plot.save(figure, folder / "station_map.png")
    if line.found is None or not np.isfinite(line.distances).any():
        return
    figure = Figure(figsize=(13, 11), layout="constrained")
    for ax, colour in zip(figure.subplots(2, 1), ("beta", "phi_min"), strict=True):
        plot.tensor_section(ax, line.sites, line.distances, colour=colour)
    plot.save(figure, folder / "phase_tensors.png")
    figure = Figure(figsize=(12, 5), layout="constrained")
    plot.dimensionality_section(figure.add_subplot(), line.sites, line.distances)
    plot.save(figure, folder / "dimensionality.png")
    figure = Figure(figsize=(9, 5.5), layout="constrained")
    ax = figure.add_subplot(projection="polar")
    plot.strike_rose(ax, line.sites, found=line.found, strike=line.strike)
    plot.save(figure, folder / "strike.png")


def draw_fit(folder: Path, fit: Fit, settings: Settings) -> None:
    """Draws an inversion of a line, and what its data say of the section."""
    result, survey, depth = fit.result, fit.result.data.survey, settings.depth
    if depth is None:
        raise ValueError("`Settings(depth=...)` is None: take those of `Settings.for_line`.")
    title = f"{fit.label}, nRMS {result.nrms:.2f}"
    shown = {"limits": settings.limits, "trust": fit.trust, "reference": settings.reference}
    draw_result(folder, result, View(title, settings.target, depth, **shown))
    figure = Figure(figsize=(12, 9))
    stations = {"stations": survey.stations, "names": survey.names}
    plot.uncertainty(figure, fit.uncertainty, depth=depth, **stations)
    plot.save(figure, folder / "uncertainty.png")


def draw_result(folder: Path, result: Result, view: View) -> None:
    """Draws section, fit curves, pseudo-sections, misfit and convergence."""
    draw_section(folder, result, view)
    draw_data(folder, result.data, result.predicted)
    figure = Figure(figsize=(12, 8))
    plot.misfit_by(figure, result.data, result.predicted)
    plot.save(figure, folder / "misfit.png")
    figure = Figure(figsize=(8, 10 if "cosine_with_squares" in result.history else 7))
    plot.convergence(figure, result.history, target=view.target)
    plot.save(figure, folder / "convergence.png")


def draw_section(folder: Path, result: Result, view: View) -> None:
    """Draws the section, with the true one where there is one, and below a reference."""
    survey, mesh, found = result.data.survey, result.mesh, result.resistivity
    window = {
        "depth": view.depth,
        "limits": view.limits,
        "stations": survey.stations,
        "names": survey.names,
    }
    figure = Figure(figsize=(12, 9 if view.true is not None else 5))
    if view.true is None:
        figure.set_layout_engine("constrained")
        plot.section(figure.add_subplot(), mesh, found, title=view.title, trust=view.trust, **window)
    else:
        titles = ("True", f"Recovered: {view.title}")
        plot.comparison(figure, mesh, view.true, found, titles=titles, **window)
    plot.save(figure, folder / "section.png")
    if view.reference is not None:
        other = view.reference
        figure = Figure(figsize=(12, 9))
        titles = (other.title, view.title)
        plot.comparison(
            figure, mesh, other.resistivity, found, titles=titles, true_mesh=other.mesh, **window
        )
        plot.save(figure, folder / "beside.png")


def draw_data(folder: Path, data: Data, predicted: np.ndarray) -> None:
    """Draws fit curves and pseudo-sections of what there is; what an earlier run drew must not stay."""
    draw_curves(folder, data, predicted)
    for stale in ("pseudosections.png", "tipper.png"):
        (folder / stale).unlink(missing_ok=True)
    if data.mask[list(IMPEDANCE)].any():
        figure = Figure(figsize=(16, 9))
        plot.pseudosections(figure, data, predicted)
        plot.save(figure, folder / "pseudosections.png")
    if data.mask[list(TIPPER)].any():
        figure = Figure(figsize=(11, 9))
        plot.pseudosections(figure, data, predicted, tipper=True)
        plot.save(figure, folder / "tipper.png")


def draw_both(folder: Path, fits: Sequence[Fit], settings: Settings) -> None:
    """Draws the sections of two inversions of the same data one above the other."""
    first, second = (fit.result for fit in fits)
    upper, lower = (f"{fit.label}, nRMS {fit.result.nrms:.2f}" for fit in fits)
    survey = first.data.survey
    figure = Figure(figsize=(12, 9))
    plot.comparison(
        figure,
        first.mesh,
        first.resistivity,
        second.resistivity,
        titles=(upper, lower),
        depth=settings.depth,
        limits=settings.limits,
        stations=survey.stations,
        names=survey.names,
    )
    plot.save(figure, folder / BOTH)


def draw_curves(folder: Path, data: Data, predicted: np.ndarray) -> None:
    """Draws the fit curves of every station along the profile, a dozen on a page; none of tippers alone."""
    for stale in folder.glob("fit_curves_[0-9][0-9].png"):
        stale.unlink()
    if not data.mask[list(IMPEDANCE)].any():
        return
    order = np.argsort(data.survey.stations).tolist()
    for number, first in enumerate(range(0, len(order), PAGE), 1):
        sites = order[first : first + PAGE]
        figure = Figure(figsize=(13, 3 * -(-len(sites) // 6) + 0.8))
        plot.fit_curves(figure, data, predicted, sites=sites)
        plot.save(figure, folder / f"fit_curves_{number:02d}.png")
