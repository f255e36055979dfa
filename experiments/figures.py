"""The figures that every inversion leaves in its folder."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import jaxmt


def draw_result(
    folder: Path,
    result: jaxmt.Result,
    *,
    target: float,
    depth: float,
    title: str,
    true: np.ndarray | None = None,
    limits: tuple[float, float] | None = None,
) -> None:
    """Draws section, fit curves, pseudo-sections, misfit and convergence.

    - `depth`: m, how far down to show the section; `limits`: ohm m, of its colours.
    - `true`: ohm m, drawn above the recovered section where there is one.
    """
    survey, predicted = result.data.survey, result.predicted
    stations = {"stations": survey.stations, "names": survey.names}
    figure = Figure(figsize=(12, 9 if true is not None else 5))
    if true is None:
        ax = figure.add_subplot()
        jaxmt.plot.section(
            ax, result.mesh, result.resistivity, depth=depth, limits=limits, title=title, **stations
        )
    else:
        titles = ("True", f"Recovered: {title}")
        jaxmt.plot.comparison(
            figure,
            result.mesh,
            true,
            result.resistivity,
            depth=depth,
            limits=limits,
            titles=titles,
            **stations,
        )
    jaxmt.plot.save(figure, folder / "section.png")

    rows = -(-min(survey.stations.size, 24) // 6)
    figure = Figure(figsize=(15, 3 * rows + 0.8))
    jaxmt.plot.fit_curves(figure, result.data, predicted)
    jaxmt.plot.save(figure, folder / "fit_curves.png")

    figure = Figure(figsize=(16, 9))
    jaxmt.plot.pseudosections(figure, result.data, predicted)
    jaxmt.plot.save(figure, folder / "pseudosections.png")

    figure = Figure(figsize=(12, 8))
    jaxmt.plot.misfit_by(figure, result.data, predicted)
    jaxmt.plot.save(figure, folder / "misfit.png")

    figure = Figure(figsize=(8, 7))
    jaxmt.plot.convergence(figure, result.history, target=target)
    jaxmt.plot.save(figure, folder / "convergence.png")
