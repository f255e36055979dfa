"""Does graph-space transport keep a waveform inversion from skipping cycles?

`python -m experiments.gsot_fwi [--quick] [--out DIR]` compares a shifted wavelet with itself, then inverts
one trace for velocity from a start whose wave comes most of a cycle late, by least squares and by
graph-space transport: the example of Deepwave's documentation, with a propagator in JAX.
"""

import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.figure import Figure
from tqdm import tqdm

import jaxmt
from jaxmt.plot import basin, local_minima
from jaxmt.transport import assignment

from .. import options as command
from . import drawing, reference
from .case import FULL, QUICK, RATE, TRUE, Case
from .inversion import Fit, invert
from .shift import ETA, SAMPLES, costs, graph_space, least_squares, shifted

ETAS = (0.0003, ETA, 0.03, 0.3)
MAIN = f"graph space, eta {ETA:g}"
SHOWN = 10
"""The shift whose assignment is drawn, samples."""


class Checks:
    """What must hold, printed and kept as it is measured."""

    def __init__(self) -> None:
        self.rows: list[dict] = []

    def __call__(self, name: str, value: float, *, low: float = -np.inf, high: float = np.inf) -> None:
        """Adds a value that must lie between two bounds."""
        met = bool(low <= value <= high)
        self.rows.append({"name": name, "value": float(value), "low": low, "high": high, "met": met})
        bound = f">= {low:g}" if high == np.inf else f"<= {high:g}"
        bound = f"= {low:g}" if low == high else bound
        print(f"  {name:58}{value:12.6g}   {bound:10} {'yes' if met else 'NO'}")


def shift_test(step: int, folder: Path, checks: Checks) -> dict:
    """The misfits of a shifted wavelet; every `step`-th shift of -30 to 30 samples."""
    shifts = np.arange(-30.0, 31.0, step)
    curves = costs(shifts, ETAS)
    print(f"{'Misfit of a shifted wavelet':30}{'local minima':>14}{'basin (samples)':>20}")
    rows = {}
    for name, values in curves.items():
        left, right = basin(shifts, values, 0.0)
        minima = shifts[local_minima(values)].tolist()
        rows[name] = {"values": values.tolist(), "minima": minima, "basin": [left, right]}
        print(f"{name:30}{len(minima):14}{f'{left:g} to {right:g}':>20}")
    for name, known in (
        (MAIN, reference.SHIFT_GRAPH_SPACE),
        ("least squares", reference.SHIFT_LEAST_SQUARES),
    ):
        at = [k for k in known if k in shifts]
        found = costs(np.array(at, float), (ETA,))[name]
        off = float(np.abs(found - [known[k] for k in at]).max())
        checks(f"{name}: largest difference from Deepwave's values", off, high=1e-3)
    checks("graph space: its only minimum is no shift", rows[MAIN]["minima"] == [0.0], low=1, high=1)
    checks("graph space: rises up to a shift of", rows[MAIN]["basin"][1], low=26 - 26 % step)
    checks("least squares: false minima", len(rows["least squares"]["minima"]) - 1, low=2)

    moved, target = shifted(np.array([SHOWN, 0.0]))
    gaps = np.arange(SAMPLES)[:, None] - np.arange(SAMPLES)
    joined = assignment(jnp.asarray(ETA * gaps**2 + np.square(moved[:, None] - target)))
    figure = Figure(figsize=(17, 5), layout="constrained")
    drawing.shift_test(figure, (moved, target), np.asarray(joined), shifts, curves, MAIN)
    jaxmt.plot.save(figure, folder / "shift.png")
    return {"eta": ETA, "shifts": shifts.tolist(), "curves": rows}


def residual_energy(trace: np.ndarray, observed: np.ndarray) -> float:
    """Of the residual over that of the observation."""
    return float(np.sum(np.square(trace - observed)) / np.sum(np.square(observed)))


def correlation(trace: np.ndarray, observed: np.ndarray) -> float:
    """At no lag, of traces without a mean."""
    return float(trace @ observed / np.sqrt((trace @ trace) * (observed @ observed)))


def waveform_inversion(case: Case, folder: Path) -> tuple[dict, dict[str, Fit], dict[str, np.ndarray]]:
    """Inverts the trace of a uniform medium by both misfits; rows of the table, fits, traces."""
    shot = case.shot()
    record = jax.jit(lambda velocity: shot(velocity))
    observed, start = (np.asarray(record(jnp.asarray(case.uniform(v)))) for v in (TRUE, case.start))
    fits, seconds = {}, {}
    for name, misfit in (("least squares", least_squares), ("graph space", graph_space)):
        begin = time.perf_counter()
        with tqdm(total=case.epochs, desc=name, unit="epoch") as bar:

            def show(epoch: int, loss: float, bar: tqdm = bar) -> None:
                bar.set_postfix(misfit=f"{loss:.4g}", refresh=False)
                bar.update(epoch - bar.n)

            fits[name] = invert(
                shot,
                observed,
                case.uniform(case.start),
                misfit,
                epochs=case.epochs,
                step=RATE,
                progress=show,
            )
        seconds[name] = time.perf_counter() - begin
    traces = {"target": observed, "start": start} | {name: fit.trace for name, fit in fits.items()}
    rows = {}
    print(
        f"{'Trace of':16}{'residual energy':>16}{'correlation':>13}{'peak':>6}{'ray (m/s)':>11}"
        f"{'first misfit':>14}{'last':>9}{'s':>7}   ended"
    )
    for name, trace in traces.items():
        fit = fits.get(name)
        known = {"target": case.uniform(TRUE), "start": case.uniform(case.start)}
        row = {
            "residual_energy": residual_energy(trace, observed),
            "correlation": correlation(trace, observed),
            "peak_sample": int(np.argmax(trace)),
            "ray_velocity": case.on_the_ray(known[name] if fit is None else fit.velocity),
        }
        line = (
            f"{name:16}{row['residual_energy']:16.4f}{row['correlation']:13.4f}{row['peak_sample']:6}"
            f"{row['ray_velocity']:11.1f}"
        )
        if fit is not None:
            row |= {"losses": fit.losses.tolist(), "message": fit.message, "seconds": seconds[name]}
            line += f"{fit.losses[0]:14.4f}{fit.losses[-1]:9.4f}{seconds[name]:7.1f}   {fit.message}"
        print(line)
        rows[name] = row
    arrival = int(np.argmax(observed))
    window = slice(max(0, arrival - 30), min(case.samples, arrival + 53))
    figure = Figure(figsize=(15, 5), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(2, 1))
    drawing.traces(left, traces, window, case.step, f"After {case.epochs} epochs from {case.start:g} m/s")
    drawing.convergence(right, fits)
    jaxmt.plot.save(figure, folder / "inversion.png")
    figure = Figure(figsize=(15, 3.6), layout="constrained")
    drawing.velocities(figure, fits, shot, TRUE)
    jaxmt.plot.save(figure, folder / "velocity.png")
    return rows, fits, traces


def main() -> None:
    """Runs the experiment from the command line."""
    parser = command.parser(__doc__, "a smaller grid and 25 epochs: half a minute")
    options = parser.parse_args()
    folder = command.results(options, "gsot_fwi")
    begin = time.perf_counter()
    checks = Checks()
    shift = shift_test(5 if options.quick else 1, folder, checks)
    case = QUICK if options.quick else FULL
    rows, _, traces = waveform_inversion(case, folder)
    if not options.quick:
        published_checks(rows, traces["target"], checks)
    summary = {
        "quick": options.quick,
        "seed": None,
        "seconds": time.perf_counter() - begin,
        "checks": checks.rows,
        "shift": shift,
        "inversion": {"case": vars(case), "true": TRUE, "rows": rows},
    }
    jaxmt.io.write_summary(folder / "summary.json", summary)
    print(f"{summary['seconds']:.0f} s; results are in {folder}")


def published_checks(rows: dict, observed: np.ndarray, checks: Checks) -> None:
    """The outcome of the full case against Deepwave's."""
    graph, squares = rows["graph space"], rows["least squares"]
    checks(
        "propagator: correlation with Deepwave's trace", correlation(observed, reference.TRACE), low=0.999
    )
    checks("graph space: residual energy", graph["residual_energy"], high=0.03)
    checks("graph space: correlation", graph["correlation"], low=0.985)
    checks("graph space: peak sample", graph["peak_sample"], low=127, high=127)
    checks("least squares: residual energy", squares["residual_energy"], low=0.7)
    checks("least squares: velocity on the ray", squares["ray_velocity"], high=FULL.start)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        raise SystemExit("Interrupted.") from None
