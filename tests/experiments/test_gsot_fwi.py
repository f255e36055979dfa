"""The parts of `experiments.gsot_fwi`: the shift test, the propagator, the inversion."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import fixed_quad

from experiments.gsot_fwi import case, reference, shift
from experiments.gsot_fwi.__main__ import correlation
from experiments.gsot_fwi.acoustic import LARGEST_COURANT, Shot
from experiments.gsot_fwi.inversion import invert
from experiments.gsot_fwi.wavelet import refined, ricker
from jaxmt.plot import basin, local_minima

STEP, PEAK = 0.004, 0.06
WAVELET = ricker(25.0, 60, STEP, PEAK)
SHOT = Shot(WAVELET, (10, 5), (12, 35), sponge=20)
SHAPE = (24, 42)


def record(shot, velocity):
    return jax.jit(lambda v: shot(v))(velocity)


def rough(seed=0):
    """Around 1500 m/s, by a tenth."""
    return 1500 * (1 + 0.1 * jnp.asarray(np.random.default_rng(seed).uniform(-1, 1, SHAPE)))


SHIFTS = np.arange(-30.0, 31.0)


@pytest.fixture(scope="module")
def curves():
    return shift.costs(SHIFTS)


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("graph space, eta 0.003", reference.SHIFT_GRAPH_SPACE),
        ("least squares", reference.SHIFT_LEAST_SQUARES),
    ],
)
def test_shifted_wavelets_cost_what_deepwave_and_scipy_say(curves, name, known):
    for sign in (1, -1):
        found = [curves[name][np.flatnonzero(sign * k == SHIFTS)[0]] for k in known]
        # Four digits are given, computed in single precision.
        np.testing.assert_allclose(found, list(known.values()), atol=6e-5)


def test_graph_space_has_one_basin_where_least_squares_has_false_minima(curves):
    assert basin(SHIFTS, curves["graph space, eta 0.003"], 0.0) == (-26.0, 26.0)
    assert basin(SHIFTS, curves["least squares"], 0.0) == (-4.0, 4.0)
    assert SHIFTS[local_minima(curves["graph space, eta 0.003"])].tolist() == [0.0]
    assert SHIFTS[local_minima(curves["least squares"])].tolist() == [-9.0, 0.0, 9.0]


def test_a_refined_wavelet_passes_through_its_samples():
    # A Ricker wavelet of 25 Hz has nothing at the Nyquist frequency of 125 Hz.
    np.testing.assert_allclose(refined(WAVELET, 4)[::4], WAVELET, atol=1e-12)


def arriving(time, delay):
    """The wavelet at all delays from that of the straight way on, by how much of it each brings."""

    def delayed(u):
        w = np.square(np.pi * 25.0 * (time - delay * np.cosh(u) - PEAK))
        return (1 - 2 * w) * np.exp(-w)

    return fixed_quad(delayed, 0.0, np.arccosh(max(time / delay, 1.0)), n=200)[0]


def test_the_trace_is_the_closed_form_of_a_homogeneous_medium():
    r"""$p(t) = -\frac{h^2}{2\pi}\int_0^\infty f(t - \frac rv\cosh u)\,du$ of a source of area $h^2$."""
    errors = []
    for refinement in (1, 2):
        spacing = 8.0 / refinement
        place = np.array([0, 30 * refinement])
        middle, edge = 12 * refinement, 6 * refinement
        shot = Shot(
            WAVELET,
            (middle, edge),
            (middle, edge + int(place[1])),
            spacing=spacing,
            substeps=4 * refinement,
            sponge=40 * refinement,
        )
        trace = record(shot, jnp.full((2 * middle, 2 * edge + place[1]), 1500.0))
        delay = spacing * place[1] / 1500.0
        exact = [-(spacing**2) / (2 * np.pi) * arriving(time, delay) for time in STEP * np.arange(60)]
        errors.append(np.linalg.norm(trace - np.array(exact)) / np.linalg.norm(exact))
    # 19 % and 1.0 % with 7 and 15 points a wavelength: second order at least, and the spacing of the case.
    assert errors[1] < 0.02
    assert errors[1] < errors[0] / 4


def test_source_and_receiver_may_change_places():
    velocity = rough()
    back = Shot(WAVELET, SHOT.receiver, SHOT.source, sponge=20)
    there, here = record(SHOT, velocity), record(back, velocity)
    # The force is v^2 f, and the operator over v^2 is symmetric: equal to rounding.
    assert float(jnp.abs(there).max()) > 1e-3
    np.testing.assert_allclose(there, here, rtol=0, atol=1e-12 * float(jnp.abs(there).max()))


def test_the_gradient_through_checkpoints_is_the_slope():
    velocity, weights = rough(), jnp.asarray(np.random.default_rng(1).standard_normal(WAVELET.size))
    direction = rough(2) - 1500
    loss = jax.jit(lambda v: jnp.vdot(weights, SHOT(v)))
    slope = jnp.vdot(jax.grad(loss)(velocity), direction)
    h = 1e-4
    expected = (loss(velocity + h * direction) - loss(velocity - h * direction)) / (2 * h)
    # Truncation h^2 = 1e-8 times a third derivative, and rounding 1e-16 / 1e-4.
    assert float(slope) == pytest.approx(float(expected), rel=1e-6)


def test_the_trace_is_deepwaves():
    shot = case.FULL.shot()
    trace = record(shot, jnp.asarray(case.FULL.uniform(case.TRUE)))
    # The sponges differ from Deepwave's perfectly matched layers: 0.9992 was measured with 40 points.
    assert correlation(np.asarray(trace), reference.TRACE) >= 0.999
    assert int(np.argmax(trace)) == 127


def test_an_inversion_lowers_the_misfit_and_says_how_it_ended():
    observed = np.asarray(record(SHOT, jnp.full(SHAPE, 1600.0)))
    seen = []
    fit = invert(
        SHOT,
        observed,
        np.full(SHAPE, 1500.0),
        shift.graph_space,
        epochs=4,
        step=10.0,
        progress=lambda epoch, loss: seen.append((epoch, loss)),
    )
    assert [epoch for epoch, _ in seen] == [0, 1, 2, 3, 4]
    assert [loss for _, loss in seen] == fit.losses.tolist()
    assert fit.losses[-1] < fit.losses[0]
    assert fit.message == "4 epochs"


def test_a_velocity_too_fast_for_the_time_step_ends_an_inversion():
    observed = np.asarray(record(SHOT, jnp.full(SHAPE, 1600.0)))
    fit = invert(
        SHOT,
        observed,
        np.full(SHAPE, 1500.0),
        shift.least_squares,
        epochs=3,
        step=2000.0,
        progress=lambda epoch, loss: None,
    )
    assert "too fast for the time step" in fit.message
    assert SHOT.courant(fit.velocity) < LARGEST_COURANT
    assert np.isfinite(fit.losses).all()


def test_a_receiver_off_the_grid_is_refused():
    with pytest.raises(ValueError, match=r"receiver=...\)` must lie on the grid of 24 by 42 points"):
        Shot(WAVELET, (10, 5), (24, 35))(jnp.full(SHAPE, 1500.0))
