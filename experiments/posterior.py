"""How many gradients does a sample of a posterior take, and is what it says true?

`python -m experiments.posterior [--quick] [--sampler nuts|rto] [--draws 250] [--chains 4] [--processes N]
[--out DIR]` inverts data of a known section, 780 cells, 9 frequencies, 9 stations, TE and TM, 5 % noise,
and samples the posterior from there. It prints gradients per effective sample in log10 of resistivity of
the median and the worst cell, R-hat, the standard deviation over Laplace's, and which part of the true
section lies within the intervals of 68 and 95 %. What was stopped goes on by the same command.
"""

import json
from typing import Any

import jax
import numpy as np
from matplotlib.figure import Figure

import jaxmt
from jaxmt.sampling.sample import Sampled

from . import options as command

ERROR, BACKGROUND, CONDUCTOR, RESISTOR = 0.05, 100.0, 10.0, 1000.0
INTERVALS = (0.68, 0.95)
SIZES = {"sections": (10.0, 10.0), "columns": (12.0, 5.0), "traces": (9.0, 5.0)}
SAMPLERS = {"nuts": jaxmt.NUTS, "rto": jaxmt.RandomiseThenOptimise}


def case(*, quick: bool) -> tuple[jaxmt.Data, jaxmt.Mesh, np.ndarray]:
    """Data with noise, their mesh, and the true section in ohm m: a conductor beside a resistor."""
    stations, frequencies = (4, 4) if quick else (9, 9)
    columns, sides, rows, growth = (8, 3, 13, 1.7) if quick else (18, 6, 26, 1.25)
    outer = 9e3 * np.cumprod(np.full(sides, 1.7 if quick else 1.4))
    y = np.concatenate([-outer[::-1], np.linspace(-9e3, 9e3, columns + 1), outer])
    z = np.concatenate([[0.0], np.cumsum(50.0 * growth ** np.arange(rows))])
    mesh = jaxmt.Mesh(y, z).with_air(growth=3.0)
    survey = jaxmt.Survey(np.geomspace(100.0, 0.03, frequencies), np.linspace(-8e3, 8e3, stations))
    deep = mesh.z_centres[:, None]
    true = np.full(mesh.shape, BACKGROUND)
    true[(deep > 500) & (deep < 3000) & (mesh.y_centres > -5e3) & (mesh.y_centres < -1e3)] = CONDUCTOR
    true[(deep > 300) & (deep < 6000) & (mesh.y_centres > 2e3) & (mesh.y_centres < 6e3)] = RESISTOR
    clean = jaxmt.Data.from_responses(jaxmt.simulate(mesh, survey, true), ERROR)
    return clean.with_noise(jax.random.key(0), ERROR), mesh, true


def coverage(found: jaxmt.Posterior, true: np.ndarray, stations: np.ndarray) -> dict[str, float]:
    """Which part of the cells under the stations, down to 5 km, holds the truth within each interval."""
    inside = jaxmt.comparison.under_stations(found.mesh, stations, 5e3)
    told = {}
    for part in INTERVALS:
        low, high = found.quantiles([0.5 - part / 2, 0.5 + part / 2])
        within = (np.log10(true) >= low) & (np.log10(true) <= high)
        told[f"within {100 * part:.0f} %"] = float(np.mean(within[inside]))
    return told


def numbers(found: jaxmt.Posterior) -> dict[str, Any]:
    """What sampling took, and how far it came."""
    median, worst = found.gradients_per_effective_draw
    ratio = (found.deviation / np.where(found.laplace > 0, found.laplace, np.nan))[found.free]
    return {
        "cells": int(found.free.sum()),
        "parameters determined": found.determined,
        "draws": list(found.gradients.shape),
        "gradients a draw": float(found.gradients.mean()),
        "gradients to warm up": found.warm_up.tolist(),
        "gradients of the pilots": found.pilot_gradients,
        "gradients per effective draw, median cell": median,
        "gradients per effective draw, worst cell": worst,
        "largest R-hat": float(np.nanmax(found.rhat)),
        "deviation over Laplace's, 5, 50, 95 %": np.nanquantile(ratio, [0.05, 0.5, 0.95]).tolist(),
        "draws by weight": found.weight_worth,
        "verdict": found.message,
    }


def main() -> None:
    """Inverts, samples, prints, draws."""
    made = command.parser(__doc__, "182 cells, 4 frequencies, 4 stations, 2 x 50 draws")
    made.add_argument("--sampler", choices=sorted(SAMPLERS), default="nuts")
    made.add_argument("--draws", type=int, help="of each chain; default 250")
    made.add_argument("--chains", type=int, help="default 4")
    made.add_argument("--processes", type=int, help="that share the chains; default this one alone")
    options = made.parse_args()
    draws = options.draws or (50 if options.quick else 250)
    chains = options.chains or (2 if options.quick else 4)
    name = f"posterior_{options.sampler}" + ("_quick" if options.quick else "")
    folder = command.results(options, name)
    data, mesh, true = case(quick=options.quick)
    earth = jaxmt.Cells(mesh, 0.1, 1e5)
    start = jaxmt.invert(
        data,
        earth,
        100.0,
        jaxmt.LeastSquares(),
        optimiser=jaxmt.GaussNewton(),
        target=1.0,
        max_iterations=20,
    )
    print(f"Start: {start.message}", flush=True)

    def say(come: Sampled) -> None:
        print(
            f"{come.draws} draws a chain: R-hat up to {come.rhat:.3f}, {come.ess:.0f} effective draws or "
            f"more, {come.gradients} gradients",
            flush=True,
        )

    found = jaxmt.sample(
        data,
        earth,
        start,
        sampler=SAMPLERS[options.sampler](),
        draws=draws,
        chains=chains,
        folder=folder / "chains",
        executor=None if options.processes is None else jaxmt.Processes(options.processes),
        progress=say,
    )
    stations = data.survey.stations
    told = {**numbers(found), **coverage(found, true, stations)}
    for key, value in told.items():
        print(f"{key}: {value}")
    (folder / "numbers.json").write_text(json.dumps(told, indent=2) + "\n")
    found.save(folder / "posterior.npz")
    figures = {name: Figure(figsize=size) for name, size in SIZES.items()}
    jaxmt.plot.posterior_sections(figures["sections"], found, stations=stations)
    jaxmt.plot.posterior_columns(figures["columns"], found, stations)
    jaxmt.plot.posterior_traces(figures["traces"], found)
    for name, figure in figures.items():
        jaxmt.plot.save(figure, folder / f"{name}.png")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        raise SystemExit("Interrupted; the same command goes on.") from None
