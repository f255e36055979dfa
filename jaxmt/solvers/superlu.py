"""SciPy's SuperLU on the host, frequencies shared out over worker threads.

A factor is kept by what it was made from: `substitute` looks the coefficients up in a small store and
factorises only if they are not there. So the adjoint pass finds the factors of the forward pass, the
callback stays a pure function that XLA may repeat or drop, and a factor that had to be let go costs time
but never correctness.

SuperLU keeps its memory per thread: a factor made in one thread and dropped in another is never freed.
Hence each worker is one thread with a store of its own, and system k always goes to worker k mod n.

The dense blocks are small, and BLAS threads that fight over them with the workers make a factorisation
up to a hundred times slower. So BLAS is set to one thread, for good, when the workers start:
to set it back after each batch is slow too, since threads that wake up spin.
"""

import functools
import hashlib
import os
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import jax
import numpy as np
from jax.experimental.buffer_callback import buffer_callback
from jaxtyping import Array, Complex
from scipy.sparse import csc_array
from scipy.sparse.linalg import SuperLU as Factor
from scipy.sparse.linalg import splu
from threadpoolctl import ThreadpoolController

from ..solve import AbstractSolver, Stencil

BYTES_PER_NONZERO = 20
"""A complex double and a row index."""


class SuperLU(AbstractSolver):
    """Sparse LU without pivoting, which the symmetric positive structure of the systems allows.

    - `threads`: number of worker threads; by default one for each core.
    - `memory`: bytes of factors to keep for the adjoint pass, over all threads; more are made again.
    """

    threads: int = os.cpu_count() or 1
    memory: float = 4e9

    def __check_init__(self) -> None:
        if self.threads < 1:
            raise ValueError(f"`SuperLU(threads=...)` must be at least 1. Got {self.threads}.")
        if self.memory < 0:
            raise ValueError(f"`SuperLU(memory=...)` must not be negative, in bytes. Got {self.memory}.")

    def factorise(self, stencil: Stencil) -> Stencil:
        """The coefficients themselves, under which the workers keep their factors."""
        return stencil

    def substitute(
        self, factor: Stencil, rhs: Complex[Array, "row col"], last: bool
    ) -> Complex[Array, "row col"]:
        """Solves A x = rhs."""
        # A buffer callback hands over memory: no JAX array is touched while XLA's threads wait.
        call = buffer_callback(
            functools.partial(_substitute_on_host, self, last),
            jax.ShapeDtypeStruct(rhs.shape, rhs.dtype),
            vmap_method="expand_dims",
        )
        return call(factor.diagonal, factor.down, factor.right, rhs)

    def release(self) -> None:
        """Drops all kept factors."""
        for worker in _workers(self.threads, self.memory):
            worker.run(worker.clear).result()


class _Worker:
    """One thread, and the factors that it made, oldest first."""

    def __init__(self, memory: float) -> None:
        self.memory = memory
        self.pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="jaxmt-superlu")
        self.store: OrderedDict[bytes, Factor] = OrderedDict()
        self.run = self.pool.submit

    def clear(self) -> None:
        self.store.clear()

    def solve(self, stencil: list[np.ndarray], rhs: np.ndarray, last: bool) -> np.ndarray:
        """Solutions for `rhs` of shape (many, rows, columns); the factor is dropped if `last`."""
        digest = hashlib.blake2b(digest_size=16)
        for part in stencil:
            digest.update(part.tobytes())
        key = digest.digest()
        pattern = _pattern(*rhs.shape[1:])
        factor = self.store.pop(key, None)
        if factor is None:
            factor = _factor(stencil, pattern)
        if not last:
            self.store[key] = factor
            while sum(f.nnz for f in self.store.values()) * BYTES_PER_NONZERO > self.memory:
                self.store.popitem(last=False)
        permuted = np.ascontiguousarray(rhs.reshape(len(rhs), -1)[:, pattern.order].T)
        x = np.empty((len(rhs), pattern.order.size), dtype=complex)
        x[:, pattern.order] = factor.solve(permuted).T
        return x.reshape(rhs.shape)


@functools.cache
def _workers(threads: int, memory: float) -> tuple[_Worker, ...]:
    for library in ThreadpoolController().lib_controllers:
        if library.user_api == "blas":
            library.set_num_threads(1)
    return tuple(_Worker(memory / threads) for _ in range(threads))


class _Pattern(NamedTuple):
    """Sparsity of the stencil in elimination order, in compressed columns.

    - `order`: the grid node (row-major) that is eliminated k-th.
    - `place`: for each stored entry its place in [diagonal, down, down, right, right].
    """

    order: np.ndarray
    indices: np.ndarray
    indptr: np.ndarray
    place: np.ndarray


def _compressed(rows: int, cols: int, position: np.ndarray) -> _Pattern:
    """The pattern when node k is eliminated as number `position[k]`."""
    node = position.reshape(rows, cols)
    pairs = [(node, node)]
    for a, b in ((node[:-1], node[1:]), (node[:, :-1], node[:, 1:])):
        pairs += [(a, b), (b, a)]
    row = np.concatenate([a.ravel() for a, _ in pairs])
    col = np.concatenate([b.ravel() for _, b in pairs])
    numbered = csc_array((np.arange(1, row.size + 1), (row, col)))
    numbered.sort_indices()
    return _Pattern(np.argsort(position), numbered.indices, numbered.indptr, numbered.data - 1)


@functools.cache
def _pattern(rows: int, cols: int) -> _Pattern:
    """The pattern in minimum-degree order, found once and good for every model and frequency."""
    natural = _compressed(rows, cols, np.arange(rows * cols))
    unit = [np.full((rows, cols), 5.0 + 0j), np.ones((rows - 1, cols)), np.ones((rows, cols - 1))]
    return _compressed(rows, cols, _factor(unit, natural, "MMD_AT_PLUS_A").perm_c)


def _factor(stencil: list[np.ndarray], pattern: _Pattern, ordering: str = "NATURAL") -> Factor:
    diagonal, down, right = stencil
    parts = [diagonal, -down, -down, -right, -right]
    data = np.concatenate([part.ravel() for part in parts])[pattern.place]
    matrix = csc_array((data, pattern.indices, pattern.indptr))
    return splu(matrix, permc_spec=ordering, diag_pivot_thresh=0.0, options={"SymmetricMode": True})


def _substitute_on_host(
    solver: SuperLU,
    last: bool,
    context: Any,
    out: Any,
    diagonal: Any,
    down: Any,
    right: Any,
    rhs: Any,
) -> None:
    """Solves a batch of systems into `out`; the arguments are buffers, and leading axes broadcast."""
    del context
    x = np.asarray(out)
    parts = [np.asarray(part) for part in (diagonal, down, right)]
    b = np.broadcast_to(np.asarray(rhs), x.shape)
    batch = x.shape[:-2]
    lead = np.broadcast_shapes(*[p.shape[:-2] for p in parts])
    parts = [np.broadcast_to(p, lead + p.shape[-2:]) for p in parts]
    workers = _workers(solver.threads, solver.memory)
    # Right-hand sides that share a matrix go through one call.
    shared = tuple(k for k, n in enumerate(lead) if n == 1 and batch[k] > 1)
    jobs = []
    for number, index in enumerate(np.ndindex(*lead)):
        where = tuple(slice(None) if k in shared else i for k, i in enumerate(index))
        block = b[where].reshape(-1, *b.shape[-2:])
        stencil = [np.ascontiguousarray(part[index]) for part in parts]
        worker = workers[number % len(workers)]
        jobs.append((where, worker.run(worker.solve, stencil, block, last)))
    for where, job in jobs:
        x[where] = job.result().reshape(x[where].shape)
