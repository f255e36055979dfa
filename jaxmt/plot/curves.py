"""Sounding curves over period, and response curves along the profile."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Array, Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MultipleLocator

from ..data import Data
from .figure import constrain, literal
from .misfit import modes_with_data, residuals, rms
from .symbols import MODE, SMALL, Mode, Points, heading, log_axis, require_shape, rounded_decades

AllValues = Float[np.ndarray | Array, "comp freq site"]
Along = Float[np.ndarray | Array, " _"]

PAGE = 24
"""Most stations on one figure."""

ROW = 6
"""Most stations side by side."""

WIDE = 8.0
"""Width from which the legend fits on one line, inches."""


def fit_curves(
    figure: Figure, data: Data, predicted: AllValues, *, sites: Sequence[int] | None = None
) -> list[tuple[Axes, Axes]]:
    """Draws apparent resistivity over phase against period for every station.

    - `predicted`: the responses of a model in the order of `COMPONENTS`, drawn as lines.
    - `sites`: indices of at most 24 stations, in the order to draw them; by default all along the
      profile, or 24 spread over it.

    Observations carry bars of one standard deviation. The title of each station is its name and its
    nRMS over all its data; a mode without data is left out. Reads well on 15 by 3 inches for every six
    stations. Returns the axes of resistivity and phase of each station.
    """
    misfits = rms(residuals("fit_curves", data, predicted), (0, 1))
    predicted = np.asarray(predicted)
    chosen = _chosen(data, sites)
    modes = modes_with_data("fit_curves", data)
    constrain(figure)
    pairs = _panels(figure, len(chosen))
    for (rho, phase), site in zip(pairs, chosen, strict=True):
        for mode in modes:
            _observed(rho, phase, data, site, mode)
            _predicted(rho, phase, data, predicted, site, mode)
        fit = "no data" if np.isnan(misfits[site]) else f"nRMS {misfits[site]:.2f}"
        rho.set_title(f"{literal(data.survey.names[site])}   {fit}", fontsize=10)
    _scale(pairs[0], data, predicted, chosen, modes)
    columns = 4 if figure.get_figwidth() >= WIDE else 2
    figure.legend(handles=_legend(modes), loc="outside lower center", ncols=columns, frameon=False)
    return pairs


def response_profile(
    ax: Axes,
    y: Points,
    computed: Mapping[str, Along],
    table: Mapping[str, tuple[Along, Along]] | None = None,
    *,
    scatter: Mapping[str, Along] | None = None,
    source: str = "published",
    title: str | None = None,
) -> Axes:
    """Draws apparent resistivity along the profile at one period: lines computed, markers published.

    - `y`: m.
    - `computed`: ohm m at `y`, by mode ("te", "tm").
    - `table`: published positions (m) and values (ohm m), by mode.
    - `scatter`: one standard deviation of the published values, ohm m, by mode; NaN where unknown.
    - `source`: what the legend calls the published values.
    """
    table, scatter = table or {}, scatter or {}
    if not computed:
        raise ValueError("`response_profile(computed=...)` must hold 'te', 'tm' or both. Got nothing.")
    for key, values in computed.items():
        values = _checked("computed", key, values, y)
        mode = MODE[key]
        label = f"{mode.label} computed"
        ax.plot(np.asarray(y) / 1e3, values, mode.line, color=mode.colour, lw=1.8, label=label)
    for key, (positions, values) in table.items():
        values = _checked("table", key, values, positions)
        error = np.nan_to_num(scatter[key]) if key in scatter else np.zeros(values.size)
        require_shape("response_profile", f"scatter[{key!r}]", "point", error.shape, values.shape)
        mode = dataclasses.replace(MODE[key], label=f"{MODE[key].label} {source}")
        # The lower bar ends above zero, which a logarithmic axis cannot show.
        bars = np.stack([np.minimum(error, 0.99 * values), error])
        _bars(ax, np.asarray(positions) / 1e3, values, bars, mode)
    published = [values for _, values in table.values()]
    low, high = rounded_decades(np.log10(np.concatenate([*computed.values(), *published])))
    ax.set_yscale("log")
    ax.set(ylim=(low, high), xlabel="Distance (km)", ylabel="Apparent resistivity (Ω m)")
    log_axis(ax.yaxis, low, high)
    ax.margins(x=0.02)
    ax.grid(color="0.9", lw=0.8)
    ax.set_axisbelow(True)
    ax.legend(frameon=False, fontsize=SMALL)
    heading(ax, title)
    return ax


def _checked(argument: str, key: str, values: Along, positions: Along) -> Float[np.ndarray, " _"]:
    """The resistivities of one mode, if there is one at every position and all are positive."""
    if key not in MODE:
        raise ValueError(
            f"`response_profile({argument}=...)` must have the keys 'te' or 'tm'. Got {key!r}."
        )
    require_shape("response_profile", f"{argument}[{key!r}]", "point", values.shape, positions.shape)
    if np.any(np.asarray(values) <= 0):
        raise ValueError(
            f"`response_profile({argument}=...)` must be positive, in ohm m. The lowest of {key!r} is "
            f"{np.nanmin(values)}; give resistivities, not their logarithms."
        )
    return np.asarray(values)


def _chosen(data: Data, sites: Sequence[int] | None) -> list[int]:
    """Indices of the stations to draw."""
    count = data.survey.stations.size
    if sites is None:
        spread = np.unique(np.linspace(0, count - 1, min(count, PAGE)).round().astype(int))
        return np.argsort(data.survey.stations)[spread].tolist()
    if not 0 < len(sites) <= PAGE or not all(0 <= k < count for k in sites):
        raise ValueError(
            f"`fit_curves(sites=...)` must be 1 to {PAGE} indices below {count}, the number of stations. "
            f"Got {list(sites)}; draw more stations on further figures."
        )
    return list(sites)


def _panels(figure: Figure, count: int) -> list[tuple[Axes, Axes]]:
    """Pairs of resistivity and phase axes, at most `ROW` in a row, with labels at the outside only."""
    rows = -(-count // ROW)
    columns = -(-count // rows)
    grid = figure.add_gridspec(2 * rows, columns, height_ratios=[3, 2] * rows)
    pairs: list[tuple[Axes, Axes]] = []
    for k in range(count):
        row, column = divmod(k, columns)
        share = pairs[0] if pairs else (None, None)
        rho = figure.add_subplot(grid[2 * row, column], sharex=share[0], sharey=share[0])
        phase = figure.add_subplot(grid[2 * row + 1, column], sharex=rho, sharey=share[1])
        rho.tick_params(labelbottom=False, labelleft=column == 0, labelsize=SMALL)
        phase.tick_params(labelbottom=k + columns >= count, labelleft=column == 0, labelsize=SMALL)
        if column == 0:
            rho.set_ylabel("App. res. (Ω m)")
            phase.set_ylabel("Phase (°)")
        if row == rows - 1:
            phase.set_xlabel("Period (s)")
        for ax in (rho, phase):
            ax.grid(color="0.9", lw=0.8)
            ax.set_axisbelow(True)
        pairs.append((rho, phase))
    figure.align_ylabels()
    return pairs


def _observed(rho: Axes, phase: Axes, data: Data, site: int, mode: Mode) -> None:
    value, error = data.values[mode.log10_rho, :, site], data.errors[mode.log10_rho, :, site]
    centre = 10**value
    bars = np.stack([centre - 10 ** (value - error), 10 ** (value + error) - centre])
    _bars(rho, data.survey.periods, centre, bars, mode)
    _bars(
        phase, data.survey.periods, data.values[mode.phase, :, site], data.errors[mode.phase, :, site], mode
    )


def _bars(
    ax: Axes,
    x: Float[np.ndarray, " n"],
    y: Float[np.ndarray, " n"],
    error: Float[np.ndarray, "..."],
    mode: Mode,
) -> None:
    """Open markers with error bars, where a value exists."""
    exists = np.isfinite(y)
    ax.errorbar(
        x[exists],
        y[exists],
        error[..., exists],
        linestyle="none",
        marker=mode.marker,
        markersize=4.5,
        markerfacecolor="white",
        markeredgewidth=1.2,
        color=mode.colour,
        elinewidth=1,
        label=mode.label,
    )


def _predicted(
    rho: Axes,
    phase: Axes,
    data: Data,
    predicted: Float[np.ndarray, "comp freq site"],
    site: int,
    mode: Mode,
) -> None:
    order = np.argsort(data.survey.periods)
    periods = data.survey.periods[order]
    style = {"color": mode.colour, "linestyle": mode.line, "linewidth": 1.5, "zorder": 3}
    rho.plot(periods, 10 ** predicted[mode.log10_rho, order, site], **style)
    phase.plot(periods, predicted[mode.phase, order, site], **style)


def _scale(
    pair: tuple[Axes, Axes],
    data: Data,
    predicted: Float[np.ndarray, "comp freq site"],
    sites: list[int],
    modes: list[Mode],
) -> None:
    """The limits and ticks of all stations, which share their axes."""
    rho, phase = pair
    both = np.stack([data.values[:, :, sites], predicted[:, :, sites]])
    low, high = rounded_decades(both[:, [m.log10_rho for m in modes]])
    rho.set_yscale("log")
    rho.set_ylim(low, high)
    log_axis(rho.yaxis, low, high)
    phases = both[:, [m.phase for m in modes]]
    phases = np.append(phases[np.isfinite(phases)], [0.0, 90.0])
    phase.set_ylim(min(phases) - 5, max(phases) + 5)
    phase.yaxis.set_major_locator(MultipleLocator(45))
    first, last = data.survey.periods.min() / 1.5, data.survey.periods.max() * 1.5
    rho.set_xscale("log")
    rho.set_xlim(first, last)
    log_axis(rho.xaxis, first, last)


def _legend(modes: list[Mode]) -> list[Line2D]:
    hollow = {"linestyle": "none", "markerfacecolor": "white", "markeredgewidth": 1.2}
    observed = [
        Line2D([], [], marker=m.marker, color=m.colour, label=f"{m.label} observed", **hollow)
        for m in modes
    ]
    predicted = [Line2D([], [], ls=m.line, c=m.colour, label=f"{m.label} predicted") for m in modes]
    return [line for pair in zip(observed, predicted, strict=True) for line in pair]
