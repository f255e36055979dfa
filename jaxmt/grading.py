"""Node coordinates whose steps grow away from places that need resolution."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float


def graded_nodes(
    breaks: Sequence[float], targets: Sequence[tuple[float, float]], growth: float
) -> Float[np.ndarray, " n"]:
    r"""Nodes from the first to the last of `breaks`, with a node on each of them.

    - `breaks`: m, in any order; contacts and the two ends.
    - `targets`: pairs (position, wanted step), both in m.
    - `growth`: the step at x is $h(x) = \min_k\,(h_k + g\,|x - x_k|)$, so that neighbouring steps
      differ by at most this fraction, and the mesh refines smoothly when all $h_k$ shrink.

    Between two breaks the nodes sit at equal increments of $\int dx / h(x)$.
    """
    edges = np.unique(np.asarray(breaks, dtype=float))
    places, steps = np.asarray(targets, dtype=float).T

    def step(x: Float[np.ndarray, " m"]) -> Float[np.ndarray, " m"]:
        distance = np.abs(x[:, None] - places)
        return np.min(steps + growth * distance, axis=1)

    nodes = [edges[:1]]
    for start, stop in zip(edges[:-1], edges[1:], strict=True):
        # Sample 1/h on points dense near every target: a uniform grid would miss small cells.
        near = np.unique(np.clip(np.concatenate([places, [start, stop]]), start, stop))
        fine = [
            a + (b - a) * 0.5 * (1 - np.cos(np.pi * np.linspace(0, 1, 65)))
            for a, b in zip(near[:-1], near[1:], strict=True)
        ]
        logs = [
            p + s * np.geomspace(0.01 * h, stop - start, 400)
            for p, h in zip(places, steps, strict=True)
            for s in (-1, 1)
        ]
        samples = np.unique(np.concatenate([*fine, *logs]))
        samples = samples[(samples >= start) & (samples <= stop)]
        density = 1 / step(samples)
        count = np.concatenate([[0.0], np.cumsum(0.5 * (density[1:] + density[:-1]) * np.diff(samples))])
        cells = max(1, round(count[-1]))
        nodes.append(np.interp(np.linspace(0, count[-1], cells + 1)[1:-1], count, samples))
        nodes.append(np.array([stop]))
    return np.concatenate(nodes)
