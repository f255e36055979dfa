r"""How far a section can be trusted: standard deviations, resolution and depth of investigation.

With the Jacobian J of the data and the curvature C of the regularisation at a section, least squares plus
$\lambda$ times the regularisation is, to second order, the negative logarithm of a Gaussian (Laplace's
approximation with Gauss and Newton's Hessian; Tarantola 2005). Its precision is $G^TG + Q$ with
$G = J/\sigma$ and the prior $Q = N\lambda C + \beta I$, where $1/\beta = (b - a)^2/12$ is the variance of a
parameter of which nothing is known but its bounds a and b in decades. All is done in the space of data,

$(G^TG + Q)^{-1} = Q^{-1} - Q^{-1}G^T S^{-1} G Q^{-1}, \quad S = I + GQ^{-1}G^T,$

with as few rows in the place of G as have the same $G^TG$.
"""

import dataclasses

import jax
import numpy as np
from jaxtyping import ArrayLike, Float
from scipy import linalg, sparse

from ..data import Data
from ..simulation.mesh import Mesh
from ..simulation.solve import AbstractSolver
from .information import Rows, compressed, leading
from .objective import check_modes
from .parametrisation import AbstractParametrisation, Cells
from .parametrisation.section import as_section
from .precision import Precision
from .regularization import AbstractRegularization, Smoothness
from .slopes import data_slopes
from .static_shift import StaticShift

DATA_AT_ONCE = 64
"""Rows of the Jacobian that are summed over depth together."""

NEGLIGIBLE_PART = 1e-3
"""A regularisation that says less of a cell than this part of what its bounds say counts no more."""

LOST_PART, LOST_NUMBERS = 1e-12, 0.01
"""What may be lost of the data for speed: of each cell this part of what its bounds say; and where a factor
is found, so many of the parameters that the data determine."""

WORST_CONDITION = 1e12
"""Largest condition number that is accepted: far enough below the inverse of the rounding, 1e16, that no
Cholesky factor hangs on it."""

Section = Float[np.ndarray, "earth y"]
Values = Float[np.ndarray, " cell"]


@dataclasses.dataclass(frozen=True)
class Uncertainty:
    r"""What the data say of each cell of a section, and what they leave to the regularisation.

    - `deviation`: standard deviation of log10 resistivity, decades. `prior`: the same without data. Both
      believe in the regularisation: cells that must be smooth cannot be far off one by one.
    - `resolution`: diagonal of the resolution matrix: what remains of a cell's own change, 1 where the data
      decide. Beside well-known cells it may fall a little under 0. It sums up to the number of parameters
      that the data determine.
    - `reliance`: by how much a cell follows when the bounds, and the reference of a `Smallness` among the
      penalties, move for all cells: about 0 where the data decide, about 1 where they say nothing. This is
      the index of Oldenburg & Li (1999), linearised.
    - `detectability`: by how many standard deviations the data change, all together, when everything from
      the top of a cell downward changes by a decade, to both sides as far as that is deep.

    - `regularization_factor`: $\lambda$, beside `LeastSquares()`, of the regularisation.

    Fixed cells count as known: deviation 0, resolution 1, reliance 0. Cells of a block have its values.
    """

    mesh: Mesh
    deviation: Section
    prior: Section
    resolution: Section
    reliance: Section
    detectability: Section
    regularization_factor: float

    @property
    def width(self) -> Section:
        """Side of the square over which a cell is an average, m: that of its area over its resolution."""
        area = self.mesh.dz[:, None] * self.mesh.dy
        square = np.divide(area, self.resolution, out=np.full_like(area, np.inf), where=self.resolution > 0)
        return np.sqrt(square)

    def trust(self, seen: float = 10.0, unseen: float = 3.0) -> Section:
        """Between 0 and 1 for `plot.section(trust=...)`: where detectability is `unseen`, and `seen`.

        In between it goes with the logarithm. What lies above something trusted is trusted, too.

        Raises `ValueError` unless 0 < unseen < seen, in standard deviations.
        """
        if not 0 < unseen < seen:
            raise ValueError(
                "`Uncertainty.trust(seen=..., unseen=...)` must satisfy 0 < unseen < seen, in standard "
                f"deviations. Got seen={seen}, unseen={unseen}."
            )
        level = np.log(np.maximum(self.detectability, unseen) / unseen) / np.log(seen / unseen)
        return np.maximum.accumulate(np.minimum(level, 1.0)[::-1], axis=0)[::-1]

    def depth_of_investigation(self, threshold: float = 3.0) -> Float[np.ndarray, " y"]:
        """The depth under each column (m) where `detectability` falls under a threshold for good."""
        if not threshold > 0:
            raise ValueError(
                "`Uncertainty.depth_of_investigation(threshold=...)` must be a positive number of standard "
                f"deviations. Got {threshold}."
            )
        # Nothing changes below the mesh.
        seen = np.concatenate([self.detectability, np.zeros((1, self.mesh.n_y))])
        above = np.cumsum((seen >= threshold)[::-1], axis=0)[::-1] > 0
        columns, nodes = np.arange(self.mesh.n_y), self.mesh.earth_nodes
        next_row = np.maximum(np.count_nonzero(above, axis=0), 1)
        high, low = seen[next_row - 1, columns], seen[next_row, columns]
        within = np.divide(high - threshold, high - low, out=np.zeros_like(high), where=high >= threshold)
        return nodes[next_row - 1] + within * self.mesh.dz[next_row - 1]


def appraise(
    data: Data,
    parametrisation: AbstractParametrisation | Mesh,
    resistivity: ArrayLike,
    regularization_factor: float | None = None,
    *,
    regularization: AbstractRegularization | None = None,
    static_shift: StaticShift | None = None,
    solver: AbstractSolver | None = None,
) -> Uncertainty:
    r"""The uncertainty of a section that fits the data.

    - `parametrisation`: what could change, with cells and a tangent: `Cells`, `Blocks` or `Basis`. A mesh
      is `Cells(mesh)`.
    - `resistivity`: the section, ohm m, of shape `mesh.shape`.
    - `regularization_factor`: $\lambda$ of the objective `LeastSquares()` + $\lambda$ `regularization`,
      such as the last one of an inversion with that misfit. By default it is found from the section,
      whatever misfit led there: that of the highest evidence, at which the roughness of the section is
      worth as much as the number of parameters that the data determine (MacKay 1992).
    - `regularization`, `solver`: as for `invert`. A regularisation that is not quadratic is taken by its
      curvature at the section.
    - `static_shift`: as for `invert`: the level of an apparent resistivity curve says less, then.

    Memory is five times 8 x data x cells bytes, and 8 bytes times the square of the fewer of the two.

    Raises `ValueError` for a section of the wrong shape or out of bounds, a factor that is not positive or
    so large that nothing else counts, a parametrisation without a tangent, data of a mode that the survey
    leaves out, or errors so small that nothing but the data counts.
    """
    if isinstance(parametrisation, Mesh):
        parametrisation = Cells(parametrisation)
    regularization = Smoothness() if regularization is None else regularization
    mesh, free, given = parametrisation.mesh, parametrisation.free, regularization_factor
    if given is not None and not (given > 0 and np.isfinite(given)):
        raise ValueError(f"`appraise(regularization_factor=...)` must be positive and finite. Got {given}.")
    section = as_section(mesh, resistivity, "appraise(resistivity")
    check_modes(data, "appraise")
    parameters = parametrisation.start(section) if parametrisation.has_cells else None
    tangent, _ = parametrisation.linearised(parameters, "appraise")
    cells = sparse.csc_array(sparse.eye_array(free.size))
    _, flat = data_slopes(mesh, data.survey, section, data.mask, cells, solver=solver)
    flat /= data.errors[data.mask][:, None]
    rows = flat.reshape(-1, *mesh.shape)
    if not np.all(np.isfinite(rows)):
        raise ValueError(
            "`appraise(data=...)`: errors so small that a change of one decade over them is no number. Got "
            f"{data.errors[data.mask].min():g}; set an error floor."
        )
    rows[:, ~free] = 0.0
    if static_shift is not None:
        rows = static_shift.without(rows, np.where(data.mask, 1 / data.errors, 0.0))
    m = np.log10(section)
    curvature = sparse.csr_array(tangent.T @ regularization.curvature(m, mesh, free) @ tangent)
    low, high = parametrisation.bounds
    bounds, count = 12 / float(np.log10(high / low)) ** 2, len(rows)
    told = rows.reshape(count, -1)
    if not np.sum(np.square(told @ tangent)) <= WORST_CONDITION * bounds:
        raise ValueError(
            "`appraise(data=...)` has errors so small that the data outweigh the bounds more than "
            f"{WORST_CONDITION:g} times; set an error floor."
        )
    told = compressed(told, LOST_PART * bounds, np.nonzero(data.mask)[2])
    flat = np.asarray(told @ tangent)
    if given is None:
        roughness = float(jax.jit(lambda m: regularization(m, mesh, free))(m))
        given = likely_factor(flat, curvature, bounds, roughness, count)
    elif count * given > (highest := highest_weight(curvature, bounds)):
        raise ValueError(
            f"`appraise(regularization_factor=...)` must be at most {highest / count:.3g} here, where "
            f"the regularisation outweighs the bounds {WORST_CONDITION:g} times. Got {given:g}. Leave it "
            "out to have one found from the section, or give one nearer to that."
        )
    precision = prior_precision(curvature, bounds, count * given)
    prior, variance, resolution, reliance = posterior(flat, precision, tangent)

    def section_of(values: Values, known: float) -> Section:
        return np.where(free, values.reshape(mesh.shape), known)

    return Uncertainty(
        mesh,
        section_of(np.sqrt(variance), 0.0),
        section_of(np.sqrt(prior), 0.0),
        section_of(resolution, 1.0),
        section_of(reliance, 0.0),
        _detectability(mesh, told.reshape(-1, *mesh.shape)),
        given,
    )


def prior_precision(curvature: sparse.csr_array, bounds: float, weight: float) -> sparse.csr_array:
    r"""$Q = wC + \beta I$ in decades$^{-2}$."""
    alone = sparse.diags_array(np.full_like(curvature.diagonal(), bounds))
    return sparse.csr_array(weight * curvature + alone)


def highest_weight(curvature: sparse.csr_array, bounds: float) -> float:
    """The weight w that keeps the eigenvalues of wC below `WORST_CONDITION` times the bounds, by sums."""
    return WORST_CONDITION * bounds / float(max(abs(curvature).sum(axis=1).max(), np.finfo(float).tiny))


def likely_factor(
    rows: Rows, curvature: sparse.csr_array, bounds: float, roughness: float, count: int
) -> float:
    r"""$\lambda$ with $\phi = \mathrm{tr}\,[Q^{-1} - (G^TG + Q)^{-1}]\,C$, to one per cent.

    - `rows`: G, or fewer rows of `compressed`. `curvature`: C. `bounds`: $\beta$. `roughness`: $\phi$.
      `count`: of the data.

    A section that is rougher than the bounds alone would let it be has one that does not count beside them.
    Raises `ValueError` for a section so smooth that a regularisation `WORST_CONDITION` times the bounds is
    not enough.
    """
    rows = leading(rows, LOST_NUMBERS * bounds)

    def excess(log_weight: float) -> float:
        """Log of what the data determine over what the section spends."""
        prior = Precision(prior_precision(curvature, bounds, np.exp(log_weight)))
        half = prior.forwards(rows.T)
        inner = linalg.cholesky(np.eye(len(rows)) + half.T @ half, lower=True)
        gain = linalg.solve_triangular(inner, prior.backwards(half).T, lower=True, overwrite_b=True)
        return float(np.log(np.vdot(gain.T, curvature @ gain.T) / roughness))

    from scipy.optimize import root_scalar  # Slow to import.

    if not roughness * highest_weight(curvature, bounds) > count:
        raise ValueError(
            "`appraise(regularization_factor=None)` finds a factor from the roughness of the section, "
            f"which has none: {roughness:.3g}. Give the factor."
        )
    # No more than all data can be determined.
    low = (high := np.log(count / roughness)) - 1
    while excess(low) < 0:
        if np.exp(low) * curvature.diagonal().max() < NEGLIGIBLE_PART * bounds:
            return float(np.exp(low) / count)
        low -= 2
    log_weight = root_scalar(excess, bracket=(low, high), xtol=0.01).root
    return float(np.exp(log_weight) / count)


def posterior(
    rows: Rows, precision: sparse.csr_array, tangent: sparse.csr_array
) -> tuple[Values, Values, Values, Values]:
    r"""Of each cell: variances before and after the data, resolution, reliance.

    - `rows`, `precision`: G and Q of the parameters. `tangent`: T, decades, (cell, parameter).

    With the resolution matrix R of the parameters a cell of several has the mean of $R_{kk}$, weighted by
    $T_{ik}^2$; and a change of all cells by a decade, T c, comes back as T R c.
    """
    prior = Precision(precision)
    half = prior.forwards(rows.T)
    inner = linalg.cholesky(np.eye(len(rows)) + half.T @ half, lower=True)
    gain = linalg.solve_triangular(inner, prior.backwards(half).T, lower=True, overwrite_b=True)
    squares = tangent.multiply(tangent)
    if np.diff(tangent.indptr).max() <= 1:
        known, gained = squares @ prior.variances(), squares @ np.einsum("dp,dp->p", gain, gain)
        level = np.ones(rows.shape[1])
    else:
        patterns = tangent.toarray()
        known = np.einsum("cp,pc->c", patterns, prior.solve(patterns.T))
        gained = np.sum(np.square(gain @ patterns.T), axis=0)
        level = np.linalg.lstsq(patterns, (np.abs(patterns).sum(axis=1) > 0).astype(float))[0]
    # The difference of nearly equal numbers where the data know all.
    left = np.maximum(known - gained, np.finfo(float).eps * known)
    gain = linalg.solve_triangular(inner, gain, lower=True, trans=1, overwrite_b=True)
    resolved = squares @ np.einsum("dp,dp->p", gain, rows)
    total = np.asarray(squares.sum(axis=1))
    resolution = np.divide(resolved, total, out=np.ones_like(resolved), where=total > 0)
    return known, left, resolution, 1 - tangent @ (gain.T @ (rows @ level))


def _detectability(mesh: Mesh, rows: Float[np.ndarray, "datum earth y"]) -> Section:
    """Norm over the data of G times a decade in all cells below, within a half-width of that depth."""
    y, depth = mesh.y_centres, mesh.earth_nodes[:-1, None]
    low = np.searchsorted(y, (y - depth).ravel()).reshape(mesh.shape)
    high = np.searchsorted(y, (y + depth).ravel(), side="right").reshape(mesh.shape)
    level = np.arange(mesh.n_earth)[:, None]
    total = np.zeros(mesh.shape)
    for start in range(0, len(rows), DATA_AT_ONCE):
        below = np.cumsum(rows[start : start + DATA_AT_ONCE, ::-1], axis=1)[:, ::-1]
        beside = np.pad(np.cumsum(below, axis=2), ((0, 0), (0, 0), (1, 0)))
        total += np.sum(np.square(beside[:, level, high] - beside[:, level, low]), axis=0)
    return np.sqrt(total)
