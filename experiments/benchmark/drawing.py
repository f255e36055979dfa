"""How time and memory grow, and where an iteration spends its time."""

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from .case import SERIES, Case, size
from .parts import PARTS

COLOURS = ("#555555", "#0077BB", "#CC3311", "#009988", "#EE7733", "#AA3377")
MARKERS = ("o", "s", "^", "D", "v", "P")


def scaling(figure: Figure, codes: list[str], rows: list[dict]) -> None:
    """Seconds (above) and MiB (below) against what grows, a column for each of `SERIES`.

    - `codes`: in the order of their colours; the first is SimPEG.
    - `rows`: of `measure`; those that failed are left out.
    """
    figure.set_layout_engine("constrained")
    axes = figure.subplots(2, len(SERIES), sharex="col", sharey="row")
    found = {(row["code"], Case(**row["case"])): row for row in rows if "failure" not in row}
    for series, column in zip(SERIES, axes.T, strict=True):
        for code, colour, marker in zip(codes, COLOURS, MARKERS, strict=False):
            done = [case for case in SERIES[series] if (code, case) in found]
            x = [size(case, series) for case in done]
            lines = [found[code, case] for case in done]
            style = {"color": colour, "marker": marker, "ms": 5, "label": code}
            column[0].plot(x, [row["seconds"] for row in lines], **style)
            column[1].plot(x, [row["peak_mib"] - row["imports_mib"] for row in lines], **style)
        _logarithmic(column, [size(case, series) for case in SERIES[series]])
        column[0].set_title(_title(series), fontsize=10)
        column[1].set_xlabel(series)
    axes[0, 0].set_ylabel("value and gradient (s)")
    axes[1, 0].set_ylabel("memory above imports (MiB)")
    axes[0, 0].legend(frameon=False, fontsize=9)


def _title(series: str) -> str:
    """What stays the same in a series."""
    case = SERIES[series][0]
    fixed = {
        "frequencies": f"{case.rows}x{case.columns} cells",
        "columns": f"{case.rows} rows, {case.frequencies} frequencies",
        "rows": f"{case.columns} columns, {case.frequencies} frequencies",
        "cells": f"{case.frequencies} frequencies",
    }
    return fixed[series]


def _logarithmic(column: np.ndarray, ticks: list[int]) -> None:
    for ax in column:
        ax.set_xscale("log")
        ax.set_yscale("log")
        ax.grid(alpha=0.3)
        ax.set_xlim(ticks[0] / 1.3, 1.3 * ticks[-1])
        ax.set_xticks(ticks, [str(tick) if tick < 1000 else f"{tick / 1000:g}k" for tick in ticks])
        ax.xaxis.set_minor_locator(NullLocator())


def iteration(figure: Figure, rows: list[dict]) -> None:
    """A bar for each solver, stacked from the parts of an iteration; a panel for each case."""
    figure.set_layout_engine("constrained")
    done = [row for row in rows if "failure" not in row]
    cases = list(dict.fromkeys(Case(**row["case"]) for row in done))
    axes = figure.subplots(1, len(cases), squeeze=False)[0]
    for ax, case in zip(axes, cases, strict=True):
        _stack(ax, [row for row in done if Case(**row["case"]) == case])
        ax.set_title(str(case), fontsize=10)
    axes[0].set_ylabel("one iteration (s)")
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles[::-1], labels[::-1], loc="outside right center", frameon=False, fontsize=9)


def _stack(ax: Axes, rows: list[dict]) -> None:
    names = [row["code"] for row in rows]
    base = np.zeros(len(rows))
    # The grey of the map is for the rest.
    colours = np.delete(colormaps["tab10"](np.arange(10)), 7, axis=0)
    for k, part in enumerate(PARTS):
        heights = np.array([max(row["parts"][part], 0.0) for row in rows])
        colour = "0.8" if part == "rest" else colours[k]
        ax.bar(names, heights, 0.6, base, label=part, color=colour)
        base += heights
    ax.margins(x=0.3 if len(rows) == 1 else 0.1)
    ax.spines[["top", "right"]].set_visible(False)
