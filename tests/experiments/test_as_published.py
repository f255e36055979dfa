"""The preset of the published inversions: its numbers, its pieces, and its doors."""

import sys

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from identities import of_kind

import jaxmt
from experiments import commemi
from experiments.as_published.annealing import WINDOW, Annealed
from experiments.as_published.balance import Balance
from experiments.as_published.preset import LN10, Published
from experiments.as_published.roughness import SquaredGradient
from experiments.cascadia import __main__ as cascadia
from experiments.cascadia.ground import published_mesh
from jaxmt.inversion.trade_off import Slopes
from jaxmt.transport import Balanced, Relaxed

SURVEY = jaxmt.Survey([1.0, 0.1, 0.01], [0.0, 1e3])
MESH = jaxmt.Mesh(500.0 * np.arange(7), [-1e3, 0.0, 100.0, 200.0, 300.0, 400.0])


def data(relative=0.01):
    """Half-spaces without noise, with the errors of |Z| that are given."""
    values = np.full((6, 3, 2), np.nan)
    values[:4] = np.array([2.0, 45.0, 2.0, 45.0])[:, None, None]
    scale = np.array([2 / np.log(10), 180 / np.pi, 2 / np.log(10), 180 / np.pi, 1.0, 1.0])
    return jaxmt.Data(SURVEY, values, np.broadcast_to(relative * scale[:, None, None], values.shape))


def test_the_settings_are_the_published_ones():
    preset = Published()
    assert (preset.blur, preset.error_floor, preset.axis_weight) == (0.01, 0.03, 1.0)
    assert (preset.step, preset.start, preset.target) == (0.03, 100.0, 1.03)
    assert preset.mesh(MESH).top == jaxmt.Dirichlet()
    for misfit, first in (("l2", 10.0), ("cloud", 10.0 / 50)):
        arguments = preset.arguments(misfit, data())
        # Squares are the squared nRMS in both; their cloud is 100 times half of ours.
        assert arguments["trade_off"] == Balance(first, 2.0, 0.5)
        assert arguments["regularization"] == SquaredGradient(0.3)
        assert arguments["optimiser"].smoothing == 0
        assert (arguments["stopping"].target, arguments["stopping"].knee) == (1.03, None)
    assert isinstance(preset.misfit("l2", data()), jaxmt.LeastSquares)


def test_the_cloud_weighs_all_values_alike_where_errors_are_small_and_never_changes_its_blur():
    misfit = of_kind(Annealed, Published().misfit("cloud", data()))
    cloud = misfit.cloud
    # Half our cost at eps = blur^2 is ours at a blur larger by the root of two.
    assert cloud.start_blur == pytest.approx(0.01 * np.sqrt(2))
    assert (cloud.frequency_weight, cloud.station_weight) == pytest.approx((1.0, 1.0))
    # 1 % are 0.001 of log10 rho and 0.006 of the phase in the cloud, below 0.03.
    np.testing.assert_allclose(cloud.embedding(data()).errors, 0.03, rtol=1e-12)
    assert cloud.marginals == Balanced()
    relaxed = of_kind(Annealed, Published(reach=0.05).misfit("cloud", data())).cloud.marginals
    assert of_kind(Relaxed, relaxed).x_reach == pytest.approx(0.05 * np.sqrt(2))


def test_weights_are_precisions_over_their_mean_where_errors_are_large():
    noisy = data(0.2)
    cloud = of_kind(Annealed, Published().misfit("cloud", noisy)).cloud
    errors = np.array([0.03, 0.2 * 180 / np.pi / 90])  # 0.2 * 2 / ln 10 / 8 is 0.022.
    squares = errors**-2 / np.mean(errors**-2)
    # Our weights are one at most; what the published ones exceed that by divides the axes.
    assert cloud.frequency_weight == pytest.approx(1 / np.sqrt(squares.max()))
    cloud_at = cloud.embedding(noisy).observed_cloud(jnp.asarray(1e-4))
    ours = cloud_at[0, 2:4] / np.array([2.0 / 8, 45.0 / 90])
    np.testing.assert_allclose(np.square(ours) / cloud.frequency_weight**2, squares, rtol=1e-9)


def test_a_step_of_adam_is_one_in_natural_logarithms():
    optimiser = Published().arguments("l2", data())["optimiser"]
    gradient = jnp.array([3.0, -40.0])
    with jax.numpy_dtype_promotion("standard"):
        step, _ = optimiser.transformation.update(gradient, optimiser.transformation.init(gradient))
    # The first step of Adam has the size of the rate, but for its epsilon of 1e-8.
    np.testing.assert_allclose(step * LN10, [-0.03, 0.03], rtol=1e-6)
    assert isinstance(optimiser.transformation, optax.GradientTransformation)


def slopes(data_norm, roughness_norm):
    data, roughness, one = (jnp.asarray(v, float) for v in (data_norm, roughness_norm, 1.0))
    return Slopes(data, roughness, one, jnp.zeros((), int))


def test_lambda_falls_when_it_is_due_by_the_ratio_of_the_gradients_and_never_rises():
    rule = Balance(first=10.0, balance=2.0, exponent=0.5, warm_up=4, interval=3)
    state, found = rule.start(), []
    for k in range(12):
        # A ratio of 5 / (2 * 10 * 1) = 0.25 at first; from the ninth iteration on roughness pulls less.
        factor, state = rule(state, slopes(5.0, 1.0 if k < 8 else 1e-3))
        found.append(float(factor))
    assert found[:4] == [10.0] * 4
    # 10 (1/4)^(1/2) = 5, then a ratio of 1/2, then of more than one.
    np.testing.assert_allclose(found[4:7], 5.0)
    np.testing.assert_allclose(found[7:], 5.0 * np.sqrt(0.5))


@pytest.mark.parametrize("areas", [False, True])
def test_roughness_is_the_squared_slope_times_its_measure(areas):
    roughness, free = SquaredGradient(0.0, areas), np.ones(MESH.shape, bool)
    along = jnp.asarray(np.broadcast_to(1e-3 * MESH.y_centres, MESH.shape))
    # Five interfaces in each of four rows of 100 m, 500 m from centre to centre; 1e-3 decades a metre.
    measure = 5 * 4 * 100 * (500 if areas else 1)
    assert float(roughness(along, MESH, free)) == pytest.approx((LN10 * 1e-3) ** 2 * measure)
    down = jnp.asarray(np.broadcast_to(1e-3 * MESH.z_centres[:, None], MESH.shape))
    measure = 6 * 3 * 500 * (100 if areas else 1)
    assert float(roughness(down, MESH, free)) == pytest.approx((LN10 * 1e-3) ** 2 * measure)


def test_the_curvature_of_roughness_is_its_own():
    free = np.ones(MESH.shape, bool)
    free[0, 0] = False
    section = np.random.default_rng(0).normal(size=MESH.shape)
    weighted = SquaredGradient(0.3)
    curvature = weighted.curvature(section, MESH, free)
    expected = section.ravel() @ (curvature @ section.ravel())
    assert float(weighted(jnp.asarray(section), MESH, free)) == pytest.approx(expected)
    # What lies above a fixed cell does not count, and depth weighs more: (350 / 50)^0.6 at the bottom.
    assert curvature[[0], [0]][0] == 0
    ratio = curvature[[23], [22]][0] / curvature[[5], [4]][0]
    assert ratio == pytest.approx(7**0.6)


class Given(eqx.Module):
    """A cloud whose value is what is given, and whose state is a blur."""

    blur: jax.Array

    def prepare(self, data):
        return None, self

    def __call__(self, predicted, prepared, state):
        return predicted, state


def test_the_blur_falls_where_the_misfit_is_flat_and_waits():
    misfit = Annealed(Given(jnp.asarray(1.0)), wait=10)  # pyright: ignore[reportArgumentType]
    _, state = misfit.prepare(data())
    call = jax.jit(lambda value, state: misfit(value, None, state)[1])
    blurs = []
    for k in range(40):
        # Falling by 10 % for 20 calls, flat after.
        state = call(0.9 ** min(k, 20), state)
        blurs.append(float(state.cloud.blur))
    fell = [k for k in range(1, 40) if blurs[k] < blurs[k - 1]]
    # Means of three values are flat from two calls after the last fall, and five changes in a row.
    assert fell[0] == 20 + 2 + WINDOW
    assert fell[1] == fell[0] + 10
    np.testing.assert_allclose(blurs[fell[1]], 0.81)


def told(module, monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", [module.__name__, *arguments])
    return module.parsed()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["--as-published", "--optimiser", "gauss-newton"], "contradicts --optimiser"),
        (["--as-published", "--quick"], "contradicts --quick"),
        (["--as-published", "--misfit", "huber"], "--misfit cloud or l2"),
        (["--as-published", "--reach", "-1"], "--reach must be positive"),
        (["--reach", "0.05"], "give --as-published"),
        (["--model", "wedge"], "needs --as-published"),
    ],
)
def test_contradictions_are_refused_at_the_door_of_commemi(given, words, monkeypatch, capsys):
    with pytest.raises(SystemExit):
        told(commemi, monkeypatch, *given)
    assert words in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["--sea"], "contradicts --sea"),
        (["--floors", "0.2", "0.05"], "a floor of 0.2"),
        (["--static-shift", "0.3"], "no static shifts"),
        (["--mesh", "designed"], "contradicts --mesh"),
        (["--misfit", "l2", "cloud"], "takes one --misfit"),
    ],
)
def test_contradictions_are_refused_at_the_door_of_cascadia(given, words, monkeypatch, capsys):
    with pytest.raises(SystemExit):
        told(cascadia, monkeypatch, "--as-published", *given)
    assert words in " ".join(capsys.readouterr().err.split())


def test_the_doors_open_to_the_preset_and_to_one_change_of_it(monkeypatch):
    _, preset = told(commemi, monkeypatch, "--as-published", "--optimiser", "adam", "--misfit", "l2")
    assert preset == Published()
    arguments = ("--as-published", "--top", "uniform", "--trade-off", "cooling", "--reach", "0.05")
    _, changed = told(commemi, monkeypatch, *arguments)
    assert (changed.top, changed.reach) == (jaxmt.UniformMagnetic(), 0.05)
    assert changed.arguments("l2", data())["trade_off"] == jaxmt.Cooling()
    assert told(commemi, monkeypatch)[1] is None
    field = told(cascadia, monkeypatch, "--as-published", "--static-shift", "0", "--floors", "0.2").preset
    assert (field.te_weight, field.top) == (3.0, jaxmt.Dirichlet())
    assert published_mesh(50e3).z_nodes[0] == pytest.approx(-50e3)
