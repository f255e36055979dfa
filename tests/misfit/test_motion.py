"""What transport says of its plans, beside the control that keeps every point on its own datum."""

import dataclasses
import functools
import re
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxmt import (
    CloudTransport,
    ComponentTransport,
    Data,
    HandOver,
    LeastSquares,
    PairedClouds,
    Survey,
    WeightedSum,
)
from jaxmt.inversion.optimisers.expanded import LEAST_SECANT, secant
from jaxmt.misfit.motion import AS_SQUARES, in_words
from jaxmt.transport import Relaxed, divergence

# Two and a half decades, five a decade, and stations that are all alike.
FREQUENCIES = 10 ** np.linspace(2.5, 0.0, 13)
STATIONS = np.array([0.0, 800.0])
BLUR = 0.03
EASY: dict[str, Any] = {
    "frequency_weight": 0.3,
    "station_weight": 3.0,
    "start_blur": BLUR,
    "frequency_points": 2,
    "tolerance": 1e-6,
    "max_sweeps": 2000,
}
BALANCED = CloudTransport(**EASY)
MOVING = CloudTransport(**EASY, marginals=Relaxed(0.1, 0.1))
HEAVY = CloudTransport(**(EASY | {"frequency_weight": 9.0, "station_weight": 9.0, "frequency_points": 1}))
SLIDE = 0.2


def curves(shift, tilt=0.0):
    """Sounding curves of a step in depth, `shift` decades up in frequency."""
    t = np.log10(FREQUENCIES)[:, None] - shift - 1.2 + tilt * np.arange(2)
    rho, phase = 2 + np.tanh(1.5 * t), 45 - 30 / np.cosh(1.5 * t)
    none = np.full_like(rho, np.nan)
    return np.stack([rho, phase, rho, phase, none, none])


OBSERVED = Data(
    Survey(FREQUENCIES, STATIONS), curves(0.0), np.broadcast_to([[[0.04]], [[3.0]]] * 3, (6, 13, 2))
)


@functools.cache
def program(misfit):
    """Value, next state and gradient at the first state, compiled once."""
    prepared, state = misfit.prepare(OBSERVED)
    assert misfit.diagnostics(state) == {}
    return jax.jit(jax.value_and_grad(lambda p: misfit(p, prepared, state), has_aux=True))


def found(misfit, predicted):
    (_, state), _ = program(misfit)(jnp.asarray(predicted))
    return misfit.diagnostics(state)


def test_a_slide_of_the_curves_is_found():
    """Where the curves change, mass goes a good part of the way, and it does not go sideways."""
    moved = found(MOVING, curves(SLIDE))
    assert SLIDE / 4 < moved["slide_decades"] < SLIDE
    # All stations are alike; marginals are met to 1e-6.
    assert moved["slide_spacings"] < 1e-4
    assert 0 < moved["mass_leaving"] <= 1
    assert moved["cosine_with_squares"] < 0.95


def test_equal_masses_on_one_axis_cannot_slide():
    """What goes one way past a frequency must come back: a slide would push mass out at one end."""
    moved = found(BALANCED, curves(SLIDE))
    assert moved["slide_decades"] < SLIDE / 20
    assert moved["cosine_with_squares"] > AS_SQUARES
    # A part of the mass leaves its point all the same: that is smear.
    assert moved["mass_leaving"] > 0.1


def test_flat_curves_have_nowhere_to_slide_to():
    """Values that are all alike cost the same whatever the plan, so that of no motion is the best."""
    flat = np.broadcast_to(np.reshape([1.0, 45.0, 1.0, 45.0, 0.0, 0.0], (6, 1, 1)), (6, 13, 2))
    moved = found(BALANCED, flat)
    assert moved["mass_leaving"] > 0.1
    # The plan is that of the cloud with itself, but for marginals met to 1e-6.
    assert moved["slide_decades"] < 1e-3


def test_axes_that_are_too_heavy_move_nothing():
    moved = found(HEAVY, curves(SLIDE))
    # Transport takes a sixth of the spacing for its blur: e^-36 of the mass leaves; marginals to 1e-6.
    assert moved["mass_leaving"] == pytest.approx(0.0, abs=1e-5)
    assert moved["slide_decades"] == pytest.approx(0.0, abs=1e-6)
    assert moved["cosine_with_squares"] == pytest.approx(1.0, abs=1e-9)


def test_the_cosine_is_that_of_the_gradients():
    """In the values of the cloud, computed anew over all pairs of points and from squares."""
    predicted = jnp.asarray(curves(SLIDE, 0.1))
    embedding, blur = MOVING.embedding(OBSERVED), jnp.asarray(BLUR)
    x, y = embedding.predicted_cloud(predicted, blur), embedding.observed_cloud(blur)
    options: dict[str, Any] = {"marginals": MOVING.marginals, "tolerance": 1e-6}
    slope = jax.grad(lambda v: divergence(v, y, blur, **options).value)(x)[:, 2:]
    plain = jax.grad(lambda v: jnp.sum(jnp.square(v - y)) / len(v))(x)[:, 2:]
    cosine = float(jnp.vdot(slope, plain) / jnp.linalg.norm(slope) / jnp.linalg.norm(plain))
    # Plans solved to 1e-6 from two starts.
    assert found(MOVING, predicted)["cosine_with_squares"] == pytest.approx(cosine, abs=1e-4)


def test_what_is_handed_over_to_says_nothing_of_motion():
    misfit = HandOver(HEAVY, LeastSquares(), nrms=None, patience=None, iterations=1)
    prepared, state = misfit.prepare(OBSERVED)
    predicted = jnp.asarray(curves(SLIDE))
    said = []
    for _ in range(2):
        _, state = misfit(predicted, prepared, state)
        said.append(misfit.diagnostics(state))
    assert set(said[0]) == {"slide_decades", "slide_spacings", "mass_leaving", "cosine_with_squares"}
    assert said[1] == {}


HOLES = Data(
    OBSERVED.survey, np.where(np.arange(13)[:, None] % 4, OBSERVED.values, np.nan), OBSERVED.errors
)
HOLES = dataclasses.replace(HOLES, values=np.concatenate([HOLES.values[:1], OBSERVED.values[1:]]))


@pytest.mark.parametrize(
    ("transport", "control"),
    [
        (HEAVY, PairedClouds(HEAVY)),
        (ComponentTransport(HEAVY), PairedClouds(HEAVY, by_component=True)),
    ],
    ids=["6-D", "3-D"],
)
def test_paired_clouds_are_transport_whose_plan_stays(transport, control):
    """With a quarter of one component missing, so that a mean over its points is another one."""
    predicted = jnp.asarray(curves(SLIDE, 0.1))
    outcomes = []
    for misfit in (transport, control):
        prepared, state = misfit.prepare(HOLES)
        both = jax.jit(
            jax.value_and_grad(lambda p, m=misfit, a=prepared, s=state: m(p, a, s), has_aux=True)
        )
        (value, after), slope = both(predicted)
        blur, curvature = misfit.describe(after)["blur"], misfit.curvature(predicted, prepared, state)
        outcomes.append((value, slope, blur, curvature))
    for theirs, mine in zip(*outcomes, strict=True):
        # No mass leaves: the same but for marginals met to 1e-6.
        np.testing.assert_allclose(theirs, mine, rtol=1e-5, atol=1e-9)


def test_means_by_component_are_others_than_means_over_all_points():
    values = []
    for by_component in (False, True):
        misfit = PairedClouds(by_component=by_component)
        # As in an inversion what is prepared is traced.
        prepared, state = misfit.prepare(HOLES)
        values.append(float(eqx.filter_jit(misfit)(jnp.asarray(curves(SLIDE)), prepared, state)[0]))
    assert values[0] < values[1]


def test_transport_that_moves_costs_less_than_squares():
    predicted = jnp.asarray(curves(SLIDE))
    moving, paired = (float(program(m)(predicted)[0][0]) for m in (MOVING, PairedClouds(MOVING)))
    assert 0 < moving < 0.8 * paired


def test_a_plan_that_moves_curves_less_than_one_held():
    predicted = jnp.asarray(curves(SLIDE))
    prepared, state = MOVING.prepare(OBSERVED)
    _, pull = program(MOVING)(predicted)
    ratio = secant(OBSERVED, predicted, pull, MOVING.curvature(predicted, prepared, state))
    assert LEAST_SECANT < float(ratio) < 0.9


HISTORY = {"cosine_with_squares": [0.8, 0.99], "slide_decades": [0.1, 0.01], "slide_spacings": [0.5, 0.2]}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, r"moved mass by up to 0.1 decades of frequency and 0.5 spacings .* was 0.800 to 0.990$"),
        ({"cosine_with_squares": [0.99999, 0.99995]}, r"was least squares .* never fell below 0.99995$"),
        (
            {"slide_spacings": [np.nan] * 2},
            r"0.1 decades of frequency \(rms.*there is one station, and noth",
        ),
        ({"cosine_with_squares": [np.nan, 0.9995]}, r"never fell below 0.99950$"),
    ],
)
def test_what_transport_did_is_said_in_words(changes, expected):
    assert re.search(expected, str(in_words(HISTORY | changes)))


def test_without_transport_there_is_nothing_to_say():
    assert in_words({"nrms": [2.0]}) is None
    assert in_words({"cosine_with_squares": [np.nan]}) is None


def test_of_several_transports_the_least_cosine_and_the_largest_slide_count():
    found = [program(misfit)(jnp.asarray(curves(SLIDE)))[0][1] for misfit in (HEAVY, MOVING)]
    said = WeightedSum(((1.0, HEAVY), (2.0, MOVING))).diagnostics(found)
    assert said == MOVING.diagnostics(found[1])


def test_axes_stiffen_as_the_blur_comes_down():
    soft, stiff = (
        CloudTransport(frequency_weight=0.1, station_weight=0.2, stiffening=p).embedding(OBSERVED)
        for p in (0.0, 2.0)
    )
    blur = jnp.asarray(0.025)
    for cloud in ("observed_cloud", "predicted_cloud"):
        given = () if cloud == "observed_cloud" else (jnp.asarray(curves(0.0)),)
        a, b = (np.array(getattr(e, cloud)(*given, blur)) for e in (soft, stiff))
        # Half of the first blur: four times as heavy, exactly, and values as they were.
        np.testing.assert_allclose(b[:, :2], 4 * a[:, :2], rtol=1e-15)
        np.testing.assert_array_equal(b[:, 2:], a[:, 2:])
    np.testing.assert_allclose(4 * stiff.units_at(blur), soft.units_at(blur), rtol=1e-15)
    # One station has no spacing.
    alone = OBSERVED.select(stations=[0])
    assert np.isnan(CloudTransport().embedding(alone).units[1])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"frequency_points": 0}, r"frequency_points=...\)` must be a whole number .* Got 0"),
        ({"stiffening": -1.0}, r"stiffening=...\)` must be finite and not negative.* Got -1"),
    ],
)
def test_settings_that_are_none_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        CloudTransport(**settings)
