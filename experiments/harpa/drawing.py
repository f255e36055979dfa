"""The figures."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import jaxmt

from .association import inside
from .picks import SPURIOUS
from .scene import Outcome
from .units import FASTEST, KILOMETRES, SECONDS, SLOWEST

COLOURS = (
    "#0077BB", "#EE7733", "#009988", "#CC3311", "#33BBEE", "#EE3377", "#999933", "#332288",
    "#882255", "#44AA99", "#DDCC77", "#88CCEE", "#AA4499", "#117733", "#661100", "#6699CC",
)  # fmt: skip
NOBODY = "0.6"


def colour(event: int) -> str:
    """Of an event; grey for a pick that is of none."""
    return NOBODY if event == SPURIOUS else COLOURS[event % len(COLOURS)]


def arrivals(outcomes: Sequence[Outcome], titles: Sequence[str], path: Path) -> None:
    """Picks at each station: the disc is the event they are of, the ring the one they were given to."""
    rows = -(-len(outcomes) // 2)
    figure = Figure(figsize=(12, 5 * rows), layout="constrained")
    axes = figure.subplots(rows, 2, squeeze=False).ravel()
    for ax in axes[len(outcomes) :]:
        ax.remove()
    for ax, outcome, title in zip(axes, outcomes, titles, strict=False):
        picks, origin = outcome.scene.picks, outcome.scene.truth.origin
        given = outcome.given()
        order = np.argsort(np.where(picks.exists, picks.times, np.inf).min(axis=1))
        for row, station in enumerate(order):
            for k in np.flatnonzero(picks.exists[station]):
                time = SECONDS * picks.times[station, k]
                ring, disc = colour(given[station, k]), colour(origin[station, k])
                ax.plot(time, row, "o", ms=9, mfc="none", mec=ring, mew=1.8)
                ax.plot(time, row, "o", ms=4, mfc=disc, mec="none")
        ax.set(
            xlabel="Arrival time (s)", ylabel="Station, by first arrival", yticks=range(0, len(order), 5)
        )
        ax.set_title(
            f"{title}: chaos {outcome.scene.truth.chaos:.2f}, accuracy {outcome.best.accuracy:.1%}",
            fontsize=10,
        )
        ax.grid(color="0.92")
    figure.suptitle("Disc: true event; ring: event found (grey: none)", fontsize=10)
    jaxmt.plot.save(figure, path)


def trajectories(outcome: Outcome, path: Path) -> None:
    """How the events of the best restart moved, in space and down in misplacement."""
    found, truth = outcome.found, outcome.scene.truth
    moved = np.asarray(inside(found.path.location))[found.best]
    figure = Figure(figsize=(12, 5.5), layout="constrained")
    ax = figure.add_subplot(1, 2, 1, projection="3d")
    stations = KILOMETRES * outcome.scene.picks.stations
    ax.plot(*stations.T, "v", color="0.5", ms=4, label="stations")
    for event in range(outcome.scene.events):
        # Joined to itself by the match of the end.
        true = KILOMETRES * truth.locations[event]
        ax.plot(*true[:, None], "*", color="black", ms=9, label="true" if event == 0 else None)
        line = KILOMETRES * moved[:, event]
        ax.plot(*line.T, "-", color=colour(event), lw=0.8, alpha=0.8)
        ax.plot(*line[-1][:, None], "o", color=colour(event), ms=5, mfc="none")
    ax.set(xlabel="x (km)", ylabel="y (km)", zlabel="Depth (km)", title="Paths of the events")
    ax.invert_zaxis()
    ax.legend(frameon=False, fontsize=8)
    ax = figure.add_subplot(1, 2, 2)
    everywhere = np.asarray(inside(found.path.location))
    for restart, guesses in enumerate(everywhere):
        distance = np.linalg.norm(guesses[:, :, None] - truth.locations, axis=-1)
        # Each true event's nearest one.
        nearest = KILOMETRES * np.sqrt(np.mean(np.square(distance.min(axis=1)), axis=1))
        best = restart == found.best
        style = {"color": "#CC3311", "lw": 2, "zorder": 3} if best else {"color": "0.7", "lw": 0.8}
        ax.semilogy(nearest, **style, label="least mismatch" if best else None)
    ax.set(xlabel="Point of the path", ylabel="To the nearest found event (km, rms)", title="All restarts")
    ax.grid(color="0.9")
    ax.legend(frameon=False)
    jaxmt.plot.save(figure, path)


def heat(
    ax: Axes, values: np.ndarray, rows: Sequence, columns: Sequence, labels: tuple[str, str], title: str
) -> None:
    """One heat map of shares between 0 and 1, with its numbers; rows go up."""
    ax.imshow(values, origin="lower", vmin=0, vmax=1, cmap="viridis", aspect="auto")
    for i, j in np.ndindex(values.shape):
        shade = "black" if values[i, j] > 0.6 else "white"
        ax.text(j, i, f"{values[i, j]:.2f}", ha="center", va="center", color=shade, fontsize=9)
    ax.set_xticks(range(len(columns)), [f"{value:g}" for value in columns])
    ax.set_yticks(range(len(rows)), [f"{value:g}" for value in rows])
    ax.set(ylabel=labels[0], xlabel=labels[1])
    ax.set_title(title, fontsize=10)


def noise(levels: Sequence[float], success: np.ndarray, path: Path) -> None:
    """Share of restarts that succeed over the noise, a line for each scene and their mean."""
    figure = Figure(figsize=(6, 4.2), layout="constrained")
    ax = figure.add_subplot()
    places = np.arange(len(levels))
    for line in success.T:
        ax.plot(places, line, "o-", color="0.7", lw=0.8, ms=3)
    ax.plot(places, success.mean(axis=1), "o-", color="#CC3311", lw=2, label="mean of the scenes")
    ax.set_xticks(places, ["none" if level == 0 else f"{level:g}" for level in levels])
    ax.set(xlabel="Noise, square root of the temperature", ylabel="Restarts with accuracy 0.9 or more")
    ax.set_ylim(-0.02, 1.02)
    ax.grid(color="0.9")
    ax.legend(frameon=False)
    jaxmt.plot.save(figure, path)


def speeds(true: np.ndarray, found: np.ndarray, outcome: Outcome, path: Path) -> None:
    """Two sections of the true speed, the one found, and their difference."""
    n = len(true)
    figure = Figure(figsize=(12, 6.5), layout="constrained")
    axes = figure.subplots(2, 3, sharex="row", sharey="row")
    unit = KILOMETRES / SECONDS
    # A pixel is centred on its node.
    low, high = -0.5 * KILOMETRES / (n - 1), KILOMETRES * (1 + 0.5 / (n - 1))
    where, _, _ = outcome.found.events()[outcome.found.best]
    for row, (name, index) in enumerate(
        (("y = 50 km", np.s_[:, n // 2]), ("depth 50 km", np.s_[:, :, n // 2]))
    ):
        across = 2 if row == 0 else 1
        panels = (("True", true[index]), ("Found", found[index]), ("Found - true", (found - true)[index]))
        for ax, (title, values) in zip(axes[row], panels, strict=True):
            signed = title.startswith("Found -")
            image = ax.imshow(
                unit * values.T,
                extent=(low, high, high, low) if row == 0 else (low, high, low, high),
                origin="upper" if row == 0 else "lower",
                cmap="RdBu" if signed else "viridis",
                vmin=-3 if signed else unit * SLOWEST,
                vmax=3 if signed else unit * FASTEST,
            )
            truth = KILOMETRES * outcome.scene.truth.locations
            ax.plot(truth[:, 0], truth[:, across], "*", color="black", ms=7, label="true events")
            ax.plot(*(KILOMETRES * where[:, [0, across]]).T, "o", mfc="none", mec="#CC3311", label="found")
            ax.set_title(f"{title}, {name}", fontsize=10)
            ax.set(xlabel="x (km)", ylabel="Depth (km)" if row == 0 else "y (km)")
            figure.colorbar(image, ax=ax, label="km/s", shrink=0.8)
    axes[0, 0].legend(fontsize=7, loc="lower left")
    jaxmt.plot.save(figure, path)
