r"""The posterior density of a section, of unbounded parameters.

$-\ln\pi(x) = \frac12\sum_k c(r_k/s) + N\ln s + \frac12 N\lambda R - \ln V$ up to a constant, with the
residuals r of N data over their stated errors, the cost c of a likelihood (`LeastSquares`, `Huber`,
`Student`), a regularisation R as the prior, uniform between the bounds of the parametrisation where R says
nothing, and V its `log_volume`, for x are unbounded parameters and the prior is one of log10 of
resistivity. $\lambda$ is that of the objective `LeastSquares()` + $\lambda R$, the mean over the data, as
in `appraise`.

x is the vector of the parametrisation's parameters and, where there are any, $\ln s$ of the error scale,
and the static shifts. For least squares the shifts are integrated out instead (`shift_terms`).
"""

import abc
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from scipy import sparse

from ..conventions import RHO
from ..data import known_residuals
from ..inversion.objective import Objective
from ..inversion.slopes import data_slopes
from ..inversion.static_shift import shifted
from ..misfit import LeastSquares
from ..misfit.pointwise import AbstractPointwise
from ..programs import compiled
from ..simulation.forward import simulate
from ..simulation.solvers.host import AbstractHostSolver
from .shifts import balanced, shift_columns, shift_terms

EXTREME = 12.0
"""Decades beyond which a resistivity, in ohm m, has no density: nothing is simulated there."""

Vector = Float[Array, " parameter"]
"""Parameters of a section; x has those of the noise after them."""
Section = Float[Array, "earth y"]


class Linearised(NamedTuple):
    r"""A density around a point: $-\ln\pi$ has the gradient g and, after Gauss and Newton, $G^TG + Q$.

    - `residuals`: r, with $G^Tr$ the part of g that the data have. `rows`: G. `precision`: Q, symmetric and
      positive definite. `tangent`: $\partial\log_{10}\rho/\partial x$, (cells of the section, parameters).
    """

    residuals: Float[np.ndarray, " datum"]
    rows: Float[np.ndarray, "datum parameter"]
    gradient: Float[np.ndarray, " parameter"]
    precision: sparse.csr_array
    tangent: sparse.csr_array


class AbstractDensity(eqx.Module):
    """What is sampled: a density of a vector, not normalised."""

    @property
    def on_host(self) -> bool:
        """Whether most of the work is done outside of compiled programs."""
        return False

    @abc.abstractmethod
    def __call__(self, x: Vector) -> Float[Array, ""]:
        """Its logarithm; minus infinity where there is none."""

    @abc.abstractmethod
    def linearised(self, x: Float[np.ndarray, " parameter"]) -> Linearised:
        """The density around a point."""

    @abc.abstractmethod
    def whitened(self, x: Float[np.ndarray, " parameter"]) -> Float[np.ndarray, " datum"]:
        """The `residuals` of `linearised`, without slopes."""


class Density(AbstractDensity):
    """The posterior of a section.

    - `objective`: its misfit is the likelihood, its weight is lambda.
    - `error_scale`: standard deviation, in decades, of the factor s of all errors, log-normal; None for the
      errors as they are stated.
    """

    objective: Objective
    error_scale: float | None = None

    @property
    def on_host(self) -> bool:
        """Whether the host solves."""
        return isinstance(self.objective.solver, AbstractHostSolver)

    @property
    def integrates_shifts(self) -> bool:
        """Whether the static shifts, if there are any, are integrated out."""
        return isinstance(self.objective.misfit, LeastSquares)

    @property
    def shift_count(self) -> int:
        """How many static shifts x ends with."""
        free = self.objective.static_shift is not None and not self.integrates_shifts
        return 2 * self.objective.data.survey.stations.size if free else 0

    def split(self, x: Float[Array, " x"]) -> tuple[Vector, Float[Array, ""], Float[Array, "mode site"]]:
        """Parameters of the section, ln s, and what makes the `shifts` that are not integrated out."""
        last = x.size - self.shift_count
        none = jnp.zeros((2, self.objective.data.survey.stations.size))
        shifts = x[last:].reshape(none.shape) if self.shift_count else none
        if self.error_scale is None:
            return x[:last], jnp.zeros(()), shifts
        return x[: last - 1], x[last - 1], shifts

    def shifts(self, free: Float[Array, "mode site"]) -> Float[Array, "mode site"]:
        """The static shifts, decades."""
        known = jnp.any(jnp.isfinite(jnp.asarray(self.objective.data.values))[np.array(RHO)], axis=1)
        return balanced(free, known)

    def joined(self, parameters: Vector) -> Float[np.ndarray, " x"]:
        """X of parameters of the section, errors as stated and no shifts."""
        extra = np.zeros(self.shift_count + (self.error_scale is not None))
        return np.concatenate([np.asarray(parameters), extra])

    def section(self, x: Float[Array, " x"]) -> Section:
        """log10 of resistivity, ohm m."""
        return self.objective.parametrisation(self.split(x)[0])

    def __call__(self, x: Vector) -> Float[Array, ""]:
        """The logarithm of the density."""
        parameters, log_scale, shifts = self.split(x)
        section = self.objective.parametrisation(parameters)
        good = jnp.all(jnp.abs(section) < EXTREME)
        predicted = simulate(
            self.objective.mesh,
            self.objective.data.survey,
            10 ** jnp.where(good, section, 2.0),
            solver=self.objective.solver,
        ).components
        told = -self.of_data(predicted, log_scale, shifts) - self.of_prior(parameters, log_scale, shifts)
        return jnp.where(good & jnp.isfinite(told), told, -jnp.inf)

    def of_data(
        self,
        predicted: Float[Array, "comp freq site"],
        log_scale: Float[Array, ""],
        shifts: Float[Array, "mode site"],
    ) -> Float[Array, ""]:
        """Minus the logarithm of the likelihood, up to a constant."""
        data, scale = self.objective.data, jnp.exp(log_scale)
        misfit = self.objective.misfit
        assert isinstance(misfit, AbstractPointwise), "`sample` has seen to it"
        r = jnp.asarray(known_residuals(data, shifted(predicted, self.shifts(shifts)))) / scale
        told = jnp.sum(misfit.cost(r)) / 2 + jnp.asarray(data.count) * log_scale
        if self.objective.static_shift is None or not self.integrates_shifts:
            return told
        rows, s0 = np.array(RHO), self.objective.static_shift.decades
        known = jnp.isfinite(jnp.asarray(data.values))[rows]
        u = jnp.where(known, 1 / jnp.asarray(data.errors)[rows], 0.0) / scale
        return told + shift_terms(jnp.sum(u * r[rows], axis=1), jnp.sum(u**2, axis=1), s0) / 2

    def of_prior(
        self, parameters: Vector, log_scale: Float[Array, ""], shifts: Float[Array, "mode site"]
    ) -> Float[Array, ""]:
        """Minus the logarithm of the prior, up to a constant."""
        objective = self.objective
        volume = objective.parametrisation.log_volume(parameters)
        assert volume is not None, "`sample` has seen to it"
        roughness = objective.weight * objective.roughness(parameters)
        told = jnp.asarray(objective.data.count) / 2 * roughness - volume
        if self.error_scale is not None:
            told = told + jnp.square(log_scale / np.log(10.0) / self.error_scale) / 2
        if self.shift_count and objective.static_shift is not None:
            told = told + jnp.sum(jnp.square(shifts / objective.static_shift.decades)) / 2
        return told

    def linearised(self, x: Float[np.ndarray, " parameter"]) -> Linearised:
        """The density around x. Raises `FloatingPointError` where it has no finite slopes."""
        objective, data = self.objective, self.objective.data
        parameters, _, _ = parts = self.split(jnp.asarray(x))
        section = np.asarray(objective.section(parameters))
        tangent = objective.parametrisation.tangent(parameters)
        assert tangent is not None, "`sample` has seen to it"
        known = np.asarray(data.mask)
        responses, rows = data_slopes(
            objective.mesh, data.survey, 10**section, known, tangent.tocsc(), solver=objective.solver
        )
        slopes = _slopes(self, responses.components, *parts)
        log_scale, shifts = (np.ravel(slope) for slope in slopes.extra)
        extra = np.concatenate([log_scale[self.error_scale is None :], shifts[: self.shift_count]])
        gradient = rows.T @ np.asarray(slopes.pull)[known] + np.asarray(slopes.prior)
        gradient = np.concatenate([gradient, extra])
        weights = np.where(known, np.asarray(slopes.weights), 0.0)
        rows *= -weights[known][:, None]
        rows = np.concatenate([rows, self._shift_rows(weights)], axis=1)
        residuals = np.asarray(slopes.residuals)[known]
        if self.integrates_shifts and objective.static_shift is not None:
            rows, residuals = (objective.static_shift.without(v, weights) for v in (rows, residuals))
        curved = objective.regularization.curvature(section, objective.mesh, objective.parametrisation.free)
        factor = float(data.count) * float(objective.weight)
        inner = sparse.csr_array(factor * (tangent.T @ curved @ tangent))
        inner += sparse.diags_array(np.maximum(np.asarray(slopes.bounds), 0.0))
        if extra.size:
            inner = sparse.block_diag([inner, sparse.diags_array(self._extra_precision())])
            tangent = sparse.hstack([tangent, sparse.csr_array((section.size, extra.size))])
        found = Linearised(residuals, rows, gradient, sparse.csr_array(inner), sparse.csr_array(tangent))
        if not all(np.isfinite(array).all() for array in found[:3]):
            raise FloatingPointError("The posterior has no finite slope.")
        return found

    def whitened(self, x: Float[np.ndarray, " parameter"]) -> Float[np.ndarray, " datum"]:
        """Residuals over their errors; those of the shifts that are integrated out left out."""
        objective = self.objective
        known = np.asarray(objective.data.mask)
        slopes = _residuals(self, jnp.asarray(x))
        residuals, weights = (np.asarray(value) for value in slopes)
        if self.integrates_shifts and objective.static_shift is not None:
            return objective.static_shift.without(residuals[known], np.where(known, weights, 0.0))
        return residuals[known]

    def _shift_rows(self, weights: Float[np.ndarray, "comp freq site"]) -> Float[np.ndarray, "datum extra"]:
        """Slopes of the whitened residuals with what follows the parameters of the section in x."""
        shifts = -shift_columns(weights)[:, : self.shift_count]
        return np.pad(shifts, ((0, 0), (int(self.error_scale is not None), 0)))

    def _extra_precision(self) -> Float[np.ndarray, " extra"]:
        """Fisher's information of ln s, and the priors."""
        shift = self.objective.static_shift
        found = np.full(self.shift_count, 1.0 if shift is None else shift.decades**-2)
        if self.error_scale is None:
            return found
        told = 2 * float(self.objective.data.count) + (np.log(10.0) * self.error_scale) ** -2
        return np.concatenate([[told], found])


class _Slopes(NamedTuple):
    """Of minus the logarithm of a density at a point.

    - `pull`: with the predicted data. `extra`: with ln s and the shifts. `prior`: of the prior, with the
      parameters of the section. `bounds`: minus the diagonal of the second derivatives of `log_volume`.
    - `residuals`, `weights`: of the data, whitened: the first fall by the second for a unit more predicted.
    """

    pull: Float[Array, "comp freq site"]
    extra: tuple[Float[Array, ""], Float[Array, "mode site"]]
    prior: Vector
    bounds: Vector
    residuals: Float[Array, "comp freq site"]
    weights: Float[Array, "comp freq site"]


@compiled
def _slopes(
    density: Density,
    predicted: Float[Array, "comp freq site"],
    parameters: Vector,
    log_scale: Float[Array, ""],
    shifts: Float[Array, "mode site"],
) -> _Slopes:
    predicted = jnp.where(jnp.isfinite(jnp.asarray(density.objective.data.values)), predicted, 0.0)
    pull, *extra = jax.grad(density.of_data, argnums=(0, 1, 2))(predicted, log_scale, shifts)
    prior, *own = jax.grad(density.of_prior, argnums=(0, 1, 2))(parameters, log_scale, shifts)

    def volume(p: Vector) -> Float[Array, ""]:
        found = density.objective.parametrisation.log_volume(p)
        assert found is not None, "`sample` has seen to it"
        return found

    # A sum over the parameters: its second derivatives are a diagonal.
    _, curved = jax.jvp(jax.grad(volume), (parameters,), (jnp.ones_like(parameters),))
    residuals, weights = _whitened(density, predicted, log_scale, shifts)
    both = extra[0] + own[0], extra[1] + own[1]
    return _Slopes(pull, both, prior, -curved, residuals, weights)


def _whitened(
    density: Density,
    predicted: Float[Array, "comp freq site"],
    log_scale: Float[Array, ""],
    shifts: Float[Array, "mode site"],
) -> tuple[Float[Array, "comp freq site"], Float[Array, "comp freq site"]]:
    """Residuals whose squares have the slope of the cost, and their slopes: reweighted least squares."""
    misfit, data = density.objective.misfit, density.objective.data
    assert isinstance(misfit, AbstractPointwise), "`sample` has seen to it"
    r = jnp.asarray(known_residuals(data, shifted(predicted, density.shifts(shifts)))) / jnp.exp(log_scale)
    root = jnp.sqrt(misfit.weight(r))
    return root * r, root / jnp.asarray(data.errors) / jnp.exp(log_scale)


@compiled
def _residuals(density: Density, x: Vector) -> tuple[Array, Array]:
    parameters, log_scale, shifts = density.split(x)
    return _whitened(density, density.objective.simulated(parameters).components, log_scale, shifts)
