"""ModEM 2-D model files: the published model, the way there and back, damaged files."""

import random

import numpy as np
import pytest

from jaxmt import Mesh
from jaxmt.io import read_modem_model, write_modem_model

SMALL = """ 3 2 LOGE
 100. 200. 300.
 10. 20.
1
 0.0 1.0 2.0
 3.0 4.0
 5.0
"""


def write(folder, text, name="model.rho"):
    path = folder / name
    path.write_bytes(text.encode("latin-1") if isinstance(text, str) else text)
    return path


def test_a_small_file(tmp_path):
    mesh, resistivity = read_modem_model(write(tmp_path, SMALL))
    np.testing.assert_array_equal(mesh.y_nodes, [0.0, 100.0, 300.0, 600.0])
    np.testing.assert_array_equal(mesh.earth_nodes, [0.0, 10.0, 30.0])
    assert mesh.n_air > 0
    np.testing.assert_array_equal(resistivity, np.exp([[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]))


@pytest.mark.parametrize("text", [SMALL.replace("\n", "\r\n"), SMALL.replace("1.0 2.0", "0.1D+01 2")])
def test_what_does_not_change_the_values(tmp_path, text):
    _, logarithm = read_modem_model(write(tmp_path, text), logarithm=True)
    np.testing.assert_array_equal(logarithm, [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]])


def test_linear_values(tmp_path):
    path = write(tmp_path, SMALL.replace(" LOGE", "").replace("0.0 1.0", "0.5 1.0"))
    _, resistivity = read_modem_model(path)
    np.testing.assert_array_equal(resistivity[0], [0.5, 1.0, 2.0])
    _, logarithm = read_modem_model(path, logarithm=True)
    np.testing.assert_array_equal(logarithm, np.log(resistivity))


def test_what_lies_above_the_ground_is_written_as_air(tmp_path):
    surface = [0.0, 10.0, 12.0, 0.0]
    mesh = Mesh([0.0, 100.0, 300.0, 600.0], [0.0, 10.0, 30.0, 60.0], surface).with_air()
    write_modem_model(tmp_path / "out.rho", mesh, np.full((3, 3), 50.0))
    _, resistivity = read_modem_model(tmp_path / "out.rho")
    # Only the middle of the first row is above the ground throughout; what it cuts is rock.
    np.testing.assert_allclose(resistivity[0], [50.0, 1e10, 50.0], rtol=1e-9)
    np.testing.assert_allclose(resistivity[1:], 50.0, rtol=1e-9)


def test_there_and_back(tmp_path):
    generator = np.random.default_rng(0)
    mesh = Mesh(
        np.cumsum(generator.uniform(1, 1e4, size=24)) - 5e4,
        np.concatenate([[-100.0, -10.0, 0.0], np.cumsum(generator.uniform(1, 1e3, size=11))]),
    )
    resistivity = 10.0 ** generator.uniform(-3, 5, size=mesh.shape)
    write_modem_model(tmp_path / "m.rho", mesh, resistivity)
    again, values = read_modem_model(tmp_path / "m.rho")
    # ln rho is printed to 10 digits after the first, widths to 12 digits.
    np.testing.assert_allclose(values, resistivity, rtol=1e-9)
    np.testing.assert_allclose(again.y_nodes, mesh.y_nodes - mesh.y_nodes[0], rtol=1e-10)
    np.testing.assert_allclose(again.earth_nodes, mesh.earth_nodes, rtol=1e-10)
    assert [path.name for path in tmp_path.iterdir()] == ["m.rho"]


def test_a_refused_section_leaves_the_file_as_it_was(tmp_path):
    path = write(tmp_path, SMALL)
    mesh, resistivity = read_modem_model(path)
    for bad in (-resistivity, resistivity[:, :-1], resistivity * np.inf):
        with pytest.raises(ValueError, match=r"`write_modem_model\(resistivity=...\)` must be positive"):
            write_modem_model(path, mesh, bad)
    assert path.read_text() == SMALL
    assert [one.name for one in tmp_path.iterdir()] == ["model.rho"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        (b"\0\1\2", "holds zero bytes"),
        (SMALL.replace("LOGE", "LOG10"), "line 1.* LOGE"),
        (SMALL.replace("3 2", "1 2"), "1 columns, 2 rows; expected at least 2"),
        (SMALL.replace("3 2", "4 2"), "line 3: expected the last of 4 numbers, the column widths|more"),
        (
            SMALL.replace("3 2", "3 3"),
            "line 8: expected 3 numbers, the values of row 2 of 3, but the file ends after 0",
        ),
        (SMALL.replace("3 2", "2 2"), "line 2: expected the last of 2 numbers, the column widths in m"),
        (SMALL.replace("100.", "-100."), "line 2: the column widths in m must be positive .* Got -100.0"),
        (SMALL.replace("1.0", "1.x"), "line 5: '1.x' is not a number; expected the values of row 1 of 2"),
        (SMALL.replace(" 5.0\n", ""), "line 6: expected 3 numbers, the values of row 2 .* ends after 2"),
        (SMALL.replace("1\n 0.0", " 0.0"), "expected"),
        (
            SMALL.split("1\n 0.0")[0],
            "line 3: expected the line, 0 or 1, that ModEM ignores, but the file ends",
        ),
        (SMALL + " 1.0\n", "line 8: expected the end of the file"),
        (
            SMALL.replace("4.0", "400.0"),
            r"row 2, column 2 holds 400, which is no ln\(ohm m\).*logarithm=True",
        ),
        (SMALL.replace(" LOGE", ""), "row 1, column 1 holds 0, which is no resistivity"),
    ],
)
def test_errors_at_the_door(tmp_path, text, message):
    with pytest.raises(ValueError, match=message):
        read_modem_model(write(tmp_path, text))


def test_damage_raises_nothing_but_value_errors(tmp_path):
    generator = random.Random(20250102)
    read = refused = 0
    for _ in range(400):
        text = SMALL
        for _ in range(generator.randint(1, 3)):
            i = generator.randrange(len(text))
            insert = generator.choice(["", *"0123456789-+.eEdD \n", "1e400", "nan", "\xff"])
            text = text[:i] + insert + text[i + generator.randint(0, 2) :]
        try:
            mesh, resistivity = read_modem_model(write(tmp_path, text))
            assert resistivity.shape == mesh.shape
            read += 1
        except ValueError:
            refused += 1
    assert read > 30
    assert refused > 30


def test_the_reference_model(data_folder):
    folder = data_folder / "modem2d_block2"
    mesh, resistivity = read_modem_model(folder / "m0.rho")
    assert mesh.shape == (31, 100)
    assert mesh.y_nodes[-1] == 695000.0
    # The description names three resistivities; the file prints logarithms to 6 digits.
    np.testing.assert_allclose(
        resistivity
        / np.array([10.0, 100.0, 1000.0])[
            np.argmin(np.abs(np.log(resistivity[..., None] / [10.0, 100.0, 1000.0])), axis=-1)
        ],
        1.0,
        rtol=1e-5,
    )
    m0, m1, dm = (
        read_modem_model(folder / name, logarithm=True)[1] for name in ("m0.rho", "m1.rho", "dm.rho")
    )
    # m1 = m0 + dm, each printed with 5 digits after the point.
    np.testing.assert_allclose(m1, m0 + dm, rtol=0, atol=1.01e-5)


def test_every_reference_model_is_read(data_folder):
    for path in sorted((data_folder / "modem2d_block2").glob("*.rho")):
        mesh, logarithm = read_modem_model(path, logarithm=True)
        assert logarithm.shape == mesh.shape == (31, 100)
    with pytest.raises(ValueError, match="sensitivity"):
        read_modem_model(data_folder / "modem2d_block2" / "JTxd_JT.rho")
