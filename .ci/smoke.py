"""The installed package in a minute: simulation, gradient, inversion by transport, EDI files, a figure.

`python smoke.py FOLDER` runs outside the repository and leaves small EDI files in FOLDER/edi.
"""

import sys
import warnings
from pathlib import Path

import jax

jax.config.update("jax_enable_x64", True)

import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402

import jaxmt  # noqa: E402
from jaxmt.processing.site import Site  # noqa: E402

METRES_PER_DEGREE = 111_319.5
"""Along the equator."""


def main(folder: Path) -> None:
    """Raises if anything is wrong."""
    print(f"jaxmt {jaxmt.__version__} from {Path(jaxmt.__file__).parent}, jax {jax.__version__}")
    warnings.simplefilter("ignore", jaxmt.MeshWarning)
    mesh = jaxmt.Mesh(np.linspace(-8e3, 8e3, 17), np.array([-8e3, -2e3, 0, 300, 800, 1500, 3e3, 6e3, 2e4]))
    survey = jaxmt.Survey([10.0, 3.0, 1.0, 0.3, 0.1], [-3000.0, -1000.0, 1000.0, 3000.0])
    true = jnp.full(mesh.shape, 100.0).at[1:3, 6:9].set(10.0)
    responses = jaxmt.simulate(mesh, survey, true)

    # One program for the gradient and for the differences that it is compared with.
    @jax.jit
    @jax.value_and_grad
    def squares(log_rho: jax.Array) -> jax.Array:
        found = jaxmt.simulate(mesh, survey, jnp.exp(log_rho))
        return jnp.sum(jnp.square(found.components[:4] - responses.components[:4]))

    start = jnp.full(mesh.shape, jnp.log(80.0))
    value, slope = squares(start)
    change = 1e-4 * slope / jnp.linalg.norm(slope)
    expected = float(jnp.vdot(slope, change))
    # The error of central differences is of second order.
    found = float(squares(start + change)[0] - squares(start - change)[0]) / 2
    assert value > 0
    assert abs(found / expected - 1) < 1e-4, (found, expected)

    data = jaxmt.Data.from_responses(responses, relative_error=0.05)
    result = jaxmt.invert(data, mesh, start=80.0, misfit=jaxmt.CloudTransport(), max_iterations=3)
    nrms = result.history["nrms"]
    assert nrms[-1] < nrms[0], nrms

    sites = [station(responses, k) for k in range(len(survey.stations))]
    (folder / "edi").mkdir(parents=True)
    for site in sites:
        jaxmt.io.write_edi(folder / "edi" / f"{site.name}.edi", site)
    again = jaxmt.io.read(folder / "edi")
    assert len(again.sites) == len(sites)
    # The format has 13 digits.
    np.testing.assert_allclose(again.sites[1].z, sites[1].z, rtol=1e-11)

    figure = Figure()
    jaxmt.plot.section(figure.subplots(), mesh, result.resistivity, stations=survey.stations)
    figure.savefig(folder / "section.png")


def station(responses: jaxmt.Responses, k: int) -> Site:
    """Station k of a line to the east, whose strike is north, with errors of 5 per cent."""
    survey = responses.survey
    z = np.zeros((survey.frequencies.size, 2, 2), dtype=complex)
    z[:, 0, 1], z[:, 1, 0] = responses.z_xy[:, k], responses.z_yx[:, k]
    nothing = np.full((len(z), 2), np.nan)
    return Site(
        name="ABCD"[k],
        latitude=0.0,
        longitude=survey.stations[k] / METRES_PER_DEGREE,
        elevation=0.0,
        frequencies=survey.frequencies,
        z=z,
        z_error=0.05 * np.abs(z).max(axis=(1, 2), keepdims=True) * np.ones((2, 2)),
        tipper=nothing + 0j,
        tipper_error=nothing,
        azimuth=np.zeros(len(z)),
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
