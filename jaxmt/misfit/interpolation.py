r"""Points between the samples of a cloud, by linear interpolation along frequency and along the line.

The data are samples of curves over frequency and of surfaces over frequency and position. A plan between
samples moves mass by whole spacings or not at all; between points that lie closer it moves mass by parts of
a spacing, and so along the curves. Each sample is spread over k points that share the interval half-way to
either neighbour, at the offsets $((j + \frac12)/k - \frac12)$ of the spacing, $j = 0, \dots, k - 1$. A
point at the part t of the way from sample o to its neighbour has the value $(1 - t)v_o + t v_n$; beyond the
first and last sample, and beside a missing one, it has that of o. So every sample keeps its weight: over
all points, the weights of each of them add up to k. Where the samples have errors of their own, the parts
$w_i = 1 - t, t$ become $w_i e_i^{-2} / \sum_j w_j e_j^{-2}$, and the error of the point is
$(\sum_j w_j e_j^{-2})^{-1/2}$: beside a bad sample a good one keeps the points between them to itself.
"""

import math

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

MOST_POINTS = 250_000
"""Most points of a cloud that has points between its samples."""


class Interpolation(eqx.Module):
    """From samples (sample value) to points (point value).

    - `corners`: the samples that a point lies between, the one that it belongs to first.
    - `weights`: of each corner; zero for a sample that is missing. Those of a value add up to one, or to
      zero if it does not exist.
    - `present`: whether a value of a point exists, which is that of its own sample.
    - `errors`: of the values of a point; infinite where there is none.
    - `axes`: position of each point along both axes, in the unit of the axes of the samples.
    """

    corners: Int[np.ndarray, "corner point"]
    weights: Float[np.ndarray, "corner point value"]
    present: Bool[np.ndarray, "point value"]
    errors: Float[np.ndarray, "point value"]
    axes: Float[np.ndarray, "point 2"]

    @classmethod
    def between(
        cls,
        axes: tuple[Float[np.ndarray, " freq"], Float[np.ndarray, " site"]],
        errors: Float[np.ndarray, "freq site value"],
        points: tuple[int, int],
    ) -> "Interpolation":
        """The points of a grid of samples.

        - `axes`: positions of the samples along frequency and along the line, in any order.
        - `errors`: of the values of a sample; infinite where there is none. Points without any value are
          left out.
        - `points`: k along either axis. An axis of one sample has nothing between, and one point.

        Raises `ValueError` for more points than memory allows.
        """
        count = math.prod(a.size * (k if a.size > 1 else 1) for a, k in zip(axes, points, strict=True))
        if max(points) > 1 and count > MOST_POINTS:
            raise ValueError(
                f"`CloudTransport(frequency_points={points[0]}, station_points={points[1]})` makes {count} "
                f"points, more than the {MOST_POINTS} that memory allows. Take fewer points a sample, or "
                "fewer samples."
            )
        f, s = (_points(a, k) for a, k in zip(axes, points, strict=True))
        site_count = axes[1].size

        def pair(of_frequency: np.ndarray, of_station: np.ndarray) -> np.ndarray:
            return (of_frequency[:, None] * site_count + of_station[None, :]).ravel()

        corners = np.stack([pair(a, b) for a in (f.own, f.other) for b in (s.own, s.other)])
        parts = [
            np.multiply.outer(a, b).ravel() for a in (1 - f.part, f.part) for b in (1 - s.part, s.part)
        ]
        of_corners = errors.reshape(-1, errors.shape[-1])[corners]
        exists = np.isfinite(of_corners)
        weights = np.where(exists, np.stack(parts)[:, :, None], 0.0)
        # What missing corners would have had goes to the point's own sample.
        weights[0] += 1 - weights.sum(axis=0)
        own = np.where(exists[0], of_corners[0], 1.0)
        weights *= exists[0] * np.square(own / np.where(exists, of_corners, own))
        total = weights.sum(axis=0)
        weights /= np.where(exists[0], total, 1.0)
        of_points = np.where(exists[0], own / np.sqrt(np.where(exists[0], total, 1.0)), np.inf)
        positions = np.stack(np.meshgrid(f.position, s.position, indexing="ij"), axis=-1).reshape(-1, 2)
        used = exists[0].any(axis=1)
        needed = weights[:, used].any(axis=(1, 2))
        return cls(
            corners[needed][:, used],
            weights[needed][:, used],
            exists[0][used],
            of_points[used],
            positions[used],
        )

    def __call__(self, samples: Float[Array, "sample value"]) -> Float[Array, "point value"]:
        """Values at the points; zero where there are none, even if the sample is NaN."""
        weights = jnp.asarray(self.weights)
        found = samples[jnp.asarray(self.corners)]
        return jnp.sum(weights * jnp.where(weights > 0, found, 0.0), axis=0)

    def spread(self, values: Float[Array, "point value"], samples: int) -> Float[Array, "sample value"]:
        """The transpose of the call: what the points give back to the samples."""
        given = jnp.asarray(self.weights) * values
        zero = jnp.zeros((samples, values.shape[1]), values.dtype)
        return zero.at[jnp.asarray(self.corners)].add(given)


class _Along(eqx.Module):
    """The points along one axis: own sample, neighbour, part of the way there, and position."""

    own: Int[np.ndarray, " point"]
    other: Int[np.ndarray, " point"]
    part: Float[np.ndarray, " point"]
    position: Float[np.ndarray, " point"]


def _points(axis: Float[np.ndarray, " sample"], count: int) -> _Along:
    """`count` points a sample, one if there is but one sample."""
    n, order = axis.size, np.argsort(axis)
    k, ascending = count if n > 1 else 1, axis[order]
    own, place = np.divmod(np.arange(n * k), k)
    shift = (place + 0.5) / k - 0.5
    side = np.sign(shift).astype(int)
    inside = (own + side >= 0) & (own + side < n)
    other = np.where(inside, own + side, own)
    # Beyond an end the positions go on at the last spacing.
    inward = np.clip(own - side, 0, n - 1)
    gap = np.where(inside, ascending[other] - ascending[own], ascending[own] - ascending[inward])
    position = ascending[own] + np.abs(shift) * gap
    # In the order of the samples.
    place = np.argsort(order[own], kind="stable")
    part = np.where(inside, np.abs(shift), 0.0)
    return _Along(order[own][place], order[other][place], part[place], position[place])
