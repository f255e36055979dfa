import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxmt.conventions import MU_0
from jaxmt.simulation import layered

OMEGAS = 2 * np.pi * np.geomspace(1e3, 1e-4, 8)
# Closed forms and recursion are both a few roundings; 1e-10 is the accuracy the package states.
EXACT = 1e-10


compiled_impedances, compiled_fields = jax.jit(layered.impedances), jax.jit(layered.fields)


def impedances(*arguments):
    return np.asarray(compiled_impedances(*(jnp.asarray(v, dtype=float) for v in arguments)))


def fields(*arguments):
    return compiled_fields(*(jnp.asarray(v, dtype=float) for v in arguments))


def waves(omega, resistivity):
    """Wave number and intrinsic impedance."""
    k = np.sqrt(1j * omega * MU_0 / np.asarray(resistivity))
    return k, 1j * omega * MU_0 / k


def fields_by_matching(omega, resistivity, thickness):
    """E and H at the top of every layer, from one dense system for all up- and down-going waves.

    In layer j, E = a e^{-k (z - top)} + b e^{k (z - bottom)} and H = -E' / (i omega mu_0).
    """
    k, zeta = waves(omega, resistivity)
    n = len(thickness)
    decay = np.append(np.exp(-k[:-1] * thickness), 0.0)
    matrix = np.zeros((2 * n + 1, 2 * n + 1), complex)
    for j in range(n):
        electric, magnetic = matrix[1 + 2 * j], matrix[2 + 2 * j]
        electric[2 * j : 2 * j + 2] = decay[j], 1
        magnetic[2 * j : 2 * j + 2] = np.array([decay[j], -1]) / zeta[j]
        here = np.array([1, decay[j + 1]])[: 2 if j + 1 < n else 1]
        electric[2 * j + 2 : 2 * j + 2 + here.size] = -here
        magnetic[2 * j + 2 : 2 * j + 2 + here.size] = -here * [1, -1][: here.size] / zeta[j + 1]
    matrix[0, : min(2, 2 * n + 1)] = np.array([1, -decay[0]])[: min(2, 2 * n + 1)] / zeta[0]
    amplitude = np.append(np.linalg.solve(matrix, np.eye(2 * n + 1)[0]), 0.0).reshape(-1, 2)
    a, b = amplitude.T
    return a + b * decay, (a - b * decay) / zeta


@pytest.mark.parametrize("resistivity", [0.1, 100.0, 1e5])
def test_half_space_has_its_own_resistivity_and_45_degrees(resistivity):
    for omega in OMEGAS:
        z = impedances(omega, [resistivity], [])[0]
        np.testing.assert_allclose(abs(z) ** 2 / (omega * MU_0), resistivity, rtol=EXACT)
        np.testing.assert_allclose(np.angle(z, deg=True), 45, rtol=EXACT)


@pytest.mark.parametrize(("top", "bottom"), [(10.0, 1000.0), (1000.0, 10.0), (3.0, 3.0)])
@pytest.mark.parametrize("h", [20.0, 1000.0, 50e3])
def test_two_layers_match_the_reflection_coefficient(top, bottom, h):
    for omega in OMEGAS:
        k, zeta = waves(omega, [top, bottom])
        reflected = (zeta[1] - zeta[0]) / (zeta[1] + zeta[0]) * np.exp(-2 * k[0] * h)
        expected = zeta[0] * (1 + reflected) / (1 - reflected)
        np.testing.assert_allclose(impedances(omega, [top, bottom], [h])[0], expected, rtol=EXACT)


def test_layer_over_a_conductor_or_an_insulator_is_tanh_or_coth():
    for omega in OMEGAS:
        k, zeta = waves(omega, 100.0)
        tanh = np.tanh(k * 2000.0)
        # The basement of 1e-20 (1e26) ohm m differs from the limit by the ratio of the two zeta, 1e-11.
        conductor = impedances(omega, [100.0, 1e-20], [2000.0])[0]
        np.testing.assert_allclose(conductor, zeta * tanh, rtol=1e-7)
        insulator = impedances(omega, [100.0, 1e26], [2000.0])[0]
        np.testing.assert_allclose(insulator, zeta / tanh, rtol=1e-7)


def test_splitting_layers_changes_nothing():
    resistivity, thickness = np.array([30.0, 500.0, 5.0]), np.array([700.0, 9000.0])
    parts = 7
    for omega in OMEGAS:
        whole = impedances(omega, resistivity, thickness)
        split = impedances(
            omega,
            np.append(np.repeat(resistivity[:-1], parts), resistivity[-1]),
            np.repeat(thickness / parts, parts),
        )
        np.testing.assert_allclose(split[::parts], whole, rtol=EXACT)


@pytest.mark.parametrize("layers", [0, 1, 4, 60])
def test_fields_match_a_dense_solution_for_all_waves(layers):
    rng = np.random.default_rng(layers)
    resistivity = 10 ** rng.uniform(0, 4, layers + 1)
    thickness = np.geomspace(20, 5e3, layers)
    for omega in OMEGAS:
        electric, magnetic = fields_by_matching(omega, resistivity, thickness)
        ours = fields(omega, resistivity, thickness)
        # Relative to the surface: the dense solution carries its rounding down to fields of 1e-100.
        np.testing.assert_allclose(ours.magnetic, magnetic, rtol=EXACT, atol=EXACT)
        np.testing.assert_allclose(ours.electric, electric, rtol=EXACT, atol=EXACT * abs(electric[0]))
        np.testing.assert_allclose(
            ours.electric[0], impedances(omega, resistivity, thickness)[0], rtol=1e-14
        )


def test_thick_layers_neither_overflow_nor_lose_the_gradient():
    omega, resistivity, thickness = jnp.array(2e3), jnp.array([1.0, 1e3, 10.0]), jnp.array([1e8, 1e8])
    result = layered.fields(omega, resistivity, thickness)
    _, zeta = waves(2e3, np.array(resistivity))
    np.testing.assert_allclose(result.electric[0], zeta[0], rtol=EXACT)
    np.testing.assert_array_equal(result.magnetic[1:], 0)

    def size(r, h):
        f = layered.fields(omega, r, h)
        return jnp.sum(jnp.abs(f.electric[:1])) + jnp.sum(jnp.real(f.magnetic))

    by_resistivity, by_thickness = jax.grad(size, argnums=(0, 1))(resistivity, thickness)
    # d|zeta|/d rho of the top layer, and from below it no more than the rounding of that.
    top = 0.5 * abs(zeta[0])
    np.testing.assert_allclose(by_resistivity, [top, 0, 0], rtol=EXACT, atol=1e-16 * top)
    np.testing.assert_array_equal(by_thickness, 0)


@pytest.mark.parametrize("omega", [600.0, 6.0, 0.06])
def test_derivatives_match_finite_differences(omega):
    """Of all fields by the logarithm of each resistivity and thickness."""

    @jax.jit
    def response(logs):
        f = layered.fields(jnp.array(omega), jnp.exp(logs[:4]), jnp.exp(logs[4:]))
        both = jnp.concatenate([f.electric, f.magnetic])
        return jnp.concatenate([jnp.real(both), jnp.imag(both)])

    logs = jnp.log(jnp.array([50.0, 5.0, 800.0, 20.0, 300.0, 1500.0, 8000.0]))
    jacobian = jax.jit(jax.jacrev(response))(logs)
    h = 1e-4
    central = [(response(logs + h * e) - response(logs - h * e)) / (2 * h) for e in jnp.eye(7)]
    # Truncation h^2 and rounding 1e-16/h both stay below 1e-7 of the largest entry.
    np.testing.assert_allclose(jacobian, jnp.stack(central, axis=1), atol=1e-7 * np.abs(jacobian).max())
