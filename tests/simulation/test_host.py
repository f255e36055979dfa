import gc
import sys
import threading
import time
from concurrent.futures import wait
from functools import partial
from pathlib import Path
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from problems import SMALL, SURVEY, a_mesh, gradient, log_section, misfit

from jaxmt import simulate
from jaxmt.simulation.operator import TE, TM
from jaxmt.simulation.solve import Stencil, solve
from jaxmt.simulation.solvers import Pardiso, SuperLU, host
from jaxmt.simulation.solvers.host import AbstractFactoriser, AbstractHostSolver, workers
from jaxmt.simulation.solvers.pardiso import AT_ONCE

pytestmark = pytest.mark.filterwarnings("ignore::jaxmt.MeshWarning")


@pytest.fixture(
    params=[
        SuperLU,
        pytest.param(
            Pardiso, marks=pytest.mark.skipif(not Pardiso.is_installed(), reason="needs the extra `fast`")
        ),
    ]
)
def method(request):
    """A solver class that runs on the host."""
    return request.param


def kept(solver):
    """Number of factors in the workers' stores."""
    return sum(len(worker.store) for worker in workers(solver))


@pytest.mark.parametrize("operator", [TE, TM])
def test_solution_has_a_residual_of_rounding(method, operator):
    mesh = a_mesh(24)
    for omega in (60.0, 0.006):
        system = jax.jit(operator(mesh).system)(jnp.array(omega), jnp.exp(log_section(mesh)))
        x = jax.jit(partial(solve, method(threads=1)))(system.stencil, system.rhs)
        residual = jnp.abs(system.stencil.matvec(x) - system.rhs)
        scale = jnp.abs(system.stencil.diagonal).max() * jnp.abs(x).max()
        # Elimination without pivoting grows by less than 3; 30 roundings of 1e-16 in each sum.
        assert residual.max() < 1e-14 * scale


def test_number_of_threads_changes_no_bit(method):
    """Each system is solved by one thread, alone."""
    value, slope = gradient(log_section(SMALL), method(threads=1))
    for threads in (2, 3):
        again = gradient(log_section(SMALL), method(threads=threads))
        np.testing.assert_array_equal(again[0], value)
        np.testing.assert_array_equal(again[1], slope)


def test_right_hand_sides_that_share_a_matrix_share_a_solve(method):
    system = TM(SMALL).system(jnp.array(0.6), jnp.exp(log_section(SMALL)))
    # More than Pardiso takes at once.
    many = jnp.stack([(k + 1.0) * system.rhs for k in range(AT_ONCE + 3)])
    shared = jax.vmap(partial(solve, method(threads=2)), in_axes=(None, 0))(system.stencil, many)
    alone = solve(method(threads=2), system.stencil, system.rhs)
    for k in range(len(many)):
        # Columns of one block and single columns differ by the order of summation.
        np.testing.assert_allclose(shared[k], (k + 1) * alone, rtol=1e-12)


def test_factors_are_dropped_after_the_gradient(method):
    solver = method(threads=2)
    jax.block_until_ready(gradient(log_section(SMALL), solver))
    assert kept(solver) == 0
    value, pull = jax.block_until_ready(jax.vjp(partial(misfit, solver=solver), log_section(SMALL)))
    assert kept(solver) == 2 * SURVEY.frequencies.size
    jax.block_until_ready(jax.vmap(pull)(jnp.ones((3, *value.shape))))
    assert kept(solver) == 0
    jax.block_until_ready(jax.vjp(partial(misfit, solver=solver), log_section(SMALL)))
    solver.release()
    assert kept(solver) == 0


def test_without_memory_for_factors_the_gradient_is_the_same(method):
    solver = method(threads=2, memory=0.0)
    value, slope = gradient(log_section(SMALL), solver)
    expected = gradient(log_section(SMALL), method(threads=2))
    np.testing.assert_array_equal(value, expected[0])
    np.testing.assert_array_equal(slope, expected[1])
    assert kept(solver) == 0


@pytest.mark.parametrize("calls", [200, pytest.param(1000, marks=pytest.mark.slow)])
def test_many_gradients_neither_stall_nor_change(method, calls):
    first = gradient(log_section(SMALL), method(threads=3))
    for k in range(calls):
        value, slope = gradient(log_section(SMALL, k % 2), method(threads=3))
        if k % 2 == 0:
            np.testing.assert_array_equal(value, first[0])
            np.testing.assert_array_equal(slope, first[1])


def resident():
    """Resident memory of this process, bytes."""
    status = Path("/proc/self/status")
    if not status.exists():
        pytest.skip("needs /proc to measure memory")
    line = next(s for s in status.read_text().splitlines() if s.startswith("VmRSS"))
    return 1024 * int(line.split()[1])


@pytest.mark.parametrize("calls", [60, pytest.param(1000, marks=pytest.mark.slow)])
def test_memory_stays_flat_over_many_gradients(method, calls):
    """A factor dropped by a thread that did not make it is never freed; 600 of them are 700 MB."""
    mesh, solver = a_mesh(40), method(threads=2)
    for k in range(20):
        jax.block_until_ready(gradient(log_section(mesh, k), solver, mesh))
    gc.collect()
    before = resident()
    for k in range(calls):
        jax.block_until_ready(gradient(log_section(mesh, k), solver, mesh))
    gc.collect()
    # The slack of the allocator; not a tenth of such a leak.
    assert resident() - before < 50e6


@pytest.mark.parametrize("calls", [25, pytest.param(1000, marks=pytest.mark.slow)])
def test_neither_kept_factors_nor_memory_grow_over_many_products(method, calls):
    """In forward mode the tangent is the last use of a factor; without a tangent the value is."""
    solver = method(threads=2)

    def value(log_resistivity):
        r = simulate(SMALL, SURVEY, jnp.exp(log_resistivity), solver=solver, forward_mode=True)
        return r.components

    product = jax.jit(lambda at: jax.jvp(value, (at,), (at,))[1])
    for function in (jax.jit(value), product):
        jax.block_until_ready(function(log_section(SMALL)))
        gc.collect()
        before = resident()
        for k in range(calls):
            jax.block_until_ready(function(log_section(SMALL, k)))
            assert kept(solver) == 0
        gc.collect()
        # The slack of the allocator; 10,000 factors of 90 nodes would be 200 MB.
        assert resident() - before < 50e6


def test_a_matrix_that_cannot_be_solved_gives_nan_and_the_next_one_is_right(method):
    solver = method(threads=1)
    good = TM(SMALL).system(jnp.array(0.6), jnp.exp(log_section(SMALL)))
    stencil = good.stencil
    # A node that is cut off and has no mass of its own.
    lone = Stencil(
        stencil.diagonal.at[0, 0].set(0),
        stencil.down.at[0, 0].set(0),
        stencil.right.at[0, 0].set(0),
    )
    broken = Stencil(stencil.diagonal.at[2, 3].set(jnp.nan), stencil.down, stencil.right)
    for bad in (lone, broken):
        assert jnp.all(jnp.isnan(solve(solver, bad, good.rhs)))
    x = solve(solver, stencil, good.rhs)
    np.testing.assert_allclose(
        stencil.matvec(x), good.rhs, atol=1e-13 * float(jnp.abs(stencil.diagonal).max())
    )


def test_models_of_equal_checksum_are_told_apart(method, monkeypatch):
    monkeypatch.setattr("jaxmt.simulation.solvers.host._checksum", lambda stencil: b"the same")
    solver = method(threads=2)
    value, slope = gradient(log_section(SMALL, 5), solver)
    monkeypatch.undo()
    expected = gradient(log_section(SMALL, 5), solver)
    np.testing.assert_array_equal(value, expected[0])
    np.testing.assert_array_equal(slope, expected[1])


def test_bad_arguments_are_refused(method):
    name = method.__name__
    with pytest.raises(ValueError, match=rf"`{name}\(threads=...\)` must be at least 1. Got 0"):
        method(threads=0)
    with pytest.raises(ValueError, match=rf"`{name}\(memory=...\)` must not be negative, in bytes. Got -1"):
        method(memory=-1.0)
    with pytest.raises(
        ValueError, match=rf"`{name}\(memory=...\)` must not be negative, in bytes. Got nan"
    ):
        method(memory=float("nan"))


def test_a_backend_that_is_missing_names_the_remedy(monkeypatch):
    monkeypatch.setitem(sys.modules, "pymklpardiso", None)
    monkeypatch.setitem(sys.modules, "pymklpardiso._mkl_pardiso", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'jaxmt\[fast\]'.*SuperLU\(\)"):
        gradient(log_section(SMALL), Pardiso(threads=7))


class Failing(AbstractFactoriser):
    """Runs out of memory at the first system, and takes its time over the others."""

    ended: ClassVar[list[bool]] = []

    def make(self, stencil):
        if not Failing.ended:
            Failing.ended.append(False)
            raise MemoryError("no room for a factor")
        time.sleep(0.05)
        Failing.ended.append(bool(np.isfinite(stencil[0]).all()))
        return stencil

    def solve(self, factor, rhs):
        return rhs

    def size(self, factor):
        return 0

    def recycle(self, factor):
        pass

    def forget(self):
        pass


class FailingSolver(AbstractHostSolver):
    threads: int = 2
    memory: float = 0.0

    def factoriser(self):
        return Failing()


def test_a_system_that_fails_leaves_the_memory_of_the_others_alone():
    """What they read belongs to the call, which must not end before they do."""
    with pytest.raises(MemoryError, match="do not fit into memory"):
        simulate(SMALL, SURVEY, np.exp(log_section(SMALL)), solver=FailingSolver())
    first, *others = Failing.ended
    assert not first
    assert all(others)
    assert len(others) >= SURVEY.frequencies.size - 1


def test_an_interrupt_ends_no_call_whose_memory_is_still_read(monkeypatch):
    """XLA frees the coefficients when the call ends. Two interrupts come while one system is at work."""
    begun, free, read = threading.Event(), threading.Event(), []

    class Slow(Failing):
        def make(self, stencil):
            begun.set()
            assert free.wait(60)
            read.append(stencil[0].copy())
            return stencil

    class SlowSolver(AbstractHostSolver):
        threads: int = 1
        memory: float = 1e9

        def factoriser(self):
            return Slow()

    waits = []

    def interrupted(jobs):
        assert begun.wait(60)
        waits.append(jobs)
        if len(waits) < 3:
            raise KeyboardInterrupt
        free.set()
        return wait(jobs)

    monkeypatch.setattr(host, "wait", interrupted)
    diagonal = np.ones((3, 2, 2), complex)
    x = np.zeros_like(diagonal)
    with pytest.raises(KeyboardInterrupt):
        host._substitute_on_host(
            SlowSolver(), False, x, diagonal, np.zeros_like(diagonal), np.zeros_like(diagonal), x.copy()
        )
    # What happens to the memory afterwards is nobody's business.
    diagonal[...] = np.nan
    assert len(waits) == 3
    assert [np.isfinite(one).all() for one in read] == [True]
