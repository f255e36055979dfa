"""Several misfits at once."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from ..data import Data
from .abstract import AbstractMisfit


class WeightedSum(AbstractMisfit):
    r"""$\sum_k w_k \phi_k$ of misfits of the same data.

    - `terms`: pairs of a weight, positive, and a misfit. A transport misfit is in squared units of its
      embedding and so orders of magnitude smaller than least squares: a weight makes up for it.
    """

    terms: tuple[tuple[float, AbstractMisfit], ...]

    def __check_init__(self) -> None:
        weights = [weight for weight, _ in self.terms]
        if not weights or not all(weight > 0 and np.isfinite(weight) for weight in weights):
            raise ValueError(
                "`WeightedSum(terms=...)` must be one or more pairs of a positive, finite weight and a "
                f"misfit. Got the weights {weights}."
            )

    def prepare(self, data: Data) -> tuple[list[Any], list[Any]]:
        """What each term needs, and its state."""
        pairs = [misfit.prepare(data) for _, misfit in self.terms]
        return [prepared for prepared, _ in pairs], [state for _, state in pairs]

    def __call__(
        self, predicted: Float[Array, "comp freq site"], prepared: list[Any], state: list[Any]
    ) -> tuple[Float[Array, ""], list[Any]]:
        """The weighted sum of the terms."""
        values, following = [], []
        for (weight, misfit), needed, one in zip(self.terms, prepared, state, strict=True):
            value, after = misfit(predicted, needed, one)
            values.append(weight * value)
            following.append(after)
        return jnp.sum(jnp.stack(values)), following

    def curvature(
        self, predicted: Float[Array, "comp freq site"], prepared: list[Any], state: list[Any]
    ) -> Float[Array, "comp freq site"]:
        """The weighted sum of the curvatures."""
        terms = zip(self.terms, prepared, state, strict=True)
        parts = [
            weight * misfit.curvature(predicted, needed, one) for (weight, misfit), needed, one in terms
        ]
        return jnp.sum(jnp.stack(parts), axis=0)

    def describe(self, state: list[Any]) -> dict[str, float]:
        """What the terms say; the largest number where several say the same."""
        said = [misfit.describe(one) for (_, misfit), one in zip(self.terms, state, strict=True)]
        return {name: _of(max, said, name) for one in said for name in one}

    def diagnostics(self, state: list[Any]) -> dict[str, float]:
        """What the terms found; where several found the same, the least cosine, else the largest number."""
        found = [misfit.diagnostics(one) for (_, misfit), one in zip(self.terms, state, strict=True)]
        return {
            name: _of(min if name.startswith("cosine") else max, found, name)
            for one in found
            for name in one
        }

    def stage(self, state: list[Any]) -> Int[Array, ""]:
        """The sum of the stages, so that it grows where any term hands over."""
        stages = [misfit.stage(one) for (_, misfit), one in zip(self.terms, state, strict=True)]
        return jnp.sum(jnp.stack(stages))

    def for_long_steps(self) -> "WeightedSum":
        """Every term for long steps."""
        return WeightedSum(tuple((weight, misfit.for_long_steps()) for weight, misfit in self.terms))


def _of(choose: Callable[[list[float]], float], said: list[dict[str, float]], name: str) -> float:
    """The one of the numbers of a name that is chosen, out of those that are numbers."""
    numbers = [one[name] for one in said if name in one and not np.isnan(one[name])]
    return choose(numbers) if numbers else float("nan")
