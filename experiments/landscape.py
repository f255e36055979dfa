"""Where do misfits have false minima?

`python -m experiments.landscape [--quick] [--out DIR]` draws misfits over one model parameter at a time,
for a conductor buried in a half-space: its depth, its resistivity, that of the background, a shift of all
stations, and a factor of all lengths; then over two at a time, depth and resistivity, background and shift.
Counts interior local minima and measures the basin, the part of the range from which the way down leads to
the truth, of least squares, of the clouds of 6-D transport without transport, of transport whose mass
slides along frequency, along the line, along both, and where it may be left behind, and of graph space.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.figure import Figure

import jaxmt
from jaxmt.misfit import AbstractMisfit
from jaxmt.transport import Relaxed

from . import options as command

STATIONS = np.linspace(-6e3, 6e3, 13)
TRUE = {"depth": 2000.0, "resistivity": 3.0, "background": 100.0, "shift": 0.0, "scale": 1.0}
HALF_WIDTH, THICKNESS = 1500.0, 1500.0
ERROR = 0.05
RANGES = {
    "depth": (np.linspace(200.0, 6000.0, 41), "Depth of the top (m)", False),
    "resistivity": (np.geomspace(0.1, 3000.0, 41), "Resistivity of the conductor (ohm m)", True),
    "background": (np.geomspace(1.0, 1e4, 41), "Resistivity of the background (ohm m)", True),
    "shift": (np.linspace(-6000.0, 6000.0, 41), "Shift of the stations (m)", False),
    "scale": (np.geomspace(0.2, 5.0, 41), "Factor of depth, width and thickness", True),
}
PAIRS = (("depth", "resistivity"), ("background", "shift"))
BLUR = 0.02
LIGHT, HEAVY, BETWEEN, REACH = 0.3, 9.0, 3, 0.1
"""Weights of axes along which mass slides or does not, points a sample, reach of unbalanced transport."""
MAPPED = ("least squares", "no transport", "slides along both, unbalanced")


def misfits() -> dict[str, AbstractMisfit]:
    """At one blur, without annealing."""

    def cloud(frequency: float, station: float, **more: Any) -> jaxmt.CloudTransport:
        weights: dict[str, Any] = {
            "frequency_weight": frequency,
            "station_weight": station,
            "error_floor_ratio": 1.0,
        }
        return jaxmt.CloudTransport(BLUR, BLUR, **weights, max_sweeps=500, **more)

    along, across = {"frequency_points": BETWEEN}, {"station_points": BETWEEN}
    free = Relaxed(REACH, REACH)
    return {
        "least squares": jaxmt.LeastSquares(),
        "no transport": jaxmt.PairedClouds(cloud(HEAVY, HEAVY)),
        "slides along frequency": cloud(LIGHT, HEAVY, **along),
        "slides along the line": cloud(HEAVY, LIGHT, **across),
        "slides along both": cloud(LIGHT, LIGHT, **along),
        "slides along frequency, unbalanced": cloud(LIGHT, HEAVY, **along, marginals=free),
        "slides along both, unbalanced": cloud(LIGHT, LIGHT, **along, marginals=free),
        "nothing slides, unbalanced": cloud(HEAVY, HEAVY, marginals=free),
        "graph space, eta 0.01": jaxmt.GraphSpaceTransport(0.01),
    }


def responses(model: dict[str, float], frequencies: np.ndarray, mesh: jaxmt.Mesh) -> jaxmt.Responses:
    """Those of a conductor; cells cut by its edges have their share of it, in log resistivity."""

    def share(nodes: np.ndarray, low: float, high: float) -> np.ndarray:
        return np.diff(np.clip(nodes, low, high)) / np.diff(nodes)

    centre, scale = -model["shift"], model["scale"]
    across = share(mesh.y_nodes, centre - scale * HALF_WIDTH, centre + scale * HALF_WIDTH)
    down = share(mesh.z_nodes[mesh.n_air :], scale * model["depth"], scale * (model["depth"] + THICKNESS))
    inside = down[:, None] * across
    log = (1 - inside) * np.log(model["background"]) + inside * np.log(model["resistivity"])
    survey = jaxmt.Survey(frequencies, STATIONS)
    return jaxmt.simulate(mesh, survey, jnp.asarray(np.exp(log)))


def draw_pairs(
    evaluate: dict[str, Callable], frequencies: np.ndarray, mesh: jaxmt.Mesh, every: int, folder: Path
) -> dict:
    """Maps of misfits over pairs of parameters; prints and returns how many local minima each has."""
    figure = Figure(figsize=(3.6 * len(evaluate), 7), layout="constrained")
    summary = {}
    for axes, (first, second) in zip(figure.subplots(len(PAIRS), len(evaluate)), PAIRS, strict=True):
        (x, x_label, x_log), (y, y_label, y_log) = RANGES[first], RANGES[second]
        x, y = x[::every], y[::every]
        maps = {name: np.empty((y.size, x.size)) for name in evaluate}
        for i, j in np.ndindex(y.size, x.size):
            model = TRUE | {first: float(x[j]), second: float(y[i])}
            predicted = responses(model, frequencies, mesh).components
            for name, function in evaluate.items():
                maps[name][i, j] = float(function(predicted))
        counts = {}
        for ax, (name, values) in zip(axes, maps.items(), strict=True):
            jaxmt.plot.landscape_map(
                ax,
                x,
                y,
                values,
                true=(TRUE[first], TRUE[second]),
                labels=(x_label, y_label),
                log=(x_log, y_log),
                title=name[0].upper() + name[1:],
            )
            if ax is not axes[0]:
                ax.set_ylabel("")
            counts[name] = len(jaxmt.plot.minima_of_map(values))
        key = f"{first} and {second}"
        summary[key] = {"x": x.tolist(), "y": y.tolist(), "minima": counts}
        summary[key]["maps"] = {name: values.tolist() for name, values in maps.items()}
        print(f"{key}: " + ", ".join(f"{name} {count}" for name, count in counts.items()))
    jaxmt.plot.save(figure, folder / "landscape_maps.png")
    return summary


def main() -> None:
    """Runs the experiment from the command line."""
    parser = command.parser(__doc__, "a third of the values and frequencies")
    options = parser.parse_args()
    folder = command.results(options, "landscape")
    every = 4 if options.quick else 1
    frequencies = np.geomspace(100.0, 1e-3, 7 if options.quick else 16)
    survey = jaxmt.Survey(frequencies, STATIONS)
    mesh = jaxmt.Mesh.design(survey, 30.0, growth=0.3 if options.quick else 0.2)
    data = jaxmt.Data.from_responses(responses(TRUE, frequencies, mesh), ERROR)
    evaluate = {}
    for name, misfit in misfits().items():
        prepared, state = misfit.prepare(data)
        evaluate[name] = jax.jit(lambda p, m=misfit, a=prepared, s=state: m(p, a, s)[0])
    figure = Figure(figsize=(18, 10), layout="constrained")
    summary, panels = {}, figure.subplots(2, 3).ravel()
    panels[-1].set_axis_off()
    for ax, (key, (values, label, log)) in zip(panels[:-1], RANGES.items(), strict=True):
        values = values[::every]
        predicted = [responses(TRUE | {key: float(v)}, frequencies, mesh).components for v in values]
        curves = {name: np.array([float(f(p)) for p in predicted]) for name, f in evaluate.items()}
        jaxmt.plot.landscape(ax, values, curves, true=TRUE[key], label=label, log=log)
        counts = {name: int(jaxmt.plot.local_minima(curve).size) for name, curve in curves.items()}
        basins = {name: jaxmt.plot.basin(values, curve, TRUE[key]) for name, curve in curves.items()}
        summary[key] = {"values": values.tolist(), "minima": counts}
        summary[key]["basins"] = {name: list(ends) for name, ends in basins.items()}
        summary[key]["curves"] = {name: curve.tolist() for name, curve in curves.items()}
        print(f"{label}: interior minima; part of the range from which the way down leads to the truth")
        for name, (low, high) in basins.items():
            inside = np.count_nonzero((values >= low) & (values <= high)) - 1
            part = inside / (values.size - 1)
            print(f"  {name:36}{counts[name]:4}{part:8.0%}   {low:.4g} to {high:.4g}")
        ax.get_legend().remove()
    # One legend for all panels; the numbers of minima are printed.
    panels[-1].legend(
        handles=panels[0].get_lines()[1::2], labels=list(evaluate), frameon=False, loc="center"
    )
    jaxmt.plot.save(figure, folder / "landscape.png")
    mapped = {name: evaluate[name] for name in MAPPED}
    summary |= draw_pairs(mapped, frequencies, mesh, 5 if options.quick else 2, folder)
    jaxmt.io.write_summary(folder / "summary.json", summary)
    print(f"Results are in {folder}")


if __name__ == "__main__":
    main()
