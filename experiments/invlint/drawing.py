"""The figures."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import jaxmt

from .learning import IMPORTANT, Learned
from .starts import LABELS, STARTS, STEPS, TARGET, Case, Run

COLOURS = {"half-space": "0.45", "ridge": "#0077BB", "InvLINT": "#CC3311", "convolution": "#009988"}


def singular_values(learned: Learned, path: Path) -> None:
    """How many directions of the data count."""
    figure = Figure(figsize=(6, 4.5), layout="constrained")
    ax = figure.add_subplot()
    for (name, values), colour in zip(learned.singular_values.items(), ("#CC3311", "#0077BB"), strict=True):
        ax.semilogy(
            np.arange(1, values.size + 1), values / values[0], color=colour, lw=2, label=f"to {name}"
        )
    ax.axhline(IMPORTANT, color="black", ls="--", lw=1)
    ax.set(xlabel="Number", ylabel="Singular value over the largest", ylim=(1e-6, 1.5))
    ax.set_title(f"{learned.important} above 1 % for the kernel integrals", fontsize=10)
    ax.grid(color="0.9")
    ax.legend(frameon=False)
    jaxmt.plot.save(figure, path)


def training(learned: Learned, path: Path) -> None:
    """Errors after each epoch, beside the maps that need no training."""
    figure = Figure(figsize=(6.5, 4.5), layout="constrained")
    ax = figure.add_subplot()
    for name, history in learned.histories.items():
        epochs = np.arange(1, len(history.training) + 1)
        ax.plot(epochs, history.training, color=COLOURS[name], ls="--", lw=1.2, label=f"{name}, training")
        ax.plot(epochs, history.validation, color=COLOURS[name], lw=2, label=f"{name}, validation")
        ax.plot(history.best + 1, history.validation[history.best], "o", color=COLOURS[name])
    of = {score.name: score.mae for score in learned.scores}
    ax.axhline(of["ridge"], color=COLOURS["ridge"], lw=1.5, label="ridge to pixels, test")
    ax.set(xlabel="Epoch", ylabel="Mean absolute error (decades)")
    ax.grid(color="0.9")
    ax.legend(frameon=False, fontsize=8)
    jaxmt.plot.save(figure, path)


def pictures(learned: Learned, number: int, path: Path) -> None:
    """Test models as they are and as each predictor finds them."""
    layout = learned.predictor.layout
    found = {"true": learned.truth} | {k: v for k, v in learned.found.items() if k != "mean"}
    figure = Figure(figsize=(4.2 * len(found), 2.6 * number + 0.8), layout="constrained")
    axes = figure.subplots(number, len(found), sharex=True, sharey=True, squeeze=False)
    low, high = layout.range
    for row, model in zip(axes, range(number), strict=True):
        for ax, (name, values) in zip(row, found.items(), strict=True):
            error = np.mean(np.abs(values[model] - learned.truth[model]))
            jaxmt.plot.section(
                ax,
                layout.pixels,
                10 ** values[model],
                stations=layout.survey.stations,
                depth=float(layout.z_edges[-1]) / 2,
                limits=(10**low, 10**high),
                title=name if name == "true" else f"{name}, {error:.2f} decades",
                colorbar=name == list(found)[-1],
            )
            ax.label_outer()
    jaxmt.plot.save(figure, path)


def convergence(cases: Sequence[Case], runs: Sequence[Run], path: Path) -> None:
    """The nRMS from every start, by both misfits."""
    figure = Figure(figsize=(max(4.6 * len(cases), 7.0), 7.5), layout="constrained")
    axes = figure.subplots(2, len(cases), squeeze=False)
    for row, misfit in zip(axes, LABELS, strict=True):
        for ax, case in zip(row, cases, strict=True):
            for done in runs:
                if (done.row["case"], done.row["misfit"]) == (case.name, misfit):
                    start, default = done.row["start"], done.row["first_step"] == STEPS[0]
                    label = start if default else f"{start}, small steps"
                    style = {"lw": 2} if default else {"lw": 1.5, "ls": (0, (4, 2))}
                    ax.semilogy(done.nrms, color=COLOURS[start], label=label, **style)
            ax.axhline(TARGET, color="black", ls="--", lw=1)
            ax.set(xlabel="Iteration", ylabel="nRMS")
            for axis in (ax.yaxis.set_major_formatter, ax.yaxis.set_minor_formatter):
                axis("{x:g}")
            ax.set_title(f"{case.name}, {misfit}", fontsize=10)
            ax.grid(color="0.9")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False)
    jaxmt.plot.save(figure, path)


def starts(
    case: Case, given: dict[str, np.ndarray], runs: Sequence[Run], limits: tuple[float, float], path: Path
) -> None:
    """What an inversion starts from and ends with, below the true section where it is known."""
    rows = [[(f"start: {name}", given[name]) for name in STARTS]]
    for misfit in LABELS:
        wanted = case.name, misfit, STEPS[0]
        done = {
            run.row["start"]: run
            for run in runs
            if (run.row["case"], run.row["misfit"], run.row["first_step"]) == wanted
        }
        rows.append(
            [(f"{misfit}, nRMS {done[name].row['nrms']:.2f}", done[name].section) for name in STARTS]
        )
    if case.true is not None:
        rows.insert(0, [(f"{case.name}, true", case.true)])
    figure = Figure(figsize=(15, 3 * len(rows) + 0.5), layout="constrained")
    axes = figure.subplots(len(rows), len(STARTS), squeeze=False)
    for line, shown in zip(axes, rows, strict=True):
        for ax in line[len(shown) :]:
            ax.set_axis_off()
        for k, (ax, (title, section)) in enumerate(zip(line, shown, strict=False), 1):
            error = "" if case.true is None or section is case.true else f", RMSE {case.error(section):.2f}"
            jaxmt.plot.section(
                ax,
                case.mesh,
                section,
                stations=case.data.survey.stations,
                depth=case.depth,
                limits=limits,
                title=title + error,
                colorbar=k == len(shown),
            )
    jaxmt.plot.save(figure, path)
