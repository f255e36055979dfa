"""Small sections with soundings and uncertainty, made by hand: nothing is simulated."""

import base64

import jax.numpy as jnp
import numpy as np

from jaxmt import Data, Mesh, Survey
from jaxmt.field.fit import Fit
from jaxmt.inversion.appraisal import Uncertainty
from jaxmt.inversion.parametrisation import Cells
from jaxmt.inversion.result import Ending, Result
from jaxmt.simulation.responses import Responses

HOSTILE = ("<script>alert(1)</script>", "$b_{$c", "\"q\" 's' </script><!-- ]]>", "a\0b\nc", "&amp;")
"""Names that a page must show as text."""


PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
)
"""A PNG of one black pixel."""


def a_survey(names=HOSTILE):
    """Stations 2 km apart about 0 and four frequencies."""
    stations = 2e3 * (np.arange(len(names)) - (len(names) - 1) / 2)
    return Survey(np.geomspace(100.0, 0.1, 4), stations, names=tuple(names))


def a_mesh(half=10e3, deep=8e3):
    """Cells 1 km wide and 0.5 km high."""
    return Mesh(
        np.arange(-half, half + 1, 1e3), np.concatenate([[-1e4, -1e3], np.arange(0, deep + 1, 500.0)])
    )


def a_section(mesh, level=2.0):
    """log10 of it grows along the line and with depth, so that no two cells are alike."""
    y, z = np.arange(mesh.n_y), np.arange(mesh.n_earth)[:, None]
    return 10 ** (level + 0.011 * y + 0.003 * z)


def some_data(survey, shift=0.0):
    """Data that differ from station to station and their errors, and responses `shift` errors away."""
    shape = (6, survey.frequencies.size, survey.stations.size)
    values = np.full(shape, np.nan)
    values[[0, 2]] = 2.0 + 0.1 * (np.arange(shape[2]) % 100)
    values[[1, 3]] = 45.0 + np.arange(shape[1])[:, None]
    errors = np.broadcast_to(np.array([0.05, 3.0, 0.05, 3.0, 1.0, 1.0])[:, None, None], shape)
    return Data(survey, values, errors), np.nan_to_num(values) + shift * errors


def an_uncertainty(mesh, reach=4e3, deviation=0.2):
    """The data see sharply down to `reach`, m, and nothing below."""
    whole = np.ones(mesh.shape)
    seen = np.where(mesh.z_centres[:, None] < reach, 100.0, 0.1) * whole
    return Uncertainty(mesh, deviation * whole, whole, 0.5 * whole, 0.0 * whole, seen, 1.0)


def a_fit(name="l2", *, survey=None, shift=1.0, level=2.0, ending=Ending.TARGET):
    """An inversion by a misfit whose nRMS is `shift`."""
    survey, mesh = survey or a_survey(), a_mesh()
    data, predicted = some_data(survey, shift)
    nothing = jnp.zeros((survey.frequencies.size, survey.stations.size), complex)
    rho = a_section(mesh, level)
    cells = Cells(mesh)
    result = Result(
        mesh,
        data,
        rho,
        Responses(survey, nothing, nothing, None),
        np.zeros((2, survey.stations.size)),
        predicted,
        shift,
        {"nrms": [2.0, shift], "seconds": [0.0, 1.0]},
        ending,
        "made by hand",
        cells,
        cells.start(rho),
    )
    return Fit(name, result, an_uncertainty(mesh))
