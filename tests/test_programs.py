import gc

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.extend.core import Jaxpr

from jaxmt import Data, LeastSquares, Mesh, Pardiso, SuperLU, Survey, invert, programs, simulate
from jaxmt.simulation.solvers.host import workers


def an_inversion(number):
    """Three iterations on a mesh and with stations that no other number has."""
    z = np.concatenate([-np.geomspace(3e4, 300, 4), [0.0], np.geomspace(30, 3e4, 8)])
    mesh = Mesh(np.linspace(-3e4, 3e4, 9 + number), z)
    survey = Survey(np.geomspace(10.0, 0.1, 3), np.linspace(-4e3, 4e3, 2 + number))
    section = np.full(mesh.shape, 100.0)
    section[2:4] = 10.0
    data = Data.from_responses(simulate(mesh, survey, section), 0.03)
    return invert(data, mesh, 100.0, LeastSquares(), max_iterations=3, target=0.01)


def kept():
    """How many programs predict: one for each problem."""
    predicting = {program for program in programs._functions if program.__name__ == "_predict"}
    return sum(program._cache_size() for program in predicting)


def traced():
    """How many programs JAX keeps as it traced them."""
    return sum(isinstance(thing, Jaxpr) for thing in gc.get_objects())


@pytest.fixture
def two(monkeypatch):
    """Nothing is kept yet, and at most two problems will be."""
    monkeypatch.setattr(programs, "PROBLEMS", 0)
    programs.make_room("none")
    monkeypatch.setattr(programs, "PROBLEMS", 2)
    programs._problems.clear()


def test_programs_of_so_many_problems_are_kept_and_no_more(two):
    """A problem that comes again compiles nothing; one too many takes the place of those before."""
    counts, before = [], traced()
    for number in (0, 1, 0, 1, 2, 2):
        an_inversion(number)
        counts.append(kept())
    assert counts == [1, 2, 2, 2, 1, 1]
    for problem in range(3):
        programs.make_room(problem)
    # Of each shape some 500 would be left.
    assert traced() < before + 200


def test_the_programs_of_the_user_stay(two):
    calls = []

    @jax.jit
    def mine(x):
        calls.append(x.shape)
        return jnp.sin(x) + 1

    mine(jnp.ones(5))
    for problem in range(5):
        programs.make_room(problem)
    mine(jnp.ones(5))
    assert calls == [(5,)]


def test_an_inversion_whose_programs_were_dropped_ends_the_same(two):
    first = an_inversion(0)
    for problem in range(3):
        programs.make_room(problem)
    assert kept() == 0
    np.testing.assert_array_equal(an_inversion(0).resistivity, first.resistivity)


@pytest.mark.parametrize("solver", [SuperLU(threads=1), Pardiso(threads=1)], ids=lambda s: type(s).__name__)
def test_what_solvers_know_of_a_matrix_is_dropped_with_the_programs(solver, two):
    if isinstance(solver, Pardiso) and not Pardiso.is_installed():
        pytest.skip("needs the extra `fast`")
    (worker,) = workers(solver)
    parts = (np.full((3, 4), 5.0 + 0j), np.ones((2, 4)), np.ones((3, 3)))
    rhs = np.ones((1, 3, 4), dtype=complex)
    for last in (True, False):
        found = worker.run(worker.solve, parts, rhs, last).result()
    assert worker.store
    for problem in range(3):
        programs.make_room(problem)
    assert not worker.store
    assert not getattr(worker.factoriser, "idle", ())
    np.testing.assert_array_equal(worker.run(worker.solve, parts, rhs, True).result(), found)


def doubled(x):
    return 2 * x


def test_options_apply_to_programs_of_the_package_alone():
    """Within a program of the user's they would raise; there the same function has none."""
    quick = programs.compiled(doubled, programs.UNOPTIMISED)
    assert quick(jnp.ones(3)).sum() == 6
    assert jax.jit(lambda x: quick(x) + 1)(jnp.ones(3)).sum() == 9
    assert jax.grad(lambda x: quick(x).sum())(jnp.ones(3)).sum() == 6
    assert jax.jit(jax.grad(lambda x: quick(x).sum()))(jnp.ones(3)).sum() == 6
    assert jax.vmap(quick)(jnp.ones((2, 3))).sum() == 12


def test_options_that_xla_does_not_know_do_not_count(monkeypatch):
    monkeypatch.setattr(programs, "_refused", set())
    quick = programs.compiled(doubled, {"xla_of_another_version": True})
    assert quick(jnp.ones(3)).sum() == 6
    assert programs._refused == {programs.UNKNOWN}
    assert quick(jnp.ones(4)).sum() == 8


def test_other_faults_of_a_program_with_options_are_raised(monkeypatch):
    monkeypatch.setattr(programs, "_refused", set())
    quick = programs.compiled(doubled, {"xla_backend_optimization_level": "none"})
    with pytest.raises(jax.errors.JaxRuntimeError, match="xla_backend_optimization_level"):
        quick(jnp.ones(3))


def test_options_are_for_processors_alone(monkeypatch):
    """Of another device XLA may not know them, or take them for its own."""
    monkeypatch.setattr(jax, "default_backend", lambda: "tpu")
    quick = programs.compiled(doubled, {"xla_of_another_version": True})
    monkeypatch.setattr(programs, "_refused", set())
    assert quick(jnp.ones(3)).sum() == 6
    assert programs._refused == set()
