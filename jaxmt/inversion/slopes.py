"""How data change with parameters: the rows of the Jacobian that there are data for."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Complex, Float, Int
from scipy import sparse

from ..simulation.between import interpolated, spline_weights
from ..simulation.mesh import Mesh
from ..simulation.responses import Responses
from ..simulation.sensitivity import sweep
from ..simulation.solve import AbstractSolver
from ..simulation.survey import Survey

Mask = Bool[np.ndarray, "comp freq site"]
Rows = Float[np.ndarray, "datum pattern"]


def data_slopes(
    mesh: Mesh,
    survey: Survey,
    resistivity: Float[np.ndarray | Array, "earth y"],
    wanted: Mask,
    patterns: sparse.csc_array,
    *,
    solver: AbstractSolver | None = None,
) -> tuple[Responses, Rows]:
    """Responses of a section, and the change of the data with patterns of its cells.

    - `resistivity`: ohm m. `wanted`: the data, whose rows are in the order of `wanted`.
    - `patterns`: decades, (cells of the section row by row, patterns).

    Raises what `jacobian` does. A few frequencies at a time, so that no more than the result is held.
    """
    computed = survey.solved()
    needed = wanted
    if survey.computed is not None:
        needed = np.repeat(wanted.any(axis=1, keepdims=True), computed.frequencies.size, axis=1)
    place = _numbered(needed)
    rows = np.empty((np.count_nonzero(needed), len(patterns.indptr) - 1))
    found: dict[str, Complex[np.ndarray, "freq site"]] = {}
    components = np.flatnonzero(needed.any(axis=(1, 2))).tolist()
    for part in sweep(mesh, computed, resistivity, components, solver=solver):
        for name, values in part.found.items():
            if name not in found:
                found[name] = np.empty(needed.shape[1:], dtype=complex)
            found[name][part.frequencies] = values
        where = np.ix_(part.components, part.frequencies)
        chosen = np.flatnonzero(needed[where])
        _multiply(
            part.rows.reshape(-1, mesh.n_earth * mesh.n_y), chosen, patterns, rows, place[where].ravel()
        )
    z = {name: jnp.asarray(found[name]) if name in found else None for name in ("z_xy", "z_yx", "tipper")}
    responses = Responses(computed, **z)
    if survey.computed is None:
        return responses, rows
    weights = spline_weights(survey.computed, survey.frequencies)
    return interpolated(responses, survey), _between(weights, rows, needed, wanted)


def _numbered(mask: Mask) -> Int[np.ndarray, "comp freq site"]:
    """The number of each true entry."""
    return np.cumsum(mask).reshape(mask.shape) - 1


def _multiply(
    cells: Float[np.ndarray, "row cell"],
    chosen: Int[np.ndarray, " chosen"],
    patterns: sparse.csc_array,
    out: Rows,
    place: Int[np.ndarray, " row"],
) -> None:
    """Chosen rows times patterns, each into its place."""
    if not np.all(np.diff(patterns.indptr) == 1):
        out[place[chosen]] = cells[chosen] @ patterns
        return
    # One cell each: row by row nothing leaves the cache. The indices are good.
    for k, row in zip(chosen, place[chosen], strict=True):
        np.take(cells[k], patterns.indices, out=out[row], mode="clip")
        out[row] *= patterns.data


def _between(
    weights: Float[np.ndarray, "freq computed"],
    rows: Float[np.ndarray, "all pattern"],
    needed: Bool[np.ndarray, "comp computed site"],
    wanted: Mask,
) -> Rows:
    """Rows of the measured frequencies from those of the computed ones, a component at a time."""
    from_row, to_row = _numbered(needed), _numbered(wanted)
    measured = np.empty((np.count_nonzero(wanted), rows.shape[1]))
    for k in np.flatnonzero(needed.any(axis=(1, 2))):
        sites = needed[k, 0]
        nodes = rows[from_row[k][:, sites]]
        measured[to_row[k][wanted[k]]] = np.tensordot(weights, nodes, 1)[wanted[k][:, sites]]
    return measured
