"""Sinkhorn solvers of ott-jax on the geometries of this package, beside the package's own iterations."""

import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from ott.solvers.linear.acceleration import AndersonAcceleration
from ott.solvers.linear.sinkhorn import Sinkhorn
from ott.solvers.linear.sinkhorn_lr import LRSinkhorn

from jaxmt import CloudTransport, sinkhorn_divergence
from jaxmt.fingerprint import fingerprint
from jaxmt.transport import Grid, Partial, Relaxed, divergence
from jaxmt.transport.all_pairs import FullGeometry
from jaxmt.transport.geometry import LocalGeometry
from jaxmt.transport.ott_solver import OttGeometry

BLUR = 0.15
TOLERANCE = 1e-7


def clouds():
    """Two 6-D clouds on a grid of 10 by 8 points, two of them missing; mass reaches the next point."""
    rng = np.random.default_rng(2)
    t, s = np.meshgrid(np.linspace(0, 1, 10), np.linspace(0, 1, 8), indexing="ij")
    observed = np.stack([t, s, *0.2 * rng.random((4, 10, 8))], axis=-1).reshape(-1, 6)
    predicted = observed.copy()
    predicted[:, 2:] += 0.1 * rng.standard_normal((80, 4))
    kept = np.delete(np.arange(80), [13, 60])
    return jnp.asarray(predicted[kept]), jnp.asarray(observed[kept])


X, Y = clouds()
GRID = Grid.from_axes(np.asarray(Y[:, :2]))
ON = {"grid": GRID, "all pairs": None}
SOLVERS = {
    "log": Sinkhorn(threshold=TOLERANCE, max_iterations=5000),
    "kernel": Sinkhorn(lse_mode=False, threshold=TOLERANCE, max_iterations=5000),
    "Anderson": Sinkhorn(threshold=TOLERANCE, anderson=AndersonAcceleration(memory=3)),
}


def solved(solver, grid, x=X):
    """((value, divergence), gradient)."""

    def value(x):
        result = divergence(x, Y, BLUR, grid=grid, solver=solver, tolerance=1e-6, max_sweeps=5000)
        return result.value, result

    return jax.jit(jax.value_and_grad(value, has_aux=True))(x)


FOUND = {}


def found(name, on):
    """Compiled once for all tests; without a name by this package."""
    if (name, on) not in FOUND:
        FOUND[name, on] = solved(SOLVERS.get(name), ON[on])
    return FOUND[name, on]


@pytest.mark.parametrize(
    ("name", "on"),
    [
        pytest.param("log", "grid", marks=pytest.mark.slow),
        ("log", "all pairs"),
        ("kernel", "all pairs"),
        ("Anderson", "all pairs"),
    ],
)
def test_a_solver_of_ott_finds_our_value_and_gradient(name, on):
    (value, result), slope = found(name, on)
    (expected, own), expected_slope = found(None, on)
    assert own.converged
    assert result.converged
    # The value is stationary where marginals are met to 1e-6; the gradient errs like them.
    assert float(value) == pytest.approx(float(expected), rel=1e-7)
    np.testing.assert_allclose(slope, expected_slope, atol=1e-5 * np.abs(expected_slope).max())


def test_a_warm_start_is_taken():
    (_, cold), _ = found("log", "all pairs")
    again = divergence(X, Y, BLUR, cold, solver=SOLVERS["log"], tolerance=1e-6)
    # ott-jax looks at the error every ten iterations: the least is ten for each problem.
    assert int(again.sweeps) == 30 < int(cold.sweeps)


def test_too_few_iterations_are_named():
    few = Sinkhorn(threshold=TOLERANCE, max_iterations=10)
    assert not divergence(X, Y, 0.02, solver=few, tolerance=1e-6).converged
    with pytest.raises(Exception, match="raise `blur`, or the solver's `max_iterations`"):
        sinkhorn_divergence(X, Y, blur=0.02, solver=few).block_until_ready()


def test_sinkhorn_divergence_takes_it_in_a_jitted_batch():
    solver = SOLVERS["log"]

    def value(x, solver):
        return sinkhorn_divergence(x, Y, blur=BLUR, solver=solver)

    batch = jnp.stack([X, X.at[:, 2:].multiply(1.1)])
    theirs = jax.jit(jax.vmap(lambda x: value(x, solver)))(batch)
    ours = jax.jit(jax.vmap(lambda x: value(x, None)))(batch)
    np.testing.assert_allclose(theirs, ours, rtol=1e-6)


@pytest.mark.parametrize("axis", [0, 1])
def test_the_geometry_applies_its_kernel_both_ways(axis):
    """Against the matrix of the kernel; the grid of the cloud holds all its pairs at its last level."""
    epsilon = jnp.asarray(0.3**2)
    wide = Grid.from_axes(np.asarray(Y[:, :2]), sizes=(225,))
    full = FullGeometry(X, Y, epsilon)
    local = LocalGeometry(X, Y, wide.table, jnp.asarray(wide.blocks)[-1], epsilon)
    kernel = np.exp(-np.asarray(full.cost_matrix) / float(epsilon))
    vector = jnp.asarray(np.random.default_rng(0).random(len(X)))
    expected = kernel @ vector if axis == 1 else vector @ kernel
    for geometry in (OttGeometry(full, 0.0), OttGeometry(local, 0.0)):
        assert geometry.shape == (78, 78)
        np.testing.assert_allclose(geometry.apply_kernel(vector, axis=axis), expected, rtol=1e-12)
        logs = float(epsilon) * jnp.log(vector)
        summed, _ = geometry.apply_lse_kernel(logs, logs, epsilon, axis=axis)
        np.testing.assert_allclose(summed, float(epsilon) * np.log(expected), rtol=1e-11)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"solver": LRSinkhorn(rank=3)}, TypeError, "plan of low rank, which has no dual potentials"),
        ({"solver": Sinkhorn}, TypeError, r"must be None or an instance of .*Got Sinkhorn \(a class\)"),
        ({"solver": "sinkhorn"}, TypeError, "must be None or an instance of .*Got str"),
        (
            {"solver": SOLVERS["log"], "marginals": Relaxed(0.1, 0.1)},
            ValueError,
            r"leave out `marginals=Relaxed\(...\)`, or the solver",
        ),
        ({"solver": SOLVERS["log"], "marginals": Partial(0.1, 0.1)}, ValueError, "meets both marginals"),
    ],
)
def test_what_does_not_work_is_refused(options, error, message):
    with pytest.raises(error, match=message):
        CloudTransport(**options)


def test_ott_is_imported_only_when_it_is_used():
    code = (
        "import jax, sys; jax.config.update('jax_enable_x64', True); import jaxmt, numpy as np;"
        "jaxmt.CloudTransport(); jaxmt.sinkhorn_divergence(np.eye(3), np.eye(3), blur=1.0);"
        "assert not [name for name in sys.modules if name.split('.')[0] == 'ott'];"
        "assert 'jaxmt.transport.ott_solver' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_solver_has_a_fingerprint():
    """By what is in it, so that a checkpoint of one process is known in the next."""
    one, two, other = (
        fingerprint(CloudTransport(solver=Sinkhorn(threshold=t))) for t in (1e-3, 1e-3, 1e-4)
    )
    assert one == two != other
