r"""Linear maps by ridge regression, the penalty chosen on models kept apart.

With standardised inputs X and centred outputs Y, $W = (X^TX + \alpha I)^{-1}X^TY$; one singular value
decomposition of X serves all penalties.
"""

from collections.abc import Sequence
from typing import NamedTuple

import equinox as eqx
import numpy as np
from jaxtyping import Array, Float

ALPHAS = tuple(np.geomspace(1.0, 1e5, 11).tolist())

Inputs = Float[np.ndarray, "model channel"]
Outputs = Float[np.ndarray, "model output"]
Either = Array | np.ndarray


class Linear(eqx.Module):
    """y = offset + ((x - centre) / scale) matrix."""

    centre: Float[Either, " channel"]
    scale: Float[Either, " channel"]
    matrix: Float[Either, "channel output"]
    offset: Float[Either, " output"]

    def standard(self, x: Float[Either, "*model channel"]) -> Float[Either, "*model channel"]:
        """Inputs of zero mean and unit variance over the training models."""
        return (x - self.centre) / self.scale

    def __call__(self, x: Float[Either, "*model channel"]) -> Float[Either, "*model output"]:
        """The outputs."""
        return self.offset + self.standard(x) @ self.matrix

    @property
    def singular_values(self) -> Float[np.ndarray, " value"]:
        """Of the matrix, from standardised inputs, largest first."""
        return np.linalg.svd(np.asarray(self.matrix), compute_uv=False)

    @property
    def parameters(self) -> int:
        """Numbers in the matrix and the offset."""
        return self.matrix.size + self.offset.size

    @property
    def flops(self) -> int:
        """Of one application: a multiplication and an addition for each number of the matrix."""
        return 2 * self.matrix.size


class Fit(NamedTuple):
    """A map, its penalty, and the mean square error over the validation models for each penalty."""

    map: Linear
    alpha: float
    errors: tuple[float, ...]


def ridge(
    x: Inputs,
    y: Outputs,
    validation: tuple[Inputs, Outputs],
    alphas: Sequence[float] = ALPHAS,
) -> Fit:
    """The map with the penalty, out of `alphas`, that is best on the validation models.

    Raises `ValueError` for fewer than two models, values that are not finite, inputs that are the same in
    all models, and a penalty with which the system is singular.
    """
    if len(x) < 2 or len(validation[0]) < 1:
        raise ValueError(
            f"{len(x)} training and {len(validation[0])} validation models are too few for a ridge map; "
            "give two and one, or more."
        )
    if not all(np.isfinite(values).all() for values in (x, y, *validation)):
        raise ValueError(
            "Inputs and outputs of a ridge map must be finite; leave missing data out of both."
        )
    centre, scale, offset = x.mean(axis=0), x.std(axis=0), y.mean(axis=0)
    if not np.all(scale > 0):
        raise ValueError(
            f"The ridge map is singular: {np.count_nonzero(scale == 0)} of {scale.size} inputs are the "
            f"same in all {len(x)} models. Leave them out, or give models that differ."
        )
    u, s, vt = np.linalg.svd((x - centre) / scale, full_matrices=False)
    rank = np.count_nonzero(s > s[0] * max(x.shape) * np.finfo(float).eps)
    bad = [alpha for alpha in alphas if not (alpha > 0 or (alpha == 0 and rank == scale.size))]
    if bad or not alphas:
        raise ValueError(
            f"The ridge map is singular with alpha = {bad or alphas}: the inputs of {len(x)} models "
            f"span {rank} of {scale.size} dimensions. Give positive penalties."
        )
    projected = u.T @ (y - offset)
    maps = [
        Linear(centre, scale, vt.T @ ((s / (s**2 + alpha))[:, None] * projected), offset)
        for alpha in alphas
    ]
    inputs, outputs = validation
    errors = tuple(float(np.mean(np.square(np.asarray(one(inputs)) - outputs))) for one in maps)
    best = int(np.argmin(errors))
    return Fit(maps[best], float(alphas[best]), errors)
