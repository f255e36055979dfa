"""Draws from the posterior of a line: `jaxmt invert --sample`."""

import shutil
from functools import partial
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from .. import plot
from ..inversion.result import Ending, Result
from ..misfit import AbstractMisfit, LeastSquares
from ..misfit.pointwise import AbstractPointwise
from ..plot.figure import WIDTH
from ..report import Page
from ..sampling.posterior import Posterior
from ..sampling.sample import Sampled, sample
from .drawing import Drawing, clear
from .fit import Fit
from .folder import POSTERIOR
from .line import Line
from .settings import Settings

CHAINS, SO_FAR = 4, "chains"
"""How many there are, and the folder of what is sampled so far."""

FIGURES = ("posterior.png", "posterior_columns.png", "posterior_traces.png")


def sampled(
    line: Line,
    misfit: AbstractMisfit,
    result: Result,
    settings: Settings,
    factor: float,
    place: Path | None,
    *,
    quiet: bool,
) -> Posterior | None:
    """The posterior around a section, if settings ask for one; kept in `place`, where it goes on.

    - `factor`: lambda that the appraisal found, of `Smoothness()`.

    The likelihood is the misfit where it is one, and least squares elsewhere. An inversion that was stopped
    has none.
    """
    if settings.sample is None or result.ending is Ending.INTERRUPTED:
        return None
    plain = isinstance(misfit, AbstractPointwise) and misfit.phase_weight == 1
    if not quiet:
        print(f"Sampling, {CHAINS} chains of {settings.sample} draws", flush=True)

    def say(come: Sampled) -> None:
        if not quiet:
            print(
                f"  {come.draws} draws a chain: R-hat up to {come.rhat:.3f}, {come.ess:.0f} effective "
                f"draws or more, {come.gradients} gradients",
                flush=True,
            )

    found = sample(
        line.data,
        result.cells,
        result,
        misfit if plain else LeastSquares(),
        prior=settings.regularization,
        regularization_factor=factor if settings.regularization is None else None,
        static_shift=settings.static_shift,
        draws=settings.sample,
        chains=CHAINS,
        folder=None if place is None else place / SO_FAR,
        progress=say,
    )
    if not quiet:
        print(f"  {found.message}", flush=True)
    return found


def settled(place: Path, found: Posterior) -> None:
    """Writes a posterior; what it was made of goes."""
    found.save(place / POSTERIOR)
    shutil.rmtree(place / SO_FAR, ignore_errors=True)


def posterior_figures(place: Path, fit: Fit, settings: Settings) -> list[Drawing]:
    """Sections, columns under stations and traces, where there is a posterior."""
    clear(place, *FIGURES)
    if fit.posterior is None:
        return []
    makers = (_sections, _columns, _traces)
    return [
        Drawing(place / name, partial(make, fit, fit.posterior, settings))
        for name, make in zip(FIGURES, makers, strict=True)
    ]


def _sections(fit: Fit, found: Posterior, settings: Settings) -> Figure:
    figure, survey = Figure(figsize=(WIDTH, 10)), fit.result.data.survey
    plot.posterior_sections(
        figure,
        found,
        stations=survey.stations,
        names=survey.names,
        depth=settings.depth,
        limits=settings.limits,
        colours=settings.colours,
    )
    return figure


def _columns(fit: Fit, found: Posterior, settings: Settings) -> Figure:
    figure, survey = Figure(figsize=(WIDTH, 5)), fit.result.data.survey
    plot.posterior_columns(figure, found, survey.stations, names=survey.names, depth=settings.depth)
    return figure


def _traces(fit: Fit, found: Posterior, settings: Settings) -> Figure:
    del settings
    figure = Figure(figsize=(WIDTH, 5))
    plot.posterior_traces(figure, found)
    return figure


def posterior_section(page: Page, place: Path, fit: Fit) -> Page:
    """What the report says of a posterior."""
    found = fit.posterior
    if found is None:
        return page
    ratio = (found.deviation / np.where(found.laplace > 0, found.laplace, np.nan))[found.free]
    text = f"{fit.label}: {found.message}."
    page = page.paragraph(text) if found.converged else page.warning(text)
    median, worst = found.gradients_per_effective_draw
    page = page.paragraph(
        f"Draws of sections that fit the data as the smoothness lets them, {found.gradients.shape[0]} "
        f"chains of {found.gradients.shape[1]}, at {median:.0f} gradients an effective draw in the median "
        f"cell and {worst:.0f} in the worst. Their standard deviation is {np.nanmedian(ratio):.2f} times "
        "that of the linearised appraisal (median of the cells)."
    )
    page = page.figure(
        place / FIGURES[0],
        "Median of the draws, the most probable section, and the probability that a cell conducts better "
        "than 10 ohm m, given the data, their errors and the smoothness.",
    )
    page = page.figure(
        place / FIGURES[1],
        "Resistivity under stations: median of the draws, 68 and 95 % of them in grey, and the most "
        "probable section.",
    )
    return page.figure(
        place / FIGURES[2],
        "How the chains ran, a colour for each: in the cell where they agree least, and their density.",
    )
