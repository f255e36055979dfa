"""The Niblett-Bostick transform: exact for a half-space, right in sense for layers."""

import numpy as np
import pytest

from jaxmt import Data, Mesh, Survey
from jaxmt.processing import bostick_section

SURVEY = Survey(np.geomspace(1e3, 1e-2, 21), [2e3, -1e3])
MESH = Mesh(np.linspace(-5e3, 5e3, 11), np.concatenate([[-1e3, 0.0], np.geomspace(10, 1e5, 40)]))


def data(rho, phase, missing=()):
    """The same curve at both stations and in both modes."""
    values = np.full((6, 21, 2), np.nan)
    values[[0, 2]] = np.broadcast_to(np.log10(rho), 21)[:, None]
    values[[1, 3]] = np.broadcast_to(phase, 21)[:, None]
    for index in missing:
        values[index] = np.nan
    return Data(SURVEY, values, np.ones(values.shape))


def test_a_half_space_comes_back():
    # Rounding only.
    np.testing.assert_allclose(bostick_section(data(30.0, 45.0), MESH), 30.0, rtol=1e-12)


def test_a_phase_below_45_degrees_means_more_resistive_below():
    # rho_a growing as the square root of T has, in Bostick's sense, a phase of 22.5 degrees and 3 rho_a.
    rho = 10 * (SURVEY.frequencies / 1e3) ** -0.5
    section = bostick_section(data(rho, 22.5), MESH)
    assert np.all(np.diff(section[:, 0]) >= -1e-9)
    depth = np.sqrt(rho / (2 * np.pi * SURVEY.frequencies * 4e-7 * np.pi))
    expected = np.interp(np.log10(MESH.z_centres), np.log10(depth), np.log10(3 * rho))
    np.testing.assert_allclose(np.log10(section[:, 4]), expected, rtol=1e-9)


def test_what_is_missing_is_left_to_the_others():
    # TM of one station, a phase of the other, and a whole station.
    section = bostick_section(data(30.0, 45.0, [(2, slice(None), 0), (1, 3, 1)]), MESH)
    np.testing.assert_allclose(section, 30.0, rtol=1e-12)
    alone = data(30.0, 45.0, [(slice(None), slice(None), 0)])
    np.testing.assert_allclose(bostick_section(alone, MESH), 30.0, rtol=1e-12)


def test_extremes_are_moved_and_bad_input_refused():
    assert bostick_section(data(30.0, 89.0), MESH, low=2.0).min() == pytest.approx(2.0)
    with pytest.raises(ValueError, match="0 < low < high"):
        bostick_section(data(30.0, 45.0), MESH, low=5.0, high=5.0)
    phases = data(30.0, 45.0, [(0,), (2,)])
    with pytest.raises(ValueError, match="Got none"):
        bostick_section(phases, MESH)
