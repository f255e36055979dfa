r"""Sinkhorn solvers of ott-jax on the geometries of this package; imported only where one is asked for.

ott-jax asks a geometry for $\varepsilon\log\sum_j e^{(g_j - c_{ij})/\varepsilon}$, or for the product of
the kernel and a vector; both are sums over the neighbours of a grid where there is one. Everything around
the iterations stays: levels of the grid, the bound on the mass left out, warm starts, and the gradient with
the plan held fixed, so that nothing is differentiated through ott-jax.
"""

import copy
from typing import Any

import jax.numpy as jnp
from jax.tree_util import register_pytree_node_class
from jaxtyping import Array, ArrayLike, Float
from ott.geometry.epsilon_scheduler import Epsilon
from ott.geometry.geometry import Geometry
from ott.problems.linear.linear_problem import LinearProblem
from ott.solvers.linear.acceleration import Momentum
from ott.solvers.linear.sinkhorn import Sinkhorn
from ott.solvers.linear.sinkhorn_lr import LRSinkhorn

from .iterations import DECAY, STAGE_SWEEPS, Problem, Solution
from .kernel import AbstractGeometry, Potentials
from .marginals import AbstractMarginals, Balanced


def check_solver(solver: object) -> None:
    """Raises `TypeError` for what is no usable Sinkhorn solver of ott-jax."""
    if isinstance(solver, LRSinkhorn):
        raise TypeError(
            "`solver=LRSinkhorn(...)` finds a plan of low rank, which has no dual potentials and whose "
            "divergence of equal clouds is not zero. Give `ott.solvers.linear.sinkhorn.Sinkhorn(...)`."
        )
    if not isinstance(solver, Sinkhorn):
        name = solver.__name__ + " (a class)" if isinstance(solver, type) else type(solver).__name__
        raise TypeError(
            "`solver=...` must be None or an instance of `ott.solvers.linear.sinkhorn.Sinkhorn`. "
            f"Got {name}."
        )


def check_marginals(marginals: AbstractMarginals) -> None:
    """Raises `ValueError` for marginals that a solver of ott-jax does not have here."""
    if not isinstance(marginals, Balanced):
        raise ValueError(
            "`solver=Sinkhorn(...)` of ott-jax meets both marginals: leave out "
            f"`marginals={type(marginals).__name__}(...)`, or the solver."
        )


@register_pytree_node_class
class OttGeometry(Geometry):
    """A geometry as ott-jax calls it, with an epsilon that falls from `first_epsilon` to the geometry's.

    It falls as fast as in this package's own iterations, and only for `Sinkhorn(lse_mode=True)`.
    """

    def __init__(self, geometry: AbstractGeometry, first_epsilon: ArrayLike) -> None:
        super().__init__()
        self.geometry, self.first_epsilon = geometry, first_epsilon

    @property
    def shape(self) -> tuple[int, int]:
        """Number of points of x and of y."""
        return self.geometry.shape

    @property
    def epsilon_scheduler(self) -> Epsilon:
        """The epsilon of the geometry; `update_potential` has the larger ones."""
        return Epsilon(self.geometry.epsilon)

    @property
    def dtype(self) -> jnp.dtype:
        """Type of the costs."""
        return self.geometry.epsilon.dtype

    def apply_lse_kernel(
        self, f: Array, g: Array, eps: Any, vec: Any = None, axis: int = 0
    ) -> tuple[Array, Array]:
        r"""$\varepsilon\log\sum_i e^{(f_i - c_{ij})/\varepsilon}$ (axis 0) or the same over j (axis 1)."""
        if vec is not None:
            raise NotImplementedError("ott-jax's implicit differentiation is not needed here.")
        return self.geometry.log_sum_exp(g if axis == 1 else f, eps, axis), jnp.ones(1, self.dtype)

    def apply_kernel(self, vec: Array, eps: Any = None, axis: int = 0) -> Array:
        """The kernel (axis 1) or its transpose times a vector that is not negative."""
        eps = self.geometry.epsilon if eps is None else eps
        logs = eps * jnp.log(jnp.maximum(vec, jnp.finfo(self.dtype).tiny))
        return jnp.exp(self.geometry.log_sum_exp(logs, eps, axis) / eps)

    def update_potential(
        self, f: Array, g: Array, log_marginal: Array, iteration: Any = None, axis: int = 0
    ) -> Array:
        """One Sinkhorn update of f (axis 1) or g (axis 0) at the epsilon of an iteration."""
        eps = self.geometry.epsilon
        if iteration is not None:
            fallen = DECAY ** (jnp.asarray(iteration, self.dtype) / STAGE_SWEEPS)
            eps = jnp.maximum(self.first_epsilon * fallen, eps)
        return eps * log_marginal - self.apply_lse_kernel(f, g, eps, axis=axis)[0]

    def tree_flatten(self) -> tuple[tuple, dict]:
        """For JAX."""
        return (self.geometry, self.first_epsilon), {}

    @classmethod
    def tree_unflatten(cls, aux_data: dict, children: tuple) -> "OttGeometry":
        """For JAX."""
        del aux_data
        return cls(*children)


def iterate_by_ott(
    solver: Sinkhorn, problem: Problem, start: Potentials, first_epsilon: ArrayLike
) -> Solution:
    """Potentials as far as the solver brings them; the error of their marginals is measured here.

    A cloud against itself is solved with parallel updates that are averaged, as by
    `ott.tools.sinkhorn_divergence`. Raises what `check_solver` and `check_marginals` raise.
    """
    check_solver(solver)
    check_marginals(problem.marginals)
    if problem.symmetric:
        solver = copy.copy(solver)
        solver.parallel_dual_updates, solver.anderson = True, None
        solver.momentum = Momentum(start=0, value=0.5)
    geometry = OttGeometry(problem.geometry, first_epsilon)
    f, g = start if solver.lse_mode else map(geometry.scaling_from_potential, start)
    a, b = map(jnp.exp, problem.log_masses)
    found = solver(LinearProblem(geometry, a, b), init=(f, g))  # pyright: ignore[reportArgumentType]
    f, g = found.f, found.g
    if problem.symmetric:
        f = g = 0.5 * (f + g)
    potentials = Potentials(f, g)
    value = problem.dual(potentials)
    error = jnp.where(jnp.isfinite(value), _marginal_error(problem, potentials), jnp.inf)
    return Solution(potentials, value, error, jnp.asarray(found.n_iters, jnp.int32))


def _marginal_error(problem: Problem, potentials: Potentials) -> Float[Array, ""]:
    """The larger L1 error of the two marginals of the plan."""
    epsilon = problem.geometry.epsilon
    errors = []
    for axis in (0, 1):
        sums = problem.geometry.log_sum_exp(potentials[axis], epsilon, axis) + potentials[1 - axis]
        errors.append(jnp.sum(jnp.abs(jnp.exp(sums / epsilon) - jnp.exp(problem.log_masses[1 - axis]))))
    return jnp.max(jnp.stack(errors))
