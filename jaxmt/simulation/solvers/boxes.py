"""How nested dissection cuts a grid: equal boxes, the nodes around them, and the order of merging.

The unknowns lie on nodes (1, 1) to (rows, columns) of a frame of `height` x `width` cells, which is a
small box times powers of two. A box of h x w cells has (h+1)(w+1) nodes and owns all but its last row and
column, with the links from them downward and to the right; so every coefficient has one owner. The nodes
on the frame are not unknowns, and leave the rings of boxes that span the grid.

        o---o---o---o      o  ring of a box of 2 x 3 cells
        |   |   |   |      *  inside: eliminated
        o---*---*---o
        |   |   |   |
        o---o---o---o
"""

import functools
import itertools
import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Int

LEAVES = range(2, 14)
"""Cells along a side of the smallest boxes that are tried."""


class Merge(NamedTuple):
    """A level: two boxes of the level below become one.

    - `axis`: 0 if the boxes lie above each other, 1 if side by side.
    - `inner`: number of nodes that are eliminated; they come first in the front, then the ring.
    - `down`: for both children, the place in their ring of each node of the front.
    - `up`: for both children, the place in the front of each node of their ring.

    A place beyond the last one means that there is no such node.
    """

    axis: int
    inner: int
    down: tuple[Int[np.ndarray, " front"], Int[np.ndarray, " front"]]
    up: tuple[Int[np.ndarray, " ring"], Int[np.ndarray, " ring"]]


class Plan(NamedTuple):
    """The boxes of a grid.

    - `size`: cells of the smallest boxes; `number`: how many there are; both (down, across).
    - `inner`: nodes inside a smallest box, first in its front.
    - `entries`: place of each entry of its front in [diagonal, down, right] of the nodes it owns.
    - `own`: place of each node of its front among those that it owns.
    - `out`: place in its front of each node that it owns.
    """

    size: tuple[int, int]
    number: tuple[int, int]
    inner: int
    entries: Int[np.ndarray, "front front"]
    own: Int[np.ndarray, " front"]
    out: Int[np.ndarray, " own"]
    merges: tuple[Merge, ...]


class _Box(NamedTuple):
    """A box of `cells` in a frame of `frame` cells."""

    cells: tuple[int, int]
    frame: tuple[int, int]

    def ring(self) -> Int[np.ndarray, "node 2"]:
        """Coordinates of the nodes on its rim that are not on the frame of the grid, row by row."""
        h, w = self.cells
        spans = (h == self.frame[0], w == self.frame[1])
        node = np.stack(np.meshgrid(np.arange(h + 1), np.arange(w + 1), indexing="ij"), -1).reshape(-1, 2)
        rim = [(node[:, k] == 0) | (node[:, k] == self.cells[k]) for k in (0, 1)]
        on_frame = (rim[0] & spans[0]) | (rim[1] & spans[1])
        return node[(rim[0] | rim[1]) & ~on_frame]

    def merged(self, axis: int) -> "_Box":
        h, w = self.cells
        return _Box((2 * h, w) if axis == 0 else (h, 2 * w), self.frame)

    def work(self, inner: int) -> int:
        """Multiplications of the elimination of `inner` nodes of its front, in all boxes like it."""
        h, w = self.cells
        boxes = (self.frame[0] // h) * (self.frame[1] // w)
        spans = (h == self.frame[0], w == self.frame[1])
        ring = (h - 1 if spans[0] else h + 1) * (w - 1 if spans[1] else w + 1) - (h - 1) * (w - 1)
        return boxes * inner * (inner + ring) ** 2


def _places(nodes: Int[np.ndarray, "m 2"], among: Int[np.ndarray, "n 2"]) -> Int[np.ndarray, " m"]:
    """The place of each of `nodes` in the list `among`, its length for those that are missing."""
    place = {tuple(node): k for k, node in enumerate(among.tolist())}
    return np.array([place.get(tuple(node), len(among)) for node in nodes.tolist()], dtype=np.int32)


@functools.cache
def plan(rows: int, cols: int) -> Plan:
    """The cheapest way to cut and merge a grid of `rows` x `cols` unknowns, by multiplications."""
    tried = []
    for a, b in itertools.product(LEAVES, LEAVES):
        p, q = (max(0, math.ceil(math.log2((n + 1) / k))) for n, k in ((rows, a), (cols, b)))
        leaf = _Box((a, b), (a << p, b << q))
        work, order = _cheapest(leaf)
        tried.append((work + leaf.work((a - 1) * (b - 1)), leaf, order))
    _, leaf, order = min(tried)
    return _leaf_plan(leaf, order)


@functools.cache
def _cheapest(box: _Box) -> tuple[int, tuple[int, ...]]:
    """Least multiplications of all merges from `box` to the grid, and the axes of the merges."""
    options = []
    for axis in (0, 1):
        if box.cells[axis] < box.frame[axis]:
            bigger = box.merged(axis)
            work, order = _cheapest(bigger)
            options.append((work + bigger.work(box.cells[1 - axis] - 1), (axis, *order)))
    return min(options, default=(0, ()))


def _leaf_plan(leaf: _Box, order: tuple[int, ...]) -> Plan:
    a, b = leaf.cells
    ring = leaf.ring()
    inside = np.stack(np.meshgrid(np.arange(1, a), np.arange(1, b), indexing="ij"), -1).reshape(-1, 2)
    front = np.concatenate([inside, ring])
    owned = np.stack(np.meshgrid(np.arange(a), np.arange(b), indexing="ij"), -1).reshape(-1, 2)
    out = _places(owned, front)
    entries = np.full((len(front) + 1, len(front) + 1), 3 * a * b, dtype=np.int32)
    entries[out, out] = np.arange(a * b)
    for k, step in enumerate(((1, 0), (0, 1))):
        end = _places(owned + np.array(step), front)
        entries[out, end] = entries[end, out] = (k + 1) * a * b + np.arange(a * b)
    merges, box = [], leaf
    for axis in order:
        merges.append(_merge(box, axis))
        box = box.merged(axis)
    number = (leaf.frame[0] // a, leaf.frame[1] // b)
    return Plan(
        leaf.cells, number, len(inside), entries[:-1, :-1], _places(front, owned), out, tuple(merges)
    )


def _merge(box: _Box, axis: int) -> Merge:
    bigger = box.merged(axis)
    n = box.cells[1 - axis] - 1
    shared = np.empty((n, 2), dtype=int)
    shared[:, axis] = box.cells[axis]
    shared[:, 1 - axis] = np.arange(1, n + 1)
    front = np.concatenate([shared, bigger.ring()])
    ring = box.ring()
    shift = np.array([box.cells[0], 0] if axis == 0 else [0, box.cells[1]])
    return Merge(
        axis,
        n,
        (_places(front, ring), _places(front - shift, ring)),
        (_places(ring, front), _places(ring + shift, front)),
    )
