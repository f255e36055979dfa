import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest
from problems import SMALL, SURVEY, log_section
from scipy import linalg, sparse

from jaxmt import (
    Basis,
    Blocks,
    Cells,
    Data,
    Function,
    Mesh,
    Smoothness,
    StaticShift,
    SuperLU,
    Survey,
    Uncertainty,
    appraise,
    jacobian,
    simulate,
)
from jaxmt.inversion.appraisal import highest_weight, likely_factor, posterior
from jaxmt.inversion.regularization import Penalties, Smallness

pytestmark = pytest.mark.filterwarnings("ignore::jaxmt.MeshWarning")

SOLVER = SuperLU()
SECTION = np.exp(np.asarray(log_section(SMALL)))
FACTOR = 0.02
FIXED = np.zeros(SMALL.shape, bool)
FIXED[0] = True
# Columns in pairs below the third row; cells of their own above.
BLOCKS = np.arange(SECTION.size).reshape(SECTION.shape)
BLOCKS[3:] = 1000 + BLOCKS[3:, ::2].repeat(2, axis=1)
PENALTY = Penalties(((1.0, Smoothness()), (0.3, Smallness(100.0))))
EARTHS = {
    "free": Cells(SMALL),
    "fixed": Cells(SMALL, fixed=FIXED, values=SECTION),
    "blocks": Blocks(SMALL, BLOCKS, 1.0, 1e4, fixed=FIXED, values=SECTION),
}


@pytest.fixture(scope="module")
def data():
    """TE and TM of two frequencies, one datum missing."""
    survey = dataclasses.replace(SURVEY, frequencies=SURVEY.frequencies[[0, 3]])
    full = Data.from_responses(simulate(SMALL, survey, SECTION, solver=SOLVER), 0.03)
    values = full.values.copy()
    values[1, 0, 2] = np.nan
    return Data(survey, values, full.errors)


def dense(data, earth, penalty, factor=FACTOR):
    """Posterior, prior and resolution of all free cells or blocks by full matrices."""
    rows = np.asarray(jacobian(SMALL, data.survey, SECTION, solver=SOLVER))[data.mask]
    rows = (rows / data.errors[data.mask][:, None, None]).reshape(len(rows), -1)
    blocks = BLOCKS if isinstance(earth, Blocks) else np.arange(SECTION.size).reshape(SECTION.shape)
    member = np.where(earth.free, blocks, -1).ravel()
    numbers = np.unique(member[member >= 0])
    ties = (member[:, None] == numbers).astype(float)
    curvature = ties.T @ penalty.curvature(np.log10(SECTION), SMALL, earth.free).toarray() @ ties
    spread = np.log10(earth.high / earth.low) / np.sqrt(12)
    prior = len(rows) * factor * curvature + np.eye(len(numbers)) / spread**2
    g = rows @ ties
    covariance = np.linalg.inv(g.T @ g + prior)
    return ties, covariance, np.linalg.inv(prior), covariance @ g.T @ g


@pytest.mark.parametrize("name", EARTHS)
def test_an_appraisal_is_the_posterior_of_full_matrices(name, data):
    earth = EARTHS[name]
    found = appraise(data, earth, SECTION, FACTOR, regularization=PENALTY, solver=SOLVER)
    ties, covariance, prior, resolution = dense(data, earth, PENALTY)
    free = earth.free
    for ours, expected, known in (
        (found.deviation, np.sqrt(np.diag(covariance)), 0.0),
        (found.prior, np.sqrt(np.diag(prior)), 0.0),
        (found.resolution, np.diag(resolution), 1.0),
        (found.reliance, 1 - resolution.sum(axis=1), 0.0),
    ):
        cells = (ties @ expected).reshape(SMALL.shape)
        # Conditions of 1e5 in full matrices.
        np.testing.assert_allclose(ours[free], cells[free], rtol=1e-8, atol=1e-10)
        np.testing.assert_array_equal(ours[~free], known)
    assert np.all(found.deviation[free] > 0)
    assert np.all(found.deviation[free] < found.prior[free])
    # The number of parameters that so many data can determine.
    assert 1 < np.trace(resolution) < data.mask.sum()


def test_shifts_that_are_not_known_are_parameters_without_a_name(data):
    """The deviations of the cells out of full matrices of cells and shifts together."""
    found = appraise(
        data, SMALL, SECTION, FACTOR, regularization=PENALTY, static_shift=StaticShift(0.2), solver=SOLVER
    )
    ties, _, prior, _ = dense(data, EARTHS["free"], PENALTY)
    rows = np.asarray(jacobian(SMALL, data.survey, SECTION, solver=SOLVER))[data.mask]
    component, _, site = np.nonzero(data.mask)
    curves = [(component == place) & (site == k) for place in (0, 2) for k in range(data.values.shape[2])]
    g = np.hstack([rows.reshape(len(rows), -1) @ ties, np.array(curves, float).T])
    g /= data.errors[data.mask][:, None]
    # Shifts of mean zero by mode, from those of all stations but the last.
    n = data.values.shape[2]
    balance = linalg.block_diag(*[np.vstack([np.eye(n - 1), -np.ones(n - 1)])] * 2)
    g = np.hstack([g[:, : -2 * n], g[:, -2 * n :] @ balance])
    precision = linalg.block_diag(np.linalg.inv(prior), balance.T @ balance / 0.2**2)
    covariance = np.linalg.inv(g.T @ g + precision)
    deviation = np.sqrt(np.diag(covariance))[: SECTION.size].reshape(SMALL.shape)
    # Conditions of 1e5 in full matrices.
    np.testing.assert_allclose(found.deviation, deviation, rtol=1e-8)
    known = appraise(data, SMALL, SECTION, FACTOR, regularization=PENALTY, solver=SOLVER)
    assert np.all(found.deviation >= known.deviation)
    assert np.max(found.deviation / known.deviation) > 1.05
    assert np.all(found.detectability <= known.detectability)


def test_a_basis_of_unit_patterns_is_the_cells(data):
    """Each cell a pattern of its own; then patterns of all cells, against full matrices."""
    units = Basis(SMALL, np.eye(SECTION.size))
    one, other = (
        appraise(data, earth, SECTION, FACTOR, regularization=PENALTY, solver=SOLVER)
        for earth in (units, EARTHS["free"])
    )
    for name in ("deviation", "prior", "resolution", "reliance", "detectability"):
        # Conditions of 1e5; the bounds of cells are those that a basis is believed to keep.
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=1e-8, atol=1e-10)


def test_an_appraisal_of_a_basis_is_the_posterior_of_full_matrices(data):
    z, y = np.meshgrid(np.linspace(0, 1, SMALL.shape[0]), np.linspace(0, 1, SMALL.n_y), indexing="ij")
    patterns = np.stack(
        [np.cos(np.pi * (j * z + k * y)).ravel() for j in range(3) for k in range(3)], axis=1
    )
    earth = Basis(SMALL, patterns)
    found = appraise(data, earth, SECTION, FACTOR, regularization=PENALTY, solver=SOLVER)
    unit = np.abs(patterns).max(axis=0)
    t = patterns / unit
    rows = np.asarray(jacobian(SMALL, data.survey, SECTION, solver=SOLVER))[data.mask]
    g = (rows / data.errors[data.mask][:, None, None]).reshape(len(rows), -1) @ t
    curvature = t.T @ PENALTY.curvature(np.log10(SECTION), SMALL, EARTHS["free"].free) @ t
    prior = len(g) * FACTOR * curvature + np.eye(9) * 12 / 7**2
    covariance = np.linalg.inv(g.T @ g + prior)
    resolution = covariance @ g.T @ g
    cells = {
        "deviation": np.sqrt(np.diag(t @ covariance @ t.T)),
        "prior": np.sqrt(np.diag(t @ np.linalg.inv(prior) @ t.T)),
        "resolution": t**2 @ np.diag(resolution) / np.sum(t**2, axis=1),
        # The first pattern is one everywhere.
        "reliance": 1 - t @ resolution[:, 0],
    }
    for name, expected in cells.items():
        # Conditions of 1e5 in full matrices.
        np.testing.assert_allclose(getattr(found, name).ravel(), expected, rtol=1e-7, atol=1e-9)


def test_reliance_is_how_the_best_section_follows_its_reference():
    """A linear problem with any prior: its solution for a reference moved by one, less the one before."""
    rng = np.random.default_rng(0)
    rows, root = rng.standard_normal((4, 7)), rng.standard_normal((7, 7))
    precision = root.T @ root + np.eye(7)
    observed, reference = rng.standard_normal(4), rng.standard_normal(7)

    def best(reference):
        return np.linalg.solve(rows.T @ rows + precision, rows.T @ observed + precision @ reference)

    from_code = posterior(rows, sparse.csr_array(precision), sparse.csr_array(np.eye(7)))[3]
    np.testing.assert_allclose(from_code, best(reference + 1) - best(reference), rtol=1e-10, atol=1e-12)


def test_a_weak_penalty_leaves_the_bounds(data):
    """A cell of which nothing else is known is uniform between them: their distance over sqrt(12)."""
    vague = dataclasses.replace(data, errors=1e9 * data.errors)
    found = appraise(vague, Cells(SMALL, 1.0, 1e3), SECTION, 1e-9, solver=SOLVER)
    np.testing.assert_allclose(found.deviation, 3 / np.sqrt(12), rtol=1e-6)
    np.testing.assert_allclose(found.prior, 3 / np.sqrt(12), rtol=1e-6)


def test_data_of_no_weight_leave_the_prior(data):
    vague = dataclasses.replace(data, errors=1e9 * data.errors)
    found = appraise(vague, SMALL, SECTION, FACTOR, solver=SOLVER)
    # Squares of 1e-9 against one.
    np.testing.assert_allclose(found.deviation, found.prior, rtol=1e-12)
    np.testing.assert_allclose(found.resolution, 0.0, atol=1e-12)
    np.testing.assert_allclose(found.reliance, 1.0, rtol=1e-12)
    np.testing.assert_array_equal(found.depth_of_investigation(), 0.0)


def test_a_strong_reference_leaves_nothing_to_the_data(data):
    found = appraise(data, SMALL, SECTION, 1e9, regularization=Smallness(100.0), solver=SOLVER)
    count = data.mask.sum()
    # Data variances of 1e3 decades^-2 at most, against 1e9 of the reference for each datum.
    np.testing.assert_allclose(found.resolution, 0.0, atol=1e-6)
    np.testing.assert_allclose(found.reliance, 1.0, atol=1e-6)
    np.testing.assert_allclose(found.deviation, 1 / np.sqrt(1e9 * count), rtol=1e-6)


def test_twice_as_large_at_a_quarter_of_the_frequency_is_seen_twice_as_deep(data):
    """Maxwell's equations without displacement currents keep their shape; so does all that is derived."""
    large = Mesh(2 * SMALL.y_nodes, 2 * SMALL.z_nodes)
    survey = Survey(data.survey.frequencies / 4, 2 * data.survey.stations)
    small = appraise(data, SMALL, SECTION, FACTOR, solver=SOLVER)
    big = appraise(Data(survey, data.values, data.errors), large, SECTION, FACTOR, solver=SOLVER)
    depth = small.depth_of_investigation()
    # Nothing is seen of the sides, and less than everything in the middle.
    assert depth.min() == 0.0
    assert 1e4 < depth.max() < SMALL.z_nodes[-1]
    # Rounding of the fields.
    np.testing.assert_allclose(big.depth_of_investigation(), 2 * depth, rtol=1e-7)
    np.testing.assert_allclose(big.width, 2 * small.width, rtol=1e-7)
    np.testing.assert_allclose(big.deviation, small.deviation, rtol=1e-7)


def test_detectability_is_the_change_of_the_data_to_first_order(data):
    """A half-space that changes by h decades from a depth down; in the first row, in one column alone."""
    found = appraise(data, SMALL, np.full(SMALL.shape, 100.0), FACTOR, solver=SOLVER).detectability
    row, column = 7, 3
    depth = SMALL.earth_nodes[row]
    beside = abs(SMALL.y_centres - SMALL.y_centres[column]) <= depth
    h = 1e-4
    for level, columns in ((row, beside), (0, np.arange(SMALL.n_y) == column)):
        change = np.zeros(SMALL.shape)
        change[level:, columns] = h
        ends = [
            np.array(simulate(SMALL, data.survey, 100.0 * 10 ** (s * change), solver=SOLVER).components)
            for s in (1, -1)
        ]
        expected = np.linalg.norm(((ends[0] - ends[1]) / (2 * h * data.errors))[data.mask])
        # Second order in h, and rounding over h.
        assert found[level, column] == pytest.approx(expected, rel=1e-5)
    assert 1 < beside.sum() < SMALL.n_y


def test_depth_of_investigation_by_hand():
    mesh = Mesh(np.arange(5.0), np.array([-1.0, 0.0, 1.0, 3.0, 7.0]))
    seen = np.array([[9.0, 2.0, 4.0, 8.0], [5.0, 1.0, 2.0, 8.0], [1.0, 0.0, 6.0, 8.0]])
    ones = np.ones(mesh.shape)
    found = Uncertainty(mesh, ones, ones, ones, ones, seen, 1.0)
    # Halfway from 5 to 1 in the second row; never; for good only in the last row, where 6 goes to 0.
    np.testing.assert_allclose(found.depth_of_investigation(3.0), [2.0, 0.0, 5.0, 5.5])
    np.testing.assert_allclose(found.width[:, 0], np.sqrt([1.0, 2.0, 4.0]))
    # From 1 to 9 standard deviations, whose logarithms 3 halves; 6 below 2 is trusted as well above.
    trust = found.trust(seen=9.0, unseen=1.0)
    np.testing.assert_allclose(
        trust[0], [1.0, 0.5 * np.log2(2) / np.log2(3), *[np.log(6) / np.log(9)], np.log(8) / np.log(9)]
    )
    np.testing.assert_allclose(trust[:, 0], [1.0, np.log(5) / np.log(9), 0.0])
    with pytest.raises(
        ValueError, match=r"trust\(seen=..., unseen=...\)` must satisfy.*Got seen=3.0, unseen=3"
    ):
        found.trust(3.0, 3.0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"regularization_factor": 0.0},
            r"regularization_factor=...\)` must be positive and finite. Got 0.0",
        ),
        (
            {"regularization_factor": 1e300},
            r"regularization_factor=...\)` must be at most .*the bounds 1e\+12 times. Got 1e\+300",
        ),
        (
            {"regularization_factor": 1e15},
            r"regularization_factor=...\)` must be at most .* Got 1e\+15. Leave it out",
        ),
        # Smooth up to rounding, not to the last bit.
        (
            {
                "resistivity": np.full(SMALL.shape, 100.0) * (1 + 1e-14 * np.eye(*SMALL.shape)),
                "regularization_factor": None,
            },
            r"regularization_factor=None\)` finds a factor from the roughness.* none",
        ),
        ({"resistivity": np.ones(3)}, r"`appraise\(resistivity=...\)` must be.*Got \(3,\)"),
        ({"resistivity": 1e7}, "must lie between `Cells.*Got 10000000.0"),
        ({"parametrisation": Function(SMALL, lambda p: p)}, "`appraise` needs.*`Function` does not have"),
    ],
)
def test_bad_arguments_are_refused(options, message, data):
    with pytest.raises(ValueError, match=message):
        appraise(
            data,
            **(
                {
                    "parametrisation": SMALL,
                    "resistivity": SECTION,
                    "regularization_factor": FACTOR,
                    "solver": SOLVER,
                }
                | options
            ),
        )


def test_errors_next_to_nothing_are_refused(data):
    exact = dataclasses.replace(data, errors=1e-9 * data.errors)
    with pytest.raises(
        ValueError, match=r"errors so small that the data outweigh the bounds .*set an error floor"
    ):
        appraise(exact, SMALL, SECTION, FACTOR, solver=SOLVER)


def test_the_largest_factor_that_is_accepted_has_a_cholesky_factor(data):
    """Close to the limit from both sides: no processor's rounding decides."""
    curvature = sparse.csr_array(Smoothness().curvature(np.log10(SECTION), SMALL, EARTHS["free"].free))
    earth = EARTHS["free"]
    limit = highest_weight(curvature, 12 / np.log10(earth.high / earth.low) ** 2) / int(data.mask.sum())
    found = appraise(data, SMALL, SECTION, 0.999 * limit, solver=SOLVER)
    # All that smoothness allows is one level for all cells.
    np.testing.assert_allclose(found.deviation, found.deviation.mean(), rtol=1e-2)
    with pytest.raises(ValueError, match=r"regularization_factor=...\)` must be at most"):
        appraise(data, SMALL, SECTION, 1.001 * limit, solver=SOLVER)


def test_a_mode_that_is_not_simulated_is_refused(data):
    one = Data(dataclasses.replace(data.survey, modes=("tm",)), data.values, data.errors)
    with pytest.raises(ValueError, match=r"`appraise\(data=...\)` holds TE data, but .* is \('tm',\)"):
        appraise(one, SMALL, SECTION, FACTOR, solver=SOLVER)


def test_a_threshold_of_nothing_is_refused():
    ones = np.ones(SMALL.shape)
    with pytest.raises(ValueError, match=r"threshold=...\)` must be a positive number.*Got 0.0"):
        Uncertainty(SMALL, ones, ones, ones, ones, ones, 1.0).depth_of_investigation(0.0)


def test_the_likely_factor_balances_roughness_and_what_is_determined(data):
    """The equation itself in full matrices, for the section of the test."""
    found = appraise(data, SMALL, SECTION, regularization=PENALTY, solver=SOLVER)
    _, covariance, prior, _ = dense(data, EARTHS["free"], PENALTY, found.regularization_factor)
    curvature = PENALTY.curvature(np.log10(SECTION), SMALL, EARTHS["free"].free).toarray()
    roughness = float(PENALTY(jnp.log10(SECTION), SMALL, EARTHS["free"].free))
    # The factor is found to one per cent.
    assert roughness == pytest.approx(np.trace((prior - covariance) @ curvature), rel=0.02)


def test_the_likely_factor_is_that_of_the_sections_it_is_shown():
    """A chain drawn from its prior, seen through noise; best section and factor found in turn."""
    rng = np.random.default_rng(5)
    n, count, true = 300, 200, 40.0
    differences = np.diff(np.eye(n), axis=0)
    curvature, bounds = differences.T @ differences, 1e-3
    section = np.cumsum(rng.standard_normal(n)) / np.sqrt(true)
    rows = 10 * np.exp(-0.5 * ((np.arange(n) - rng.uniform(0, n, (count, 1))) / 2) ** 2)
    observed = rows @ section + rng.standard_normal(count)
    weight = 1.0
    for _ in range(8):
        best = np.linalg.solve(rows.T @ rows + weight * curvature + bounds * np.eye(n), rows.T @ observed)
        weight = count * likely_factor(
            rows, sparse.csr_array(curvature), bounds, best @ curvature @ best, count
        )
    # About 150 well-determined numbers: a variance of theirs is good to sqrt(2 / 150), 12 per cent.
    assert weight == pytest.approx(true, rel=0.3)


def test_a_section_rougher_than_its_bounds_allow_is_not_smoothed():
    differences = np.diff(np.eye(30), axis=0)
    curvature, bounds = differences.T @ differences, 0.5
    factor = likely_factor(np.eye(30)[:20], sparse.csr_array(curvature), bounds, 1e6, 20)
    # The largest entry of the curvature is 2.
    assert 0 < 20 * factor * 2 < 1e-3 * bounds


def test_a_section_without_roughness_needs_a_factor(data):
    with pytest.raises(
        ValueError, match=r"regularization_factor=None\)` finds a factor from the roughness"
    ):
        appraise(data, SMALL, np.full(SMALL.shape, 100.0), solver=SOLVER)
