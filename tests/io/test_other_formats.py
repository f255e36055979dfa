"""Formats that are left to mt_metadata: the remedy without it, the conversion with it."""

import sys

import numpy as np
import pytest

from jaxmt.io import BadFile, read_edi_site, read_other


def test_without_the_package_the_remedy_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "mt_metadata.transfer_functions.core", None)
    (tmp_path / "site.zmm").write_text("period : 1.0")
    with pytest.raises(ImportError, match=r"needs the package mt_metadata; .*pip install 'jaxmt\[io\]'"):
        read_other(tmp_path / "site.zmm")


def test_with_the_package(data_folder, tmp_path):
    pytest.importorskip("mt_metadata", reason="needs the extra jaxmt[io]")
    path = data_folder / "east_tennant" / "L3" / "ET088.edi"
    site, ours = read_other(path), read_edi_site(path)
    # The same numbers, an error of the complex number made one of its parts; rounding only.
    np.testing.assert_allclose(site.z, ours.z, rtol=1e-14)
    np.testing.assert_allclose(site.z_error, ours.z_error, rtol=1e-14)
    (tmp_path / "site.j").write_text("nothing")
    with pytest.raises(BadFile, match="cannot be read by mt_metadata"):
        read_other(tmp_path / "site.j")


def test_a_truncated_z_file_is_refused_before_the_package_sees_it(tmp_path):
    (tmp_path / "site.zmm").write_text("TRANSFER FUNCTIONS IN MEASUREMENT COORDINATES\n")
    with pytest.raises(BadFile, match="no line with a period; copy it again"):
        read_other(tmp_path / "site.zmm")
