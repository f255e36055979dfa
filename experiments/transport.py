r"""How fast are clouds compared, and what do other codes take for the same value?

`python -m experiments.transport [--quick] [--out DIR]` times value and gradient of the debiased divergence
between 6-D clouds, cold and warm, beside ott-jax's Sinkhorn on the same grid of neighbours and on all
pairs, GeomLoss (tensorized) and POT (log domain), each if it is installed (`pip install jaxmt[bench]`,
which brings torch), then growth to 50,000 points.

Conventions: our blur b and cost |x - y|^2 give twice GeomLoss (p = 2) at blur b / sqrt 2; POT has no
blur but epsilon = b^2, and its cost is made KL to the product of the masses before it is debiased.
"""

import importlib.util
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.figure import Figure

import jaxmt
from jaxmt.plot.ticks import log_axis
from jaxmt.transport import Grid, divergence

from . import options as command

SHAPES = ((20, 31), (30, 31), (17, 73))
BLURS = (0.1, 0.05, 0.02, 0.01, 0.005, 0.002)
GROWTH_BLURS = (0.01, 0.003)
GROWTH = ((20, 25), (40, 50), (70, 72), (100, 100), (140, 143), (200, 250))
TOLERANCE = 1e-3
MOST_SWEEPS = 1000
"""Most sweeps of the other codes: at a small blur they would take far longer, and are reported as not
converged."""

COLOURS = {"jaxmt, warm": "#CC3311", "jaxmt, cold": "#EE7733", "GeomLoss": "#0077BB"}
COLOURS |= {"POT": "#009988", "ott-jax, dense": "#33BBEE", "ott-jax, grid": "#EE3377"}


def clouds(rows: int, columns: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Two clouds on one (frequency, station) grid: smooth curves, and the same with an error and noise."""
    rng = np.random.default_rng(seed)
    t, s = np.meshgrid(np.linspace(0, 1, rows), np.linspace(0, 1, columns), indexing="ij")
    phases = rng.uniform(0, 6, (4, 1, 1))
    observed = 0.5 + 0.15 * np.sin(4 * t + phases) * np.cos(3 * s + phases)
    predicted = (
        observed + 0.02 * np.sin(5 * t + 2 * s + phases) + 0.005 * rng.standard_normal(observed.shape)
    )
    x, y = (np.stack([t, s, *v], axis=-1).reshape(-1, 6) for v in (predicted, observed))
    return x, y


def timed(function: Callable[[], tuple[float, bool]], repeats: int) -> dict:
    """Value, whether it converged, and the least time of some calls after a first one, s."""
    value, converged = function()
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        function()
        times.append(time.perf_counter() - begin)
    return {"value": value, "converged": converged, "seconds": min(times)}


def ours(x: np.ndarray, y: np.ndarray, blur: float, repeats: int) -> dict[str, dict]:
    """Cold, and warm in the way of an inversion: from the last cloud and blur, the observed term kept."""
    grid = Grid.from_axes(y[:, :2])

    @jax.jit
    def both(x, y, grid, start, kept):
        def value(x):
            result = divergence(x, y, blur, start, grid=grid, y_self=kept, tolerance=TOLERANCE)
            return result.value, result

        return jax.value_and_grad(value, has_aux=True)(x)

    before = x + np.concatenate([np.zeros((len(x), 2)), 1e-3 * np.sin(40 * x[:, 2:])], axis=1)
    last = divergence(jnp.asarray(before), jnp.asarray(y), blur, grid=grid, tolerance=TOLERANCE)

    def run(start, kept) -> tuple[float, bool]:
        (value, result), gradient = jax.block_until_ready(both(x, y, grid, start, kept))
        del gradient
        return float(value), bool(result.converged)

    return {
        "jaxmt, cold": timed(lambda: run(None, None), repeats),
        "jaxmt, warm": timed(lambda: run(last, last.y_self), repeats),
    }


def ott_on_grid(x: np.ndarray, y: np.ndarray, blur: float, repeats: int) -> dict[str, dict]:
    """ott-jax's Sinkhorn on the grid that ours takes, cold, with its own stopping."""
    from ott.solvers.linear.sinkhorn import Sinkhorn

    solver = Sinkhorn(threshold=TOLERANCE, max_iterations=MOST_SWEEPS)
    grid = Grid.from_axes(y[:, :2])

    def value(x):
        result = divergence(x, jnp.asarray(y), blur, grid=grid, tolerance=TOLERANCE, solver=solver)
        return result.value, result.converged

    both = jax.jit(jax.value_and_grad(value, has_aux=True))

    def run() -> tuple[float, bool]:
        (found, converged), _ = jax.block_until_ready(both(jnp.asarray(x)))
        return float(found), bool(converged)

    return {"ott-jax, grid": timed(run, 1)}


def ott_dense(x: np.ndarray, y: np.ndarray, blur: float, repeats: int) -> dict[str, dict]:
    """ott-jax on all pairs, from zero, with its own stopping."""
    from ott.geometry.pointcloud import PointCloud
    from ott.problems.linear.linear_problem import LinearProblem
    from ott.solvers.linear.sinkhorn import Sinkhorn

    def value(x):
        results = []
        for a, b in ((x, y), (x, x), (y, y)):
            problem = LinearProblem(PointCloud(jnp.asarray(a), jnp.asarray(b), epsilon=blur**2))
            results.append(Sinkhorn(threshold=TOLERANCE, max_iterations=MOST_SWEEPS)(problem))
        xy, xx, yy = results
        converged = jnp.stack([r.converged for r in results]).all()
        return xy.reg_ot_cost - 0.5 * (xx.reg_ot_cost + yy.reg_ot_cost), converged

    both = jax.jit(jax.value_and_grad(value, has_aux=True))

    def run() -> tuple[float, bool]:
        (found, converged), _ = jax.block_until_ready(both(jnp.asarray(x)))
        return float(found), bool(converged)

    return {"ott-jax, dense": timed(run, 1)}


def geomloss(x: np.ndarray, y: np.ndarray, blur: float, repeats: int) -> dict[str, dict]:
    """GeomLoss, all pairs, epsilon scaling 0.9; it reports no convergence."""
    import torch  # pyright: ignore[reportMissingImports]
    from geomloss import SamplesLoss  # pyright: ignore[reportMissingImports]

    loss = SamplesLoss("sinkhorn", p=2, blur=blur / np.sqrt(2), scaling=0.9, backend="tensorized")

    def run() -> tuple[float, bool]:
        cloud = torch.tensor(x, requires_grad=True)
        value = 2 * loss(cloud, torch.tensor(y))
        value.backward()
        return value.item(), True

    return {"GeomLoss": timed(run, 1)}


def pot(x: np.ndarray, y: np.ndarray, blur: float, repeats: int) -> dict[str, dict]:
    """POT in the log domain, its value; the gradient would be that of its plan, at no cost."""
    import ot  # pyright: ignore[reportMissingImports]

    def one(a: np.ndarray, b: np.ndarray) -> tuple[float, float]:
        costs = ot.dist(a, b)
        mass = np.full(len(a), 1 / len(a)), np.full(len(b), 1 / len(b))
        # POT looks at the 2-norm of the marginal's error.
        stop = TOLERANCE / np.sqrt(len(a))
        plan, log = ot.bregman.sinkhorn_log(
            *mass, costs, blur**2, stopThr=stop, numItermax=MOST_SWEEPS, log=True, warn=False
        )
        known = plan > 0
        entropy = np.sum(plan[known] * np.log(plan[known] * len(a) * len(b)))
        return float(np.sum(plan * costs) + blur**2 * entropy), float(log["err"][-1]) / stop

    def run() -> tuple[float, bool]:
        (xy, e1), (xx, e2), (yy, e3) = one(x, y), one(x, x), one(y, y)
        return xy - 0.5 * (xx + yy), max(e1, e2, e3) < 1

    return {"POT": timed(run, 1)}


COMPETITORS = {"ott": (ott_on_grid, ott_dense), "geomloss": (geomloss,), "ot": (pot,)}


def compare(quick: bool) -> list[dict]:
    """Prints and returns a row for each code, cloud and blur."""
    codes = [ours]
    for module, their_codes in COMPETITORS.items():
        if importlib.util.find_spec(module):
            codes += their_codes
        else:
            print(f"`{module}` is not installed and left out: pip install 'jaxmt[bench]'")
    rows = []
    print(f"{'points':>7}{'blur':>7}  {'code':16}{'value':>12}{'ms':>10}")
    for shape in SHAPES[1:2] if quick else SHAPES:
        x, y = clouds(*shape)
        for blur in (0.05, 0.01) if quick else BLURS:
            found = {}
            for code in codes:
                found |= code(x, y, blur, 10)
            for name, result in found.items():
                rows.append({"points": len(x), "blur": blur, "code": name, **result})
                remark = "" if result["converged"] else "  not converged"
                print(
                    f"{len(x):7}{blur:7g}  {name:16}{result['value']:12.4e}{1e3 * result['seconds']:10.1f}"
                    f"{remark}"
                )
    return rows


def grow(quick: bool) -> list[dict]:
    """Prints and returns time and peak memory of value and gradient for ever larger clouds."""
    rows = []
    print(f"{'points':>7}{'blur':>7}{'cold, s':>10}{'warm, s':>10}{'peak memory, MiB':>18}  not converged")
    for shape in GROWTH[:3] if quick else GROWTH:
        x, y = clouds(*shape)
        for blur in GROWTH_BLURS:
            found = ours(x, y, blur, 1)
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            cold, warm = (found[f"jaxmt, {kind}"] for kind in ("cold", "warm"))
            rows.append({"points": len(x), "blur": blur, "cold": cold, "warm": warm, "peak_rss_mib": peak})
            failed = [kind for kind, row in (("cold", cold), ("warm", warm)) if not row["converged"]]
            print(
                f"{len(x):7}{blur:7g}{cold['seconds']:10.3f}{warm['seconds']:10.3f}{peak:18.0f}"
                f"  {', '.join(failed)}"
            )
    return rows


def draw(rows: list[dict], growth: list[dict], path: Path) -> None:
    """Time over blur for each size, and time and memory over points."""
    sizes = sorted({row["points"] for row in rows})
    figure = Figure(figsize=(4.5 * (len(sizes) + 1), 4.2), layout="constrained")
    axes = figure.subplots(1, len(sizes) + 1)
    for ax, size in zip(axes, sizes, strict=False):
        for name, colour in COLOURS.items():
            mine = [r for r in rows if r["points"] == size and r["code"] == name]
            if not mine:
                continue
            blur, spent = [r["blur"] for r in mine], [1e3 * r["seconds"] for r in mine]
            ax.loglog(blur, spent, "-", color=colour, lw=1.6, label=name)
            for met, fill in ((True, colour), (False, "white")):
                some = [(b, s) for b, s, r in zip(blur, spent, mine, strict=True) if r["converged"] == met]
                ax.loglog(*zip(*some, strict=True), "o", color=colour, mfc=fill, ms=5) if some else None
        ax.set(xlabel="Blur", ylabel="Value and gradient (ms)", title=f"{size} points")
        ax.grid(color="0.9")
        for axis in (ax.xaxis, ax.yaxis):
            log_axis(axis)
    handles, labels = axes[0].get_legend_handles_labels()
    marks = {"loc": "outside upper center", "ncols": len(labels), "frameon": False}
    figure.legend(handles, labels, title="hollow: not converged", **marks)
    points = sorted({row["points"] for row in growth})
    for blur, line in zip(GROWTH_BLURS, ("-", "--"), strict=True):
        mine = [row for row in growth if row["blur"] == blur]
        for kind, colour in (("cold", "#EE7733"), ("warm", "#CC3311")):
            spent = [row[kind]["seconds"] for row in mine]
            axes[-1].loglog(points, spent, "o", ls=line, color=colour, ms=4, label=f"{kind}, blur {blur:g}")
    axes[-1].set(xlabel="Points", ylabel="Seconds", title="Growth")
    axes[-1].grid(color="0.9")
    memory = axes[-1].twinx()
    peaks = [row["peak_rss_mib"] for row in growth if row["blur"] == GROWTH_BLURS[-1]]
    memory.loglog(points, peaks, "s:", color="0.4", ms=4, label="memory")
    memory.set_ylabel("Peak memory of the process (MiB)")
    for axis in (axes[-1].xaxis, axes[-1].yaxis, memory.yaxis):
        log_axis(axis)
    lines = [line for ax in (axes[-1], memory) for line in ax.get_lines()]
    axes[-1].legend(lines, [str(line.get_label()) for line in lines], frameon=False, fontsize=8.5)
    jaxmt.plot.save(figure, path)


def main() -> None:
    """Runs the experiment from the command line."""
    parser = command.parser(__doc__, "one size, two blurs, 5,000 points at most")
    options = parser.parse_args()
    folder = command.results(options, "transport")
    growth = grow(options.quick)
    rows = compare(options.quick)
    draw(rows, growth, folder / "transport.png")
    summary: dict[str, Any] = {"codes": rows, "growth": growth}
    jaxmt.io.write_summary(folder / "summary.json", summary)
    print(f"Results are in {folder}")


if __name__ == "__main__":
    main()
