"""Lines of field data: what a folder holds in the end, and what a missing part leaves out."""

import json
import xml.etree.ElementTree as ElementTree

import jax
import numpy as np
import pytest
from soundings import half_space, two_dimensional

import jaxmt
from jaxmt.field import Line, Outcome, Reference, Settings, figures, invert_line
from jaxmt.field.drawing import draw
from jaxmt.field.folder import Folder
from jaxmt.field.line import found_strike
from jaxmt.processing import Journal

SURVEY = jaxmt.Survey([10.0, 1.0], [-2e3, 0.0, 3e3], names=("A", "B", "C"))
DATA = ("station_map.png", "phase_tensors.png", "dimensionality.png", "strike.png")
RESULT = (
    "section.png",
    "uncertainty.png",
    "convergence.png",
    "misfit.png",
    "pseudosections.png",
    "fit_curves_01.png",
)


def a_mesh():
    return jaxmt.Mesh.design(SURVEY, (30.0, 100.0), growth=0.5)


@pytest.fixture(scope="module")
def inverted(tmp_path_factory):
    """A line without tensors, inverted by both misfits in four iterations beside a reference."""
    folder = tmp_path_factory.mktemp("line")
    mesh = a_mesh()
    rho = np.where(np.abs(mesh.y_centres) < 1e3, 30.0, 100.0) * np.ones(mesh.shape)
    data = jaxmt.Data.from_responses(jaxmt.simulate(mesh, SURVEY, rho), 0.05)
    data = data.with_noise(jax.random.key(0), 0.05)
    given = Line("A <line>", data, Journal().note("warning", "all", "nothing & more"))
    reference = Reference("Another code", mesh, rho)
    settings = Settings(
        mesh, 60.0, depth=5e3, iterations=4, reference=reference, static_shift=None, timed=True
    )
    misfits = {"cloud": jaxmt.CloudTransport(), "A norm": jaxmt.LeastSquares()}
    return folder, invert_line(given, misfits, settings, folder=folder)


def test_a_line_that_is_not_fitted_says_what_to_try(inverted):
    for run in inverted[1].fits:
        assert not run.result.converged
        said = " ".join(run.warnings)
        assert "more than 4 iterations (--iterations)" in said
        assert "--static-shift 0.3" in said


def page(folder):
    return ElementTree.fromstring((folder / "report.html").read_text().removeprefix("<!DOCTYPE html>"))


def test_a_line_leaves_a_folder_that_explains_itself(inverted):
    folder, found = inverted
    root = page(folder)
    assert root.findtext("body/h1") == "A <line>"
    assert any("nothing & more" in (p.text or "") for p in root.iter("p") if p.get("class") == "warning")
    # Six figures and the one beside the reference for each misfit, and one of both.
    assert len(list(root.iter("img"))) == 15
    for name in ("cloud", "A norm"):
        for file in (*RESULT, "beside.png", "model.npz", "model.rho", "predicted.dat", "summary.json"):
            assert (folder / name / file).is_file(), file
    summary = json.loads((folder / "summary.json").read_text())
    runs = summary["runs"]
    assert runs["cloud"]["nrms"] == pytest.approx(found.fits[0].result.nrms)
    assert 0 < runs["cloud"]["transport_share"]
    assert runs["A norm"]["transport_share"] is None
    for name in ("modem_data.dat", "occam2d_data.dat"):
        again = jaxmt.io.read(folder / name)
        assert int(next(iter(again.lines.values())).mask.sum()) == summary["data"]


def test_a_line_without_tensors_says_so(inverted):
    folder, _ = inverted
    texts = [p.text or "" for p in page(folder).iter("p")]
    assert any("no coordinates to map" in text for text in texts)
    assert any("came without whole tensors" in text for text in texts)
    assert not any((folder / name).exists() for name in DATA)


def test_figures_of_stations_need_what_they_show(tmp_path):
    sites = [two_dimensional(f"S{k}") for k in range(2)]
    sites += [half_space("H", latitude=0.02)]
    data = jaxmt.profile([half_space("S0"), half_space("H", latitude=0.02)], strike=90.0)
    given = Line("L", data, Journal(), tuple(sites), np.array([0.0, 10.0, 2e3]), 90.0, found_strike(sites))
    draw(figures.line_figures(tmp_path, given), quiet=True)
    assert all((tmp_path / name).is_file() for name in DATA)
    # Stations at unknown places: what an earlier run drew must not stay.
    lost = Line("L", data, Journal(), tuple(sites), np.full(3, np.nan), 90.0, given.found)
    draw(figures.line_figures(tmp_path, lost), quiet=True)
    assert not any((tmp_path / name).exists() for name in DATA)


def test_tippers_are_taken_out_with_a_word():
    sites = [two_dimensional(f"S{k}", arrow=0.2) for k in range(2)]
    sites = [jaxmt.processing.Site(**{**vars(s), "latitude": 0.01 * k}) for k, s in enumerate(sites)]
    sites = [
        jaxmt.processing.Site(**{**vars(s), "tipper_error": np.full(s.tipper.shape, 0.02)}) for s in sites
    ]
    given = Line.from_sites("L", sites, Journal(), strike=90.0)
    assert given.data.mask[4:].any()
    bare = given.without_tipper()
    assert not bare.data.mask[4:].any()
    np.testing.assert_array_equal(bare.data.values[:4], given.data.values[:4])
    assert next(reversed(tuple(bare.journal))).removed == 2 * given.data.mask[4].sum()
    assert bare.without_tipper() is bare


def test_tippers_alone_come_through_to_a_report(tmp_path):
    mesh = a_mesh()
    rho = np.where(np.abs(mesh.y_centres) < 1e3, 30.0, 100.0) * np.ones(mesh.shape)
    full = jaxmt.Data.from_responses(jaxmt.simulate(mesh, SURVEY, rho), 0.05, 0.02)
    values = np.array(full.values)
    values[:4] = np.nan
    given = Line("L", jaxmt.Data(SURVEY, values, full.errors), Journal())
    with pytest.raises(
        ValueError, match=r"of L only \d+ data of tippers are left. Impedances without errors"
    ):
        given.without_tipper()
    misfits = {"l2": jaxmt.LeastSquares()}
    outcome = invert_line(given, misfits, mesh=mesh, depth=5e3, iterations=2)
    assert outcome.settings.start == 100.0
    outcome.write(tmp_path)
    # What an earlier run with impedances drew must not stay.
    for name in ("pseudosections.png", "fit_curves_01.png"):
        (tmp_path / "l2" / name).touch()
    Outcome.read(Folder.open(tmp_path)).draw(Folder.open(tmp_path))
    drawn = {path.name for path in (tmp_path / "l2").glob("*.png")}
    assert drawn == {"section.png", "uncertainty.png", "convergence.png", "misfit.png", "tipper.png"}
    assert "of the tipper" in (tmp_path / "report.html").read_text()


def test_agreement_is_perfect_with_itself_and_known_with_a_shift(inverted):
    run = inverted[1].fits[0]
    mesh, rho = run.result.mesh, np.asarray(run.result.resistivity)
    same = run.agreement(Reference("itself", mesh, rho))
    # Rounding only.
    assert same["correlation_log10_rho"] == pytest.approx(1.0)
    assert same["rms_log10_rho"] == pytest.approx(0.0, abs=1e-12)
    tenfold = run.agreement(Reference("tenfold", mesh, 10 * rho))
    assert tenfold["rms_log10_rho"] == pytest.approx(1.0)
    far = jaxmt.Mesh(mesh.y_nodes + 1e7, mesh.z_nodes)
    assert np.isnan(Reference("far", far, rho).on(mesh)).all()
