r"""Smoothing of a section by $S = (1 + sL)^{-1}$, L the Laplacian of differences between neighbours."""

import math

import jax.numpy as jnp
import numpy as np
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
        total = m.at[:, :-1].add(-right).at[:, 1:].add(right)
        return total.at[:-1].add(-below).at[1:].add(below)

    middle, half = 1 + 4 * s, 4 * s
    residual = section
    step = solution = residual / middle
    # The same for a constant, which is its own solution: what a few iterations leave of it.
    one_left, one_step, one = 1.0, 1 / middle, 1 / middle
    last = half / middle
    for _ in range(math.ceil(ITERATIONS * math.sqrt(1 + 8 * s)) if s else 0):
        factor = 1 / (2 * middle / half - last)
        residual, one_left = residual - applied(step), one_left - one_step
        step = factor * last * step + 2 * factor / half * residual
        one_step = factor * last * one_step + 2 * factor / half * one_left
        solution, one, last = solution + step, one + one_step, factor
    return solution / one
