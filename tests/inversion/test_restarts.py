import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import jaxmt


def wells(x, key):
    """Minima at -1 and 1."""
    del key
    return jnp.sum(jnp.square(jnp.square(x) - 1))


def test_each_restart_goes_to_its_own_minimum():
    found = jaxmt.descend(
        wells,
        jnp.asarray([[-2.0], [-0.1], [0.2], [3.0]]),
        lambda _: optax.adam(0.05),
        500,
        key=jax.random.key(0),
    )
    # Adam ends within its last steps' size of a minimum.
    np.testing.assert_allclose(found.parameters[:, 0], [-1, -1, 1, 1], atol=1e-3)
    assert found.losses.shape == (4, 500)
    assert float(found.losses[3, 0]) == 64.0


def test_restarts_draw_and_shake_independently():
    def drawn(x, key):
        return jnp.sum(jnp.square(x)) + jax.random.normal(key)

    found = jaxmt.descend(
        drawn, jnp.zeros((3, 2)), lambda key: jaxmt.langevin(0.1, key=key), 4, key=jax.random.key(0)
    )
    assert np.unique(found.losses).size == found.losses.size
    assert np.unique(found.parameters).size == found.parameters.size


def test_the_path_has_every_step_of_a_multiple():
    def gone(thin):
        return jaxmt.descend(
            wells, jnp.ones((2, 1)) / 3, lambda _: optax.sgd(0.01), 6, key=jax.random.key(0), thin=thin
        )

    each, third = gone(1), gone(3)
    # Compiled apart, so equal up to rounding.
    np.testing.assert_allclose(third.path, each.path[:, 2::3], rtol=1e-12)
    np.testing.assert_array_equal(each.path[:, -1], each.parameters)
    np.testing.assert_allclose(
        each.losses[:, 1], jnp.square(jnp.square(each.path[:, 0, 0]) - 1), rtol=1e-12
    )


def test_starts_without_a_common_axis_are_refused():
    with pytest.raises(ValueError, match="restarts as first axis"):
        jaxmt.descend(
            wells,
            {"a": jnp.zeros(3), "b": jnp.zeros(2)},
            lambda _: optax.sgd(1.0),
            1,
            key=jax.random.key(0),
        )
    with pytest.raises(ValueError, match="steps"):
        jaxmt.descend(wells, jnp.zeros(3), lambda _: optax.sgd(1.0), 0, key=jax.random.key(0))
