"""The numbers that a page draws from: those of the section as far as they are rounded, none left out."""

import json

import numpy as np
import pytest
from matplotlib.figure import Figure
from sections import HOSTILE, a_mesh, a_section, a_survey, an_uncertainty, some_data

from jaxmt import Mesh, plot
from jaxmt.report import Shown, section_numbers
from jaxmt.report.numbers import DEEPER, DEVIATION_UNIT, RHO_UNIT, SHADES


def shown(label="l2", survey=None, mesh=None, **changes):
    survey, mesh = survey or a_survey(), mesh or a_mesh()
    data, predicted = some_data(survey, 0.5)
    made = {"resistivity": a_section(mesh), "uncertainty": an_uncertainty(mesh), **changes}
    return Shown(label, mesh, made["resistivity"], data, predicted, made["uncertainty"])


def test_cells_come_back_to_the_digits_that_are_written():
    given = shown()
    found = json.loads(section_numbers([given], depth=3e3))
    section = found["sections"][0]
    mesh = given.mesh
    first = int(np.searchsorted(mesh.y_nodes / 1e3, section["y"][0]))
    rows, columns = len(section["z"]) - 1, len(section["y"]) - 1
    np.testing.assert_allclose(section["z"], mesh.earth_nodes[: rows + 1] / 1e3, rtol=1e-4)
    assert section["z"][-1] >= DEEPER * 3
    part = (slice(0, rows), slice(first, first + columns))
    rho = np.array(section["rho"]).reshape(rows, columns) / RHO_UNIT
    # Half of the last digit.
    np.testing.assert_allclose(rho, np.log10(given.resistivity[part]), rtol=0, atol=0.5001 / RHO_UNIT)
    deviation = np.array(section["deviation"]) / DEVIATION_UNIT
    np.testing.assert_allclose(deviation, 0.2, rtol=0, atol=0.5001 / DEVIATION_UNIT)
    trust = np.array(section["trust"]).reshape(rows, columns)
    assert set(np.unique(trust[mesh.z_centres[:rows] < 4e3])) == {100}
    assert set(np.unique(trust[mesh.z_centres[:rows] > 4e3])) == {0}


def test_soundings_come_with_errors_and_the_phases_nearest_to_the_data():
    survey = a_survey()
    data, predicted = some_data(survey, 0.5)
    turned = np.array(predicted)
    turned[1] += 360.0
    one = Shown("l2", a_mesh(), a_section(a_mesh()), data, turned, None)
    found = json.loads(section_numbers([one]))
    assert set(found["values"]) == {"log10_rho_xy", "phase_xy", "log10_rho_yx", "phase_yx"}
    values = np.array(found["values"]["phase_xy"]) / 10
    np.testing.assert_allclose(values, data.values[1].T, rtol=0, atol=0.0501)
    np.testing.assert_allclose(np.array(found["errors"]["log10_rho_yx"]) / 1000, 0.05, atol=0.0006)
    predicted_phase = np.array(found["sections"][0]["predicted"]["phase_xy"]) / 10
    np.testing.assert_allclose(predicted_phase, predicted[1].T, rtol=0, atol=0.0501)
    np.testing.assert_allclose(found["sections"][0]["nrms"], 0.5, rtol=1e-4)


def test_names_come_back_and_hold_nothing_that_ends_a_script():
    text = section_numbers([shown(HOSTILE[0]), shown(HOSTILE[2])])
    assert not set(text) & set("<>&\0\n")
    found = json.loads(text)
    assert tuple(s["name"] for s in found["stations"]) == HOSTILE
    assert [s["label"] for s in found["sections"]] == [HOSTILE[0], HOSTILE[2]]


def test_what_is_no_number_is_none():
    rho = a_section(a_mesh())
    rho[0, :] = np.nan
    found = json.loads(section_numbers([shown(resistivity=rho, uncertainty=None)], depth=3e3))
    section = found["sections"][0]
    width = len(section["y"]) - 1
    assert section["rho"][:width] == [None] * width
    assert None not in section["rho"][width:]
    assert (section["deviation"], section["trust"], section["reach"]) == (None, None, None)
    with pytest.raises(ValueError, match=r"must have sections of shape \(earth row, column\)"):
        section_numbers([shown(resistivity=rho[1:])])


def test_sections_of_other_stations_are_refused():
    with pytest.raises(ValueError, match="of the same stations and frequencies"):
        section_numbers([shown(), shown(survey=a_survey("ABC"))])
    with pytest.raises(ValueError, match="at least. Got none"):
        section_numbers([])


def test_a_single_station_shows_as_much_to_its_sides_as_below():
    found = json.loads(section_numbers([shown(survey=a_survey(["A"]))], depth=3e3))
    assert found["window"] == [-3.0, 3.0]
    assert found["depth"] == 3.0


def test_the_ground_comes_with_the_section():
    flat = a_mesh()
    surface = np.linspace(0.0, 400.0, flat.y_nodes.size)
    hill = Mesh(flat.y_nodes, flat.z_nodes, surface)
    found = json.loads(section_numbers([shown(mesh=hill)], depth=3e3))
    section = found["sections"][0]
    first = int(np.searchsorted(flat.y_nodes / 1e3, section["y"][0]))
    expected = surface[first : first + len(section["y"])] / 1e3
    np.testing.assert_allclose(section["surface"], expected, rtol=1e-4, atol=1e-9)
    assert found["top"] < 0


@pytest.mark.parametrize("told", [{}, {"colours": "turbo_r"}])
def test_colours_are_those_of_the_figure(told):
    mesh = a_mesh()
    ax = plot.section(Figure().add_subplot(), mesh, a_section(mesh), limits=(1.0, 10.0), **told)
    shades = ax.collections[0].get_cmap()
    colours = json.loads(section_numbers([shown()], **told))["colours"]
    assert len(colours) == SHADES
    for k in (0, SHADES // 3, SHADES - 1):
        rgb = [int(colours[k][at : at + 2], 16) for at in (1, 3, 5)]
        # Half of a step of 1/255.
        np.testing.assert_allclose(
            np.array(rgb) / 255, shades(k / (SHADES - 1))[:3], rtol=0, atol=0.51 / 255
        )


def test_five_hundred_stations_stay_small():
    names = [f"S{k:03d}" for k in range(500)]
    survey = a_survey(names)
    text = section_numbers([shown(survey=survey, mesh=a_mesh(half=600e3))], depth=10e3)
    cells = 16 * 1200
    soundings = 500 * 4 * 4
    # Of a cell resistivity, deviation and trust, of a datum value, error and response, six signs each.
    assert len(text) < 18 * (cells + soundings) + 60 * 1201 + 60 * 500 + 20000
