"""A figure for each question, from the stored results."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, PercentFormatter

import jaxmt

from .case import Case, case_of
from .methods import LEAST_SQUARES
from .problem import problem
from .questions import Question
from .tables import Spread, answers, gains, relative_nrms, setting_name, share

COLOURS = (
    "#000000",
    "#0077BB",
    "#009988",
    "#CC3311",
    "#EE7733",
    "#AA3377",
    "#999933",
    "#BBBBBB",
    "#33BBEE",
)
MARKERS = "os^Dv<>PXhd"
Measure = tuple[str, Callable[[dict], float], bool]
MEASURES: tuple[Measure, ...] = (
    ("nRMS / that of the true section", relative_nrms, True),
    ("RMSE of log10 rho by cell", lambda r: r["rmse"], False),
    ("RMSE of log10 rho by area", lambda r: r["area_rmse"], False),
    ("SSIM", lambda r: r["similarity"], False),
)
"""Label, value of a record, whether its axis is logarithmic."""


def draw(records: Sequence[dict], chosen: dict[str, Question], folder: Path) -> None:
    """Draws every question that has answers into `folder`.

    All but that of sliding, whose thirteen methods no eye tells apart: its table says it.
    """
    special = {"cost": _cost, "ablation": _ablation, "depth": _depth}
    for name, question in chosen.items():
        if name != "sliding" and answers(records, question):
            figure = special.get(name, _curves)(records, question, folder)
            jaxmt.plot.save(figure, folder / f"{name}.png", dpi=120)


def _beside(k: int, question: Question) -> float:
    """How far a method stands from the middle of its setting."""
    return 0.72 / len(question.methods) * (k - (len(question.methods) - 1) / 2)


def _style(question: Question) -> dict[str, dict]:
    return {
        method: {"color": COLOURS[k % len(COLOURS)], "marker": MARKERS[k % len(MARKERS)], "label": method}
        for k, method in enumerate(question.methods)
    }


def _points(
    ax: Axes,
    x: np.ndarray,
    groups: Sequence[list[dict]],
    measure: Callable[[dict], float],
    style: dict,
    line: str = "-",
) -> None:
    """Medians over seeds, and bars from the lowest to the highest."""
    spreads = [Spread.of([measure(r) for r in found if "failure" not in r]) for found in groups]
    middle = np.array([s.middle for s in spreads])
    bars = np.array([[s.middle - s.low for s in spreads], [s.high - s.middle for s in spreads]])
    ax.errorbar(x, middle, bars, ls=line, ms=5, lw=1.3, elinewidth=0.9, capsize=2, **style)


def _finish(ax: Axes, names: Sequence[str], label: str, log: bool) -> None:
    ax.set_xticks(range(len(names)), names, rotation=40, ha="right", fontsize=8.5)
    ax.set(xlim=(-0.6, len(names) - 0.4), ylabel=label)
    if log:
        ax.set_yscale("log")
        low, high = ax.get_ylim()
        ticks = [t for t in (0.7, 1, 1.1, 1.2, 1.35, 1.5, 2, 3, 5, 10, 20, 50, 100) if low <= t <= high]
        ax.set_yticks(ticks, [f"{t:g}" for t in ticks])
        ax.yaxis.set_minor_formatter(NullFormatter())
    ax.grid(color="0.9", lw=0.8)
    ax.set_axisbelow(True)


def _legend(figure: Figure, ax: Axes) -> None:
    handles, labels = ax.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(labels), frameon=False)


def _rows(question: Question) -> list[tuple[str, list[Case]]]:
    """Settings in rows of panels: a row a model where each model has several."""
    models = list(dict.fromkeys(s.model for s in question.settings))
    if len(models) == len(question.settings) or len(models) == 1:
        return [("", list(question.settings))]
    return [(model, [s for s in question.settings if s.model == model]) for model in models]


def _curves(records: Sequence[dict], question: Question, folder: Path) -> Figure:
    """nRMS, RMSE and similarity over the settings."""
    del folder
    found, rows, style = answers(records, question), _rows(question), _style(question)
    figure = Figure(figsize=(18, 4.6 * len(rows)), layout="constrained")
    panels = figure.subplots(len(rows), len(MEASURES), squeeze=False)
    for (title, settings), axes in zip(rows, panels, strict=True):
        names = [setting_name(s, question) for s in settings]
        for (label, measure, log), ax in zip(MEASURES, axes, strict=True):
            for k, method in enumerate(question.methods):
                x = np.arange(len(names)) + _beside(k, question)
                groups = [found.get((name, method), []) for name in names]
                # Settings have no order along which a line would mean something, but it guides the eye.
                _points(ax, x, groups, measure, style[method], ":")
            shown = [name.removeprefix(f"{title}, ") for name in names]
            _finish(ax, shown, label, log)
        axes[0].set_title(title, loc="left", fontweight="bold", fontsize=11)
    _legend(figure, panels[0, 0])
    return figure


def _cost(records: Sequence[dict], question: Question, folder: Path) -> Figure:
    """Time to the target, of an iteration, and how much of it the misfit takes."""
    del folder
    found, style = answers(records, question), _style(question)
    names = [setting_name(s, question) for s in question.settings]
    measures: tuple[Measure, ...] = (
        ("Seconds to the target", lambda r: r["seconds"] if r["converged"] else np.nan, False),
        ("Seconds an iteration", lambda r: r["iteration_seconds"], False),
        ("Share of the misfit and its gradient", share, False),
    )
    figure = Figure(figsize=(15, 4.6), layout="constrained")
    axes = figure.subplots(1, len(measures))
    for (label, measure, log), ax in zip(measures, axes, strict=True):
        for k, method in enumerate(question.methods):
            x = np.arange(len(names)) + _beside(k, question)
            groups = [found.get((name, method), []) for name in names]
            _points(ax, x, groups, measure, style[method], "none")
        _finish(ax, names, label, log)
        ax.set_ylim(bottom=0)
    axes[2].axhline(0.1, color="black", ls="--", lw=1)
    axes[2].set_ylim(top=max(0.12, axes[2].get_ylim()[1]))
    axes[2].yaxis.set_major_formatter(PercentFormatter(1.0))
    _legend(figure, axes[0])
    return figure


def _ablation(records: Sequence[dict], question: Question, folder: Path) -> Figure:
    """RMSE of each variant over that of least squares with Adam, seed by seed."""
    del folder
    found = answers(records, question)
    names = [setting_name(s, question) for s in question.settings]
    variants = [m for m in question.methods if m != LEAST_SQUARES]
    figure = Figure(figsize=(6.5 * len(names), 0.36 * len(variants) + 1.6), layout="constrained")
    axes = figure.subplots(1, len(names), sharey=True, squeeze=False)[0]
    for name, ax in zip(names, axes, strict=True):
        reference = found.get((name, LEAST_SQUARES), [])
        spreads = [Spread.of(gains(found.get((name, v), []), reference)) for v in variants]
        middle = np.array([s.middle for s in spreads])
        bars = np.array([[s.middle - s.low for s in spreads], [s.high - s.middle for s in spreads]])
        ax.errorbar(middle, range(len(variants)), xerr=bars, fmt="D", color="#CC3311", ms=5, capsize=2)
        ax.axvline(0, color="black", lw=1)
        ax.set(xlabel="RMSE against least squares with Adam", yticks=range(len(variants)))
        ax.set_yticklabels(variants)
        ax.xaxis.set_major_formatter(PercentFormatter(1.0))
        ax.set_title(name, loc="left", fontweight="bold", fontsize=11)
        ax.grid(color="0.9", lw=0.8)
    axes[0].invert_yaxis()
    return figure


def _depth(records: Sequence[dict], question: Question, folder: Path) -> Figure:
    """True and recovered sections of the first seed, each method a row."""
    stored = {}
    for record in records:
        case = case_of(record)
        path = folder / "sections" / f"{case.digest}.npz"
        if case in question and path.exists():
            stored[case.model, case.method] = path
    models = [s for s in question.settings if any(model == s.model for model, _ in stored)]
    shown = ["", *(m for m in question.methods if any(method == m for _, method in stored))]
    figure = Figure(figsize=(5.2 * max(len(models), 1), 2.1 * len(shown)), layout="constrained")
    panels = figure.subplots(len(shown), max(len(models), 1), squeeze=False)
    for column, setting in enumerate(models):
        given = problem(setting.model, setting.size)
        low, high = given.model.range
        heading = f"{setting.model}, true: {low:g} (red) to {high:g} ohm m"
        for row, method in enumerate(shown):
            ax = panels[row, column]
            path = stored.get((setting.model, method))
            if method and path is None:
                ax.set_axis_off()
                continue
            section = 10 ** np.load(path)["log10_resistivity"].astype(float) if path else given.true
            jaxmt.plot.section(
                ax,
                given.mesh,
                section,
                stations=given.survey.stations,
                depth=1.3 * given.model.depth,
                limits=(low, high),
                title=method or heading,
                colorbar=False,
            )
            if row < len(shown) - 1:
                ax.set_xlabel("")
    return figure
