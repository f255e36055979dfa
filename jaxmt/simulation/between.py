r"""Responses between the frequencies at which fields are computed.

Over a fixed earth $\ln(Z/\sqrt f)$ and the tipper are smooth functions of $\ln f$: a layered earth bends
them over a decade or so, and diffusion smooths what is sharper. A cubic spline through values at the nodes
$\ln f_k$ (not-a-knot at its ends) errs by $O(h^4)$ and is linear in the values, so that one matrix W takes
them from the computed frequencies to any others between:

$$Z(f) = \sqrt f\,\exp\Big(\sum_k W_k(f)\,\ln\frac{Z(f_k)}{\sqrt{f_k}}\Big),\qquad
  T(f) = \sum_k W_k(f)\,T(f_k).$$

The logarithm is continued along frequency: its imaginary part, the phase, is taken within half a turn of
its neighbour. So log10 of the apparent resistivity, the phase and the parts of the tipper are linear in
those of the nodes, and $J = W J_\mathrm{nodes}$.
"""

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Complex, Float

from ..programs import compiled
from .responses import Responses
from .survey import TOUCH, Survey


def spline_weights(
    nodes: Float[np.ndarray, " computed"], frequencies: Float[np.ndarray, " freq"]
) -> Float[np.ndarray, "freq computed"]:
    r"""W: the rows are the values, at `frequencies`, of the cardinal splines of `nodes` in ln f.

    - `nodes`: Hz, highest first, at least four. `frequencies`: Hz, between them.

    With steps $h_i$ the second derivatives M of a spline through v obey
    $h_{i-1}M_{i-1} + 2(h_{i-1} + h_i)M_i + h_iM_{i+1} = 6(s_i - s_{i-1})$, $s_i = (v_{i+1} - v_i)/h_i$,
    and its third derivative does not jump at the second and the last but one node. The row of a frequency
    that is a node is a unit vector. The rows add up to one.
    """
    x, at = -np.log(nodes), -np.log(frequencies)
    n, h = x.size, np.diff(x)
    unit = np.eye(n)
    bend, right = np.zeros((n, n)), np.zeros((n, n))
    for i in range(1, n - 1):
        bend[i, i - 1 : i + 2] = h[i - 1], 2 * (h[i - 1] + h[i]), h[i]
        right[i] = 6 * ((unit[i + 1] - unit[i]) / h[i] - (unit[i] - unit[i - 1]) / h[i - 1])
    for row, i in ((0, 0), (n - 1, n - 3)):
        bend[row, i : i + 3] = 1 / h[i], -1 / h[i] - 1 / h[i + 1], 1 / h[i + 1]
    curvature = np.linalg.solve(bend, right)
    k = np.clip(np.searchsorted(x, at, side="right") - 1, 0, n - 2)
    b = ((at - x[k]) / h[k])[:, None]
    a, square = 1 - b, (h[k] ** 2)[:, None] / 6
    bent = (a**3 - a) * curvature[k] + (b**3 - b) * curvature[k + 1]
    weights = a * unit[k] + b * unit[k + 1] + square * bent
    same = np.abs(x - at[:, None]) <= TOUCH
    return np.where(same.any(axis=1, keepdims=True), same.astype(float), weights)


@compiled
def interpolated(responses: Responses, survey: Survey) -> Responses:
    """Responses at the frequencies of `survey`, from those of `survey.solved()`.

    Raises `ValueError` for a survey that computes all its frequencies.
    """
    if survey.computed is None:
        raise ValueError("`interpolated(survey=...)` must have `computed` frequencies. Got None.")
    weights = jnp.asarray(spline_weights(survey.computed, survey.frequencies).astype(complex))
    roots = (np.sqrt(f)[:, None].astype(complex) for f in (survey.computed, survey.frequencies))
    root, wanted = (jnp.asarray(r) for r in roots)

    def impedance(z: Complex[Array, "computed site"] | None) -> Complex[Array, "freq site"] | None:
        return None if z is None else wanted * jnp.exp(weights @ _continued(jnp.log(z / root)))

    tipper = None if responses.tipper is None else weights @ responses.tipper
    return Responses(
        survey, impedance(responses.z_xy), impedance(responses.z_yx), tipper, stations=responses.stations
    )


def _continued(logarithm: Complex[Array, "computed site"]) -> Complex[Array, "computed site"]:
    """The branch of a logarithm whose imaginary part jumps by no more than half a turn along frequency."""
    steps = lax.stop_gradient(jnp.diff(jnp.imag(logarithm), axis=0))
    turns = jnp.pad(jnp.cumsum(jnp.round(steps / (2 * jnp.pi)), axis=0), ((1, 0), (0, 0)))
    return logarithm - lax.complex(jnp.zeros_like(turns), 2 * jnp.pi * turns)
