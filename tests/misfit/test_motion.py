"""What transport says of its plans, beside the control that keeps every point on its own datum."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxmt import CloudTransport, ComponentTransport, Data, HandOver, LeastSquares, PairedClouds, Survey
from jaxmt.misfit.motion import AS_SQUARES
from jaxmt.transport import Grid, divergence

# Two and a half decades, ten a decade.
FREQUENCIES = 10 ** np.linspace(2.5, 0.0, 26)
SURVEY = Survey(FREQUENCIES, np.array([0.0, 800.0, 1600.0]))
SOLVED: dict[str, Any] = {"tolerance": 1e-9, "max_sweeps": 2000}
EASY: dict[str, Any] = {"frequency_weight": 0.3, "station_weight": 3.0, "start_blur": 0.01}


def curves(shift, tilt=0.0):
    """Sounding curves of a step in depth, `shift` decades up in frequency, and alike at all stations."""
    t = np.log10(FREQUENCIES)[:, None] - shift - 1.2 + tilt * np.arange(3)
    rho, phase = 2 + np.tanh(1.5 * t), 45 - 30 / np.cosh(1.5 * t)
    values = np.stack([rho, phase, rho, phase, np.full_like(rho, np.nan), np.full_like(rho, np.nan)])
    return np.broadcast_to(values, (6, FREQUENCIES.size, 3)).copy()


OBSERVED = Data(SURVEY, curves(0.0), np.broadcast_to([[[0.04]], [[3.0]]] * 3, (6, 26, 3)))


def found(misfit, predicted):
    prepared, state = misfit.prepare(OBSERVED)
    assert misfit.diagnostics(state) == {}
    _, state = misfit(jnp.asarray(predicted), prepared, state)
    return misfit.diagnostics(state)


@pytest.mark.parametrize("kind", [lambda c: c, ComponentTransport], ids=["6-D", "3-D"])
def test_a_slide_of_the_curves_is_found(kind):
    """Between the ends, where the curves change, mass goes a good part of the 0.2 decades, and not sideways."""
    moved = found(kind(CloudTransport(**EASY, **SOLVED, frequency_points=2)), curves(0.2))
    assert 0.03 < moved["slide_decades"] < 0.2
    # All stations are alike; marginals are met to 1e-9.
    assert moved["slide_spacings"] < 1e-6
    assert 0 < moved["mass_leaving"] <= 1
    assert moved["cosine_with_squares"] < 0.9


def test_heavy_axes_move_nothing_and_the_gradient_is_that_of_squares():
    heavy = CloudTransport(frequency_weight=9.0, station_weight=9.0, start_blur=0.01, **SOLVED)
    moved = found(heavy, curves(0.2))
    # e^-(9 / 25 / 0.01)^2 of the mass leaves.
    assert moved["mass_leaving"] == pytest.approx(0.0, abs=1e-8)
    assert moved["slide_decades"] == pytest.approx(0.0, abs=1e-8)
    assert moved["cosine_with_squares"] == pytest.approx(1.0, abs=1e-12)
    assert moved["cosine_with_squares"] > AS_SQUARES


def test_flat_curves_have_nowhere_to_slide_to():
    """Whatever the plan, the cost of values that are all alike is the same: it is that of no motion."""
    flat = np.broadcast_to(np.reshape([1.0, 45.0, 1.0, 45.0, 0.0, 0.0], (6, 1, 1)), (6, 26, 3))
    moved = found(CloudTransport(**EASY, **SOLVED), flat)
    # The blur smears, and the self terms take it away to the order of blur^2 over the spacing's square.
    assert moved["mass_leaving"] > 0.1
    assert moved["slide_decades"] < 0.02


def test_the_cosine_is_that_of_the_gradients():
    """In the values of the cloud, computed anew from a divergence by itself and from squares."""
    misfit = CloudTransport(**EASY, **SOLVED)
    predicted = jnp.asarray(curves(0.2, 0.1))
    embedding, blur = misfit.embedding(OBSERVED), jnp.asarray(0.01)
    x, y = embedding.predicted_cloud(predicted, blur), embedding.observed_cloud(blur)
    grid = Grid.from_axes(embedding.axes)
    slope = jax.grad(lambda v: divergence(v, y, blur, grid=grid, **SOLVED).value)(x)[:, 2:]
    plain = jax.grad(lambda v: jnp.sum(jnp.square(v - y)) / len(v))(x)[:, 2:]
    cosine = float(jnp.vdot(slope, plain) / jnp.linalg.norm(slope) / jnp.linalg.norm(plain))
    # Plans solved to 1e-9 from two starts.
    assert found(misfit, predicted)["cosine_with_squares"] == pytest.approx(cosine, abs=1e-5)


def test_what_is_handed_over_to_says_nothing_of_motion():
    misfit = HandOver(CloudTransport(**EASY), LeastSquares(), nrms=None, patience=None, iterations=1)
    prepared, state = misfit.prepare(OBSERVED)
    predicted = jnp.asarray(curves(0.2))
    said = []
    for _ in range(2):
        _, state = misfit(predicted, prepared, state)
        said.append(misfit.diagnostics(state))
    assert set(said[0]) == {"slide_decades", "slide_spacings", "mass_leaving", "cosine_with_squares"}
    assert said[1] == {}


def test_paired_clouds_are_transport_whose_plan_stays():
    heavy = CloudTransport(frequency_weight=9.0, station_weight=9.0, start_blur=0.01, **SOLVED)
    predicted = jnp.asarray(curves(0.2, 0.1))
    outcomes = []
    for misfit in (heavy, PairedClouds(heavy), ComponentTransport(heavy)):
        prepared, state = misfit.prepare(OBSERVED)
        both = jax.value_and_grad(lambda p, m=misfit, a=prepared, s=state: m(p, a, s), has_aux=True)
        (value, after), slope = both(predicted)
        outcomes.append((value, slope, misfit.describe(after)["blur"], misfit.curvature(predicted, prepared, state)))
    for other in outcomes[1:]:
        for mine, theirs in zip(outcomes[0], other, strict=True):
            # What leaves is e^-(36^2): the same but for rounding and marginals met to 1e-9.
            np.testing.assert_allclose(theirs, mine, rtol=1e-8, atol=1e-12)


def test_paired_clouds_differ_from_transport_that_moves():
    easy = CloudTransport(**EASY, **SOLVED)
    predicted = jnp.asarray(curves(0.2))
    values = []
    for misfit in (easy, PairedClouds(easy)):
        prepared, state = misfit.prepare(OBSERVED)
        values.append(float(misfit(predicted, prepared, state)[0]))
    assert values[0] < 0.8 * values[1]
