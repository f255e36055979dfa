"""Small files of public bug reports and hostile ones, beside the field data: each with its right value."""

import shutil

import invented
import numpy as np
import pytest
from invented import TIPPER, impedance
from mutants import in_time

from jaxmt.io import BadFile, read, read_modem_mask, read_ws_model
from jaxmt.processing import prepare

PARTS = np.sqrt(0.5)
"""The error of a part over that of the complex number."""

STATIONS = {
    # Error of a part over |Zxy| (NaN for none), and whether there is a tipper.
    "case01_bang_comment.edi": (0.03 * PARTS, True),
    "case02_modem_azimuth_columns.dat": (0.03, True),
    "case02b_modem_azimuth_columns_1e13.dat": (np.nan, True),
    "case04b_emtf_without_orientation_13deg.xml": (0.03 * PARTS, True),
    "case05_jfile_coordinates.j": (0.03 * PARTS, False),
    "case07_jfile_not_of_birrp.j": (0.03 * PARTS, False),
    "case07b_jfile_called_dat.dat": (0.03 * PARTS, False),
    "case08_spectra.edi": (None, True),
    "case09_name_with_blank.edi": (0.03 * PARTS, True),
    "case11_octave_frequencies.edi": (0.03 * PARTS, True),
    "case31_jfile_zero_bytes.j": (0.03 * PARTS, False),
    "case36_elevation_in_feet.xml": (0.03 * PARTS, True),
}
ELEVATIONS = {"case36_elevation_in_feet.xml": 518 * 0.3048}


@pytest.fixture
def shared(data_folder):
    folder = data_folder.parent
    if not (folder / "cases").is_dir() or not (folder / "hostile").is_dir():
        pytest.skip("needs the folders `cases` and `hostile` beside that of field data")
    return folder


def test_frequencies_an_octave_apart_are_all_kept(shared):
    sites = read(shared / "cases" / "case11_octave_frequencies.edi").sites
    data = prepare(sites).data
    np.testing.assert_array_equal(data.survey.frequencies, sites[0].frequencies)
    # Resistivity and phase of both modes at 17 frequencies.
    assert data.mask[:4].all()
    assert data.mask[:4].sum() == 68


@pytest.mark.parametrize("name", STATIONS)
def test_stations(shared, name):
    error, has_tipper = STATIONS[name]
    for site in read(shared / "cases" / name).sites:
        z = impedance(site.frequencies)
        size = np.abs(z[:, :1, 1:])
        # Seven digits are printed, five of a diagonal element.
        np.testing.assert_allclose((site.z - z) / size, 0.0, atol=1e-6)
        np.testing.assert_array_equal(site.azimuth, 0.0)
        if error is not None:
            np.testing.assert_allclose(
                site.z_error / size, np.full((2, 2), error) * np.ones(size.shape), rtol=1e-5
            )
        tipper = TIPPER if has_tipper else np.full(2, np.nan + 0j)
        np.testing.assert_allclose(site.tipper, np.tile(tipper, (size.shape[0], 1)), rtol=1e-8)
        if not name.endswith(".dat") or "jfile" in name:
            assert site.latitude == -22.5
            assert site.elevation == pytest.approx(ELEVATIONS.get(name, 158.0), abs=1e-6)


def test_a_tipper_alone_and_a_scalar_station(shared):
    (alone,) = read(shared / "cases" / "case24_tipper_only.edi").sites
    assert np.isnan(alone.z).all()
    np.testing.assert_allclose(alone.tipper, np.tile(TIPPER, (9, 1)), rtol=1e-12)
    (scalar,) = read(shared / "cases" / "case30_scalar.edi").sites
    assert np.isfinite(scalar.z).sum(axis=0).tolist() == [[0, 9], [0, 0]]


def test_models(shared):
    volume = read_ws_model(shared / "cases" / "case21_modem_model_with_relief.rho")
    np.testing.assert_array_equal(volume.z_nodes, [-50.0, 0.0, 50.0, 150.0])
    # Six digits of the logarithm are printed.
    np.testing.assert_allclose(volume.resistivity, 100.0, rtol=1e-5)
    masks = read_modem_mask(shared / "cases" / "case22_modem_covariance_without_masks.cov")
    np.testing.assert_array_equal(masks, np.ones((3, 2, 2), dtype=int))


def test_a_file_of_another_program_is_one_fault(shared, tmp_path):
    shutil.copy(shared / "cases" / "case19_zonge_without_component.avg", tmp_path / "a.avg")
    (tmp_path / "b.j").write_text(invented.jfile())
    reading = read(tmp_path)
    assert len(reading.sites) == len(reading.faults) == 1


def test_hostile_files_end_in_time_and_leave_their_folder(shared, tmp_path):
    (tmp_path / "zgood.j").write_text(invented.jfile())
    for path in sorted((shared / "hostile").iterdir()):
        if path.suffix != ".md":
            with in_time(), pytest.raises(BadFile):
                read(path)
            copy = tmp_path / path.name
            copy.write_bytes(path.read_bytes())
            with in_time():
                reading = read(tmp_path)
            assert [site.name for site in reading.sites] == ["J01"]
            copy.unlink()


def test_every_repeated_block_of_a_survey_is_read(data_folder):
    folder = data_folder / "mt3dinv4" / "edi"
    if not folder.is_dir():
        pytest.skip("needs mt3dinv4 among the field data")
    reading = read(folder)
    assert (len(reading.sites), reading.faults) == (len(list(folder.iterdir())), ())
