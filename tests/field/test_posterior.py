"""A run that samples: what it is told, what it leaves, and how it goes on. The draws are made up."""

import importlib.util
import re

import jax
import numpy as np
import pytest
from posteriors import made_up

import jaxmt
from jaxmt.field import Line, Outcome, Settings, invert_line, posterior
from jaxmt.field.folder import Folder
from jaxmt.field.options import complete
from jaxmt.processing import Journal

SURVEY = jaxmt.Survey([10.0, 1.0], [-2e3, 0.0, 3e3], names=("A", "B", "C"))


def a_line():
    mesh = jaxmt.Mesh.design(SURVEY, (30.0, 100.0), growth=0.5)
    rho = np.where(np.abs(mesh.y_centres) < 1e3, 30.0, 100.0) * np.ones(mesh.shape)
    data = jaxmt.Data.from_responses(jaxmt.simulate(mesh, SURVEY, rho), 0.05)
    given = Line("L", data.with_noise(jax.random.key(0), 0.05), Journal())
    return given, Settings(mesh, 60.0, depth=5e3, iterations=2, static_shift=None, sample=8)


def test_a_run_that_cannot_sample_says_so_before_it_inverts(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    given, settings = a_line()
    with pytest.raises(
        ImportError, match=r"needs blackjax and arviz_stats: install them with `pip install"
    ):
        invert_line(given, {"cloud": jaxmt.CloudTransport()}, settings, quiet=True)


def test_a_run_that_samples_leaves_draws_figures_and_words(tmp_path, monkeypatch, capsys):
    pytest.importorskip("blackjax", reason="needs the extra `sample`")
    asked = []

    def sample(data, cells, start, misfit, *, folder, progress, **options):
        asked.append((misfit, options))
        folder.mkdir(exist_ok=True)
        progress(posterior.Sampled(8, 1.8, 30.0, 4000))
        if len(asked) == 1:
            raise KeyboardInterrupt
        return made_up(cells.mesh)

    monkeypatch.setattr(posterior, "sample", sample)
    given, settings = a_line()
    made = Folder.create(tmp_path / "OUT")
    with pytest.raises(KeyboardInterrupt):
        invert_line(given, {"cloud": jaxmt.CloudTransport()}, settings, folder=made)
    assert "R-hat up to 1.800, 30 effective draws or more, 4000 gradients" in capsys.readouterr().out
    place = tmp_path / "OUT" / "cloud"
    assert (place / "chains").is_dir()

    made = Folder.open(tmp_path / "OUT")
    found = invert_line(given, {"cloud": jaxmt.CloudTransport()}, settings, folder=made, quiet=True)
    assert not (place / "chains").exists()
    misfit, options = asked[-1]
    assert isinstance(misfit, jaxmt.LeastSquares)
    assert options["draws"] == 8
    assert options["regularization_factor"] == found.fits[0].uncertainty.regularization_factor
    for name in ("posterior.npz", *posterior.FIGURES):
        assert (place / name).is_file()
    page = (tmp_path / "OUT" / "report.html").read_text()
    said = re.search(r'class="warning">([^<]*R-hat above[^<]*)', page)
    assert said is not None
    assert "more draws" in said[1]
    assert "probability that a cell conducts better" in page
    again = Outcome.read(Folder.open(tmp_path / "OUT")).fits[0].posterior
    assert again is not None
    np.testing.assert_allclose(again.median, made_up(again.mesh).median, rtol=1e-6)


def test_a_run_samples_only_where_it_is_told():
    assert complete({})["sample"] is None
    given, settings = a_line()
    result = object.__new__(jaxmt.Result)
    plain = Settings(settings.mesh)
    assert posterior.sampled(given, jaxmt.LeastSquares(), result, plain, 1.0, None, quiet=True) is None
