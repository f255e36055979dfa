"""Node coordinates whose steps grow away from places that need resolution."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

STATION_WIDTH, STATION_GROWTH = 1.5, 8.0
"""Width of the columns at a station in shortest skin depths, and how fast columns grow from there to the
middle between stations, in growths of rows. Wider ones mix a station's resistivity with its neighbours'."""

LEAST_STEP, FARTHEST = 1e-6, 1e12
"""Least distance between nodes, and largest coordinate, m: beyond them the coefficients of the equations
lose all digits or overflow, and no skin depth of interest is so short or so long."""


def graded_nodes(
    breaks: Sequence[float], targets: Sequence[tuple[float, float]], growth: float | Sequence[float]
) -> Float[np.ndarray, " n"]:
    r"""Nodes from the first to the last of `breaks`, with a node on each of them.

    - `breaks`: m, in any order; contacts and the two ends.
    - `targets`: pairs (position, wanted step), both in m.
    - `growth`: the step at x is $h(x) = \min_k\,(h_k + g_k\,|x - x_k|)$, so that neighbouring steps
      differ by at most this fraction, and the mesh refines smoothly when all $h_k$ shrink. One for all
      targets, or one for each.

    Between two breaks the nodes sit at equal increments of $\int dx / h(x)$.
    """
    edges = np.unique(np.asarray(breaks, dtype=float))
    places, steps = np.asarray(targets, dtype=float).T
    rates = np.broadcast_to(np.asarray(growth, dtype=float), places.shape)

    def step(x: Float[np.ndarray, " m"]) -> Float[np.ndarray, " m"]:
        distance = np.abs(x[:, None] - places)
        return np.min(steps + rates * distance, axis=1)

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


def checked_nodes(name: str, values: ArrayLike) -> Float[np.ndarray, " n"]:
    """A read-only copy of strictly increasing, finite coordinates."""
    # Minus zero becomes zero, so that equal nodes have equal bytes.
    nodes = np.array(values, dtype=float) + 0.0
    if nodes.ndim != 1 or nodes.size < 3:
        raise ValueError(
            f"`Mesh({name}=...)` must be a 1-D array of at least 3 node coordinates in m. "
            f"Got shape {nodes.shape}."
        )
    if not np.all(np.isfinite(nodes)):
        k = int(np.flatnonzero(~np.isfinite(nodes))[0])
        raise ValueError(f"`Mesh({name}=...)` must be finite, in m. Got {name}[{k}] = {nodes[k]}.")
    steps = np.diff(nodes)
    if np.any(steps <= 0):
        k = int(np.flatnonzero(steps <= 0)[0])
        raise ValueError(
            f"`Mesh({name}=...)` must increase strictly, in m. Got {name}[{k}] = {nodes[k]} and "
            f"{name}[{k + 1}] = {nodes[k + 1]}; sort the nodes and remove duplicates."
        )
    if np.any(steps < LEAST_STEP) or np.any(np.abs(nodes) > FARTHEST):
        k = int(np.argmin(steps))
        raise ValueError(
            f"`Mesh({name}=...)` must lie within {FARTHEST:g} m of zero, {LEAST_STEP:g} m apart or more. "
            f"Got nodes from {nodes[0]:g} to {nodes[-1]:g} m, of which {name}[{k}] and {name}[{k + 1}] are "
            f"{steps[k]:g} m apart; is the unit m?"
        )
    nodes.setflags(write=False)
    return nodes


def checked_surface(
    values: ArrayLike | None, y_nodes: Float[np.ndarray, " ynode"], z_nodes: Float[np.ndarray, " znode"]
) -> Float[np.ndarray, " ynode"]:
    """A read-only copy of the depth of the ground, m; by default 0."""
    surface = np.zeros(y_nodes.size) if values is None else np.array(values, dtype=float)
    surface.setflags(write=False)
    inside = (surface >= 0) & (surface < z_nodes[-2])
    if surface.shape != y_nodes.shape or not np.all(inside):
        raise ValueError(
            f"`Mesh(surface=...)` must hold the depth of the ground at each of {y_nodes.size} "
            "`y_nodes`, in m, from 0 to above the last row. `jaxmt.drape` makes one. "
            f"Got shape {surface.shape}."
        )
    return surface


def station_columns(
    stations: Float[np.ndarray, " site"], short: float, growth: float
) -> tuple[list[tuple[float, float]], list[float]]:
    """Targets and growths of the columns of sorted stations, for `graded_nodes`.

    - `short`: m, the shortest skin depth; `growth`: of the rows.
    """
    gaps = np.diff(stations) if stations.size > 1 else np.array([short])
    spacing = np.minimum(np.append(gaps, gaps[-1]), np.insert(gaps, 0, gaps[0]))
    wide = np.maximum(spacing[: stations.size] / 4, short / 3)
    alone = stations[wide > STATION_WIDTH * short]
    targets = [*zip(stations, wide, strict=True), *((y, STATION_WIDTH * short) for y in alone)]
    return targets, [2 * growth] * stations.size + [STATION_GROWTH * growth] * alone.size
