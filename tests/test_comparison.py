import importlib
import importlib.util

import numpy as np
import pytest

from jaxmt import Mesh, comparison

MESH = Mesh([-400.0, -200, -100, 0, 100, 200, 400], [-50.0, 0, 100, 200, 400, 800])
STATIONS = np.array([-200.0, 0.0, 200.0])


def test_cells_under_stations_are_those_whose_centres_lie_there():
    cells = comparison.under_stations(MESH, STATIONS, 300.0)
    # Columns 1 to 4 lie between -200 and 200 m; rows end at centres of 50, 150 and 300 m.
    expected = np.zeros(MESH.shape, bool)
    expected[:3, 1:5] = True
    np.testing.assert_array_equal(cells, expected)
    with pytest.raises(ValueError, match="No cell has its centre"):
        comparison.under_stations(MESH, STATIONS, 10.0)


def test_rmse_counts_only_cells_under_the_stations():
    true = np.full(MESH.shape, 100.0)
    found = true.copy()
    found[:, 0] = found[3] = 1e4
    assert comparison.rmse(MESH, true, found, STATIONS, 300.0) == 0.0
    # Three of twelve cells wrong by two decades: sqrt(3 * 4 / 12) = 1.
    found[0, 1:4] = 1e4
    assert comparison.rmse(MESH, true, found, STATIONS, 300.0) == pytest.approx(1.0, rel=1e-14)
    # Of all 24: these three, the first column's four and the last row's other five.
    assert comparison.published_rmse(true, found) == pytest.approx(np.sqrt(12 * 4 / 24), rel=1e-14)


def test_area_rmse_counts_square_metres():
    true = np.full(MESH.shape, 100.0)
    found = true.copy()
    # The row from 200 to 400 m: half of the raster's depth, one decade.
    found[2] = 1e3
    assert comparison.area_rmse(MESH, true, found, STATIONS, 400.0) == pytest.approx(
        np.sqrt(0.5), rel=1e-12
    )
    # One of three rows.
    assert comparison.rmse(MESH, true, found, STATIONS, 400.0) == pytest.approx(np.sqrt(1 / 3), rel=1e-12)


def images(seed):
    rng = np.random.default_rng(seed)
    first = rng.standard_normal((9, 12))
    return first, first + 0.5 * rng.standard_normal(first.shape)


def by_hand(first, second, values, window):
    """Square by square, from the definition."""
    scores = []
    for i in range(first.shape[0] - window + 1):
        for j in range(first.shape[1] - window + 1):
            a, b = (x[i : i + window, j : j + window].ravel() for x in (first, second))
            c = np.cov(a, b)
            c1, c2 = (0.01 * values) ** 2, (0.03 * values) ** 2
            means = (2 * a.mean() * b.mean() + c1) / (a.mean() ** 2 + b.mean() ** 2 + c1)
            scores.append(means * (2 * c[0, 1] + c2) / (c[0, 0] + c[1, 1] + c2))
    return np.mean(scores)


@pytest.mark.parametrize("window", [3, 5])
def test_structural_similarity_is_its_definition(window):
    first, second = images(0)
    # Means of products less products of means lose a few digits.
    found = comparison.structural_similarity(first, second, 4.0, window)
    assert found == pytest.approx(by_hand(first, second, 4.0, window), rel=1e-11)
    assert found < 0.95
    assert comparison.structural_similarity(first, first, 4.0, window) == pytest.approx(1, rel=1e-12)


@pytest.mark.skipif(importlib.util.find_spec("skimage") is None, reason="needs scikit-image")
def test_structural_similarity_is_that_of_scikit_image():
    metrics = importlib.import_module("skimage.metrics")
    first, second = images(1)
    expected = metrics.structural_similarity(first, second, data_range=3.0, win_size=3)
    found = comparison.structural_similarity(first, second, 3.0, 3)
    assert found == pytest.approx(expected, rel=1e-11)


@pytest.mark.parametrize(
    ("values", "window", "message"),
    [
        (0.0, 3, r"values=...\)` must be a positive range. Got 0.0"),
        (1.0, 4, r"window=...\)` must be odd .* Got 4"),
        (1.0, 11, "smaller side of the images, 9. Got 11"),
    ],
)
def test_bad_arguments_are_refused(values, window, message):
    first, second = images(0)
    with pytest.raises(ValueError, match=message):
        comparison.structural_similarity(first, second, values, window)


def test_published_similarity_counts_the_air():
    """All cells are wrong by a decade, and yet nearly all of the score is left."""
    true = np.full(MESH.shape, 100.0)
    true[:, 3:] = 10.0
    flattered = comparison.published_similarity(MESH, true, 10 * true)
    honest = comparison.similarity(MESH, true, 10 * true, STATIONS, 300.0)
    # log10 sigma from -9 in air to -1: L = 8. In the air 9 against 10, in the ground 1 or 2 against 2 or 3.
    sigma, other = (np.full((5, 6), air) for air in (-9.0, -10.0))
    sigma[1:], other[1:] = -np.log10(true), -np.log10(10 * true)
    assert flattered == pytest.approx(by_hand(sigma, other, 8.0, 3), rel=1e-11)
    assert honest < flattered


def test_similarity_does_not_depend_on_the_mesh_beyond_its_cells():
    """The same section on a mesh with every cell cut in four."""
    rng = np.random.default_rng(2)
    true, found = 10 ** rng.uniform(0, 3, (2, *MESH.shape))
    y = np.sort(np.concatenate([MESH.y_nodes, MESH.y_centres]))
    z = np.sort(np.concatenate([[-50.0], MESH.earth_nodes, MESH.z_centres]))
    finer_true, finer_found = (np.repeat(np.repeat(s, 2, axis=0), 2, axis=1) for s in (true, found))
    expected = comparison.similarity(MESH, true, found, STATIONS, 300.0)
    finer = comparison.similarity(Mesh(y, z), finer_true, finer_found, STATIONS, 300.0)
    assert finer == pytest.approx(expected, rel=1e-13)


def test_recovery_is_one_for_the_body_and_zero_for_its_host():
    inside = np.zeros(MESH.shape, bool)
    inside[1:3, 2] = True
    found = np.full(MESH.shape, 100.0)
    assert comparison.recovery(MESH, found, inside, 1.0, 100.0) == 0.0
    found[1, 2] = 1.0
    # The upper of two cells, of 100 m against 200 m.
    assert comparison.recovery(MESH, found, inside, 1.0, 100.0) == pytest.approx(1 / 3, rel=1e-14)
