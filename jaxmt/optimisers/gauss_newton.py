r"""Gauss-Newton steps for least squares, with lambda found by search as in Occam's inversion.

With whitened residuals r and Jacobian J, the step $\delta$ minimises
$|r - J\delta|^2 + \mu(\phi + g^T\delta + \delta^TC\delta)$, where $g$ and $C$ are gradient and curvature of
the roughness and $\mu$ is lambda times the number of data. In data space (Siripunvaraporn & Egbert 2000,
Geophysics 65, 791) that is

$\delta = B\,(\mu + JB)^{-1}(r + Jt) - t$ with $B = C^{-1}J^T$ and $t = C^{-1}g/2$,

so that a further $\mu$ costs one Cholesky factorisation as large as the data. Each iteration tries several
and keeps the one whose model fits best, and once one reaches the target, the largest that does
(Constable, Parker & Constable 1987, Geophysics 52, 289).
"""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from scipy import sparse
from scipy.sparse.linalg import splu

from ..data import normalised_residuals
from ..misfit import LeastSquares
from ..problem import Parameters, Prediction, Problem
from ..sensitivity import jacobian
from ..static_shift import RESISTIVITIES
from ..trade_off import AbstractTradeOff
from .abstract import AbstractOptimiser, Report, State

STRIDE = np.sqrt(10.0)
"""Ratio of one lambda to the next of a search."""

DAMPING = 1e-4
"""Added to the curvature, as a part of its mean diagonal: roughness alone does not see a constant."""

Vector = Float[Array, " datum"]


class GaussNewton(AbstractOptimiser):
    """Occam's inversion; for `LeastSquares`.

    It chooses lambda itself.

    - `target`: nRMS beyond which a smoother model is preferred to a better fit; give `invert(target=...)`
      the same.
    - `trials`: the most models simulated to find lambda, and as many to find how far to step.
    """

    target: float = 1.05
    trials: int = 6

    def __check_init__(self) -> None:
        if not self.target > 0 or self.trials < 1:
            raise ValueError(
                "`GaussNewton(target=..., trials=...)` must be a positive nRMS and at least 1. "
                f"Got target={self.target}, trials={self.trials}."
            )

    def start(self, problem: Problem, parameters: Parameters) -> Float[Array, ""]:
        """The last mu: none yet. Raises `ValueError` for another misfit than `LeastSquares`."""
        del parameters
        if not isinstance(problem.misfit, LeastSquares):
            raise ValueError(
                "`GaussNewton` is for `LeastSquares()`. Use `Descent()` or `QuasiNewton()` with "
                f"{type(problem.misfit).__name__}."
            )
        return jnp.asarray(np.nan)

    def step(self, problem: Problem, trade_off: AbstractTradeOff, state: State) -> tuple[State, Report]:
        """One Jacobian, and a simulation for each trial."""
        del trade_off
        loss, prediction, nrms, rough, slope = _evaluate(problem, state.parameters)
        section = np.asarray(problem.section(state.parameters))
        failed = Report(prediction, loss, nrms, rough, state.optimiser, jnp.asarray(False))
        if not bool(jnp.isfinite(loss)):
            return state, failed
        try:
            newton = _Newton(problem, prediction, section, np.asarray(slope))
        except FloatingPointError:
            return state, failed
        mu = float(state.optimiser)
        mu, parameters = self._search(problem, newton, section, newton.balance if np.isnan(mu) else mu)
        factor = jnp.asarray(mu / newton.size)
        report = Report(prediction, loss, nrms, rough, factor, jnp.asarray(True))
        return State(parameters, jnp.asarray(mu), state.misfit, state.trade_off), report

    def _search(
        self, problem: Problem, newton: "_Newton", section: np.ndarray, mu: float
    ) -> tuple[float, Parameters]:
        """Mu and the parameters of the next model."""

        def fit(step: np.ndarray) -> tuple[float, Parameters]:
            parameters = _moved(problem, section, step)
            nrms = float(_evaluate(problem, parameters)[2])
            return (nrms if np.isfinite(nrms) else np.inf), parameters

        found = {0: fit(newton.step(mu))}
        for way in (-1, 1):
            k = min(found, key=lambda j: found[j][0])
            while len(found) < self.trials and k + way not in found:
                found[k + way] = fit(newton.step(mu * STRIDE ** (k + way)))
                if found[k + way][0] >= found[k][0]:
                    break
                k += way
        good = [k for k, (nrms, _) in found.items() if nrms <= self.target]
        best = max(good) if good else min(found, key=lambda k: found[k][0])
        nrms, parameters = found[best]
        mu = mu * STRIDE**best
        if good:
            return self._largest(newton, fit, mu, parameters)
        # A step too long for the linearisation.
        whole, now = newton.step(mu), float(newton.nrms)
        for halving in range(1, self.trials):
            if nrms < now:
                break
            nrms, parameters = fit(whole / 2**halving)
        return mu, parameters

    def _largest(
        self,
        newton: "_Newton",
        fit: Callable[[np.ndarray], tuple[float, Parameters]],
        mu: float,
        parameters: Parameters,
    ) -> tuple[float, Parameters]:
        """The largest mu between one that reaches the target and the next of the search, by bisection."""
        low, high = mu, mu * STRIDE
        for _ in range(self.trials // 2):
            middle = np.sqrt(low * high)
            nrms, candidate = fit(newton.step(middle))
            if nrms <= self.target:
                low, parameters = middle, candidate
            else:
                high = middle
        return low, parameters


class _Newton:
    """The linearised problem around a section.

    - `balance`: a first mu, at which data and roughness weigh alike. `size`: number of data. `nrms`: now.
    """

    def __init__(self, problem: Problem, prediction: Prediction, section: np.ndarray, slope: np.ndarray):
        data, earth = problem.data, problem.earth
        known = np.isfinite(np.asarray(data.values))
        whole = jacobian(problem.mesh, data.survey, 10**section, solver=problem.solver)
        rows = (
            np.asarray(whole)[known].reshape(int(known.sum()), -1) / np.asarray(data.errors)[known][:, None]
        )
        residuals = np.asarray(normalised_residuals(data, prediction.responses.components))
        self.size = rows.shape[0]
        self.nrms = data.nrms_of(prediction.components)
        self.ties = earth.ties
        curvature = problem.regularization.curvature(section, problem.mesh, earth.free)
        inner = sparse.csc_array(self.ties.T @ curvature @ self.ties)
        inner += DAMPING * inner.diagonal().mean() * sparse.eye_array(earth.size)
        factor = splu(sparse.csc_matrix(inner), permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0)
        j = rows @ self.ties
        whiten = _shift_whitener(problem, known)
        j, r = whiten(j), whiten(residuals[known])
        self.j = jnp.asarray(j)
        self.b = jnp.asarray(factor.solve(np.ascontiguousarray(j.T)))
        self.t = factor.solve(self.ties.T @ np.ravel(slope) / 2)
        self.gram = self.j @ self.b
        self.right = jnp.asarray(r) + self.j @ jnp.asarray(self.t)
        self.balance = float(jnp.trace(self.gram)) / self.size

    def step(self, mu: float) -> Float[np.ndarray, " cell"]:
        """The change of log10 resistivity of every cell."""
        return self.ties @ (np.asarray(_through(self.gram, self.b, self.right, jnp.asarray(mu))) - self.t)


@jax.jit
def _through(
    gram: Float[Array, "datum datum"],
    b: Float[Array, "parameter datum"],
    right: Vector,
    mu: Float[Array, ""],
) -> Parameters:
    factor = jax.scipy.linalg.cho_factor(gram + mu * jnp.eye(gram.shape[0]), lower=True)
    return b @ jax.scipy.linalg.cho_solve(factor, right)


def _shift_whitener(problem: Problem, known: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    r"""What makes data whose static shifts are unknown, drawn from their prior, white again.

    The shift of a curve adds $s_0^2ee^T$ to the covariance of its whitened data, $e = 1/\sigma$; the
    inverse square root of $1 + s_0^2ee^T$ is $1 - \beta ee^T/|e|^2$, $\beta = 1 - (1 + s_0^2|e|^2)^{-1/2}$.
    """
    if problem.static_shift is None:
        return lambda values: values
    place = np.full(known.shape, -1)
    place[known] = np.arange(known.sum())
    errors = np.asarray(problem.data.errors)
    curves = []
    for component in RESISTIVITIES:
        for site in range(known.shape[2]):
            rows = place[component, :, site]
            e = 1 / errors[component, rows >= 0, site]
            curves.append((rows[rows >= 0], e))
    variance = problem.static_shift.decades**2

    def whiten(values: np.ndarray) -> np.ndarray:
        out = values.copy()
        for rows, e in curves:
            square = np.sum(e**2)
            if square > 0:
                beta = 1 - 1 / np.sqrt(1 + variance * square)
                out[rows] -= np.multiply.outer(beta * e / square, e @ values[rows])
        return out

    return whiten


@eqx.filter_jit
def _evaluate(
    problem: Problem, parameters: Parameters
) -> tuple[Float[Array, ""], Prediction, Float[Array, ""], Float[Array, ""], Float[Array, "earth y"]]:
    """Loss, prediction, nRMS, roughness, and the gradient of the roughness with the section."""
    loss, (_, prediction, nrms) = problem.data_misfit(parameters, None)

    def penalty(section: Float[Array, "earth y"]) -> Float[Array, ""]:
        return problem.regularization(section, problem.mesh, problem.earth.free)

    rough, slope = jax.value_and_grad(penalty)(problem.section(parameters))
    return loss, prediction, nrms, rough, slope


def _moved(problem: Problem, section: np.ndarray, step: np.ndarray) -> Parameters:
    """Parameters of the section after a step, kept off the bounds."""
    earth = problem.earth
    low, high = np.log10(earth.low), np.log10(earth.high)
    margin = 1e-3 * (high - low)
    moved = np.clip(section + step.reshape(section.shape), low + margin, high - margin)
    return earth.parameters(10 ** np.where(earth.free, moved, section))
