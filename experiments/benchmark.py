"""How long does a misfit and its gradient take?

`python -m experiments.benchmark [--quick] [--out DIR]` times value and gradient, TE and TM, on two grids.
"""

import argparse
import resource
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

import jaxmt

# Rows and columns (with air), air rows, frequencies, stations.
CASES = ((40, 40, 8, 30, 31), (90, 240, 10, 18, 24))


def seconds(case: tuple[int, int, int, int, int], repeats: int) -> float:
    """Median time of value and gradient, s; each call has another model, so that nothing is reused."""
    rows, columns, air, frequencies, stations = case
    mesh = jaxmt.Mesh(
        np.linspace(-500e3, 500e3, columns + 1),
        np.concatenate([-np.geomspace(1000e3, 500.0, air), [0.0], np.geomspace(20.0, 600e3, rows - air)]),
    )
    survey = jaxmt.Survey(np.geomspace(0.1, 1e-4, frequencies), np.linspace(-200e3, 200e3, stations))

    def misfit(log_resistivity: jax.Array) -> jax.Array:
        return jnp.sum(jaxmt.simulate(mesh, survey, jnp.exp(log_resistivity)).components[:4] ** 2)

    both = jax.jit(jax.value_and_grad(misfit))
    rough = 0.3 * jax.random.normal(jax.random.key(0), mesh.shape)
    jax.block_until_ready(both(np.log(100.0) + rough))
    times = []
    for k in range(repeats):
        begin = time.perf_counter()
        jax.block_until_ready(both(np.log(90.0 - k) + rough))
        times.append(time.perf_counter() - begin)
    return float(np.median(times))


def main() -> None:
    """Runs the experiment from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="the small grid only")
    parser.add_argument("--out", type=Path, default=Path("results"), help="folder for the results")
    options = parser.parse_args()
    rows = []
    for case in CASES[:1] if options.quick else CASES:
        spent = seconds(case, 7)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        names = ("rows", "columns", "air_rows", "frequencies", "stations")
        rows.append({**dict(zip(names, case, strict=True)), "seconds": spent, "peak_rss_mib": peak})
        print(
            f"{case[0]} x {case[1]} cells, {case[3]} frequencies, {case[4]} stations: value and gradient "
            f"{spent:.3f} s, peak memory {peak:.0f} MiB"
        )
    folder = options.out / "benchmark"
    folder.mkdir(parents=True, exist_ok=True)
    jaxmt.io.write_summary(folder / "summary.json", {"value_and_gradient": rows})


if __name__ == "__main__":
    main()
