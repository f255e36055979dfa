import numpy as np
import pytest

from jaxmt import Mesh
from jaxmt.benchmarks import SYNTHETIC, Region, published_mesh
from jaxmt.benchmarks.region import paint


def at(model, y, z):
    """Resistivity at a point, m: a mesh of cells a metre wide around it."""
    mesh = Mesh([y - 1.5, y - 0.5, y + 0.5, y + 1.5], [0.0, z - 0.5, z + 0.5])
    return model.resistivity(mesh, samples=1)[1, 1]


@pytest.mark.parametrize(
    ("name", "y", "z", "expected"),
    [
        ("wedge", -10e3, 400.0, 20.0),
        ("wedge", -10e3, 500.0, 3000.0),
        ("wedge", 10e3, 900.0, 20.0),
        ("wedge", 10e3, 1000.0, 300.0),
        ("wedge", -30e3, 199.0, 20.0),
        ("wedge", -30e3, 201.0, 3000.0),
        ("wedge", 30e3, 1199.0, 20.0),
        ("wedge", 30e3, 1201.0, 300.0),
        ("three blocks", -5e3, 7e3, 1000.0),
        ("three blocks", 0.0, 7e3, 1.0),
        ("three blocks", 5e3, 7e3, 1000.0),
        ("three blocks", 5e3, 4e3, 100.0),
        ("single anomaly", 2e3, 6e3, 1.0),
        ("single anomaly", 4e3, 6e3, 100.0),
        ("checkerboard", -12e3, 2e3, 10.0),
        ("checkerboard", -7e3, 2e3, 1000.0),
        ("checkerboard", -12e3, 5e3, 1000.0),
        ("checkerboard", 0.0, 500.0, 100.0),
        ("deep conductor", 0.0, 45e3, 5.0),
        ("deep conductor", 0.0, 1e3, 10.0),
        ("deep conductor", 0.0, 70e3, 500.0),
        ("dipping slab", -24e3, 3e3, 3000.0),
        ("dipping slab", 0.0, 12e3, 3000.0),
        ("dipping slab", 0.0, 9e3, 100.0),
        ("dipping slab", 0.0, 15e3, 100.0),
        ("dipping slab", 24e3, 20e3, 3000.0),
    ],
)
def test_resistivity_at_points(name, y, z, expected):
    # A power of a logarithm is a few roundings.
    assert at(SYNTHETIC[name], y, z) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("model", SYNTHETIC.values(), ids=SYNTHETIC.keys())
def test_a_model_fills_its_meshes_and_they_suit_its_survey(model):
    survey = model.survey(7, 5)
    assert survey.stations.size == 7
    assert survey.frequencies[[0, -1]] == pytest.approx(model.band, rel=1e-12)
    full = model.survey()
    assert (full.stations.size, full.frequencies.size) == (model.stations, model.frequencies)
    mesh = model.design(survey, growth=0.3)
    section = model.resistivity(mesh)
    assert np.isfinite(section).all()
    assert section.min() >= model.range[0] * (1 - 1e-12)
    assert section.max() <= model.range[1] * (1 + 1e-12)
    assert mesh.faults(survey, model.start, model.start) == []
    assert mesh.earth_nodes[-1] > model.depth
    fine = model.fine_mesh(survey, growth=0.3)
    for region in model.regions:
        assert {e for e in (region.left, region.right) if np.isfinite(e)} <= set(fine.y_nodes)
        assert {e for e in (region.top, region.bottom) if np.isfinite(e)} <= set(fine.earth_nodes)


def test_the_published_mesh_is_40_by_40_with_ten_rows_of_air():
    mesh = published_mesh()
    assert (mesh.n_z, mesh.n_y, mesh.n_air) == (40, 40, 10)
    assert mesh.y_nodes[[0, -1]].tolist() == pytest.approx([-50e3, 50e3])
    assert mesh.z_nodes[[0, -1]].tolist() == pytest.approx([-50e3, 100e3])
    # 21 nodes a kilometre apart in the middle.
    assert np.sum(np.isclose(mesh.dy, 1e3)) >= 20


def test_top_and_bottom_of_a_region_may_slope():
    region = Region(0.0, 10.0, 0.0, 10.0, 1.0, bottom_right=30.0, top_right=20.0)
    y = np.array([5.0, 5.0, 5.0, 5.0, -1.0])
    z = np.array([9.0, 11.0, 19.0, 21.0, 5.0])
    assert region.contains(y, z).tolist() == [False, True, True, False, False]
    # 50 + 25 of the 200 m2 of a cell lie between the slopes: its mean of log10 rho, to a row of samples.
    mesh = Mesh([0.0, 10.0, 20.0], [0.0, 20.0, 40.0])
    host = Region(-100.0, 100.0, 0.0, 100.0, 100.0)
    found = paint((host, region), mesh, 64)[0, 0]
    assert np.log10(found) == pytest.approx(2 * (1 - 75 / 200), abs=2 / 64)
