import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxmt.misfit.interpolation import MOST_POINTS, Interpolation

# Unsorted and uneven, as surveys are.
AXES = (np.array([2.0, 0.0, 1.0, 0.4]), np.array([5.0, 0.0, 2.0]))
ALL = np.ones((4, 3, 2), bool)
HOLES = ALL.copy()
HOLES[1, 2, 0] = HOLES[0, 0, 1] = HOLES[2, 1, :] = False


def between(present, points, axes=AXES):
    return Interpolation.between(axes, np.where(present, 1.0, np.inf), points)


POINTS = [(1, 1), (2, 1), (3, 2), (4, 5)]


def samples(function, axes=AXES):
    return function(*np.meshgrid(*axes, indexing="ij")).reshape(-1, 1) * np.ones(2)


@pytest.mark.parametrize("points", POINTS)
@pytest.mark.parametrize("present", [ALL, HOLES], ids=["all", "holes"])
def test_every_sample_keeps_its_weight(points, present):
    """Over all points the weights of the samples add up to those that the sample itself would have."""
    found = between(present, points)
    total = found.spread(jnp.ones(found.present.shape), 12)
    whole = np.prod(points) * present.reshape(12, 2)
    np.testing.assert_allclose(np.sum(total, axis=0), whole.sum(axis=0), rtol=1e-13)
    np.testing.assert_allclose(np.sum(found.weights, axis=0), found.present, atol=1e-15)
    if present is ALL:
        # Parts of one, added up.
        np.testing.assert_allclose(total, whole, rtol=1e-13)


def test_one_point_a_sample_is_the_sample():
    found = between(HOLES, (1, 1))
    values = np.random.default_rng(0).standard_normal((12, 2))
    exists = HOLES.reshape(12, 2)[HOLES.reshape(12, 2).any(axis=1)]
    kept = values[HOLES.reshape(12, 2).any(axis=1)]
    np.testing.assert_array_equal(found(jnp.asarray(values)), np.where(exists, kept, 0.0))
    assert found.corners.shape[0] == 1


def test_a_plane_is_interpolated_exactly_between_the_samples():
    found = between(ALL, (4, 4))
    inside = (found.axes >= 0).all(axis=1) & (found.axes <= [2.0, 5.0]).all(axis=1)
    # Half of the points of the outermost samples lie beyond the ends.
    assert 0 < np.sum(inside) < len(found.axes)
    values = found(jnp.asarray(samples(lambda f, s: 1 + 2 * f - 3 * s)))[inside, 0]
    expected = 1 + found.axes[inside] @ [2.0, -3.0]
    # Numbers of order ten, and a handful of roundings.
    np.testing.assert_allclose(values, expected, atol=1e-13)


def test_points_stand_at_places_of_their_own_and_a_spacing_apart():
    f = between(np.ones((3, 1, 1), bool), (4, 4), (np.arange(3.0), np.zeros(1))).axes
    # Three samples of four points, a quarter of the spacing apart, half of the first ones before the start.
    np.testing.assert_allclose(f[:, 0], np.arange(12) / 4 - 0.375, atol=1e-15)
    np.testing.assert_array_equal(f[:, 1], 0.0)


def test_a_missing_sample_is_not_seen():
    found = between(HOLES, (3, 2))
    values = np.random.default_rng(1).standard_normal((12, 2))
    filled = [np.where(HOLES.reshape(12, 2), values, filling) for filling in (0.0, 1e9, np.nan)]
    first, *others = (np.array(found(jnp.asarray(v))) for v in filled)
    for other in others:
        np.testing.assert_array_equal(other, first)
    slope = jax.grad(lambda v: jnp.sum(found(v)))(jnp.asarray(filled[2]))
    np.testing.assert_array_equal(slope[~HOLES.reshape(12, 2)], 0.0)


def test_a_bad_sample_leaves_the_points_beside_it_to_a_good_one():
    """Between errors of 1 and 100 all points but those of the bad sample follow the good one."""
    axes = (np.arange(3.0), np.zeros(1))
    errors = np.array([1.0, 100.0, 1.0]).reshape(3, 1, 1)
    found = Interpolation.between(axes, errors, (4, 1))
    good = [0, 1, 2, 3, 8, 9, 10, 11]
    slope = jax.jacobian(lambda v: found(v)[:, 0])(jnp.array([[0.0], [0.0], [0.0]]))[good, 1, 0]
    # At three eighths of the way the bad sample has 0.375 / 0.625 / 100^2 of the weight of the good one.
    assert 0 < np.max(slope) == pytest.approx(0.375 / 0.625 * 1e-4, rel=1e-3)
    # The errors are those of means by precision: 1 / sqrt(0.625) at most.
    assert np.max(found.errors[good]) == pytest.approx(0.625**-0.5, rel=1e-3)
    # The points of the bad sample go by the good ones as far as they come: half of 1 / sqrt(0.125).
    assert np.all(found.errors[4:8] < 3)


def test_spread_is_the_transpose():
    found = between(HOLES, (3, 2))
    rng = np.random.default_rng(2)
    v, w = rng.standard_normal((12, 2)), rng.standard_normal(found.present.shape)
    left, right = np.vdot(found(jnp.asarray(v)), w), np.vdot(v, found.spread(jnp.asarray(w), 12))
    assert left == pytest.approx(right, rel=1e-12)


def test_more_points_than_memory_are_refused():
    k = MOST_POINTS // 12 + 1
    with pytest.raises(ValueError, match=rf"frequency_points={k}, station_points=1\)` makes \d+ points"):
        between(ALL, (k, 1))
