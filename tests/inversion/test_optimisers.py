import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from problems import BLOCK, BLOCK_MESH, BURIED, observed
from scipy.linalg import block_diag

from jaxmt import (
    Cells,
    CloudTransport,
    Descent,
    Fixed,
    GaussNewton,
    GradientRatio,
    Huber,
    LeastSquares,
    Objective,
    QuasiNewton,
    Smoothness,
    StaticShift,
    SuperLU,
    invert,
)
from jaxmt.conventions import RHO
from jaxmt.inversion.optimisers.gauss_newton import DAMPING, _Newton
from jaxmt.inversion.static_shift import shifted
from jaxmt.simulation.sensitivity import jacobian

pytestmark = pytest.mark.filterwarnings("ignore::jaxmt.MeshWarning")

SHIFTS = StaticShift(0.3)
FIXED = np.zeros(BLOCK_MESH.shape, bool)
FIXED[:2, :3] = True


@pytest.fixture(scope="module")
def data():
    return observed(frequencies=2)


def linearised(data, static_shift=None):
    """A rough section with fixed cells, its problem, and the Newton system."""
    section = 2 + 0.1 * np.random.default_rng(0).standard_normal(BLOCK_MESH.shape)
    earth = Cells(BLOCK_MESH, fixed=FIXED, values=10**section)
    objective = Objective(data, earth, LeastSquares(), static_shift=static_shift, solver=SuperLU())
    parameters = earth.start(10**section)
    newton = _Newton(objective, parameters)
    slope = jax.grad(lambda m: Smoothness()(m, BLOCK_MESH, earth.free))(jnp.asarray(section))
    return section, newton.now.prediction, newton, np.asarray(slope)


@pytest.mark.parametrize("static_shift", [None, SHIFTS, StaticShift(0.004)], ids=["none", "free", "bound"])
def test_a_gauss_newton_step_solves_the_normal_equations(static_shift, data):
    section, prediction, newton, slope = linearised(data, static_shift)
    mask, free = data.mask, ~FIXED.ravel()
    j = np.asarray(jacobian(BLOCK_MESH, data.survey, 10**section, solver=SuperLU()))[mask]
    j = (j.reshape(len(j), -1) / data.errors[mask][:, None])[:, free]
    r = data.residuals(prediction.responses)[mask]
    c = Smoothness().curvature(section, BLOCK_MESH, ~FIXED).toarray()[np.ix_(free, free)]
    c += DAMPING * np.diag(c).mean() * np.eye(len(c))
    g = slope.ravel()[free] / 2
    balance, decades = np.zeros((0, 0)), np.inf
    if static_shift is not None:
        decades = static_shift.decades
        # Shifts that are not at their bounds as further parameters; the sum of each mode is zero.
        movable, beyond = static_shift.unbound(prediction.shifts, mask.astype(float))
        assert movable.all() == (static_shift is SHIFTS)
        rest = shifted(jnp.zeros(mask.shape), jnp.asarray(prediction.shifts - beyond))
        r -= np.asarray(rest)[mask] / data.errors[mask]
        place = np.full(mask.shape, -1)
        place[mask] = np.arange(len(j))
        columns, changes = [], []
        for mode, component in enumerate(RHO):
            members = np.flatnonzero(movable[mode])
            for rows in place[component].T[members]:
                column = np.zeros(len(j))
                column[rows] = 1 / data.errors[component, :, 0]
                columns.append(column)
            changes.append(np.vstack([np.eye(members.size - 1), -np.ones(members.size - 1)]))
        balance = np.asarray(block_diag(*changes))
        j = np.hstack([j, np.stack(columns, axis=1) @ balance])
    mu = 3.0
    penalty = np.zeros((j.shape[1],) * 2)
    penalty[: len(c), : len(c)] = mu * c
    extra = j.shape[1] - len(c)
    if extra:
        penalty[len(c) :, len(c) :] = balance.T @ balance / decades**2
    right = j.T @ r - np.concatenate([mu * g, np.zeros(extra)])
    expected = np.linalg.solve(j.T @ j + penalty, right)[: len(c)]
    # The misfit is a mean over the data.
    found = newton.unit * newton.step(mu / mask.sum())
    # Condition numbers about 1e7.
    np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-8 * abs(expected).max())


def test_gauss_newton_reaches_the_target_in_a_few_steps_and_finds_the_block(data):
    result = invert(
        data, BLOCK_MESH, 100.0, LeastSquares(), optimiser=GaussNewton(), target=1.1, max_iterations=10
    )
    assert result.converged
    assert len(result.history["nrms"]) < 8
    assert np.all(np.diff(result.history["nrms"]) < 0)
    # Smoothest under the target, so not far below it.
    assert result.nrms > 0.9
    error = np.log10(result.resistivity / BURIED)
    assert np.sqrt(np.mean(error[BLOCK] ** 2)) < 0.6


@pytest.mark.parametrize("misfit", [CloudTransport(max_sweeps=100), Huber()], ids=["cloud", "huber"])
def test_gauss_newton_takes_any_misfit(misfit, data):
    result = invert(data, BLOCK_MESH, 100.0, misfit, optimiser=GaussNewton(), target=1.1, max_iterations=15)
    assert result.converged
    # Descent takes 30.
    assert len(result.history["nrms"]) < 12
    error = np.log10(result.resistivity / BURIED)
    assert np.sqrt(np.mean(error[BLOCK] ** 2)) < 0.6


def test_gauss_newton_chooses_lambda(data):
    with pytest.raises(ValueError, match="chooses lambda itself"):
        invert(data, BLOCK_MESH, 100.0, LeastSquares(), optimiser=GaussNewton(), trade_off=0.1)


def smoothing(earth, regularization):
    links = regularization.links(earth.mesh, earth.free)
    return lambda s, values: np.asarray(earth.smooth(jnp.asarray(values), s, links))


@pytest.mark.parametrize("s", [0.3, 1.0, 5.0])
def test_smoothing_solves_for_one_plus_the_laplacian_and_keeps_constants(s):
    smooth = smoothing(Cells(BLOCK_MESH), Smoothness())
    free = np.ones(BLOCK_MESH.shape, bool)
    # Half the Hessian of the sum of squared differences is their Laplacian.
    laplacian = Smoothness(depth_exponent=0.0).curvature(np.zeros(free.shape), BLOCK_MESH, free).toarray()
    values = np.random.default_rng(0).standard_normal(free.size)
    expected = np.linalg.solve(np.eye(free.size) + s * laplacian, values)
    # Chebyshev's polynomial of degree 2.5 sqrt(kappa) leaves 2 exp(-2 * 2.5) of an error.
    assert np.linalg.norm(smooth(s, values) - expected) < 2 * np.exp(-5) * np.linalg.norm(values)
    np.testing.assert_allclose(smooth(s, np.ones(free.size)), 1.0, rtol=1e-13)
    np.testing.assert_array_equal(smooth(0.0, values), values)


def test_smoothing_reaches_across_neither_cuts_nor_fixed_cells():
    fixed = np.zeros(BLOCK_MESH.shape, bool)
    fixed[:, 4] = True
    earth = Cells(BLOCK_MESH, fixed=fixed, values=100.0)
    side = BLOCK_MESH.y_nodes[8]
    smooth = smoothing(earth, Smoothness(cuts=[[(side, -1.0), (side, 1e6)]]))
    columns = np.broadcast_to(np.arange(BLOCK_MESH.n_y), BLOCK_MESH.shape)
    zones = np.select([columns < 4, columns < 8], [1.0, 2.0], 3.0)[~fixed]
    # Each zone is constant, and so stays.
    np.testing.assert_allclose(smooth(3.0, zones), zones, rtol=1e-13)


def test_smoothed_steps_end_in_a_smoother_section(data):
    options = {"target": 1.2, "max_iterations": 120, "trade_off": GradientRatio(0.1)}
    plain, smoothed = (
        invert(data, BLOCK_MESH, 100.0, LeastSquares(), optimiser=Descent(smoothing=s), **options)
        for s in (0.0, 1.0)
    )
    assert plain.converged
    assert smoothed.converged
    assert smoothed.history["roughness"][-1] < 0.9 * plain.history["roughness"][-1]


def test_l_bfgs_falls_steadily_and_faster_than_steepest_descent(data):
    def objective(result):
        return np.array(result.history["loss"]) + 0.1 * np.array(result.history["roughness"])

    options = {"trade_off": Fixed(0.1), "target": 1e-3, "max_iterations": 12}
    newton = invert(data, BLOCK_MESH, 100.0, LeastSquares(), optimiser=QuasiNewton(), **options)
    assert np.all(np.diff(objective(newton)) < 0)
    direction = optax.chain(optax.normalize_by_update_norm(), optax.sgd(0.5))
    steepest = Descent(transformation=direction, smoothing=0.0)
    plain = invert(data, BLOCK_MESH, 100.0, LeastSquares(), optimiser=steepest, **options)
    assert objective(newton)[-1] < 0.5 * objective(plain).min()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: GaussNewton(trials=0), r"GaussNewton\(trials=...\)` must be at least 1. Got 0"),
        (lambda: Descent(smoothing=-1.0), r"Descent\(smoothing=...\)` must be.*Got -1"),
        (lambda: QuasiNewton(memory=0), r"QuasiNewton\(memory=..., trials=...\).*Got memory=0"),
    ],
)
def test_bad_settings_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
