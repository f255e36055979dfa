"""The parts of `experiments.harpa`."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from ott.geometry.pointcloud import PointCloud
from ott.problems.linear.linear_problem import LinearProblem
from ott.solvers.linear import univariate

from experiments.harpa import drawing, speeds
from experiments.harpa.association import Guess, Phase, Problem, associate, inside, joined, problem
from experiments.harpa.eikonal import travel_times
from experiments.harpa.fields import Corrected, Siren, Table, trained
from experiments.harpa.geiger import linearised
from experiments.harpa.hopping import Hops, hopped
from experiments.harpa.latent import fitted
from experiments.harpa.picks import SPURIOUS, Picks, Truth, record, station_nodes
from experiments.harpa.refinement import Exact
from experiments.harpa.scanning import Scan, misfits
from experiments.harpa.scene import Scene, drawn, solve, stated, table
from experiments.harpa.scores import nearest, partners, score

N = 9


def nodes(n):
    axis = np.linspace(0, 1, n)
    return np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1)


def test_travel_times_in_a_uniform_speed_are_distances():
    sources = np.array([[0, 0, 0], [4, 2, 0], [8, 8, 8]])
    found = travel_times(jnp.full((N, N, N), 2.0), jnp.asarray(sources))
    for k, source in enumerate(sources):
        expected = np.linalg.norm(nodes(N) - source / (N - 1), axis=-1) / 2
        # The factored equation is exact there; the cone's floor at the source is 1e-9.
        np.testing.assert_allclose(found[..., k], expected, atol=1e-8)


def gradient_error(n):
    """Rms against the closed form in a speed that is linear in depth, whose rays are circles."""
    v0, k = 0.5, 2.0
    z = nodes(n)[..., 2]
    source = np.array([n // 2, 0, 0])
    found = travel_times(jnp.asarray(v0 + k * z), jnp.asarray(source[None]))[..., 0]
    squares = np.sum(np.square(nodes(n) - source / (n - 1)), axis=-1)
    exact = np.arccosh(1 + k**2 * squares / (2 * v0 * (v0 + k * z))) / k
    return np.sqrt(np.mean(np.square(found - exact)))


def test_travel_times_are_of_first_order():
    # Half the error at half the spacing; terms of second order are still a tenth at these.
    assert gradient_error(9) / gradient_error(17) == pytest.approx(2.0, rel=0.15)


def test_speeds_stay_in_their_bounds_and_have_their_own_patterns():
    rng = np.random.default_rng(0)
    patterns = np.stack([speeds.random_field(rng, N) for _ in range(3)])
    made = speeds.random_speeds(rng, patterns, 4)
    for cube in (*made, speeds.thrust(rng, N)):
        assert 0.5 <= cube.min() < cube.max() <= 2.5
    assert np.unique(made.mean(axis=(1, 2, 3))).size == 4


def test_a_distortion_has_its_size():
    cube = speeds.background(N)
    wrong = speeds.distorted(np.random.default_rng(0), cube, 0.05)
    # Normalised over the nodes, clipped nowhere.
    assert np.sqrt(np.mean(np.square(wrong / cube - 1))) == pytest.approx(0.05, rel=1e-12)


def test_a_table_is_exact_at_nodes_and_for_what_is_linear_between():
    rng = np.random.default_rng(0)
    values = rng.random((4, 4, 4, 3))
    field = Table(jnp.asarray(values))
    found = field(jnp.asarray(nodes(4).reshape(-1, 3)), jnp.zeros(0), jnp.asarray([2, 0]))
    np.testing.assert_allclose(found, values.reshape(-1, 3)[:, [2, 0]], atol=1e-14)
    slope = np.array([1.0, -2.0, 3.0])
    linear = Table(jnp.asarray(nodes(4) @ slope)[..., None])
    points = rng.random((5, 3))
    np.testing.assert_allclose(
        linear(jnp.asarray(points), jnp.zeros(0), jnp.asarray([0]))[:, 0], points @ slope, atol=1e-14
    )


def test_a_network_learns_travel_times():
    cube = speeds.background(N)
    stations = np.array([[0, 0, 0], [8, 4, 0]])
    times = travel_times(jnp.asarray(cube), jnp.asarray(stations)).reshape(1, -1, 2)
    points = jnp.asarray(nodes(N).reshape(-1, 3))
    one, two = jax.random.split(jax.random.key(0))
    start = Siren(jnp.asarray(stations / 8), jnp.mean(1 / cube), 0, 32, 2, key=one)
    nothing = jnp.zeros((1, 0))

    def error(siren):
        found = siren(points, nothing[0], jnp.arange(2))
        return float(jnp.sqrt(jnp.mean(jnp.square(found - times[0]))))

    after = trained(start, points, times, nothing, key=two, steps=150, batch=256, rate=3e-3)
    # Times are about one; the network starts as a uniform medium.
    assert error(after) < 0.1 * error(start)
    np.testing.assert_array_equal(after.stations, start.stations)
    at_station = after(jnp.asarray([[1.0, 0.5, 0.0]]), nothing[0], jnp.asarray([1]))
    assert abs(float(at_station[0, 0])) < 1e-4


@pytest.mark.slow
def test_latent_numbers_stand_for_speeds():
    rng = np.random.default_rng(0)
    pattern = np.stack([speeds.random_field(rng, 6)])
    made = speeds.random_speeds(rng, pattern, 60, active=1)
    latent = fitted(made, 2, key=jax.random.key(0), steps=600, components=8)
    flat = jnp.asarray(made.reshape(60, -1))
    codes = latent.encode(flat)
    assert float(codes.min()) >= 0
    assert float(codes.max()) <= 1 + 1e-12
    # One number makes these speeds; a fifth of their spread is left at most.
    assert float(jnp.std(latent.decode(codes) - flat)) < 0.2 * float(jnp.std(flat - flat.mean(axis=0)))
    with pytest.raises(ValueError, match="too few"):
        fitted(made[:2], 2, key=jax.random.key(0), steps=1)


def truth(times, arrivals):
    events = len(times)
    origin, speed = np.zeros((1, 1), int), np.full((2, 2, 2), np.nan)
    return Truth(np.zeros((events, 3)), np.asarray(times), np.asarray(arrivals), origin, speed)


def test_chaos_is_zero_in_order_and_one_without_any():
    times = np.arange(5.0)
    assert truth(times, [times + 2, times + 3]).chaos == pytest.approx(0.0, abs=1e-12)
    assert truth(times, [-times, -times]).chaos == 1.0


def picks(times, exists=None, stations=None):
    times = np.asarray(times, dtype=float)
    exists = np.ones(times.shape, bool) if exists is None else np.asarray(exists)
    stations = np.random.default_rng(0).random((len(times), 3)) if stations is None else stations
    return Picks(stations, times, exists)


def test_what_cannot_be_searched_is_refused():
    times = np.ones((3, 2))
    with pytest.raises(ValueError, match="station 1 has no picks"):
        picks(times, [[True, True], [False, False], [True, False]])
    with pytest.raises(ValueError, match="all 3 stations are at"):
        picks(times, stations=np.ones((3, 3)))
    with pytest.raises(ValueError, match="finite"):
        picks([[np.nan, 1.0]] * 3)
    with pytest.raises(ValueError, match="have shape"):
        picks(times, np.ones((3, 3), bool))
    with pytest.raises(ValueError, match="2 events have 8 unknowns, but there are 6 picks"):
        picks(times).check_events(2)
    picks(times).check_events(1)


def test_recorded_picks_are_those_of_the_events():
    rng = np.random.default_rng(1)
    where = station_nodes(rng, N, 30)
    cube = speeds.background(N)
    field = table(cube, where)
    found, real = record(rng, where, cube, np.asarray(field.times), 6, spurious=0.2, missing=0.3)
    true = found.exists & (real.origin != SPURIOUS)
    expected = real.arrivals[np.nonzero(true)[0], real.origin[true]]
    np.testing.assert_array_equal(found.times[true], expected)
    # 180 draws each: four standard errors.
    assert true.sum() / 180 == pytest.approx(0.7, abs=0.14)
    assert (found.exists & ~true).sum() / 180 == pytest.approx(0.2, abs=0.13)


def test_the_mismatch_is_transport_on_the_line_whatever_the_order_of_the_picks():
    rng = np.random.default_rng(2)
    arrivals, times = jnp.asarray(rng.random(7)), jnp.asarray(rng.random((1, 7)))

    def mismatch(times, complete):
        exists = jnp.ones(times.shape, bool)
        problem = Problem(Table(jnp.zeros((2, 2, 2, 1))), times, exists, jnp.asarray(1.0), None, complete)
        return float(problem.mismatch(arrivals, jnp.asarray(0)))

    with jax.numpy_dtype_promotion("standard"):
        linear = LinearProblem(PointCloud(arrivals[:, None], times[0][:, None]))
        theirs = univariate.uniform_solver(linear, return_transport=False).ot_costs
    # The same sum of seven numbers.
    assert mismatch(times, True) == pytest.approx(float(theirs[0]), rel=1e-12)
    for complete in (True, False):
        shuffled = times[:, rng.permutation(7)]
        assert mismatch(shuffled, complete) == pytest.approx(mismatch(times, True), rel=1e-12)


def test_reflection_keeps_a_guess_inside():
    values = jnp.asarray([-0.25, 0.25, 1.0, 1.25, 2.25, -1.75])
    np.testing.assert_allclose(inside(values), [0.25, 0.25, 1.0, 0.75, 0.25, 0.25], atol=1e-15)


def test_partners_at_a_price():
    arrivals, times = np.array([0.0, 1.0]), np.array([0.1, 5.0, 1.2])
    np.testing.assert_array_equal(partners(arrivals, times, None), [0, SPURIOUS, 1])
    # Matching 1.0 with 1.2 costs 0.04, leaving both 0.03.
    np.testing.assert_array_equal(partners(arrivals, times, 0.015), [0, SPURIOUS, SPURIOUS])


@pytest.fixture(scope="module")
def outcome():
    rng = np.random.default_rng(3)
    where = station_nodes(rng, N, 8)
    cube = np.full((N, N, N), 1.0)
    field = table(cube, where)
    found, real = record(rng, where, cube, np.asarray(field.times), 2, window=5.0)
    phases = [Phase(0.02, 1e-3, 600), Phase(0.004, 0.0, 600)]
    return solve([Scene(found, real, field)], phases, restarts=4, seed=0)[0]


def test_two_events_are_found(outcome):
    assert outcome.best.accuracy == 1.0
    assert outcome.success >= 0.25
    # The spacing of the nodes, 12.5 km: the search moves between them.
    assert outcome.best.location_error < 12.5
    assert outcome.found.mismatch.min() == outcome.found.mismatch[outcome.found.best]
    assert outcome.found.path.location.shape == (4, 51, 2, 3)


def test_the_truth_scores_full_marks_and_swapped_picks_none(outcome):
    scene = outcome.scene
    args = scene.truth.locations, scene.truth.times, scene.truth.arrivals.T, scene.picks
    best = score(*args, scene.truth)
    assert dataclasses.astuple(best) == (1.0, 0.0, 0.0, 0.0)
    swapped = dataclasses.replace(scene.truth, origin=1 - scene.truth.origin)
    assert score(*args, swapped).accuracy == 0.0


def test_events_at_one_place_are_told_apart_by_their_times():
    real = dataclasses.replace(truth([0.0, 1.0], [[0.0, 1.0]]), locations=np.full((2, 3), 0.5))
    np.testing.assert_array_equal(nearest(np.full((2, 3), 0.4), np.array([0.9, 0.1]), real), [1, 0])


def test_figures_are_drawn(outcome, tmp_path):
    drawing.arrivals([outcome], ["one"], tmp_path / "arrivals.png")
    drawing.trajectories(outcome, tmp_path / "trajectories.png")
    cube = outcome.scene.truth.speed
    drawing.speeds(cube, cube + 0.1, outcome, tmp_path / "speeds.png")
    assert {path.name for path in tmp_path.iterdir()} == {"arrivals.png", "trajectories.png", "speeds.png"}


def true_guess(outcome):
    scene, latest = outcome.scene, outcome.found.latest
    when = jnp.asarray(scene.truth.times) / latest
    return Guess(jnp.asarray(scene.truth.locations), when, jnp.zeros(0))


def test_a_guess_is_predicted_by_its_field(outcome):
    scene = outcome.scene
    stated = problem(scene.field, scene.picks, scene.events)
    assert float(stated.latest) == outcome.found.latest
    # Events are at nodes, where the table is exact.
    found = stated.predicted(true_guess(outcome), jnp.arange(8))
    np.testing.assert_allclose(found, scene.truth.arrivals.T, atol=1e-12)


def test_a_lost_event_is_found_again_by_scanning(outcome):
    stated = problem(outcome.scene.field, outcome.scene.picks, outcome.scene.events)
    truth = true_guess(outcome)
    lost = Guess(truth.location.at[1].set(0.5), truth.time.at[1].set(0.9), truth.latent)
    scan = Scan(points=4096, times=40, width=1.5, softness=0.05)
    found = scan.redrawn(stated, lost, jnp.asarray([1, -1]), jax.random.key(0))
    # 4096 points are 6 km apart; brightness tells places to about the width, 15 km at 10 km/s.
    assert np.linalg.norm(found.location[1] - truth.location[1]) < 0.15
    assert np.linalg.norm(lost.location[1] - truth.location[1]) > 0.3
    np.testing.assert_array_equal(found.location[0], truth.location[0])
    same = scan.redrawn(stated, lost, jnp.asarray([-1, -1]), jax.random.key(0))
    np.testing.assert_array_equal(same.location, lost.location)
    np.testing.assert_array_equal(same.time, lost.time)


def test_misfits_of_events_are_those_of_their_partners(outcome):
    stated = problem(outcome.scene.field, outcome.scene.picks, outcome.scene.events)
    guess = dataclasses.replace(true_guess(outcome), location=jax.random.uniform(jax.random.key(3), (2, 3)))
    arrivals = np.asarray(stated.predicted(guess, jnp.arange(8)))
    expected = np.zeros(2)
    for station, row in enumerate(arrivals.T):
        times = outcome.scene.picks.times[station]
        given = partners(row, times, None)
        expected[given] += (row[given] - times) ** 2 / 8
    # Rounding only.
    np.testing.assert_allclose(misfits(stated, guess), expected, rtol=1e-12)


def test_what_was_found_is_chosen_from_and_joined_in_order(outcome):
    found = outcome.found
    leading = found.leading(2)
    assert list(leading.mismatch) == sorted(found.mismatch)[:2]
    again = joined([leading, found.chosen(np.array([3]))])
    assert again.mismatch[2] == found.mismatch[3]
    np.testing.assert_array_equal(again.guesses.location[2], found.guesses.location[3])
    np.testing.assert_array_equal(again.events()[0][2], found.arrivals[found.best])


@pytest.fixture(scope="module")
def world():
    """A latent model of two numbers and a network that knows nothing, on 6 nodes a side."""
    rng = np.random.default_rng(0)
    made = speeds.random_speeds(rng, np.stack([speeds.random_field(rng, 6)]), 40, active=1)
    model = fitted(made, 2, key=jax.random.key(0), steps=200, components=8)
    where = station_nodes(rng, 6, 8)
    siren = Siren(jnp.asarray(where / 5), jnp.mean(1 / made), 2, 8, 2, key=jax.random.key(1))
    return model, where, siren


def test_a_corrected_network_is_exact_where_it_was_corrected(world):
    model, where, siren = world
    latent = jnp.asarray([0.3, 0.6])
    speed = model.decode(latent[None])[0].reshape(6, 6, 6)
    times = travel_times(speed, jnp.asarray(where))
    field = Corrected(siren, latent, times)
    points = jnp.asarray(nodes(6).reshape(-1, 3))
    stations = jnp.arange(8)
    np.testing.assert_allclose(field(points, latent, stations), times.reshape(-1, 8), atol=1e-12)
    # Elsewhere the network tells the difference.
    other = latent + 0.1
    change = siren(points, other, stations) - siren(points, latent, stations)
    np.testing.assert_allclose(
        field(points, other, stations) - field(points, latent, stations), change, atol=1e-12
    )


def test_slopes_of_travel_times_are_their_derivatives(world):
    model, where, _ = world
    latent, nodes_of = jnp.asarray([0.3, 0.6]), jnp.asarray(where)
    field = linearised(model, latent, nodes_of)
    moved = latent + 0.004
    there = linearised(model, moved, nodes_of).times
    change = there - field.times
    points, stations = jnp.asarray(nodes(6).reshape(-1, 3)), jnp.arange(8)
    found = field(points, moved, stations).reshape(change.shape)
    np.testing.assert_allclose(
        field.times, field(points, latent, stations).reshape(change.shape), atol=1e-12
    )
    # One-sided differences over 0.01 leave a part of the second derivative; the median, because times
    # jump at some nodes, where the upwind neighbour changes.
    assert np.median(np.abs(found - there)) < 0.05 * np.median(np.abs(change))


@pytest.mark.slow
def test_geiger_finds_events_and_speed_together(world):
    model, where, siren = world
    latent = jnp.asarray([0.4, 0.5])
    speed = np.asarray(model.decode(latent[None]))[0].reshape(6, 6, 6)
    times = np.asarray(travel_times(jnp.asarray(speed), jnp.asarray(where)))
    # Between nodes: at these the slopes of an interpolated table jump.
    truth = Guess(jnp.asarray([[0.32, 0.47, 0.68], [0.71, 0.28, 0.53]]), jnp.asarray([0.1, 0.6]), latent)
    arrivals = Table(jnp.asarray(times))(truth.location, jnp.zeros(0), jnp.arange(8)).T + 0.2 * truth.time
    stated_problem = Problem(
        siren, arrivals, jnp.ones(arrivals.shape, bool), jnp.asarray(0.2), None, complete=True
    )
    near = jax.tree.map(lambda leaf: leaf + 0.03, truth)
    exact = Exact(model, jnp.asarray(where))
    several = jax.tree.map(lambda *leaves: jnp.stack(leaves), near, truth)
    (before,) = exact.located([stated_problem], [several], 0)
    (found,) = exact.located([stated_problem], [several], 15)
    # From 0.03 off it ends where times jump with the speed, as the upwind neighbour of a node changes.
    assert found.mismatch[0] < 1e-3 * before.mismatch[0]
    assert before.mismatch[1] < 1e-20
    np.testing.assert_allclose(inside(found.guesses.location[0]), truth.location, atol=0.01)
    np.testing.assert_allclose(inside(found.guesses.latent[0]), latent, atol=0.02)


@pytest.mark.slow
def test_hops_never_lose_ground_and_end_on_exact_times(world):
    model, where, siren = world
    rng = np.random.default_rng(2)
    speed = np.asarray(model.decode(jnp.asarray([[0.4, 0.5]])))[0].reshape(6, 6, 6)
    times = np.asarray(travel_times(jnp.asarray(speed), jnp.asarray(where)))
    picked, real = record(rng, where, speed, times, 2, window=5.0)
    scenes, problems = stated([Scene(picked, real, siren, latents=2)])
    phase, hops = Phase(0.02, 1e-3, 100), Hops(rounds=2, survivors=3)
    one, two, three = jax.random.split(jax.random.key(0), 3)
    start = associate(problems, drawn(scenes, 6, one), [phase], two)
    hopped_to = hopped(problems, start, phase, hops, three)
    # A family's parent is one of its own.
    for found, before in zip(hopped_to, start, strict=True):
        assert np.all(found.mismatch <= before.leading(3).mismatch)
        assert np.any(found.mismatch < before.leading(3).mismatch)
    exact = Exact(model, jnp.asarray(where))
    still = Phase(0.0, 0.0, 25)
    (found,) = exact(problems, [hopped_to[0].guesses], [still], one)
    for k, (places, when, arrivals) in enumerate(found.events()):
        latent = inside(found.guesses.latent[k])
        cube = model.decode(latent[None])[0].reshape(6, 6, 6)
        there = Table(travel_times(cube, jnp.asarray(where)))
        expected = when[:, None] + there(jnp.asarray(places), jnp.zeros(0), jnp.arange(8))
        np.testing.assert_allclose(arrivals, expected, atol=1e-12)
