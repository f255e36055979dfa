r"""Smoothing of a section by $S = (1 + sL)^{-1}$, L the Laplacian of differences between neighbours."""

import math

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Float

ITERATIONS = 2.5
"""Chebyshev iterations for each root of the condition number: these leave an error under 1 %."""

Links = tuple[Bool[np.ndarray, "earth inner_y"], Bool[np.ndarray, "inner_z y"]]
"""True between neighbours, across and down, that may be alike: see `AbstractRegularization.links`."""

Section = Float[Array, "earth y"]


def smoothed(section: Section, s: float, links: Links) -> Section:
    """S times a section, by Chebyshev's iteration; constants stay as they are.

    - `s`: cells squared; a lone cell becomes a spot with the variance 2 s in each direction.
    """
    across, down = (jnp.asarray(link, float) for link in links)

    def applied(m: Section) -> Section:
        """(1 + s L) m, whose eigenvalues lie between 1 and 1 + 8 s."""
        right, below = s * across * jnp.diff(m, axis=1), s * down * jnp.diff(m, axis=0)
        total = m - jnp.pad(right, ((0, 0), (0, 1))) + jnp.pad(right, ((0, 0), (1, 0)))
        return total - jnp.pad(below, ((0, 1), (0, 0))) + jnp.pad(below, ((1, 0), (0, 0)))

    def advance(
        state: tuple[Section, Section, Section], factors: Float[Array, " 2"]
    ) -> tuple[tuple[Section, Section, Section], None]:
        residual, step, solution = state
        residual = residual - applied(step)
        step = factors[0] * step + factors[1] * residual
        return (residual, step, solution + step), None

    factors, constant = _factors(s)
    first = section / (1 + 4 * s)
    (_, _, solution), _ = lax.scan(advance, (section, first, first), jnp.asarray(factors))
    return solution / constant


def _factors(s: float) -> tuple[Float[np.ndarray, "iteration 2"], float]:
    """Of the last step and of the residual in each iteration's step, and what becomes of a constant one.

    A constant is its own solution: all that a few iterations leave of it.
    """
    middle, half = 1 + 4 * s, 4 * s
    left, step, one = 1.0, 1 / middle, 1 / middle
    last, factors = half / middle, []
    for _ in range(math.ceil(ITERATIONS * math.sqrt(1 + 8 * s)) if s else 0):
        factor = 1 / (2 * middle / half - last)
        factors.append((factor * last, 2 * factor / half))
        left -= step
        step = factors[-1][0] * step + factors[-1][1] * left
        one, last = one + step, factor
    return np.array(factors).reshape(-1, 2), one
