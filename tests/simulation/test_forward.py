import os
import subprocess
import sys

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from identities import present

from jaxmt import Mesh, MeshWarning, Survey, simulate
from jaxmt.simulation import layered

coarse = pytest.mark.filterwarnings("ignore::jaxmt.MeshWarning")

FREQUENCIES = np.array([30.0, 1.0, 0.03])
Y = np.array([-9e3, -4e3, -1.5e3, -300.0, 0.0, 500.0, 2e3, 5e3, 8e3])
Z = np.array([-9e3, -3e3, -1e3, -200.0, 0.0, 100.0, 300.0, 800.0, 2e3, 5e3, 1e4])
SMALL = Mesh(Y, Z)
SURVEY = Survey(np.array([10.0, 0.1]), np.array([-2e3, 100.0, 3e3]))


def a_section(mesh, seed=0):
    return 10 ** np.random.default_rng(seed).uniform(0, 3, mesh.shape)


def parts(responses):
    """`z_xy`, `z_yx` and `tipper` of a survey of both modes."""
    return present(responses.z_xy), present(responses.z_yx), present(responses.tipper)


def test_half_space():
    survey = Survey(FREQUENCIES, np.array([-5e3, 0.0, 1e3]))
    mesh = Mesh.design(survey, 100.0)
    r = simulate(mesh, survey, np.full(mesh.shape, 100.0))
    # `Mesh.design` states 1e-3 of rho for its default growth, which is 0.5e-3 rad of the phase.
    for rho, phase in ((r.rho_xy, r.phase_xy), (r.rho_yx, r.phase_yx)):
        np.testing.assert_allclose(rho, 100.0, rtol=1e-3)
        np.testing.assert_allclose(phase, 45.0, atol=np.rad2deg(0.5e-3))
    # The tipper is the difference of equal fields over a cell, divided by a small omega mu_0.
    np.testing.assert_allclose(present(r.tipper), 0, atol=1e-6)


@pytest.mark.parametrize(
    ("resistivity", "thickness"),
    [
        ([100.0, 10.0, 1000.0, 30.0], [500.0, 1500.0, 20e3]),
        ([10.0, 1000.0, 10.0], [300.0, 10e3]),
        ([1000.0, 1.0, 100.0], [2000.0, 3000.0]),
    ],
    ids=["four layers", "resistor", "conductor"],
)
def test_layered_earth(resistivity, thickness):
    survey = Survey(FREQUENCIES, np.array([0.0, 2e3]))
    contacts = np.cumsum(thickness)
    mesh = Mesh.design(survey, (min(resistivity), max(resistivity)), z_contacts=tuple(contacts))
    column = np.array(resistivity)[np.searchsorted(contacts, mesh.z_centres)]
    r = simulate(mesh, survey, np.tile(column[:, None], mesh.n_y))
    arrays = jnp.array(resistivity), jnp.array(thickness)
    surface = jax.vmap(lambda omega: layered.impedances(omega, *arrays)[0])
    exact = np.asarray(surface(jnp.asarray(2 * np.pi * FREQUENCIES)))[:, None]
    # The package states 1e-3, of rho and of the phase in rad.
    for z in (np.asarray(r.z_xy), -np.asarray(r.z_yx)):
        np.testing.assert_allclose(np.abs(z) ** 2, np.broadcast_to(np.abs(exact) ** 2, z.shape), rtol=1e-3)
        np.testing.assert_allclose(np.angle(z / exact), 0, atol=1e-3)


@coarse
def test_mirrored_section_gives_mirrored_responses():
    section = a_section(SMALL)
    r = simulate(SMALL, SURVEY, section)
    mirror = Mesh(-Y[::-1], Z)
    flipped = Survey(SURVEY.frequencies, -SURVEY.stations)
    m = simulate(mirror, flipped, section[:, ::-1])
    # Another order of elimination.
    (te, tm, tipper), (m_te, m_tm, m_tipper) = parts(r), parts(m)
    np.testing.assert_allclose(m_te, te, rtol=1e-10)
    np.testing.assert_allclose(m_tm, tm, rtol=1e-10)
    np.testing.assert_allclose(m_tipper, -tipper, rtol=1e-10)


@coarse
def test_signs_over_a_conductor_on_the_right():
    """With x forward, y right and z down, a current along +x below and right has H_y > 0 and H_z < 0."""
    section = np.full(SMALL.shape, 100.0)
    section[2:4, 5:7] = 1.0
    r = simulate(SMALL, Survey(np.array([1.0]), np.array([-1500.0, 6e3])), section)
    z_xy, z_yx, tipper = parts(r)
    left, right = np.real(tipper[0])
    assert left < -0.02
    assert right > 0.02
    # Impedances of e^{+i w t}: E_x/H_y in the first quadrant, E_y/H_x in the third.
    assert np.all((np.real(z_xy) > 0) & (np.imag(z_xy) > 0))
    assert np.all((np.real(z_yx) < 0) & (np.imag(z_yx) < 0))


@coarse
def test_scaling_of_resistivity_and_frequency():
    """Fields depend on rho / f alone, so that (s rho, s f) gives s Z and the same tipper."""
    s, section = 16.0, a_section(SMALL)
    r = simulate(SMALL, SURVEY, section)
    scaled = simulate(SMALL, Survey(s * SURVEY.frequencies, SURVEY.stations), s * section)
    (te, tm, tipper), (scaled_te, scaled_tm, scaled_tipper) = parts(r), parts(scaled)
    np.testing.assert_allclose(scaled_te, s * te, rtol=1e-12)
    np.testing.assert_allclose(scaled_tm, s * tm, rtol=1e-12)
    np.testing.assert_allclose(scaled_tipper, tipper, rtol=1e-12)


@coarse
def test_station_on_a_contact_sees_the_cell_on_its_right():
    """TM: J_y is continuous, E_y = rho J_y is not; TE is continuous."""
    section = a_section(SMALL)
    step = 1e-6
    contact = Y[5]
    r = simulate(
        SMALL, Survey(np.array([1.0]), np.array([contact - step, contact, contact + step])), section
    )
    z_xy, z_yx, tipper = parts(r)
    # Fields change by 1e-6 m over scales of 100 m.
    np.testing.assert_allclose(z_yx[0, 1], z_yx[0, 2], rtol=1e-7)
    np.testing.assert_allclose(z_yx[0, 1] / z_yx[0, 0], section[0, 5] / section[0, 4], rtol=1e-7)
    np.testing.assert_allclose(z_xy[0, [0, 2]], z_xy[0, 1], rtol=1e-7)
    np.testing.assert_allclose(tipper[0, [0, 2]], tipper[0, 1], rtol=1e-6)


@coarse
def test_stations_and_frequencies_do_not_know_of_each_other():
    """Any order and spacing; stations on the very edge of the mesh included."""
    section = a_section(SMALL)
    survey = Survey(np.array([0.03, 30.0, 1.0]), np.array([3e3, Y[0], 17.0, Y[-1]]))
    all_at_once = simulate(SMALL, survey, section)
    one = simulate(SMALL, Survey(survey.frequencies[[2]], survey.stations[[2]]), section)
    for name in ("z_xy", "z_yx", "tipper"):
        # XLA may sum in another order for another shape.
        np.testing.assert_allclose(getattr(all_at_once, name)[2, 2], getattr(one, name)[0, 0], rtol=1e-12)
        assert np.isfinite(getattr(all_at_once, name)).all()


@coarse
def test_a_mode_alone_is_the_same_as_in_company():
    section = a_section(SMALL)
    z_xy, z_yx, tipper = parts(simulate(SMALL, SURVEY, section))
    te = simulate(SMALL, Survey(SURVEY.frequencies, SURVEY.stations, ("te",)), section)
    tm = simulate(Mesh(Y, Z[4:]), Survey(SURVEY.frequencies, SURVEY.stations, ("tm",)), section)
    np.testing.assert_allclose(present(te.z_xy), z_xy, rtol=1e-12)
    np.testing.assert_allclose(present(te.tipper), tipper, rtol=1e-12)
    np.testing.assert_allclose(present(tm.z_yx), z_yx, rtol=1e-12)
    assert te.z_yx is None
    assert tm.z_xy is None
    assert tm.tipper is None


@pytest.mark.parametrize("shape", [(10, 8), (6, 9), (8, 6), (48,), (1, 6, 8)])
def test_wrong_shape_is_refused(shape):
    with pytest.raises(ValueError, match=r"must have shape \(earth rows, columns\) = \(6, 8\)") as error:
        simulate(SMALL, SURVEY, np.full(shape, 100.0))
    assert str(shape) in str(error.value)


@pytest.mark.parametrize("bad", [np.nan, np.inf, 0.0, -5.0])
def test_resistivity_that_is_not_positive_and_finite_is_refused(bad):
    section = a_section(SMALL)
    section[3, 2] = bad
    with pytest.raises(ValueError, match=rf"positive and finite, in ohm m.*Got {bad} in row 3, column 2"):
        simulate(SMALL, SURVEY, section)


@coarse
def test_traced_resistivity_that_is_not_positive_raises_at_run_time():
    total = eqx.filter_jit(lambda rho: jnp.sum(jnp.abs(present(simulate(SMALL, SURVEY, rho).z_yx))))
    section = jnp.asarray(a_section(SMALL))
    assert np.isfinite(total(section))
    for bad in (0.0, -1.0, jnp.nan):
        with pytest.raises(jax.errors.JaxRuntimeError, match="positive and finite, in ohm m"):
            total(section.at[0, 0].set(bad)).block_until_ready()


def test_station_outside_is_refused():
    with pytest.raises(ValueError, match=r"1 of 2 stations lie outside the mesh.*8001.0 m"):
        simulate(SMALL, Survey(np.array([1.0]), np.array([0.0, 8001.0])), a_section(SMALL))


@coarse
def test_te_without_air_is_refused():
    with pytest.raises(ValueError, match=r"TE mode needs air.*`mesh.with_air\(\)`"):
        simulate(Mesh(Y, Z[4:]), SURVEY, a_section(SMALL))


def test_a_mesh_that_does_not_suit_the_survey_warns():
    with pytest.warns(MeshWarning, match=r"first earth row is 100 m high.*`Mesh.design"):
        simulate(SMALL, Survey(np.array([1e4]), np.array([0.0])), np.full(SMALL.shape, 1.0))


def test_single_precision_is_refused_with_the_remedy():
    code = "import numpy, jaxmt; jaxmt.Mesh(numpy.arange(3.0), numpy.arange(3.0))"
    environment = {k: v for k, v in os.environ.items() if k != "JAX_ENABLE_X64"}
    run = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert run.returncode != 0
    assert "RuntimeError: jaxmt needs double precision" in run.stderr
    assert "JAX_ENABLE_X64=1" in run.stderr


@coarse
def test_a_system_without_a_finite_solution_is_named():
    """Resistivities so large that their products overflow."""
    survey = Survey([1.0], [0.0], modes=("tm",))
    mesh = Mesh(np.linspace(-2e3, 2e3, 5), np.linspace(0, 2e3, 5))
    with pytest.raises(FloatingPointError, match="no finite z_yx at 1 Hz.*extreme values"):
        simulate(mesh, survey, np.full(mesh.shape, 1e308))
