"""Objects of mt_metadata and of mtpy-v2 as stations."""

import dataclasses
import types

import numpy as np
import pytest
from soundings import two_dimensional

from jaxmt.io import as_sites, read_edi_site, write_edi
from jaxmt.processing import rotate


@pytest.fixture
def file(tmp_path):
    site = two_dimensional("S1", arrow=0.2)
    error = {"tipper_error": np.full(site.tipper.shape, 0.02)}
    place = {"latitude": -22.5, "longitude": 139.2, "elevation": 120.0}
    write_edi(tmp_path / "s1.edi", dataclasses.replace(site, **error, **place))
    return tmp_path / "s1.edi"


def assert_same(one, other):
    # Thirteen digits are printed; the packages keep all of them.
    for name in ("frequencies", "z", "z_error", "tipper", "tipper_error"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=1e-9, atol=1e-15)
    for name in ("name", "latitude", "longitude", "elevation"):
        assert getattr(one, name) == getattr(other, name)


@pytest.mark.filterwarnings("ignore")
def test_transfer_functions_of_mt_metadata(file):
    core = pytest.importorskip("mt_metadata.transfer_functions.core", reason="needs the extra jaxmt[io]")
    tf = core.TF(fn=file)
    tf.read()
    (site,) = as_sites(tf)
    assert_same(site, read_edi_site(file))
    assert len(as_sites([tf, tf])) == 2
    assert "axes taken as north and east" in " ".join(site.notes)


@pytest.mark.filterwarnings("ignore")
def test_stations_of_mtpy(file):
    mtpy = pytest.importorskip("mtpy", reason="mtpy-v2 is not installed")
    mt = mtpy.MT(file)
    mt.read()
    (site,) = as_sites([mt])
    assert_same(site, read_edi_site(file))
    survey = mtpy.MTData()
    survey.add_station(mt)
    assert [site.name for site in as_sites(survey)] == ["S1"]
    turned = mt.rotate(30.0)
    (again,) = as_sites(mt if turned is None else turned)
    np.testing.assert_allclose(again.azimuth, 30.0)
    np.testing.assert_allclose(again.z, rotate(site, 30.0).z, rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("what", ["s1.edi", ["s1.edi"], types.SimpleNamespace(period=[1.0]), [3]])
def test_what_is_no_object_of_theirs(what):
    with pytest.raises(ValueError, match=r"`as_sites\(objects=...\)` must hold objects of mt_metadata"):
        as_sites(what)
