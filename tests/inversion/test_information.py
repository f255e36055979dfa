"""Few rows say of parameters what many data do."""

import numpy as np
import pytest

from jaxmt.inversion.information import compressed, leading


def smooth(count, size):
    """Averages over a tenth of a section, as data have them: their spectrum falls exponentially."""
    at, width = np.linspace(0, 1, count)[:, None], 0.1
    return 1e3 * np.exp(-0.5 * ((np.linspace(0, 1, size) - at) / width) ** 2)


@pytest.mark.parametrize("groups", [1, 7, None])
@pytest.mark.parametrize(("count", "size"), [(300, 80), (80, 300)])
def test_few_rows_have_the_information_of_all(count, size, groups):
    rows, negligible = smooth(count, size), 1e-3
    few = compressed(rows, negligible, None if groups is None else np.arange(count) % groups)
    lost = rows.T @ rows - few.T @ few
    # What is left of every parameter is less than a pivot that is negligible; rounding beside it is 1e-9.
    assert np.abs(lost).max() <= negligible * (1 + 1e-3)
    # What all pivots left out cannot hold together must be there; most of the rows are not needed.
    assert np.count_nonzero(np.linalg.svd(rows, compute_uv=False) ** 2 > 80 * negligible) <= len(few) < 40


@pytest.mark.parametrize(("count", "size"), [(300, 80), (80, 300)])
def test_leading_rows_lose_no_more_than_is_said(count, size):
    rows = smooth(count, size)
    few = compressed(rows, 1e-9)
    short = leading(few, 1.0)
    trace = np.sum(np.square(rows))
    assert trace - np.sum(np.square(short)) == pytest.approx(0.0, abs=1.0)
    # One row fewer would lose more.
    assert trace - np.sum(np.square(short[:-1])) > 1.0


def test_independent_rows_are_all_kept():
    few = compressed(np.eye(7)[:4], 1e-12)
    np.testing.assert_allclose(few.T @ few, np.diag([1.0] * 4 + [0.0] * 3), atol=1e-15)


def test_data_that_say_nothing_leave_one_row_of_zeros():
    for shape in ((5, 3), (3, 5)):
        assert np.array_equal(compressed(np.zeros(shape), 1e-12), np.zeros((1, shape[1])))
