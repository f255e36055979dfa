"""The parts of `experiments.gsot_mt`: scaled layers, and the inversion's table."""

import numpy as np
import pytest

from experiments.gsot_mt import layers
from jaxmt.misfit.embedding import VALUE_SCALE
from jaxmt.plot import local_minima


@pytest.mark.parametrize("name", layers.MODELS)
def test_scaling_all_thicknesses_shifts_the_curves_along_frequency(name):
    model = layers.MODELS[name]
    # Frequencies are 0.2 decades apart, and depth goes with the root of frequency.
    deeper = np.asarray(layers.responses(model, 10**0.1).components)[:4]
    here = np.asarray(layers.responses(model).components)[:4]
    np.testing.assert_allclose(deeper[:, 1:], here[:, :-1], rtol=1e-10)
    # A flat curve would show no shift.
    assert np.ptp(here[0]) > 0.3


def test_weights_are_those_of_the_noise_or_alike():
    model = layers.MODELS["3 layers"]
    noise, alike = (layers.observed(model, weights).errors[:4] for weights in layers.WEIGHTS)
    # 5 % of |Z|: 0.1 / ln 10 decades and 0.05 rad.
    np.testing.assert_allclose(noise[0], 0.1 / np.log(10), rtol=1e-14)
    np.testing.assert_allclose(noise[1], np.rad2deg(0.05), rtol=1e-14)
    np.testing.assert_array_equal((alike / VALUE_SCALE[:4, None, None]), layers.RELATIVE_ERROR)


def test_where_least_squares_has_false_minima_graph_space_may_have_one_basin():
    model, scales = layers.MODELS["7 layers, thicker"], np.geomspace(0.1, 10.0, 81)
    data, predicted = layers.observed(model, "noise"), layers.soundings(model, scales)
    profiles = layers.profiles(blurs=())
    found = {name: np.asarray(profile(data, predicted)) for name, profile in profiles.items()}
    minima = {name: scales[local_minima(values)] for name, values in found.items()}
    # Measured; 1 is the true scale.
    assert len(minima["least squares"]) == 3
    np.testing.assert_allclose(minima["graph space, eta 0.1"], 1.0, rtol=1e-12)
    # Too low a price of frequency makes minima of its own.
    assert len(minima["graph space, eta 0"]) == 3
    for values in found.values():
        # Squared residuals of rounding over errors, beside values of tens to thousands.
        assert abs(values[40]) < 1e-20 * values.max() or values[40] == 0.0
