"""What does transport move, and what does it make of a shift?

`python -m experiments.transport_plans [--quick] [--out DIR]` compares the data over a buried conductor with
those over a deeper one: the plan between two sounding curves, the mass moved over frequencies and stations,
the gradient of each misfit in the data. Then misfits of a sounding curve and the same shifted in frequency,
with their local minima counted.
"""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.figure import Figure

import jaxmt
from jaxmt.conventions import COMPONENTS
from jaxmt.misfit import AbstractMisfit
from jaxmt.misfit.embedding import VALUE_SCALE
from jaxmt.transport import assignment, plan_matrix, transport_cost

from . import options as command
from .landscape import ERROR, STATIONS, TRUE, responses

MOVED = {"depth": 3500.0, "shift": 1500.0}
COMPONENT = "log10_rho_yx"
BLUR = 0.004
AXIS_WEIGHT = 0.12
"""Weight of both axes: at one, moving mass by a tenth of the survey's band costs as much as 0.8 decades of
rho."""

ETA = 0.001
SHIFT_WEIGHT, SHIFT_BLUR = 0.2, 0.03
"""Weight of frequency and blur where curves are shifted along it; eta is the square of the weight."""

SHIFTS = np.linspace(-1.5, 1.5, 61)
"""Shifts of a sounding curve along frequency, decades."""


CLOUD = jaxmt.CloudTransport(
    start_blur=BLUR,
    final_blur=BLUR,
    frequency_weight=AXIS_WEIGHT,
    station_weight=AXIS_WEIGHT,
    error_floor_ratio=1.0,
    max_sweeps=2000,
)


def misfits() -> dict[str, AbstractMisfit]:
    """Without annealing, at one blur."""
    return {
        "Least squares": jaxmt.LeastSquares(),
        "Huber": jaxmt.Huber(),
        "3-D transport": jaxmt.ComponentTransport(CLOUD),
        "6-D transport": CLOUD,
        "Graph space": jaxmt.GraphSpaceTransport(ETA),
    }


def draw_plans(data: jaxmt.Data, predicted: np.ndarray, folder: Path) -> dict[str, float]:
    """The plan at the station in the middle, of the graph space and of the cloud; the map of moved mass."""
    survey = data.survey
    shape = (survey.frequencies.size, survey.stations.size)
    embedding = CLOUD.embedding(data)
    blur = jnp.asarray(BLUR)
    x, y = embedding.predicted_cloud(jnp.asarray(predicted), blur), embedding.observed_cloud(blur)
    plan = np.asarray(plan_matrix(x, y, transport_cost(x, y, BLUR, tolerance=1e-6).potentials, BLUR**2))
    plan = plan * len(x)
    whole = plan.reshape(*shape, *shape)

    k, site = COMPONENTS.index(COMPONENT), shape[1] // 2
    p, o = predicted[k, :, site], data.values[k, :, site]
    t = np.log10(survey.frequencies)
    t = (t - t.min()) / np.ptp(t)
    costs = ETA * (t[:, None] - t) ** 2 + ((p[:, None] - o[None, :]) / VALUE_SCALE[k]) ** 2
    matched = np.eye(len(t))[np.asarray(assignment(jnp.asarray(costs)))]
    figure = Figure(figsize=(11, 4.2), layout="constrained")
    label = "log$_{10}$ apparent resistivity (Ω m)"
    names = ("Graph space", "6-D cloud")
    for ax, name, of_station in zip(
        figure.subplots(1, 2, sharey=True), names, (matched, whole[:, site, :, site]), strict=True
    ):
        jaxmt.plot.transport_plan(ax, survey.periods, p, o, of_station, label=label, title=name)
        ax.label_outer()
    jaxmt.plot.save(figure, folder / "plan.png")

    total = plan.sum(axis=1)
    leaving = 1 - np.diag(plan) / total
    log_period, station = np.meshgrid(np.log10(survey.periods), survey.stations, indexing="ij")
    moves = [(plan @ at.ravel() / total - at.ravel()).reshape(shape) for at in (log_period, station)]
    figure = Figure(figsize=(8, 5), layout="constrained")
    ax = figure.subplots()
    title = "Mass moved from predicted to observed data"
    jaxmt.plot.moved_mass(ax, survey, leaving.reshape(shape), *moves, title=title)
    jaxmt.plot.save(figure, folder / "moved.png")
    return {"mean_share_leaving": float(leaving.mean())}


def draw_gradients(data: jaxmt.Data, predicted: np.ndarray, folder: Path) -> None:
    """The gradient of each misfit in one component."""
    k = COMPONENTS.index(COMPONENT)
    gradients = {}
    for name, misfit in misfits().items():
        prepared, state = misfit.prepare(data)

        def value(p: jax.Array, m=misfit, a=prepared, s=state) -> jax.Array:
            return m(p, a, s)[0]

        gradients[name] = np.asarray(jax.jit(jax.grad(value))(jnp.asarray(predicted))[k])
    figure = Figure(figsize=(3.2 * len(gradients) + 1, 4))
    jaxmt.plot.misfit_gradients(figure, data.survey, gradients)
    jaxmt.plot.save(figure, folder / "gradients.png")


def draw_shift(folder: Path, every: int) -> dict:
    """Misfits of a sounding curve with a wave in it and the same shifted, and their local minima."""
    survey = jaxmt.Survey(np.geomspace(100.0, 0.01, 65), [0.0, 1000.0])
    log = np.log10(survey.frequencies)

    def curves(shift: float) -> np.ndarray:
        u = ((log - log.mean() - shift) / 0.35) ** 2
        wave = (1 - 2 * u) * np.exp(-u)
        values = np.stack([2 + 0.5 * wave, 45 + 10 * wave] * 2 + [0 * wave] * 2)
        return np.repeat(values[:, :, None], 2, axis=2)

    values = curves(0.0)
    values[4:] = np.nan
    errors = np.broadcast_to(np.array([0.02, 1.0, 0.02, 1.0, 1.0, 1.0])[:, None, None], values.shape)
    data = jaxmt.Data(survey, values, errors)
    cloud = jaxmt.CloudTransport(
        start_blur=SHIFT_BLUR,
        final_blur=SHIFT_BLUR,
        frequency_weight=SHIFT_WEIGHT,
        error_floor_ratio=1.0,
        max_sweeps=2000,
    )
    shifts = SHIFTS[::every]
    found = {}
    for name, misfit in {
        "least squares": jaxmt.LeastSquares(),
        "6-D transport": cloud,
        "graph space": jaxmt.GraphSpaceTransport(SHIFT_WEIGHT**2),
    }.items():
        prepared, state = misfit.prepare(data)
        evaluate = jax.jit(lambda p, m=misfit, a=prepared, s=state: m(p, a, s)[0])
        found[name] = np.array([float(evaluate(jnp.asarray(curves(s)))) for s in shifts])
    figure = Figure(figsize=(11, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    for s, style in ((0.0, "-"), (0.8, "--")):
        left.semilogx(
            survey.periods, curves(s)[0, :, 0], style, color="black", label=f"shift {s:g} decades"
        )
    left.set(xlabel="Period (s)", ylabel="log$_{10}$ apparent resistivity (Ω m)")
    left.grid(color="0.9", lw=0.8)
    left.legend(frameon=False, fontsize=8.5)
    label = "Shift along frequency (decades)"
    jaxmt.plot.landscape(right, shifts, found, true=0.0, label=label)
    jaxmt.plot.save(figure, folder / "shift.png")
    minima = {name: int(jaxmt.plot.local_minima(curve).size) for name, curve in found.items()}
    print("Local minima along a shift: " + ", ".join(f"{name} {count}" for name, count in minima.items()))
    return {
        "shifts": shifts.tolist(),
        "minima": minima,
        "curves": {n: c.tolist() for n, c in found.items()},
    }


def main() -> None:
    """Runs the experiment from the command line."""
    parser = command.parser(__doc__, "fewer frequencies and shifts")
    options = parser.parse_args()
    folder = command.results(options, "transport_plans")
    frequencies = np.geomspace(100.0, 1e-3, 9 if options.quick else 21)
    survey = jaxmt.Survey(frequencies, STATIONS)
    mesh = jaxmt.Mesh.design(survey, 30.0, growth=0.3 if options.quick else 0.2)
    data = jaxmt.Data.from_responses(responses(TRUE, frequencies, mesh), ERROR)
    predicted = np.asarray(responses(TRUE | MOVED, frequencies, mesh).components)
    summary = {"shift": draw_shift(folder, 4 if options.quick else 1)}
    summary |= draw_plans(data, predicted, folder)
    draw_gradients(data, predicted, folder)
    jaxmt.io.write_summary(folder / "summary.json", summary)
    print(f"Results are in {folder}")


if __name__ == "__main__":
    main()
