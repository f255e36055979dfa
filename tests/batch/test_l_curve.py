from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from identities import present
from matplotlib.figure import Figure
from pictures import covered
from problems import BLOCK_MESH, observed

import jaxmt
from jaxmt import Fixed, LCurve, LeastSquares, invert, l_curve

FACTORS = np.geomspace(1e3, 1e-3, 13)


def hyperbola():
    """Loss and roughness that meet in a corner where lambda is one."""
    losses, roughnesses = 1 + FACTORS, 1 + 1 / FACTORS
    return LCurve(FACTORS, losses, roughnesses, np.sqrt(losses), ())


def test_the_corner_is_where_a_curve_bends_most():
    # Symmetric in lambda and 1 / lambda.
    assert hyperbola().factors[hyperbola().corner] == pytest.approx(1.0)


def test_the_other_bend_is_no_corner():
    curve = hyperbola()
    mirrored = LCurve(curve.factors, 1 / curve.losses, curve.roughnesses, curve.nrms, curve.results)
    assert mirrored.corner in (1, FACTORS.size - 2)


@pytest.mark.filterwarnings("ignore::jaxmt.MeshWarning")
def test_a_sweep_trades_smoothness_for_fit():
    data = observed(frequencies=2)
    curve = l_curve(data, BLOCK_MESH, [0.01, 10.0, 0.3], misfit=LeastSquares(), max_iterations=15)
    np.testing.assert_array_equal(curve.factors, [10.0, 0.3, 0.01])
    assert np.all(np.diff(curve.losses) < 0)
    assert np.all(np.diff(curve.roughnesses) > 0)
    np.testing.assert_allclose(curve.losses, np.square(curve.nrms), rtol=1e-12)
    assert curve.best is curve.results[1]


@pytest.mark.filterwarnings("ignore::jaxmt.MeshWarning")
def test_points_of_an_executor_are_inversions_of_their_own():
    told: dict[str, Any] = {"misfit": LeastSquares(), "max_iterations": 2}
    data = observed(frequencies=2)
    with ThreadPoolExecutor(1) as executor:
        curve = l_curve(data, BLOCK_MESH, [0.3, 10.0, 0.01], executor=executor, **told)
        with pytest.raises(RuntimeError, match=r"3 of 3 tasks failed, 0 lambda 10: ValueError: .*ohm m"):
            l_curve(data, BLOCK_MESH, [0.3, 10.0, 0.01], -1.0, executor=executor, **told)
    one = invert(data, BLOCK_MESH, 100.0, trade_off=Fixed(0.3), target=1e-9, **told)
    np.testing.assert_array_equal(curve.factors, [10.0, 0.3, 0.01])
    # Another program predicts for the result that comes back.
    np.testing.assert_allclose(curve.results[1].history["nrms"], one.history["nrms"], rtol=1e-9)
    np.testing.assert_allclose(curve.results[1].predicted, one.predicted, rtol=1e-9)
    assert curve.nrms[1] == pytest.approx(one.nrms, rel=1e-9)


@pytest.mark.filterwarnings("ignore::jaxmt.MeshWarning")
@pytest.mark.parametrize("factors", [[1.0, 2.0], [1.0, 1.0, 2.0], [0.0, 1.0, 2.0], [1.0, 2.0, np.nan]])
def test_bad_factors_are_refused(factors):
    data = observed(frequencies=2)
    with pytest.raises(ValueError, match=r"factors=...\)` must be three or more different lambdas"):
        l_curve(data, BLOCK_MESH, factors)


def test_it_is_drawn_with_its_corner():
    ax = jaxmt.plot.l_curve(Figure(layout="constrained").add_subplot(), hyperbola(), title="L-curve")
    assert not covered(ax.figure)
    assert ax.get_xscale() == ax.get_yscale() == "log"
    assert "lambda 1," in present(ax.get_legend()).get_texts()[0].get_text()
    assert len(ax.texts) == FACTORS.size
