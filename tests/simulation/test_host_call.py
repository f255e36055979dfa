import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxmt.simulation.solvers.host_call import host_call, require

THREE = jax.ShapeDtypeStruct((3,), float)
FAILURES = (ValueError, jax.errors.JaxRuntimeError)
"""As what an error of XLA arrives: the second where a program ends after its call has returned."""


def double(result, values):
    result[...] = 2 * values


def test_a_function_under_a_name_gives_its_values():
    values = np.array([1.0, -2.0, 0.5])
    found = jax.jit(lambda x: host_call("test double", double, THREE, x))(values)
    # A doubling is exact.
    np.testing.assert_array_equal(found, 2 * values)


@pytest.mark.parametrize("kind", [bool, np.int32, np.int64, np.float32, float, np.complex64, complex])
def test_every_kind_of_number_arrives_as_it_is(kind):
    values = np.arange(6).reshape(2, 3).astype(kind)

    def copy(result, given):
        assert given.dtype == kind
        result[...] = given

    found = host_call(
        "test copy", copy, jax.ShapeDtypeStruct(values.shape, values.dtype), jnp.asarray(values)
    )
    np.testing.assert_array_equal(found, values)


def test_an_array_without_elements_arrives():
    nothing = jax.ShapeDtypeStruct((0, 3), float)
    assert host_call("test nothing", double, nothing, jnp.empty((0, 3))).shape == (0, 3)


def test_under_vmap_arguments_have_leading_axes_of_length_one_where_they_have_none():
    shapes = []

    def add(result, moved, fixed):
        shapes.append((result.shape, moved.shape, fixed.shape))
        result[...] = moved + fixed

    batch, fixed = np.arange(12.0).reshape(4, 3), jnp.array([10.0, 20.0, 30.0])
    found = jax.vmap(lambda x: host_call("test add", add, THREE, x, fixed))(batch)
    np.testing.assert_array_equal(found, batch + fixed)
    assert shapes == [((4, 3), (4, 3), (1, 3))]


def test_two_functions_of_one_name_do_not_mix():
    def first(result, values):
        result[...] = values + 1

    def second(result, values):
        result[...] = values + 2

    programs = [jax.jit(lambda x, f=f: host_call("test name", f, THREE, x)) for f in (first, second, first)]
    found = [program(np.zeros(3))[0].item() for program in programs]
    assert found == [1.0, 2.0, 1.0]


def test_an_exception_is_an_error_with_its_text_and_the_process_lives_on():
    def refuse(result, values):
        del result
        if values[0] < 0:
            raise ValueError("the first value is below zero")
        raise KeyError("a fault of the program")

    program = jax.jit(lambda x: host_call("test refuse", refuse, THREE, x))
    with pytest.raises(FAILURES, match="Traceback(.|\n)*the first value is below zero"):
        jax.block_until_ready(program(-np.ones(3)))
    with pytest.raises(FAILURES, match="Traceback(.|\n)*a fault of the program"):
        jax.block_until_ready(program(np.ones(3)))
    np.testing.assert_array_equal(host_call("test double", double, THREE, jnp.ones(3)), 2 * np.ones(3))


def test_require_raises_its_message_and_passes_good_values():
    @jax.jit
    def root(values):
        return jnp.sqrt(require(jnp.all(values >= 0), values, "`root` is of values from 0 on."))

    np.testing.assert_array_equal(root(np.array([4.0, 9.0])), [2.0, 3.0])
    with pytest.raises(FAILURES, match="`root` is of values from 0 on"):
        jax.block_until_ready(root(np.array([4.0, -9.0])))


def test_require_lets_gradients_through():
    slope = jax.grad(lambda x: require(x > 0, x, "positive") ** 2)(3.0)
    # d(x^2)/dx at 3, exact in binary.
    assert slope == 6.0


LOWERED = """
import sys
import jax, numpy as np
jax.config.update("jax_enable_x64", True)
import jaxmt

survey = jaxmt.Survey([1.0], [0.0])
mesh = jaxmt.Mesh(np.linspace(-4e4, 4e4, 9), np.array([-4e4, -1e4, 0.0, 1e3, 4e3, 2e4, 8e4]))

def phase(section):
    return jaxmt.simulate(mesh, survey, section, solver=jaxmt.SuperLU()).phase_xy.sum()

# Where functions lie in memory differs between processes, here certainly.
held = [bytearray(4096) for _ in range(int(sys.argv[1]))]
print(jax.jit(jax.grad(phase)).lower(np.full(mesh.shape, 100.0)).as_text())
"""


def test_the_text_of_a_program_does_not_depend_on_the_process():
    def lowered(number):
        command = [sys.executable, "-W", "ignore", "-c", LOWERED, str(number)]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    text = lowered(0)
    assert "jaxmt_host_call" in text
    assert lowered(5000) == text
