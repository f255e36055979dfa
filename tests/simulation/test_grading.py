import numpy as np
import pytest

from jaxmt.simulation.grading import graded_nodes

CASES = {
    "one target": ([0.0, 1e5], [(0.0, 10.0)], 0.06),
    "contacts": ([-5e4, -300.0, 2000.0, 8e4], [(-300.0, 20.0), (2000.0, 50.0), (0.0, 100.0)], 0.12),
    "far targets": ([-1e6, 1e6], [(k * 5e3, 1250.0 - 100 * k) for k in range(9)], 0.3),
    "six decades": ([0.0, 500.0, 3e6], [(0.0, 1.0), (500.0, 2.0)], 0.06),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_breaks_are_nodes_and_nodes_increase(case):
    breaks, targets, growth = case
    nodes = graded_nodes(breaks[::-1], targets, growth)
    assert set(breaks) <= set(nodes)
    assert (nodes[0], nodes[-1]) == (breaks[0], breaks[-1])
    assert np.all(np.diff(nodes) > 0)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_neighbouring_steps_differ_by_the_growth(case):
    """exp(g d) between two breaks, d <= 1 + 1 / (2 cells) being the rounding to whole cells."""
    breaks, targets, growth = case
    nodes = graded_nodes(breaks, targets, growth)
    for start, stop in zip(breaks[:-1], breaks[1:], strict=True):
        steps = np.diff(nodes[(nodes >= start) & (nodes <= stop)])
        ratio = np.maximum(steps[1:] / steps[:-1], steps[:-1] / steps[1:])
        # 1 % for the quadrature of 1/h.
        assert ratio.max() < np.exp(growth * (1 + 0.5 / steps.size)) * 1.01


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_steps_are_as_wanted_near_and_far_from_targets(case):
    breaks, targets, growth = case
    nodes = graded_nodes(breaks, targets, growth)
    centres, steps = 0.5 * (nodes[1:] + nodes[:-1]), np.diff(nodes)
    places, wanted = np.array(targets).T
    expected = np.min(wanted + growth * np.abs(centres[:, None] - places), axis=1)
    # A kink of h inside a cell lowers it by up to g/2, rounding to whole cells by 1 / (2 cells).
    np.testing.assert_allclose(steps, expected, rtol=0.5 * growth + 0.05)


def test_one_target_gives_the_closed_form():
    """Equal increments of ln(1 + g x / h) / g."""
    h, g, length = 5.0, 0.1, 4e4
    count = np.log(1 + g * length / h) / g
    k = np.arange(round(count) + 1)
    expected = h / g * (np.exp(g * count * k / round(count)) - 1)
    # Trapezoids on 400 points a target: 1e-4.
    np.testing.assert_allclose(graded_nodes([0.0, length], [(0.0, h)], g), expected, rtol=1e-3)


def test_halving_steps_and_growth_nests_the_mesh():
    coarse = graded_nodes([0.0, 1e4], [(0.0, 40.0)], 0.2)
    fine = graded_nodes([0.0, 1e4], [(0.0, 20.0)], 0.1)
    assert fine.size == pytest.approx(2 * coarse.size, abs=2)
    # The two differ by the rounding of the number of cells, half a cell in 20.
    np.testing.assert_allclose(np.interp(np.linspace(0, 1, 20), np.linspace(0, 1, fine.size), fine),
                               np.interp(np.linspace(0, 1, 20), np.linspace(0, 1, coarse.size), coarse),
                               rtol=0.03)  # fmt: skip
