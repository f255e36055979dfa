r"""Gauss-Newton steps, with lambda found by search as in Occam's inversion.

A misfit with gradient $g_k$ and curvature $h_k$ in the data lies, to second order or at most, on
$\sum_k (r_k - \sqrt{h_k/2}\,\delta d_k)^2$ with $r_k = -g_k/\sqrt{2h_k}$ and a constant more. For least
squares r are the residuals; for robust costs this is iteratively reweighted least squares, and for
transport the way of each point to the mean of where its mass goes, as in matching of clouds by closest
points (Besl & McKay 1992). A plan that moves with the prediction curves less than one held fixed: h is
scaled by the secant between prediction and data, and the way is as much longer. With J the Jacobian times
$\sqrt{h/2}$ the step $\delta$ minimises $|r - J\delta|^2 + \lambda(\phi + g^T\delta + \delta^TC\delta)$,
where now $\phi$, $g$ and $C$ are value, gradient and curvature of the roughness. In data space
(Siripunvaraporn & Egbert 2000, Geophysics 65, 791) that is

$\delta = C^{-1}J^T(\lambda + JC^{-1}J^T)^{-1}(r + Jt) - t$ with $t = C^{-1}g/2$.

In units of the roughness, $C = LL^T$ and $A = JL^{-T}$, this is damped least squares (`ridge.py`), in the
space of data or of parameters, whichever is smaller, so that a further $\lambda$ costs one Cholesky
factorisation as large as that. Each iteration tries several and keeps the one whose model fits best, and
once one reaches the target, the largest that does (Constable, Parker & Constable 1987, Geophysics 52, 289).
"""

import dataclasses
from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PyTree
from scipy import sparse

from ...simulation.solvers.host import AbstractHostSolver
from ..objective import Objective, section_of
from ..parametrisation.abstract import Parameters
from ..precision import Precision
from ..ridge import Ridge
from ..slopes import data_slopes
from ..static_shift import shifted
from ..trade_off import AbstractTradeOff
from .abstract import AbstractOptimiser, Report, State
from .expanded import Expanded, expanded, expanded_at

STRIDE = np.sqrt(10.0)
"""Ratio of one lambda to the next of a search."""

DAMPING = 1e-4
"""Added to the curvature, as a part of its mean diagonal: roughness alone does not see a constant."""


class GaussNewton(AbstractOptimiser):
    """Occam's inversion, for any misfit; it chooses lambda itself.

    Beyond the target nRMS of the inversion a smoother model is preferred to a better fit. The
    parametrisation must have cells and a tangent, as `Cells`, `Blocks` and `Basis` do. Steps are few and
    long: a transport must be solved to the end and its blur fall faster, such as by
    `CloudTransport().for_long_steps()`.

    - `trials`: the most models simulated to find lambda, and as many to find how far to step.
    - `patience`: iterations without progress after which to stop.
    """

    trials: int = 6
    patience: int = 10
    chooses_lambda: ClassVar[bool] = True
    long_steps: ClassVar[bool] = True

    def __check_init__(self) -> None:
        if self.trials < 1:
            raise ValueError(f"`GaussNewton(trials=...)` must be at least 1. Got {self.trials}.")

    def identity(self, first: PyTree[Any], target: float) -> object:
        """Its settings and the target, for which it chooses lambda."""
        del first
        return dataclasses.replace(self, patience=1), target

    def start(self, objective: Objective, parameters: Parameters) -> Float[Array, ""]:
        """The last lambda: none yet."""
        objective.parametrisation.linearised(parameters, "GaussNewton")
        return jnp.asarray(np.nan)

    def step(
        self, objective: Objective, trade_off: AbstractTradeOff, target: float, state: State
    ) -> tuple[State, Report]:
        """One Jacobian, and a simulation for each trial."""
        del trade_off
        objective = objective.at(state.misfit)

        def report(now: Expanded, factor: Float[Array, ""], finite: bool) -> Report:
            return Report(now.prediction, now.loss, now.nrms, now.roughness, factor, jnp.asarray(finite))

        try:
            newton = _Newton(objective, state.parameters)
        except FloatingPointError:
            return state, report(expanded(objective, state.parameters), state.optimiser, False)
        now, last = newton.now, float(state.optimiser)

        def trial(step: np.ndarray) -> _Trial:
            if not np.all(np.isfinite(step)):
                return _Trial(np.inf, np.nan, state.parameters)
            parameters = objective.parametrisation.moved(state.parameters, step)
            found = expanded(objective, parameters)
            loss = float(found.loss)
            return _Trial(loss if np.isfinite(loss) else np.inf, float(found.nrms), parameters)

        first = newton.balance if np.isnan(last) else last
        weight, best = self._search(newton, trial, target, float(now.loss), first)
        following = State(best.parameters, jnp.asarray(weight), now.misfit, state.trade_off)
        return following, report(now, jnp.asarray(weight), True)

    def _search(
        self,
        newton: "_Newton",
        trial: Callable[[np.ndarray], "_Trial"],
        target: float,
        loss: float,
        weight: float,
    ) -> tuple[float, "_Trial"]:
        """Mu and the next model."""
        found = {0: trial(newton.step(weight))}
        for way in (-1, 1):
            k = min(found, key=lambda j: found[j].loss)
            while len(found) < self.trials and k + way not in found:
                found[k + way] = trial(newton.step(weight * STRIDE ** (k + way)))
                if found[k + way].loss >= found[k].loss:
                    break
                k += way
        good = [k for k, one in found.items() if one.nrms <= target]
        k = max(good) if good else min(found, key=lambda j: found[j].loss)
        best, weight = found[k], weight * STRIDE**k
        if good:
            return self._largest(newton, trial, target, weight, best)
        # A step too long for the linearisation.
        whole = newton.step(weight)
        for halving in range(1, self.trials):
            if best.loss < loss:
                break
            best = trial(whole / 2**halving)
        return weight, best

    def _largest(
        self,
        newton: "_Newton",
        trial: Callable[[np.ndarray], "_Trial"],
        target: float,
        weight: float,
        best: "_Trial",
    ) -> tuple[float, "_Trial"]:
        """The largest weight between one that reaches the target and the next tried, by bisection."""
        low, high = weight, weight * STRIDE
        for _ in range(self.trials // 2):
            middle = np.sqrt(low * high)
            candidate = trial(newton.step(middle))
            if candidate.nrms <= target:
                low, best = middle, candidate
            else:
                high = middle
        return low, best


class _Trial(NamedTuple):
    """A model that a step may lead to; the loss infinite instead of NaN."""

    loss: float
    nrms: float
    parameters: Parameters


class _Newton:
    """The linearised problem around a section.

    Parameters are counted in units of a decade of the cell that they change most.

    - `now`: the section. `balance`: a first weight, at which data and roughness weigh alike.

    Raises `FloatingPointError` where section or misfit have no finite slopes.
    """

    def __init__(self, objective: Objective, parameters: Parameters):
        data, parametrisation = objective.data, objective.parametrisation
        section = np.asarray(section_of(objective, parameters))
        tangent, self.unit = parametrisation.linearised(parameters, "GaussNewton")
        penalty = objective.regularization.curvature(section, objective.mesh, parametrisation.free)
        inner = sparse.csr_array(tangent.T @ penalty @ tangent)
        inner += DAMPING * inner.diagonal().mean() * sparse.eye_array(self.unit.size)
        self.prior = Precision(sparse.csr_array(inner))
        known = np.asarray(data.mask)
        responses, rows = data_slopes(
            objective.mesh,
            data.survey,
            10**section,
            known,
            tangent.tocsc()[:, self.prior.order],
            solver=objective.solver,
        )
        self.now = expanded_at(objective, parameters, responses)
        if not np.isfinite(float(self.now.loss)):
            raise FloatingPointError("The misfit is not finite.")
        curvature = np.asarray(self.now.curvature)
        used = known & (curvature > 0)
        weights = np.sqrt(np.where(used, curvature, 0.0) / 2)
        if not used[known].all():
            rows = rows[used[known]]
        rows *= weights[used][:, None]
        residuals = np.zeros(weights.shape)
        residuals[used] -= np.asarray(self.now.pull)[used] / (2 * weights[used])
        r = residuals[used]
        if objective.static_shift is not None:
            # As if no station had been shifted, but by what is at its bounds and what makes up for that.
            movable, shifts = objective.static_shift.unbound(self.now.prediction.shifts, weights)
            shifts = shifted(jnp.zeros_like(self.now.pull), jnp.asarray(shifts))
            r += (weights * np.asarray(shifts))[used]
            # The prior of the shifts is in standard deviations: brought to the unit of the misfit.
            errors = np.asarray(data.errors)
            unit = float(np.sum(weights[used] ** 2) / np.sum(1 / errors[used] ** 2))
            rows, r = (objective.static_shift.without(v, weights, unit, movable) for v in (rows, r))
        solver = objective.solver
        threads = solver.threads if isinstance(solver, AbstractHostSolver) else 1
        self.ridge = Ridge(rows, self.prior, threads)
        self.t = (tangent.T @ np.ravel(np.asarray(self.now.slope)) / 2)[self.prior.order]
        self.prior.whiten(self.t[None])
        self.right = r + self.ridge.rows @ self.t
        self.balance = self.ridge.trace / len(r)

    def step(self, weight: float) -> Float[np.ndarray, " parameter"]:
        """The change of the parameters."""
        white = self.ridge.solve(self.right, weight) - self.t
        return self.prior.backwards(white[:, None])[:, 0] / self.unit
