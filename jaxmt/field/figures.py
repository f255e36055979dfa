"""The figures that every inversion leaves in its folder, and those of a line of field data."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from matplotlib.figure import Figure

import jaxmt

from ..processing import positions
from .line import Line

PAGE = 12
"""Stations on a page of fit curves."""


BOTH = "both.png"
DRAWN = ("station_map.png", "phase_tensors.png", "dimensionality.png", "strike.png", BOTH)
"""What a line may have; those of an earlier run must not stay."""


@runtime_checkable
class Section(Protocol):
    """Another section with its mesh and title."""

    title: str
    mesh: jaxmt.Mesh
    resistivity: np.ndarray


def draw_line(folder: Path, line: Line) -> None:
    """Draws what there is to see before an inversion: map, phase tensors, dimensionality, strike."""
    for name in DRAWN:
        (folder / name).unlink(missing_ok=True)
    if not line.sites:
        return
    if np.isfinite(line.distances).any():
        north, east = np.nanmax(positions(line.sites), axis=0) - np.nanmin(positions(line.sites), axis=0)
        height = float(np.clip(9 * (north + 0.35 * east) / max(east, 1.0), 4.0, 8.0))
        figure = Figure(figsize=(9, height), layout="constrained")
        jaxmt.plot.station_map(
            figure.add_subplot(), line.sites, strike=line.strike, kept=line.data.survey.names
        )
        jaxmt.plot.save(figure, folder / "station_map.png")
    if line.found is None or not np.isfinite(line.distances).any():
        return
    figure = Figure(figsize=(13, 11), layout="constrained")
    for ax, colour in zip(figure.subplots(2, 1), ("beta", "phi_min"), strict=True):
        jaxmt.plot.tensor_section(ax, line.sites, line.distances, colour=colour)
    jaxmt.plot.save(figure, folder / "phase_tensors.png")
    figure = Figure(figsize=(12, 5), layout="constrained")
    jaxmt.plot.dimensionality_section(figure.add_subplot(), line.sites, line.distances)
    jaxmt.plot.save(figure, folder / "dimensionality.png")
    figure = Figure(figsize=(9, 5.5), layout="constrained")
    ax = figure.add_subplot(projection="polar")
    jaxmt.plot.strike_rose(ax, line.sites, found=line.found, strike=line.strike)
    jaxmt.plot.save(figure, folder / "strike.png")


def draw_result(
    folder: Path,
    result: jaxmt.Result,
    *,
    target: float,
    depth: float,
    title: str,
    true: np.ndarray | None = None,
    limits: tuple[float, float] | None = None,
    trust: np.ndarray | None = None,
    reference: Section | None = None,
) -> None:
    """Draws section, fit curves, pseudo-sections, misfit and convergence.

    - `depth`: m, how far down to show the section; `limits`: ohm m, of its colours.
    - `true`: ohm m, drawn above the recovered section where there is one. `trust`: as in `plot.section`.
    - `reference`: another section, drawn above the recovered one in a figure of its own.
    """
    survey, predicted = result.data.survey, result.predicted
    stations = {"stations": survey.stations, "names": survey.names}
    window = {"depth": depth, "limits": limits, **stations}
    figure = Figure(figsize=(12, 9 if true is not None else 5))
    if true is None:
        figure.set_layout_engine("constrained")
        ax = figure.add_subplot()
        jaxmt.plot.section(ax, result.mesh, result.resistivity, title=title, trust=trust, **window)
    else:
        titles = ("True", f"Recovered: {title}")
        jaxmt.plot.comparison(figure, result.mesh, true, result.resistivity, titles=titles, **window)
    jaxmt.plot.save(figure, folder / "section.png")
    if reference is not None:
        figure = Figure(figsize=(12, 9))
        jaxmt.plot.comparison(
            figure,
            result.mesh,
            reference.resistivity,
            result.resistivity,
            titles=(reference.title, title),
            true_mesh=reference.mesh,
            **window,
        )
        jaxmt.plot.save(figure, folder / "beside.png")

    draw_fit(folder, result.data, predicted)
    for stale in ("pseudosections.png", "tipper.png"):
        (folder / stale).unlink(missing_ok=True)
    if result.data.mask[:4].any():
        figure = Figure(figsize=(16, 9))
        jaxmt.plot.pseudosections(figure, result.data, predicted)
        jaxmt.plot.save(figure, folder / "pseudosections.png")
    if result.data.mask[4:].any():
        figure = Figure(figsize=(11, 9))
        jaxmt.plot.pseudosections(figure, result.data, predicted, tipper=True)
        jaxmt.plot.save(figure, folder / "tipper.png")

    figure = Figure(figsize=(12, 8))
    jaxmt.plot.misfit_by(figure, result.data, predicted)
    jaxmt.plot.save(figure, folder / "misfit.png")

    figure = Figure(figsize=(8, 7))
    jaxmt.plot.convergence(figure, result.history, target=target)
    jaxmt.plot.save(figure, folder / "convergence.png")


def draw_both(
    folder: Path,
    results: Sequence[jaxmt.Result],
    titles: tuple[str, str],
    *,
    depth: float,
    limits: tuple[float, float] | None,
) -> None:
    """Draws the sections of two inversions of the same data one above the other."""
    survey = results[0].data.survey
    figure = Figure(figsize=(12, 9))
    jaxmt.plot.comparison(
        figure,
        results[0].mesh,
        results[0].resistivity,
        results[1].resistivity,
        titles=titles,
        depth=depth,
        limits=limits,
        stations=survey.stations,
        names=survey.names,
    )
    jaxmt.plot.save(figure, folder / BOTH)


def draw_fit(folder: Path, data: jaxmt.Data, predicted: np.ndarray) -> None:
    """Draws the fit curves of every station along the profile, a dozen on a page; none of tippers alone."""
    for stale in folder.glob("fit_curves_*.png"):
        stale.unlink()
    if not data.mask[:4].any():
        return
    order = np.argsort(data.survey.stations).tolist()
    for number, first in enumerate(range(0, len(order), PAGE), 1):
        sites = order[first : first + PAGE]
        figure = Figure(figsize=(13, 3 * -(-len(sites) // 6) + 0.8))
        jaxmt.plot.fit_curves(figure, data, predicted, sites=sites)
        jaxmt.plot.save(figure, folder / f"fit_curves_{number:02d}.png")
