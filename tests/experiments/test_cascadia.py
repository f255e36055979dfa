"""The lines of `experiments.cascadia`: where they lie, and where the sea is."""

import sys

import numpy as np
import pytest
from identities import present

import jaxmt
from experiments.cascadia import __main__ as cascadia
from experiments.cascadia.ground import SEA, graded, published_mesh, sea_cells, sea_floor
from experiments.cascadia.lines import cafe_line, row_line


def test_the_published_mesh_has_its_shape_and_reach():
    mesh = published_mesh()
    assert (mesh.n_z, mesh.n_y) == (90, 240)
    np.testing.assert_allclose(mesh.y_nodes[[0, -1]], [-950e3, 950e3], rtol=1e-9)
    assert mesh.z_nodes[-1] == pytest.approx(300e3)


def test_steps_grow_to_their_sum():
    steps = graded(10, 10.0, 5e3)
    assert steps.sum() == pytest.approx(5e3)
    np.testing.assert_allclose(np.diff(steps[1:] / steps[:-1]), 0, atol=1e-9)


def test_the_stations_of_mocha_lie_on_the_floor_of_the_sea(data_folder):
    line = cafe_line(data_folder)
    y, elevation = sea_floor(data_folder, line)
    relief = jaxmt.drape(published_mesh(), line.data.survey, y, elevation, step=150.0)
    at_sea = np.array([name.startswith("B") for name in line.data.survey.names])
    # 2.3 km of water in the west of the 3-D model, none under Washington; z = 0 is the sea's surface.
    assert at_sea.sum() == 9
    assert np.all(relief.survey.depths[at_sea] > 0)
    assert not relief.survey.depths[~at_sea].any()
    assert relief.datum == 0
    # On the node below a slope: a row more than the deepest water.
    assert 2329 <= relief.survey.depths.max() <= 2329 + 150


def test_a_row_has_its_sea_in_the_west(data_folder):
    line, known = row_line(data_folder, "H")
    assert known is not None
    mesh = jaxmt.Mesh.design(line.data.survey, 50.0, growth=0.3)
    sea = sea_cells(known, mesh)
    assert sea[0, 0]
    assert not sea[:, mesh.y_centres > line.data.survey.stations.min()].any()
    held = present(known).on(mesh)
    np.testing.assert_allclose(held[sea & np.isfinite(held)], SEA, rtol=1e-3)


@pytest.mark.parametrize("given", [["--row", "H", "--sea"], ["--readings", "--sea"]])
def test_what_does_not_go_together_is_refused(given, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["cascadia", *given])
    with pytest.raises(SystemExit):
        cascadia.parsed()
    assert "--sea" in capsys.readouterr().err


@pytest.mark.parametrize(("given", "shift"), [([], 0.3), (["--static-shift", "0"], None)])
def test_stations_shift_unless_told_not_to(given, shift, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["cascadia", "--row", "H", *given])
    options = cascadia.parsed()
    assert options.floors == (0.2,)
    allowed = options.chosen["static_shift"]
    assert (allowed and allowed.decades) == shift


@pytest.mark.parametrize("given", ["-1", "nan", "some"])
def test_a_static_shift_that_is_none_is_refused(given, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["cascadia", f"--static-shift={given}"])
    with pytest.raises(SystemExit):
        cascadia.parsed()
    assert "--static-shift" in capsys.readouterr().err


@pytest.mark.parametrize("given", ["-1", "nan", "inf", "some"])
def test_a_floor_that_is_none_is_refused(given, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["cascadia", f"--floors={given}"])
    with pytest.raises(SystemExit):
        cascadia.parsed()
    assert f"must be a part of the datum from 0 to 1, 0.05 for 5 %. Got {given}." in capsys.readouterr().err
