import jax.numpy as jnp
import numpy as np
import pytest

from jaxmt import Cooling, Discrepancy, Fixed, GradientRatio
from jaxmt.inversion.trade_off import Slopes


def lambdas(rule, *slopes):
    """Lambda of each iteration; slopes are (data, roughness, nrms, stage)."""
    state, found = rule.start(), []
    for data, roughness, nrms, stage in slopes:
        data, roughness, nrms = (jnp.asarray(float(v)) for v in (data, roughness, nrms))
        factor, state = rule(state, Slopes(data, roughness, nrms, jnp.asarray(stage)))
        found.append(float(factor))
    return found


def test_fixed_stays():
    assert lambdas(Fixed(3.0), (1, 0, 9, 0), (2, 5, 8, 0)) == [3.0, 3.0]


def test_the_gradient_ratio_waits_for_roughness_and_never_rises():
    found = lambdas(GradientRatio(0.5), (4, 0, 9, 0), (4, 2, 8, 0), (40, 2, 7, 0), (1, 2, 6, 0))
    assert found == [np.inf, 1.0, 1.0, 0.25]


def test_the_gradient_ratio_starts_anew_with_another_misfit():
    found = lambdas(GradientRatio(0.5), (4, 2, 9, 0), (400, 2, 8, 1), (800, 2, 8, 1))
    assert found == [1.0, 100.0, 100.0]


def test_cooling_is_geometric_from_the_first_roughness():
    found = lambdas(Cooling(2.0, 0.5), (4, 0, 9, 0), (4, 2, 8, 0), (9, 2, 8, 0), (9, 1, 6, 0))
    assert found == [np.inf, 4.0, 2.0, 1.0]


def test_cooling_is_never_above_the_ratio():
    assert lambdas(Cooling(2.0, 0.5), (4, 2, 1, 0), (1, 4, 1, 0), (9, 1, 1, 0)) == [4.0, 0.5, 0.25]


def test_cooling_takes_its_unit_from_the_misfit_in_force():
    found = lambdas(Cooling(2.0, 0.5), (4, 2, 1, 0), (6, 2, 1, 0), (900, 3, 1, 1), (900, 1, 1, 1))
    # The ratio of the gradients was 3 and is 300 where the misfit changes.
    assert found == [4.0, 2.0, 100.0, 50.0]


def test_discrepancy_lowers_lambda_where_the_fit_stalls():
    rule = Discrepancy(ratio=1.0, rate=0.5, stall=0.1)
    found = lambdas(rule, (4, 2, 9, 0), (4, 2, 5, 0), (4, 2, 4.9, 0), (4, 2, 4.8, 0), (4, 2, 2, 0))
    assert found == [2.0, 2.0, 1.0, 0.5, 0.5]


def test_discrepancy_takes_its_unit_from_the_misfit_in_force():
    rule = Discrepancy(ratio=1.0, rate=0.5, stall=0.1)
    # The ratio of the gradients was 2 and is 300 where the misfit changes; there the fit stalls, too.
    assert lambdas(rule, (4, 2, 9, 0), (900, 3, 9, 1), (900, 3, 4, 1)) == [2.0, 150.0, 150.0]


@pytest.mark.parametrize(
    ("rule", "options", "message"),
    [
        (Fixed, {"factor": -1.0}, r"Fixed\(factor=...\)` must be finite and not negative. Got -1.0"),
        (GradientRatio, {"ratio": np.nan}, r"GradientRatio\(ratio=...\)`.*Got nan"),
        (Cooling, {"rate": 0.0}, r"Cooling\(rate=...\)` must lie in \(0, 1\]. Got 0.0"),
        (Discrepancy, {"stall": 1.5}, r"Discrepancy\(stall=...\)` must lie in"),
    ],
)
def test_bad_rules_are_refused(rule, options, message):
    with pytest.raises(ValueError, match=message):
        rule(**options)
