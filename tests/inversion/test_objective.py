import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax.flatten_util import ravel_pytree
from problems import BLOCK_MESH, observed
from scipy.optimize import minimize

from jaxmt import (
    Cells,
    Checkpoint,
    CloudTransport,
    Ending,
    Fixed,
    Function,
    GaussNewton,
    HandOver,
    LeastSquares,
    Objective,
    Smoothness,
    StaticShift,
    Stopping,
    SuperLU,
    invert,
)
from jaxmt.inversion.objective import check_kind
from jaxmt.misfit import AbstractMisfit

pytestmark = pytest.mark.filterwarnings("ignore::jaxmt.MeshWarning")

SOLVER = SuperLU()


@pytest.fixture(scope="module")
def data():
    return observed(frequencies=2, modes=("tm",))


def field(width=6):
    """A neural field around 100 ohm m: from (log depth, position) of each cell to decades."""
    net = eqx.nn.MLP(2, "scalar", width, 1, activation=jnp.tanh, key=jax.random.key(1))
    parameters, static = eqx.partition(net, eqx.is_inexact_array)
    y, z = np.meshgrid(BLOCK_MESH.y_centres / 3e3, np.log10(BLOCK_MESH.z_centres) - 2)
    points = jnp.asarray(np.stack([y.ravel(), z.ravel()], axis=1))

    def f(p):
        return 2 + jax.vmap(eqx.combine(p, static))(points).reshape(BLOCK_MESH.shape)

    return Function(BLOCK_MESH, f), parameters


def along(tree, direction, h):
    return jax.tree.map(lambda a, b: a + h * b, tree, direction)


def noise(tree, key):
    flat, back = ravel_pytree(tree)
    return back(jax.random.normal(jax.random.key(key), flat.shape))


@pytest.mark.parametrize("misfit", [LeastSquares(), CloudTransport(max_sweeps=200, tolerance=1e-8)])
def test_the_gradient_is_the_slope_of_the_objective(misfit, data):
    earth, net = field()
    objective = Objective(data, earth, misfit, weight=0.3, static_shift=StaticShift(), solver=SOLVER)
    function = jax.jit(jax.value_and_grad(lambda p: objective(p)))
    direction, h = noise(net, 2), 1e-4
    pairs = zip(*map(jax.tree.leaves, (function(net)[1], direction)), strict=True)
    slope = sum(jnp.vdot(a, b) for a, b in pairs)
    ahead, behind = (function(along(net, direction, s))[0] for s in (h, -h))
    difference = (ahead - behind) / (2 * h)
    # Second order in h; transport is solved to 1e-8.
    assert float(slope) == pytest.approx(float(difference), rel=1e-4)


def test_it_is_the_sum_of_its_terms(data):
    cells = Cells(BLOCK_MESH)
    p = cells.start(np.geomspace(10, 1000, BLOCK_MESH.shape[0] * BLOCK_MESH.n_y).reshape(BLOCK_MESH.shape))
    objective = Objective(data, BLOCK_MESH, LeastSquares(), weight=0.7, solver=SOLVER)
    loss, (_, _, nrms) = objective.data_misfit(p)
    rough = Smoothness()(cells(p), BLOCK_MESH, cells.free)
    assert float(loss) == pytest.approx(float(nrms) ** 2, rel=1e-12)
    # Sums in another order.
    assert float(objective(p)) == pytest.approx(float(loss + 0.7 * rough), rel=1e-12)
    assert float(objective.weighted(0.0)(p)) == pytest.approx(float(loss), rel=1e-12)


def test_it_says_the_state_of_its_misfit_and_holds_it(data):
    objective = Objective(data, BLOCK_MESH, CloudTransport(), solver=SOLVER)
    p = objective.parametrisation.start(50.0)
    assert objective.describe() == {"weight": 0.1, "stage": 0.0, "blur": 0.05}
    following = objective.following(p)
    assert following.describe()["blur"] < 0.05
    assert objective.describe()["blur"] == 0.05
    assert float(objective.state.blur) == 0.05
    # One function: asked twice it answers the same, and from the next state it goes on.
    assert float(objective(p)) == float(objective(p))
    again = following.following(p)
    assert again.describe()["blur"] < following.describe()["blur"]
    two = Objective(data, BLOCK_MESH, HandOver(LeastSquares(), LeastSquares(), iterations=1), solver=SOLVER)
    assert two.describe()["stage"] == 0.0
    assert two.following(p).describe()["stage"] == 1.0


def test_other_numbers_share_the_compiled_function(data, caplog):
    value = eqx.filter_jit(lambda objective, p: objective(p))
    p = Cells(BLOCK_MESH).start(100.0)
    with jax.log_compiles():
        for weight in (0.1, 0.2):
            objective = Objective(data, BLOCK_MESH, LeastSquares(), weight=weight, solver=SOLVER)
            value(objective, p)
    compiled = [r for r in caplog.records if "Compiling" in r.getMessage() and "<lambda>" in r.getMessage()]
    assert len(compiled) == 1


def test_scipy_minimises_it(data):
    earth, net = field()
    objective = Objective(data, earth, LeastSquares(), weight=0.01, solver=SOLVER)
    flat, back = ravel_pytree(net)
    both = jax.jit(jax.value_and_grad(lambda x: objective(back(x))))
    start = float(both(flat)[0])
    found = minimize(
        lambda x: tuple(np.asarray(v) for v in both(jnp.asarray(x))),
        np.asarray(flat),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": 15},
    )
    assert found.fun < 0.3 * start


def test_a_loop_of_optax_minimises_it(data):
    earth, net = field()
    objective = Objective(data, earth, LeastSquares(), weight=0.01, solver=SOLVER)
    adam = optax.adam(0.02)

    @jax.jit
    def step(p, state):
        value, gradient = jax.value_and_grad(objective)(p)
        with jax.numpy_dtype_promotion("standard"):
            updates, state = adam.update(gradient, state)
        return optax.apply_updates(p, updates), state, value

    state, values = adam.init(net), []
    for _ in range(15):
        net, state, value = step(net, state)
        values.append(float(value))
    assert values[-1] < 0.9 * values[0]


def test_second_derivatives_need_forward_mode(data):
    earth, net = field(2)
    flat, back = ravel_pytree(net)
    direction = jnp.ones_like(flat)

    def twice(objective):
        """The gradient and its product with the second derivatives."""
        return lambda x: jax.jvp(jax.grad(lambda x: objective(back(x))), (x,), (direction,))

    closed = Objective(data, earth, LeastSquares(), solver=SOLVER)
    with pytest.raises(TypeError, match=r"forward_mode=True"):
        twice(closed)(flat)
    objective = Objective(data, earth, LeastSquares(), solver=SOLVER, forward_mode=True)
    function = jax.jit(twice(objective))
    h = 1e-4
    ahead, behind = (function(flat + s * direction)[0] for s in (h, -h))
    difference = (ahead - behind) / (2 * h)
    # Second order in h.
    np.testing.assert_allclose(function(flat)[1], difference, rtol=1e-4, atol=1e-4 * abs(difference).max())


def test_an_inversion_of_a_network_fits_better_and_is_not_stopped_at_a_knee(data):
    earth, net = field()
    rules = Stopping(target=0.01, max_iterations=12, patience=2, progress=1e-6)
    options = {"stopping": rules, "optimizer": optax.adam(0.02), "trade_off": Fixed(1e-3)}
    result = invert(data, earth, net, LeastSquares(), **options)
    assert result.ending is Ending.ITERATIONS
    assert result.nrms < 0.95 * result.history["nrms"][0]
    assert jax.tree.structure(result.parameters) == jax.tree.structure(net)
    np.testing.assert_allclose(np.log10(result.resistivity), earth(result.parameters), atol=1e-12)
    assert result.parametrisation is earth
    assert "blur" not in result.history


@pytest.mark.parametrize("cells", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_l_bfgs_of_optax_descends(cells, data):
    """With and without smoothing: each iteration lowers the objective at a fixed lambda."""
    options = {"trade_off": Fixed(0.01), "target": 1e-3, "max_iterations": 6}
    parametrisation, start, fall = (BLOCK_MESH, 100.0, 0.5) if cells else (*field(), 0.95)
    result = invert(data, parametrisation, start, LeastSquares(), optimiser=optax.lbfgs(), **options)
    loss, rough = np.array(result.history["loss"]), np.array(result.history["roughness"])
    assert np.all(np.diff(loss + 0.01 * rough) < 0)
    assert result.nrms < fall * result.history["nrms"][0]


def test_a_network_goes_on_from_its_checkpoint(data, tmp_path):
    path = tmp_path / "run.checkpoint"

    class Killed(Exception):
        pass

    def dies(record):
        if record.iteration == 4:
            raise Killed

    def run(**options):
        earth, net = field()
        options = {"optimiser": optax.adam(0.02), "target": 1e-3, "max_iterations": 6, **options}
        return invert(data, earth, net, LeastSquares(), **options)

    whole = run()
    with pytest.raises(Killed):
        run(checkpoint=Checkpoint(path, every=2), progress=dies)
    seen = []
    # Another `Function` object with the same program.
    result = run(checkpoint=Checkpoint(path, resume=True), progress=seen.append)
    assert seen[0].iteration == 4
    # Bit by bit: the state holds everything.
    assert result.history["nrms"] == whole.history["nrms"]
    np.testing.assert_array_equal(result.resistivity, whole.resistivity)
    earth, net = field()
    other = Function(BLOCK_MESH, lambda p: earth.f(p) + 0.1)
    with pytest.raises(ValueError, match="belongs to another inversion"):
        invert(
            data,
            other,
            net,
            LeastSquares(),
            optimiser=optax.adam(0.02),
            checkpoint=Checkpoint(path, resume=True),
        )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"optimiser": GaussNewton()}, "`GaussNewton` needs.*`Function` does not have. Use `Cells`"),
        ({"start": 100.0}, "PyTree of arrays of real numbers. Got a float"),
    ],
)
def test_what_does_not_go_with_a_function_is_refused(options, message, data):
    earth, net = field()
    with pytest.raises(ValueError, match=message):
        invert(data, earth, **({"start": net, "misfit": LeastSquares()} | options))


@pytest.mark.parametrize("weight", [-1.0, np.nan])
def test_a_weight_that_is_none_is_refused(weight, data):
    with pytest.raises(ValueError, match=r"Objective\(weight=...\)` must be finite and not negative"):
        Objective(data, BLOCK_MESH, LeastSquares(), weight=weight)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (LeastSquares, r"`invert\(misfit=...\)` must be an instance .* Got the class LeastSquares"),
        (abs, r"such as `jaxmt.LeastSquares\(\)`. Got a builtin_function_or_method"),
        ("l2", r"Got a str"),
    ],
)
def test_what_is_no_object_of_its_kind_is_refused(given, message):
    check_kind("misfit", LeastSquares(), AbstractMisfit, "LeastSquares()")
    with pytest.raises(ValueError, match=message):
        check_kind("misfit", given, AbstractMisfit, "LeastSquares()")


@pytest.mark.parametrize("wrong", [100.0, np.nan])
def test_parameters_that_look_like_resistivities_are_refused(wrong):
    cells = Cells(BLOCK_MESH)
    with pytest.raises(ValueError, match="parameters of `Cells`, which are no resistivities"):
        cells.start(np.full(cells.size, wrong))
