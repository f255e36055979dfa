"""3-D models, covariance masks, WSINV3DMT data and logs: the published inversion of Cascadia."""

import csv
import dataclasses

import numpy as np
import pytest

from jaxmt.io import (
    BadFile,
    Volume,
    read_misfits,
    read_modem_mask,
    read_modem_sites,
    read_ws_model,
    read_wsinv3d,
    write_ws_model,
)

SMALL = """# a model
 2 3 2 0 LOGE
 10. 20.
 1. 2. 3.
 5. 6.

 0.1 0.2
 0.3 0.4
 0.5 0.6

 1.1 1.2
 1.3 1.4
 1.5 1.6

 -7.0 -8.0 0.0
 15.0
"""


def write(folder, text):
    path = folder / "file"
    path.write_text(text)
    return path


def test_x_runs_from_north_to_south(tmp_path):
    volume = read_ws_model(write(tmp_path, SMALL))
    np.testing.assert_array_equal(volume.x_nodes, [-7.0, 3.0, 23.0])
    np.testing.assert_array_equal(volume.y_nodes, [-8.0, -7.0, -5.0, -2.0])
    np.testing.assert_array_equal(volume.z_nodes, [0.0, 5.0, 11.0])
    assert volume.rotation == 15.0
    # (z, x, y): the first value is the northernmost, so the last x.
    np.testing.assert_allclose(
        np.log(volume.resistivity[0]), [[0.2, 0.4, 0.6], [0.1, 0.3, 0.5]], rtol=1e-14
    )
    mesh, section = volume.section(0.0)
    np.testing.assert_array_equal(mesh.y_nodes, volume.y_nodes)
    np.testing.assert_allclose(np.log(section), [[0.2, 0.4, 0.6], [1.2, 1.4, 1.6]], rtol=1e-14)
    with pytest.raises(ValueError, match=r"`Volume.section\(x=...\)` must lie in the model"):
        volume.section(100.0)


def test_without_a_corner_the_grid_is_centred(tmp_path):
    text = SMALL.split(" -7.0")[0].replace("LOGE", "LINEAR")
    volume = read_ws_model(write(tmp_path, text))
    np.testing.assert_array_equal(volume.x_nodes, [-15.0, -5.0, 15.0])
    assert volume.resistivity[0, 1, 0] == 0.1
    decimal = read_ws_model(write(tmp_path, SMALL.replace("LOGE", "LOG10")))
    assert decimal.resistivity[0, 1, 0] == pytest.approx(10**0.1, rel=1e-15)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ((" 2 3 2 0 LOGE", " 2 3"), "line 2: '2 3'; expected the numbers of cells"),
        ((" 2 3 2 0 LOGE", " 2 4 2 0 LOGE"), "line 5: expected the last of 4 numbers, the widths along y"),
        (("0.4", "0.x"), "line 8: '0.x' is not a number; expected the values of the cells"),
        (("LOGE", "LINEAR"), None),
        (("0.4", "-0.4"), None),
        (("0.4", "400."), "a value is no logarithm"),
        ((" -7.0 -8.0 0.0", " -7.0 -8.0 5e9"), "expected x, y and z of the corner"),
        ((" 15.0", " 15.0\n 1.0"), "expected x, y and z of the corner"),
    ],
)
def test_errors_at_the_door(tmp_path, change, message):
    assert change[0] in SMALL
    path = write(tmp_path, SMALL.replace(*change))
    if message is None:
        assert read_ws_model(path).resistivity.size == 12
    else:
        with pytest.raises(BadFile, match=message):
            read_ws_model(path)


def test_there_and_back(tmp_path):
    generator = np.random.default_rng(5)
    nodes = [np.cumsum(generator.uniform(1, 100, n)) for n in (4, 5, 3)]
    volume = Volume(
        nodes[0], nodes[1], nodes[2] - nodes[2][0], np.exp(generator.normal(size=(2, 3, 4))), 3.5
    )
    write_ws_model(tmp_path / "out.ws", volume)
    again = read_ws_model(tmp_path / "out.ws")
    # 11 digits of the logarithm, 12 of lengths.
    np.testing.assert_allclose(again.resistivity, volume.resistivity, rtol=1e-9)
    for name in ("x_nodes", "y_nodes", "z_nodes"):
        np.testing.assert_allclose(getattr(again, name), getattr(volume, name), rtol=1e-10)
    assert again.rotation == 3.5
    with pytest.raises(ValueError, match="must be positive, in ohm m"):
        write_ws_model(tmp_path / "out.ws", dataclasses.replace(volume, resistivity=-volume.resistivity))


def test_the_published_models(data_folder):
    folder = data_folder / "cascadia_modem"
    volume = read_ws_model(folder / "cascad_half_inverse.ws")
    assert volume.resistivity.shape == (34, 48, 46)
    with open(folder / "profiles.csv") as file:
        rows = list(csv.DictReader(file))
    for path in sorted(folder.glob("modem3d_section_*.csv")):
        with open(path) as file:
            cells = np.array(list(csv.reader(file))[1:], dtype=float)
        line = path.stem.removeprefix("modem3d_section_")
        north = np.mean([float(row["x_north_m"]) for row in rows if row["profile"] == line])
        mesh, section = volume.section(float(north))
        # Printed with 4 digits after the point, and whole metres.
        np.testing.assert_allclose(np.log10(section).ravel(), cells[:, 4], atol=5.1e-5)
        np.testing.assert_allclose(np.tile(mesh.y_nodes[:-1], 34), cells[:, 0], atol=0.51)
    prior = read_ws_model(folder / "cascad_half_prior.ws")
    mask = read_modem_mask(folder / "cascad_half.cov")
    assert mask.shape == prior.resistivity.shape
    # The sea is 0.3 ohm m where it is frozen; 1 % of the mask is land.
    assert np.mean(prior.resistivity[mask == 9] < 0.34) > 0.98
    published = read_ws_model(folder / "wsinv3d_published" / "caswithprior_model.02_01")
    assert published.resistivity.shape == (34, 80, 78)
    # The first and the last value of the file: the northwestern and the southeastern corner.
    assert published.resistivity[-1, 0, -1] == 50.76


def test_masks_that_do_not_fit(tmp_path):
    header = 16 * "| text |\n"
    good = header + "2 2 2\n0.3 0.3\n0.3 0.3\n0.3\n1\n0\n1 2\n1 9\n9 1\n"
    np.testing.assert_array_equal(read_modem_mask(write(tmp_path, good))[0], [[9, 1], [1, 9]])
    for change, message in (
        ((header, ""), "expected 16 lines of header"),
        (("1 2\n1 9", "1 1\n1 9"), "layer 2 has no masks"),
        (("1 2\n1 9", "1 3\n1 9"), "layers 1 to 3; there are 2"),
        (("9 1\n", "9 x\n"), "'x' is not a number"),
    ):
        with pytest.raises(BadFile, match=message):
            read_modem_mask(write(tmp_path, good.replace(*change)))


def test_published_data_of_another_code(data_folder):
    folder = data_folder / "cascadia_modem"
    sites = read_wsinv3d(folder / "wsinv3d_published" / "casnewcorrect.data")
    copies = read_modem_sites(folder / "cascad_errfl5_published.dat")
    for site, copy in zip(sites, copies, strict=True):
        np.testing.assert_array_equal(site.z, copy.z)
        assert (site.northing, site.easting) == (copy.northing, copy.easting)
    predicted = read_wsinv3d(folder / "wsinv3d_published" / "caswithprior_resp.02_01")
    assert len(predicted) == 109
    assert all(np.isnan(site.z_error).all() for site in predicted)
    # The published misfit, 7.28, with the copies' floor of 5 % of sqrt(|Zxy Zyx|).
    residual = [np.abs(a.z - b.z) / b.z_error for a, b in zip(predicted, copies, strict=True)]
    assert 1.0 < np.sqrt(np.mean(np.square(residual)) / 2) < 10.0


def test_logs(data_folder, tmp_path):
    misfits = read_misfits(data_folder / "cascadia_modem" / "inverse.log")
    # 120 iterations to 1.84.
    assert misfits.size == 121
    assert misfits[[0, -1]] == pytest.approx([18.104927, 1.839989], abs=0)
    misfits = read_misfits(data_folder / "modem2d_block2" / "example.Modular_NLCG.log")
    assert misfits[[0, -1]] == pytest.approx([21.140389, 1.040077], abs=0)
    with pytest.raises(BadFile, match="states no misfits by iteration"):
        read_misfits(write(tmp_path, "nothing"))
