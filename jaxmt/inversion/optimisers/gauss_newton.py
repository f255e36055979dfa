r"""Gauss-Newton steps, with lambda found by search as in Occam's inversion.

A misfit with gradient $g_k$ and curvature $h_k$ in the data lies, to second order or at most, on
$\sum_k (r_k - \sqrt{h_k/2}\,\delta d_k)^2$ with $r_k = -g_k/\sqrt{2h_k}$ and a constant more. For least
squares r are the residuals; for robust costs this is iteratively reweighted least squares, and for
transport the way of each point to the mean of where its mass goes, with the plan held fixed: as in matching
of clouds by closest points (Besl & McKay 1992). With J the Jacobian times $\sqrt{h/2}$ the step $\delta$
minimises $|r - J\delta|^2 + \mu(\phi + g^T\delta + \delta^TC\delta)$, where now $\phi$, $g$ and $C$ are
value, gradient and curvature of the roughness and $\mu$ is lambda. In data space (Siripunvaraporn & Egbert
2000, Geophysics 65, 791) that is

$\delta = B\,(\mu + JB)^{-1}(r + Jt) - t$ with $B = C^{-1}J^T$ and $t = C^{-1}g/2$,

so that a further $\mu$ costs one Cholesky factorisation as large as the data. Each iteration tries several
and keeps the one whose model fits best, and once one reaches the target, the largest that does
(Constable, Parker & Constable 1987, Geophysics 52, 289).
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PyTree
from scipy import sparse

from ...simulation.sensitivity import jacobian
from ..objective import Parameters, Prediction, Problem
from ..static_shift import RESISTIVITIES, shifted
from ..trade_off import AbstractTradeOff
from .abstract import AbstractOptimiser, Report, State

STRIDE = np.sqrt(10.0)
"""Ratio of one lambda to the next of a search."""

DAMPING = 1e-4
"""Added to the curvature, as a part of its mean diagonal: roughness alone does not see a constant."""

Values = Float[Array, "comp freq site"]
Vector = Float[Array, " datum"]


class GaussNewton(AbstractOptimiser):
    """Occam's inversion, for any misfit; it chooses lambda itself.

    Its steps are few and long: let a transport be solved to the end and its blur fall faster, such as by
    `CloudTransport(max_sweeps=200, decay=0.7)`.

    - `target`: nRMS beyond which a smoother model is preferred to a better fit; give `invert(target=...)`
      the same.
    - `trials`: the most models simulated to find lambda, and as many to find how far to step.
    - `patience`: iterations without progress after which to stop.
    """

    target: float = 1.05
    trials: int = 6
    patience: int = 10

    def __check_init__(self) -> None:
        if not self.target > 0 or self.trials < 1:
            raise ValueError(
                "`GaussNewton(target=..., trials=...)` must be a positive nRMS and at least 1. "
                f"Got target={self.target}, trials={self.trials}."
            )

    def start(self, problem: Problem, parameters: Parameters) -> Float[Array, ""]:
        """The last lambda: none yet."""
        del problem, parameters
        return jnp.asarray(np.nan)

    def step(self, problem: Problem, trade_off: AbstractTradeOff, state: State) -> tuple[State, Report]:
        """One Jacobian, and a simulation for each trial."""
        del trade_off
        now = _evaluate(problem, state.parameters, state.misfit)

        def report(factor: Float[Array, ""], finite: bool) -> Report:
            return Report(now.prediction, now.loss, now.nrms, now.roughness, factor, jnp.asarray(finite))

        if not bool(jnp.isfinite(now.loss)):
            return state, report(state.optimiser, False)
        section = np.asarray(problem.section(state.parameters))
        try:
            newton = _Newton(problem, now, section)
        except FloatingPointError:
            return state, report(state.optimiser, False)
        last = float(state.optimiser)

        def trial(step: np.ndarray) -> _Trial:
            parameters = _moved(problem, section, step)
            found = _evaluate(problem, parameters, state.misfit)
            loss = float(found.loss)
            return _Trial(loss if np.isfinite(loss) else np.inf, float(found.nrms), parameters)

        mu, best = self._search(newton, trial, float(now.loss), newton.balance if np.isnan(last) else last)
        following = State(best.parameters, jnp.asarray(mu), now.misfit, state.trade_off)
        return following, report(jnp.asarray(mu), True)

    def _search(
        self, newton: "_Newton", trial: Callable[[np.ndarray], "_Trial"], loss: float, mu: float
    ) -> tuple[float, "_Trial"]:
        """Mu and the next model."""
        found = {0: trial(newton.step(mu))}
        for way in (-1, 1):
            k = min(found, key=lambda j: found[j].loss)
            while len(found) < self.trials and k + way not in found:
                found[k + way] = trial(newton.step(mu * STRIDE ** (k + way)))
                if found[k + way].loss >= found[k].loss:
                    break
                k += way
        good = [k for k, one in found.items() if one.nrms <= self.target]
        k = max(good) if good else min(found, key=lambda j: found[j].loss)
        best, mu = found[k], mu * STRIDE**k
        if good:
            return self._largest(newton, trial, mu, best)
        # A step too long for the linearisation.
        whole = newton.step(mu)
        for halving in range(1, self.trials):
            if best.loss < loss:
                break
            best = trial(whole / 2**halving)
        return mu, best

    def _largest(
        self, newton: "_Newton", trial: Callable[[np.ndarray], "_Trial"], mu: float, best: "_Trial"
    ) -> tuple[float, "_Trial"]:
        """The largest mu between one that reaches the target and the next of the search, by bisection."""
        low, high = mu, mu * STRIDE
        for _ in range(self.trials // 2):
            middle = np.sqrt(low * high)
            candidate = trial(newton.step(middle))
            if candidate.nrms <= self.target:
                low, best = middle, candidate
            else:
                high = middle
        return low, best


class _Trial(NamedTuple):
    """A model that a step may lead to; the loss infinite instead of NaN."""

    loss: float
    nrms: float
    parameters: Parameters


class _Model(eqx.Module):
    """A model as Gauss-Newton sees it.

    - `misfit`: the next state of the misfit. `pull`, `curvature`: of the misfit in the data.
    - `slope`: gradient of the roughness with the section.
    """

    loss: Float[Array, ""]
    misfit: PyTree[Any]
    prediction: Prediction
    nrms: Float[Array, ""]
    roughness: Float[Array, ""]
    pull: Values
    curvature: Values
    slope: Float[Array, "earth y"]


@eqx.filter_jit
def _evaluate(problem: Problem, parameters: Parameters, state: PyTree[Any]) -> _Model:
    prediction = problem.predict(parameters)

    def misfit(predicted: Values) -> tuple[Float[Array, ""], PyTree[Any]]:
        return problem.misfit(predicted, problem.prepared, state)

    def penalty(section: Float[Array, "earth y"]) -> Float[Array, ""]:
        return problem.regularization(section, problem.mesh, problem.earth.free)

    (loss, following), pull = jax.value_and_grad(misfit, has_aux=True)(prediction.components)
    curvature = problem.misfit.curvature(prediction.components, problem.prepared, state)
    nrms = problem.data.nrms_of(prediction.components)
    rough, slope = jax.value_and_grad(penalty)(problem.section(parameters))
    return _Model(loss, following, prediction, nrms, rough, pull, curvature, slope)


class _Newton:
    """The linearised problem around a section.

    - `balance`: a first mu, at which data and roughness weigh alike.
    """

    def __init__(self, problem: Problem, now: _Model, section: np.ndarray):
        from scipy.sparse.linalg import splu  # Slow to import.

        data, earth = problem.data, problem.earth
        curvature = np.asarray(now.curvature)
        used = curvature > 0
        weights = np.sqrt(np.where(used, curvature, 0.0) / 2)
        whole = jacobian(problem.mesh, data.survey, 10**section, solver=problem.solver)
        rows = np.asarray(whole)[used].reshape(int(used.sum()), -1) * weights[used][:, None]
        # As if no station had been shifted.
        shifts = shifted(jnp.zeros_like(now.pull), now.prediction.shifts)
        residuals = weights * np.asarray(shifts)
        residuals[used] -= np.asarray(now.pull)[used] / (2 * weights[used])
        self.ties = earth.ties
        penalty = problem.regularization.curvature(section, problem.mesh, earth.free)
        inner = sparse.csc_array(self.ties.T @ penalty @ self.ties)
        inner += DAMPING * inner.diagonal().mean() * sparse.eye_array(earth.size)
        factor = splu(sparse.csc_matrix(inner), permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0)
        whiten = _shift_whitener(problem, used, weights)
        j, r = whiten(rows @ self.ties), whiten(residuals[used])
        self.j = jnp.asarray(j)
        self.b = jnp.asarray(factor.solve(np.ascontiguousarray(j.T)))
        self.t = factor.solve(self.ties.T @ np.ravel(np.asarray(now.slope)) / 2)
        self.gram = self.j @ self.b
        self.right = jnp.asarray(r) + self.j @ jnp.asarray(self.t)
        self.balance = float(jnp.trace(self.gram)) / len(r)

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


def _shift_whitener(
    problem: Problem, used: np.ndarray, weights: np.ndarray
) -> Callable[[np.ndarray], np.ndarray]:
    r"""What makes data whose static shifts are unknown, drawn from their prior, white again.

    The shift of a curve adds $s_0^2ee^T$ to the covariance of its whitened data, e their weights; the
    inverse square root of $1 + s_0^2ee^T$ is $1 - \beta ee^T/|e|^2$, $\beta = 1 - (1 + s_0^2|e|^2)^{-1/2}$.
    """
    if problem.static_shift is None:
        return lambda values: values
    place = np.full(used.shape, -1)
    place[used] = np.arange(used.sum())
    curves = []
    for component in RESISTIVITIES:
        for site in range(used.shape[2]):
            rows = place[component, :, site]
            curves.append((rows[rows >= 0], weights[component, rows >= 0, site]))
    # The prior is in standard deviations: brought to the unit of the misfit.
    errors = np.asarray(problem.data.errors)
    unit = np.sum(weights[used] ** 2) / np.sum(1 / errors[used] ** 2)
    variance = problem.static_shift.decades**2 / unit

    def whiten(values: np.ndarray) -> np.ndarray:
        out = values.copy()
        for rows, e in curves:
            square = np.sum(e**2)
            if square > 0:
                beta = 1 - 1 / np.sqrt(1 + variance * square)
                out[rows] -= np.multiply.outer(beta * e / square, e @ values[rows])
        return out

    return whiten


def _moved(problem: Problem, section: np.ndarray, step: np.ndarray) -> Parameters:
    """Parameters of the section after a step, kept off the bounds."""
    earth = problem.earth
    low, high = np.log10(earth.low), np.log10(earth.high)
    margin = 1e-3 * (high - low)
    moved = np.clip(section + step.reshape(section.shape), low + margin, high - margin)
    return earth.parameters(10 ** np.where(earth.free, moved, section))
