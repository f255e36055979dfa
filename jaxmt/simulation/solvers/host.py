"""Sparse factors on the host, kept by worker threads that share out the frequencies.

A factor is kept by what it was made from: a solve looks the coefficients up in a small store and
factorises only if they are not there. So the adjoint pass finds the factors of the forward pass, the
callback stays a pure function that XLA may repeat or drop, and a factor that had to be let go costs time
but never correctness.

System k always goes to worker k mod n, so that a factor is made, used and dropped in one thread: SuperLU
keeps its memory per thread, and never frees a factor that another thread drops.

The dense blocks are small, and BLAS threads that fight over them with the workers make a factorisation
up to a hundred times slower. So BLAS is set to one thread, for good, when the workers start:
to set it back after each batch is slow too, since threads that wake up spin.
"""

import abc
import functools
import os
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any, ClassVar, NamedTuple

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Array, Complex
from threadpoolctl import ThreadpoolController

from ...forking import refuse_forked
from ...programs import dropping
from ..solve import AbstractSolver, Stencil
from .host_call import Function, host_call

Coefficients = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Diagonal, down and right of one `Stencil`."""


def cores() -> int:
    """How many cores this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class AbstractFactoriser(abc.ABC):
    """A sparse direct method as one worker uses it; a factor is any object."""

    @abc.abstractmethod
    def make(self, stencil: Coefficients) -> Any:
        """The factor of a finite matrix; None if it is singular."""

    @abc.abstractmethod
    def solve(self, factor: Any, rhs: Complex[np.ndarray, "many row col"]) -> np.ndarray:
        """Solutions in the shape of `rhs`."""

    @abc.abstractmethod
    def size(self, factor: Any) -> int:
        """Bytes that the factor takes."""

    @abc.abstractmethod
    def recycle(self, factor: Any) -> None:
        """Takes back a factor that is no longer kept."""

    @abc.abstractmethod
    def forget(self) -> None:
        """Drops what was taken back."""


class AbstractHostSolver(AbstractSolver):
    """A solver that runs on the host, outside XLA.

    - `threads`: number of worker threads; by default one for each core.
    - `memory`: bytes of factors to keep for the adjoint pass, over all threads; more are made again.

    Programs know a solver by its `repr`: one that is not the same in every run keeps its programs from
    being found again on disk.
    """

    one_batch: ClassVar[bool] = False
    threads: eqx.AbstractVar[int]
    memory: eqx.AbstractVar[float]

    @abc.abstractmethod
    def factoriser(self) -> AbstractFactoriser:
        """A new factoriser, for one worker."""

    def __check_init__(self) -> None:
        name = type(self).__name__
        if self.threads < 1:
            raise ValueError(f"`{name}(threads=...)` must be at least 1. Got {self.threads}.")
        if not self.memory >= 0:
            raise ValueError(f"`{name}(memory=...)` must not be negative, in bytes. Got {self.memory}.")

    def factorise(self, stencil: Stencil) -> Stencil:
        """The coefficients themselves, under which the workers keep their factors."""
        return stencil

    def substitute(
        self, factor: Stencil, rhs: Complex[Array, "row col"], last: bool
    ) -> Complex[Array, "row col"]:
        """Solves A x = rhs; NaN if A is singular or not finite."""
        # Now rather than in the call: a missing library says so itself, and devices that call at once
        # find the same threads.
        workers(self)
        name = f"{type(self).__module__}.{self!r}{', last' if last else ''}"
        result = jax.ShapeDtypeStruct(rhs.shape, rhs.dtype)
        return host_call(
            name, _substitution(self, last), result, factor.diagonal, factor.down, factor.right, rhs
        )

    def release(self) -> None:
        """Drops all kept factors."""
        for worker in workers(self):
            worker.run(worker.clear).result()


class _Kept(NamedTuple):
    stencil: Coefficients
    factor: Any


class Worker:
    """One thread, and the factors that it made, oldest first."""

    def __init__(self, factoriser: AbstractFactoriser, memory: float) -> None:
        self.factoriser = factoriser
        self.memory = memory
        self.pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="jaxmt-solver")
        self.store: OrderedDict[bytes, _Kept] = OrderedDict()
        self.run: Callable[..., Any] = self.pool.submit

    def clear(self) -> None:
        """Drops all kept factors."""
        while self.store:
            self.factoriser.recycle(self.store.popitem()[1].factor)

    def forget(self) -> None:
        """Drops all that is kept of any matrix."""
        self.clear()
        self.factoriser.forget()

    def solve(self, stencil: Coefficients, rhs: np.ndarray, last: bool) -> np.ndarray:
        """Solutions for `rhs` of shape (many, rows, columns); the factor is dropped if `last`."""
        if not all(np.isfinite(part).all() for part in stencil):
            return np.full_like(rhs, np.nan)
        key = _checksum(stencil)
        kept = self.store.pop(key, None)
        if kept is not None and not all(map(np.array_equal, kept.stencil, stencil)):
            self.factoriser.recycle(kept.factor)
            kept = None
        if kept is None:
            kept = _Kept(stencil, self.factoriser.make(stencil))
            if kept.factor is None:
                return np.full_like(rhs, np.nan)
            if not last:
                # The arrays are XLA's, and good only while the call lasts.
                diagonal, down, right = stencil
                kept = _Kept((diagonal.copy(), down.copy(), right.copy()), kept.factor)
        x = self.factoriser.solve(kept.factor, rhs)
        if last:
            self.factoriser.recycle(kept.factor)
        else:
            self.store[key] = kept
            while sum(self.factoriser.size(k.factor) for k in self.store.values()) > self.memory:
                self.factoriser.recycle(self.store.popitem(last=False)[1].factor)
        return x


@functools.cache
def _weights(size: int) -> np.ndarray:
    return np.random.default_rng(0).integers(2**63, size=size, dtype=np.uint64) | np.uint64(1)


dropping(_weights.cache_clear)


def _checksum(stencil: Coefficients) -> bytes:
    """A quick key; whoever finds a factor by it compares the coefficients."""
    words = [part.ravel().view(np.uint64) for part in stencil]
    return stencil[0].shape[0].to_bytes(4) + b"".join(np.dot(w, _weights(w.size)).tobytes() for w in words)


@functools.cache
def workers(solver: AbstractHostSolver) -> tuple[Worker, ...]:
    """The threads of a solver; solvers that are equal share them."""
    for library in ThreadpoolController().lib_controllers:
        if library.user_api == "blas":
            library.set_num_threads(1)
    share = solver.memory / solver.threads
    made = tuple(Worker(solver.factoriser(), share) for _ in range(solver.threads))
    dropping(lambda: wait([worker.run(worker.forget) for worker in made]))
    return made


@functools.cache
def _substitution(solver: AbstractHostSolver, last: bool) -> Function:
    return functools.partial(_substitute_on_host, solver, last)


def _substitute_on_host(
    solver: AbstractHostSolver,
    last: bool,
    x: np.ndarray,
    diagonal: np.ndarray,
    down: np.ndarray,
    right: np.ndarray,
    rhs: np.ndarray,
) -> None:
    """Solves a batch of systems into `x`; leading axes broadcast."""
    refuse_forked()
    parts = [diagonal, down, right]
    b = np.broadcast_to(rhs, x.shape)
    batch = x.shape[:-2]
    lead = np.broadcast_shapes(*[p.shape[:-2] for p in parts])
    d, s, e = (np.broadcast_to(p, lead + p.shape[-2:]) for p in parts)
    team = workers(solver)
    # Right-hand sides that share a matrix go through one call.
    shared = tuple(k for k, n in enumerate(lead) if n == 1 and batch[k] > 1)
    jobs: list[tuple[Any, Future[np.ndarray]]] = []
    try:
        for number, index in enumerate(np.ndindex(*lead)):
            where = tuple(slice(None) if k in shared else i for k, i in enumerate(index))
            block = b[where].reshape(-1, *b.shape[-2:])
            stencil = (
                np.ascontiguousarray(d[index]),
                np.ascontiguousarray(s[index]),
                np.ascontiguousarray(e[index]),
            )
            worker = team[number % len(team)]
            jobs.append((where, worker.run(worker.solve, stencil, block, last)))
        # All of them, even if one fails.
        wait([job for _, job in jobs])
        for where, job in jobs:
            x[where] = job.result().reshape(x[where].shape)
    finally:
        _end([job for _, job in jobs])


def _end(jobs: list[Future[np.ndarray]]) -> None:
    """Waits for the jobs that run, however often somebody interrupts; those that only wait are dropped.

    What they read is XLA's, and gone when the call ends.
    """
    interrupt = None
    for job in jobs:
        job.cancel()
    while not all(job.done() for job in jobs):
        try:
            wait(jobs)
        except KeyboardInterrupt as error:
            interrupt = error
    if interrupt is not None:
        raise interrupt
