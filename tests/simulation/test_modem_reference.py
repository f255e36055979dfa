"""ModEM's own forward responses, J dm and J^T d of its 2-D BLOCK2 example, on ModEM's mesh."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from identities import present

from jaxmt import Mesh, Survey, jacobian_vector_product, simulate, vector_jacobian_product
from jaxmt.conventions import MU_0


def read_model(path):
    """Column widths, row heights and cell values, as they stand in the file."""
    head, _, body = path.read_text().partition("\n")
    ny, nz = (int(n) for n in head.split()[:2])
    numbers = np.array(body.split(), dtype=float)
    dy, dz, values = np.split(numbers[: ny + nz + 1 + ny * nz], [ny, ny + nz])
    return dy, dz, values[1:].reshape(nz, ny)


def read_impedance(path):
    """Periods, stations, and E/B in V/m/T (TE, TM) x period x station, turned to e^{+i w t}."""
    lines = [line.split() for line in path.read_text().splitlines() if line and line[0] not in "#>"]
    periods, sites = (sorted({float(line[k]) for line in lines}) for k in (0, 5))
    z = np.full((2, len(periods), len(sites)), np.nan, complex)
    for line in lines:
        where = ["TE", "TM"].index(line[7]), periods.index(float(line[0])), sites.index(float(line[5]))
        z[where] = float(line[8]) - 1j * float(line[9])
    return np.array(periods), np.array(sites), z


@pytest.fixture(scope="module")
def block2(data_folder):
    folder = data_folder / "modem2d_block2"
    if not folder.is_dir():
        pytest.skip(f"needs {folder}")
    return folder


@pytest.fixture(scope="module")
def problem(block2):
    """ln resistivity of the model, and the function from it to (re, im) x (TE, TM) impedance in V/m/T."""
    dy, dz, log_resistivity = read_model(block2 / "m0.rho")
    air = -np.cumsum(dz[0] * 3.0 ** np.arange(10))[::-1]
    mesh = Mesh(np.append(0, np.cumsum(dy)), np.concatenate([air, [0], np.cumsum(dz)]))
    periods, sites, _ = read_impedance(block2 / "d0_JT.dat")
    survey = Survey(1 / periods, sites)

    @jax.jit
    def impedance(log_rho):
        r = simulate(mesh, survey, jnp.exp(log_rho))
        z = jnp.stack([present(r.z_xy), present(r.z_yx)]) / MU_0
        return jnp.stack([jnp.real(z), jnp.imag(z)])

    return jnp.asarray(log_resistivity), impedance


def test_impedances(block2, problem):
    """Stations on vertical contacts included: both codes give them the cell on the right."""
    log_resistivity, impedance = problem
    ours = np.asarray(jax.lax.complex(*impedance(log_resistivity)))
    theirs = read_impedance(block2 / "d0_JT.dat")[2]
    te, tm = np.abs(ours / theirs - 1)
    # TM is the same scheme; the surface derivative differs where the mesh is coarse.
    assert np.median(tm) < 1e-5
    assert tm.max() < 1e-3
    # TE: ModEM has another condition at the top of the air, 295 km up.
    assert np.median(te) < 2e-3
    assert te.max() < 1e-2


def test_product_with_the_jacobian(block2, problem):
    log_resistivity, impedance = problem
    change = jnp.asarray(read_model(block2 / "dm.rho")[2])
    ours = np.asarray(jax.lax.complex(*jacobian_vector_product(impedance, log_resistivity, change)))
    theirs = read_impedance(block2 / "Jxdm_JT.dat")[2]
    te, tm = (np.linalg.norm(a - b) / np.linalg.norm(b) for a, b in zip(ours, theirs, strict=True))
    # The file has 7 digits, its TM agrees to 1e-4; TE carries the difference of the fields above.
    assert tm < 3e-4
    assert te < 1e-2


def test_product_with_the_transposed_jacobian(block2, problem):
    """ModEM writes d/d(ln rho) of sum(Re d Re Z + Im d Im Z), Z and d in V/m/T, unweighted."""
    log_resistivity, impedance = problem
    d = read_impedance(block2 / "d_JT.dat")[2]
    both = jnp.asarray(np.stack([np.real(d), np.imag(d)]))
    ours = np.asarray(vector_jacobian_product(impedance, log_resistivity, both))
    theirs = read_model(block2 / "JTxd_JT.rho")[2]
    # 6 digits in the file, and the difference of the fields; TM outweighs TE.
    assert np.linalg.norm(ours - theirs) < 1e-4 * np.linalg.norm(theirs)
