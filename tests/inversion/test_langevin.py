import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax import lax

import jaxmt


def run(optimiser, gradient, start, steps):
    """The parameters after every step."""

    def step(carry, _):
        x, state = carry
        updates, state = optimiser.update(gradient(x), state, x)
        x = jax.tree.map(jnp.add, x, updates)
        return (x, state), x

    _, path = jax.jit(lambda x: lax.scan(step, (x, optimiser.init(x)), length=steps))(start)
    return path


def test_a_gaussian_is_sampled_with_its_variance():
    widths, temperature, rate = np.asarray([0.3, 1.0, 4.0]), 0.5, 0.05
    # 400 chains for each width. The memory of the preconditioner, 5000 steps, is long against the time in
    # which a chain forgets, width / rate steps: it settles at 1 / (rms gradient).
    optimiser = jaxmt.langevin(rate, temperature, key=jax.random.key(1), decay=0.9998)
    start = jax.random.normal(jax.random.key(0), (3, 400))
    path = run(optimiser, lambda x: x / jnp.square(widths)[:, None], start, 20_000)
    variance = np.var(np.asarray(path)[8000::50], axis=(0, 2))
    # x <- (1 - rate G / width^2) x + noise has the variance T width^2 / (1 - rate G / 2 width^2), and
    # G = width^2 / rms x: a quadratic equation for rms x, which is sqrt(T) width for a vanishing rate.
    rms = rate / 4 + np.sqrt(rate**2 / 16 + temperature * np.square(widths))
    # Some 4e4 independent samples: a standard error of 0.7 %.
    np.testing.assert_allclose(variance, np.square(rms), rtol=0.03)
    np.testing.assert_allclose(variance, temperature * np.square(widths), rtol=0.15)


def test_without_temperature_it_is_rmsprop():
    start = {"a": jnp.asarray([1.0, -2.0]), "b": jnp.asarray(0.3)}
    gradient = jax.grad(lambda p: jnp.sum(jnp.square(p["a"])) + jnp.sin(3 * p["b"]))
    schedule = optax.exponential_decay(0.05, 10, 0.5)
    ours = run(jaxmt.langevin(schedule, 0.0, key=jax.random.key(0), decay=0.9), gradient, start, 30)
    rmsprop = optax.rmsprop(schedule, decay=0.9, eps=1e-8, eps_in_sqrt=False, bias_correction=True)
    with jax.numpy_dtype_promotion("standard"):
        theirs = run(rmsprop, gradient, start, 30)
    for name in start:
        # The same arithmetic in another order.
        np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-12)


def test_noise_is_that_of_its_key():
    def end(seed):
        return run(jaxmt.langevin(0.1, key=jax.random.key(seed)), lambda x: x, jnp.ones(4), 5)[-1]

    np.testing.assert_array_equal(end(0), end(0))
    assert np.all(end(0) != end(1))


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"learning_rate": -1.0}, "learning_rate"),
        ({"learning_rate": 1.0, "temperature": -1.0}, "temperature"),
        ({"learning_rate": 1.0, "decay": 1.0}, "decay"),
        ({"learning_rate": 1.0, "damping": 0.0}, "damping"),
    ],
)
def test_what_cannot_be_is_refused(options, named):
    with pytest.raises(ValueError, match=named):
        jaxmt.langevin(**options, key=jax.random.key(0))
