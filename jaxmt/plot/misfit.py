"""Where the misfit lies: by station, by period, by component."""

import numpy as np
from jaxtyping import Array, Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..data import Data, normalised_residuals
from .figure import constrain
from .symbols import MODE, SMALL, Mode, cell_edges, heading, require_shape, station_names
from .ticks import log_axis

AllValues = Float[np.ndarray | Array, "comp freq site"]

LABELS = ("TE ρ", "TE φ", "TM ρ", "TM φ", "Re T", "Im T")
"""The components' names on an axis, in the order of `COMPONENTS`."""

WORD = 40.0
"""Points that the name of a component needs."""

ROOM = 1.2
"""Height of the axes over that of the bars."""

BAR = {"color": "#4477AA", "zorder": 2}


def residuals(function: str, data: Data, predicted: AllValues) -> Float[np.ndarray, "comp freq site"]:
    """The residuals over their errors; `ValueError` in the name of `function` for a wrong shape."""
    axes = "component, frequency, station"
    require_shape(function, "predicted", axes, predicted.shape, data.values.shape)
    return np.asarray(normalised_residuals(data, np.asarray(predicted, dtype=float)))


def modes_with_data(function: str, data: Data) -> list[Mode]:
    """The modes with any resistivity or phase; `ValueError` in the name of `function` if none has."""
    modes = [m for m in MODE.values() if data.mask[[m.log10_rho, m.phase]].any()]
    if not modes:
        raise ValueError(
            f"`{function}(data=...)` must hold apparent resistivities or phases. Got tippers alone; draw "
            "them one by one with `pseudosection`."
        )
    return modes


def rms(residual: Float[np.ndarray, "..."], axes: tuple[int, ...]) -> Float[np.ndarray, "..."]:
    """Root mean square over `axes` of what exists; NaN where nothing does."""
    count = np.sum(np.isfinite(residual), axis=axes)
    total = np.nansum(np.square(residual), axis=axes)
    return np.asarray(np.sqrt(np.where(count > 0, total / np.maximum(count, 1), np.nan)))


def misfit_by(figure: Figure, data: Data, predicted: AllValues) -> list[Axes]:
    r"""Draws bars of $\sqrt{\mathrm{mean}(((d - F)/\sigma)^2)}$ per station, period and component.

    - `predicted`: the responses F of a model in the order of `COMPONENTS`.

    A dashed line marks 1, a dotted one the nRMS of all data; stations and periods without data have no
    bar. Reads well on 9 by 6 inches. Returns the axes of stations, periods and components.
    """
    residual = residuals("misfit_by", data, predicted)
    constrain(figure)
    grid = figure.add_gridspec(2, 2, width_ratios=(3, 2))
    stations = figure.add_subplot(grid[0, :])
    periods = figure.add_subplot(grid[1, 0], sharey=stations)
    components = figure.add_subplot(grid[1, 1], sharey=stations)
    _by_station(stations, data, rms(residual, (0, 1)))
    _by_period(periods, data, rms(residual, (0, 2)))
    _by_component(components, rms(residual, (1, 2)))
    total = float(rms(residual, (0, 1, 2)))
    for ax in (stations, periods, components):
        ax.axhline(1.0, color="black", ls="--", lw=1, zorder=3, label="1")
        ax.axhline(total, color="#CC3311", ls=":", lw=1.8, zorder=3, label=f"all data {total:.2f}")
        ax.grid(axis="y", color="0.9", lw=0.8)
        ax.set_axisbelow(True)
        ax.set_ylabel("nRMS")
    # Room for the legend above the bars.
    stations.set_ylim(0, ROOM * stations.get_ylim()[1])
    stations.legend(loc="upper right", ncols=2, frameon=False, fontsize=SMALL)
    return [stations, periods, components]


def _by_station(ax: Axes, data: Data, misfit: Float[np.ndarray, " site"]) -> None:
    order = np.argsort(data.survey.stations)
    ax.bar(np.arange(order.size), misfit[order], width=0.8, **BAR)
    ax.set_xlim(-0.7, order.size - 0.3)
    station_names(ax, np.arange(float(order.size)), [data.survey.names[int(k)] for k in order])
    ax.tick_params(bottom=False, labelbottom=False)
    heading(ax, "By station")


def _by_period(ax: Axes, data: Data, misfit: Float[np.ndarray, " freq"]) -> None:
    order = np.argsort(data.survey.periods)
    edges = 10 ** cell_edges(np.log10(data.survey.periods[order]), lone=0.5)
    gap = (edges[1:] / edges[:-1]) ** 0.1
    left, right = edges[:-1] * gap, edges[1:] / gap
    ax.bar(left, misfit[order], width=right - left, align="edge", **BAR)
    ax.set_xscale("log")
    ax.set_xlim(edges[0], edges[-1])
    log_axis(ax.xaxis)
    ax.set_xlabel("Period (s)")
    heading(ax, "By period")


def _by_component(ax: Axes, misfit: Float[np.ndarray, " comp"]) -> None:
    exists = np.flatnonzero(np.isfinite(misfit))
    ax.bar(np.arange(exists.size), misfit[exists], width=0.7, **BAR)
    each = ax.get_window_extent().width * 72 / ax.figure.dpi / max(exists.size, 1)
    turned = 90 if each < WORD else 0
    ax.set_xticks(np.arange(exists.size), [LABELS[k] for k in exists], rotation=turned)
    heading(ax, "By component")
