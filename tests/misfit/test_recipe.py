"""A misfit of one's own is `prepare` and `__call__`."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from ott.solvers.linear.sinkhorn import Sinkhorn

from jaxmt import CloudTransport, Data, GaussNewton, Mesh, Survey, invert, simulate
from jaxmt.data import known_residuals
from jaxmt.misfit import AbstractMisfit

MESH = Mesh(np.linspace(-4e3, 4e3, 9), np.array([0.0, *np.geomspace(100, 8e3, 7)]))
pytestmark = pytest.mark.filterwarnings("ignore::jaxmt.MeshWarning")


def data():
    survey = Survey(np.array([10.0, 1.0]), np.array([-1e3, 1e3]), ("tm",))
    true = np.where(abs(MESH.y_centres) < 1e3, 10.0, 100.0) * np.ones(MESH.shape)
    values = np.array(simulate(MESH, survey, true).components)
    return Data(survey, values, np.where(np.isfinite(values), 0.03, 1.0))


class LogCosh(AbstractMisfit):
    """Sum of ln cosh of the normalised residuals: a square near zero, straight far away."""

    def prepare(self, data):
        return data, None

    def __call__(self, predicted, prepared, state):
        r = known_residuals(prepared, predicted)
        return jnp.sum(jnp.logaddexp(r, -r) - jnp.log(2.0)), state


def test_ten_lines_are_a_misfit():
    result = invert(data(), MESH, 50.0, LogCosh(), max_iterations=4, target=1e-3)
    # From 75 to 27 in four steps of Adam.
    assert result.nrms < 0.5 * result.history["nrms"][0]
    assert LogCosh().describe(None) == {}
    assert int(LogCosh().stage(None)) == 0
    assert LogCosh().for_long_steps() == LogCosh()


def test_gauss_newton_says_what_it_needs():
    with pytest.raises(NotImplementedError, match=r"needs `LogCosh.curvature`.*or use `Descent\(\)`"):
        invert(data(), MESH, 50.0, LogCosh(), optimiser=GaussNewton(), max_iterations=1)


@pytest.mark.parametrize("lacking", ["prepare", "__call__"])
def test_a_misfit_that_lacks_a_method_says_which(lacking):
    methods = {"prepare": LogCosh.prepare, "__call__": LogCosh.__call__}
    del methods[lacking]
    short = type("Short", (AbstractMisfit,), methods)
    with pytest.raises(TypeError, match=f"abstract class Short .*abstract method '?{lacking}") as caught:
        short()
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_an_inversion_runs_on_a_solver_of_ott(caplog):
    plain: dict[str, Any] = {"start_blur": 0.3, "tolerance": 1e-6}
    histories = []
    solvers: tuple[dict[str, Any], ...] = (
        {"max_sweeps": 5000},
        {"solver": Sinkhorn(threshold=1e-6, max_iterations=5000)},
    )
    for options in solvers:
        caplog.clear()
        misfit = CloudTransport(**plain, **options)
        with jax.log_compiles():
            histories.append(invert(data(), MESH, 50.0, misfit, max_iterations=2, target=1e-3).history)
        steps = [
            r for r in caplog.records if "Compiling" in r.getMessage() and "_compare" in r.getMessage()
        ]
        assert len(steps) == 1
    # Gradients of plans whose marginals are met to 1e-6, over two steps.
    np.testing.assert_allclose(histories[0]["nrms"], histories[1]["nrms"], rtol=1e-4)
