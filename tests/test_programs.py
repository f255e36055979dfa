import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxmt import Data, LeastSquares, Mesh, Survey, invert, programs, simulate
from jaxmt.inversion.optimisers.abstract import _predicted, _predicted_by_host


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
    return sum(program._cached._cache_size() for program in (_predicted, _predicted_by_host))


@pytest.fixture
def two(monkeypatch):
    """Nothing is kept yet, and at most two problems will be."""
    monkeypatch.setattr(programs, "PROBLEMS", 0)
    programs.make_room("none")
    monkeypatch.setattr(programs, "PROBLEMS", 2)
    programs._problems.clear()


def test_programs_of_so_many_problems_are_kept_and_no_more(two):
    """A problem that comes again compiles nothing; one too many takes the place of those before."""
    counts = []
    for number in (0, 1, 0, 1, 2, 2):
        an_inversion(number)
        counts.append(kept())
    assert counts == [1, 2, 2, 2, 1, 1]


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
