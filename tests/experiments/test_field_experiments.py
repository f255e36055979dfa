"""Experiments on field data: what a folder holds in the end, and what a missing part leaves out."""

import json
import sys
import xml.etree.ElementTree as ElementTree

import jax
import matplotlib as mpl
import numpy as np
import pytest
from soundings import half_space, two_dimensional

mpl.use("Agg")

import jaxmt  # noqa: E402
from jaxmt.conventions import skin_depth  # noqa: E402
from jaxmt.field import figures, line, survey
from jaxmt.field import report as outcome
from jaxmt.field import workflow as pipeline
from jaxmt.processing import Journal  # noqa: E402

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
    given = line.Line("A <line>", data, Journal().note("warning", "all", "nothing & more"))
    reference = outcome.Reference("Another code", mesh, rho)
    plan = pipeline.Plan(mesh, 60.0, ("cloud", "l2"), 5e3, iterations=4, reference=reference)
    return folder, pipeline.invert_line(given, plan, folder)


def test_a_line_that_is_not_fitted_says_what_to_try(inverted):
    for run in inverted[1].runs:
        assert not run.result.converged
        assert "more than 4 iterations (--iterations)" in run.warnings[-1]
        assert "--static-shift 0.3" in run.warnings[-1]


def page(folder):
    return ElementTree.fromstring((folder / "report.html").read_text().removeprefix("<!DOCTYPE html>"))


def test_a_line_leaves_a_folder_that_explains_itself(inverted):
    folder, found = inverted
    root = page(folder)
    assert root.findtext("body/h1") == "A <line>"
    assert any("nothing & more" in p.text for p in root.iter("p") if p.get("class") == "warning")
    # Six figures and the one beside the reference for each misfit, and one of both.
    assert len(list(root.iter("img"))) == 15
    for name in ("cloud", "l2"):
        for file in (*RESULT, "beside.png", "model.npz", "model.rho", "predicted.dat", "summary.json"):
            assert (folder / name / file).is_file(), file
    summary = json.loads((folder / "summary.json").read_text())
    runs = summary["runs"]
    assert runs["cloud"]["nrms"] == pytest.approx(found.runs[0].result.nrms)
    assert 0 < runs["cloud"]["transport_share"]
    assert runs["l2"]["transport_share"] is None
    for name in ("modem_data.dat", "occam2d_data.dat"):
        again = jaxmt.io.read(folder / name)
        assert int(next(iter(again.lines.values())).mask.sum()) == summary["data"]


def test_a_line_without_tensors_says_so(inverted):
    folder, _ = inverted
    texts = [p.text for p in page(folder).iter("p")]
    assert any("no coordinates to map" in text for text in texts)
    assert any("came without whole tensors" in text for text in texts)
    assert not any((folder / name).exists() for name in DATA)


def test_figures_of_stations_need_what_they_show(tmp_path):
    sites = [two_dimensional(f"S{k}") for k in range(2)]
    sites += [half_space("H", latitude=0.02)]
    data = jaxmt.profile([half_space("S0"), half_space("H", latitude=0.02)], strike=90.0)
    given = line.Line(
        "L", data, Journal(), tuple(sites), np.array([0.0, 10.0, 2e3]), 90.0, line.found_strike(sites)
    )
    figures.draw_line(tmp_path, given)
    assert all((tmp_path / name).is_file() for name in DATA)
    # Stations at unknown places: what an earlier run drew must not stay.
    lost = line.Line("L", data, Journal(), tuple(sites), np.full(3, np.nan), 90.0, given.found)
    figures.draw_line(tmp_path, lost)
    assert not any((tmp_path / name).exists() for name in DATA)


def test_tippers_are_taken_out_with_a_word():
    sites = [two_dimensional(f"S{k}", arrow=0.2) for k in range(2)]
    sites = [jaxmt.processing.Site(**{**vars(s), "latitude": 0.01 * k}) for k, s in enumerate(sites)]
    sites = [
        jaxmt.processing.Site(**{**vars(s), "tipper_error": np.full(s.tipper.shape, 0.02)}) for s in sites
    ]
    given = line.from_sites("L", sites, Journal(), angle=90.0)
    assert given.data.mask[4:].any()
    bare = line.without_tipper(given)
    assert not bare.data.mask[4:].any()
    np.testing.assert_array_equal(bare.data.values[:4], given.data.values[:4])
    assert next(reversed(tuple(bare.journal))).removed == given.data.mask[4:].sum()
    assert line.without_tipper(bare) is bare


def test_tippers_alone_come_through_to_a_report(tmp_path):
    mesh = a_mesh()
    rho = np.where(np.abs(mesh.y_centres) < 1e3, 30.0, 100.0) * np.ones(mesh.shape)
    full = jaxmt.Data.from_responses(jaxmt.simulate(mesh, SURVEY, rho), 0.05, 0.02)
    values = np.array(full.values)
    values[:4] = np.nan
    given = line.Line("L", jaxmt.Data(SURVEY, values, full.errors), Journal())
    with pytest.raises(
        SystemExit, match=r"of L only \d+ data of tippers are left. Impedances without errors"
    ):
        line.without_tipper(given)
    assert line.median_resistivity(given.data) == line.GUESS
    # What an earlier run with impedances drew must not stay.
    for name in ("pseudosections.png", "fit_curves_01.png"):
        (tmp_path / "l2").mkdir(exist_ok=True)
        (tmp_path / "l2" / name).touch()
    pipeline.invert_line(given, pipeline.Plan(mesh, line.GUESS, ("l2",), 5e3, iterations=2), tmp_path)
    drawn = {path.name for path in (tmp_path / "l2").glob("*.png")}
    assert drawn == {"section.png", "uncertainty.png", "convergence.png", "misfit.png", "tipper.png"}
    assert "of the tipper" in (tmp_path / "report.html").read_text()


def test_agreement_is_perfect_with_itself_and_known_with_a_shift(inverted):
    run = inverted[1].runs[0]
    mesh, rho = run.result.mesh, np.asarray(run.result.resistivity)
    same = run.agreement(outcome.Reference("itself", mesh, rho))
    # Rounding only.
    assert same["correlation_log10_rho"] == pytest.approx(1.0)
    assert same["rms_log10_rho"] == pytest.approx(0.0, abs=1e-12)
    tenfold = run.agreement(outcome.Reference("tenfold", mesh, 10 * rho))
    assert tenfold["rms_log10_rho"] == pytest.approx(1.0)
    far = jaxmt.Mesh(mesh.y_nodes + 1e7, mesh.z_nodes)
    assert np.isnan(outcome.Reference("far", far, rho).on(mesh)).all()


def test_every_station_stands_in_the_middle_of_a_fine_column():
    mesh = jaxmt.station_mesh(SURVEY, 10.0, 100.0)
    short = skin_depth(10.0, 10.0)
    column = np.searchsorted(mesh.y_nodes, SURVEY.stations) - 1
    np.testing.assert_allclose(mesh.y_centres[column], SURVEY.stations, atol=1e-6)
    np.testing.assert_allclose(mesh.dy[column], short, rtol=1e-9)
    # A quarter, and the growth of a row.
    assert mesh.dz[0] <= 0.28 * short
    mesh.check_stations(SURVEY)


def test_a_folder_of_files_and_a_dry_run(tmp_path, monkeypatch, capsys):
    (tmp_path / "data").mkdir()
    for k in range(3):
        site = two_dimensional(f"S{k}", azimuth=30.0)
        site = jaxmt.processing.Site(**{**vars(site), "longitude": 0.02 * k, "latitude": -0.01 * k})
        jaxmt.io.write_edi(tmp_path / "data" / f"s{k}.edi", site)
    (tmp_path / "data" / "broken.edi").write_text(">HEAD\n")
    arguments = ["survey", str(tmp_path / "data"), "--dry-run", "--out", str(tmp_path / "out")]
    monkeypatch.setattr(sys, "argv", arguments)
    survey.main()
    said = capsys.readouterr().out
    assert "3 stations" in said
    assert "fault, broken.edi" in said
    assert "nothing was inverted" in said
    assert not (tmp_path / "out").exists()
    monkeypatch.setattr(sys, "argv", ["survey", str(tmp_path / "absent")])
    with pytest.raises(SystemExit, match="Nothing to invert"):
        survey.main()


def test_blocks_grow_with_depth_and_nest():
    mesh = jaxmt.station_mesh(SURVEY, 10.0, 100.0)
    blocks = jaxmt.growing_blocks(mesh)
    # No block spans two rows, and the first rows have one for each column.
    assert all(np.intersect1d(a, b).size == 0 for a, b in zip(blocks[:-1], blocks[1:], strict=True))
    assert len(np.unique(blocks[0])) == mesh.n_y
    edges = [set(np.flatnonzero(np.diff(row))) for row in blocks]
    assert all(lower <= upper for upper, lower in zip(edges[:-1], edges[1:], strict=True))
    for row, z in zip(blocks, mesh.z_centres, strict=True):
        widths = np.bincount(row - row.min(), mesh.dy)
        # Wanted is half the depth, rounded down to a power of two of the finest column.
        assert z / 2 < mesh.dy.min() or np.all(widths >= z / 4 * (1 - 1e-9))
