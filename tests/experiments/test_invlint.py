"""The parts of `experiments.invlint`."""

import dataclasses
import math
import sys

import equinox as eqx
import jax
import jax.numpy as jnp
import matplotlib as mpl
import numpy as np
import pytest

mpl.use("Agg")

import jaxmt  # noqa: E402
from experiments.invlint import __main__ as command  # noqa: E402
from experiments.invlint import drawing, pairs, scores, starts
from experiments.invlint.convolution import Convolutional, Filling  # noqa: E402
from experiments.invlint.decoder import Decoder, averaged, placement  # noqa: E402
from experiments.invlint.embedding import kernels  # noqa: E402
from experiments.invlint.examples import Counts, Examples  # noqa: E402
from experiments.invlint.layout import layout  # noqa: E402
from experiments.invlint.learning import Size, learn  # noqa: E402
from experiments.invlint.predictor import load, parameters, save  # noqa: E402
from experiments.invlint.ridge import Linear, ridge  # noqa: E402
from experiments.invlint.sections import random_sections  # noqa: E402
from experiments.invlint.training import Schedule, trained  # noqa: E402

SURVEY = jaxmt.Survey([10.0, 1.0], [-4e3, 0.0, 4e3])
SPAN = (0.0, 4.0)
SHAPE = (8, 16)
ERROR = 0.05


def a_layout(survey=SURVEY):
    return layout(survey, 100.0, shape=SHAPE, growth=0.5)


def sections(count, seed=0):
    return random_sections(np.random.default_rng(seed), count, SHAPE, SPAN)


def test_a_picture_lies_under_the_stations_and_goes_on_beside_and_below_them():
    place = a_layout()
    assert place.range == pytest.approx(SPAN)
    # Half a spacing beyond the outermost stations, down to the Bostick depth of 1 Hz in 100 ohm m.
    assert place.y_edges[[0, -1]].tolist() == [-6e3, 6e3]
    assert place.z_edges[-1] == pytest.approx(math.sqrt(100.0 / (2 * math.pi * jaxmt.conventions.MU_0)))
    picture = np.arange(np.prod(SHAPE), dtype=float).reshape(SHAPE) / 64
    section = np.log10(place.section(picture, place.mesh))
    y, z = place.mesh.y_centres, place.mesh.z_centres
    for i, j in ((0, 0), (3, np.argmin(abs(y - 1e3))), (-1, -1)):
        row = np.count_nonzero(z[i] > place.z_edges[1:-1])
        column = np.count_nonzero(y[j] > place.y_edges[1:-1])
        assert section[i, j] == pytest.approx(picture[row, column], abs=1e-14)
    # On its own pixels a picture is itself.
    np.testing.assert_allclose(np.log10(place.section(picture, place.pixels)), picture, atol=1e-14)


def test_layouts_that_see_nothing_are_refused():
    with pytest.raises(ValueError, match="All 2 stations are at 5 m"):
        layout(jaxmt.Survey([10.0, 1.0], [5.0, 5.0]))
    with pytest.raises(ValueError, match="give more frequencies than 10 Hz"):
        layout(jaxmt.Survey([10.0], [0.0, 1e3]))


def test_random_sections_differ_and_stay_in_their_span():
    found = sections(40)
    assert found.dtype == np.float32
    assert SPAN[0] <= found.min() < found.max() <= SPAN[1]
    assert np.unique(found.mean(axis=(1, 2))).size == 40
    np.testing.assert_array_equal(found, sections(40))


def test_a_batch_gives_what_simulate_gives_one_by_one():
    place, pictures = a_layout(), sections(3)
    seen = []
    found = pairs.simulated(place, pictures, seen.append, chunk=2)
    assert seen == [2, 1]
    for picture, values in zip(pictures, found, strict=True):
        with pytest.warns(jaxmt.MeshWarning):
            one = jaxmt.simulate(place.mesh, SURVEY, place.section(picture, place.mesh))
        # The same systems, in another order of summation.
        np.testing.assert_allclose(values, one.components[:4], rtol=1e-9)


def test_a_model_without_responses_is_named():
    pictures = sections(2)
    pictures[1] = -300.0
    with pytest.raises(FloatingPointError, match="1 of 2 models .* number 1"):
        pairs.simulated(a_layout(), pictures, chunk=2)


def test_pairs_are_made_once_and_again_if_their_file_is_damaged(monkeypatch, tmp_path):
    made = []

    def fake(place, pictures, progress):
        del place, progress
        made.append(len(pictures))
        return np.full((len(pictures), 4, 2, 3), 0.25)

    monkeypatch.setattr(pairs, "simulated", fake)
    place, pictures = a_layout(), sections(3)
    first = pairs.kept(place, pictures, tmp_path)
    again = pairs.kept(place, pictures, tmp_path)
    assert made == [3]
    np.testing.assert_array_equal(first.values, again.values)
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:100])
    pairs.kept(place, pictures, tmp_path)
    pairs.kept(place, sections(4), tmp_path)
    pairs.kept(a_layout(jaxmt.Survey([10.0, 2.0], SURVEY.stations)), pictures, tmp_path)
    assert made == [3, 3, 4, 3]
    assert len(list(tmp_path.iterdir())) == 3


def linear_problem(channels=5, models=40):
    rng = np.random.default_rng(0)
    x = 3 + rng.standard_normal((models, channels)) * np.arange(1, channels + 1)
    y = x @ rng.standard_normal((channels, 3)) + 0.5 * rng.standard_normal((models, 3))
    return x[:-10], y[:-10], (x[-10:], y[-10:])


def test_a_ridge_map_is_the_closed_form_of_its_penalty():
    x, y, validation = linear_problem()
    fit = ridge(x, y, validation, (0.1, 1.0, 10.0))
    standard = (x - x.mean(axis=0)) / x.std(axis=0)
    for alpha, error in zip((0.1, 1.0, 10.0), fit.errors, strict=True):
        matrix = np.linalg.solve(
            standard.T @ standard + alpha * np.eye(5), standard.T @ (y - y.mean(axis=0))
        )
        found = (validation[0] - x.mean(axis=0)) / x.std(axis=0) @ matrix + y.mean(axis=0)
        # Five well-conditioned dimensions.
        assert error == pytest.approx(np.mean(np.square(found - validation[1])), rel=1e-10)
        if alpha == fit.alpha:
            np.testing.assert_allclose(fit.map.matrix, matrix, rtol=1e-10)
            np.testing.assert_allclose(fit.map(validation[0]), found, rtol=1e-10)
    assert fit.alpha == (0.1, 1.0, 10.0)[int(np.argmin(fit.errors))]
    assert (fit.map.parameters, fit.map.flops) == (5 * 3 + 3, 2 * 5 * 3)


def test_ridge_maps_that_cannot_be_found_are_refused():
    x, y, validation = linear_problem()
    twice = np.concatenate([x, x[:, :1]], axis=1)
    other = np.concatenate([validation[0], validation[0][:, :1]], axis=1)
    with pytest.raises(ValueError, match="singular with alpha = .*span 5 of 6 dimensions"):
        ridge(twice, y, (other, validation[1]), (0.0, 1.0))
    assert ridge(twice, y, (other, validation[1]), (1.0,)).alpha == 1.0
    assert ridge(x, y, validation, (0.0,)).alpha == 0.0
    flat = np.where(np.arange(5) == 2, 7.0, x)
    with pytest.raises(ValueError, match="singular: 1 of 5 inputs are the same in all 30"):
        ridge(flat, y, validation)
    with pytest.raises(ValueError, match="finite"):
        ridge(x, np.where(y > 0, np.nan, y), validation)
    with pytest.raises(ValueError, match="1 training and 10 validation models are too few"):
        ridge(x[:1], y[:1], validation)
    with pytest.raises(ValueError, match="Give positive penalties"):
        ridge(x, y, validation, (-1.0,))


def test_kernels_integrate_a_constant_to_their_mass_inside_and_a_ramp_to_its_middle():
    used = kernels((24, 30), (6, 5))
    assert used.count == 30

    def mass(k, count):
        # From the centre of the k-th to both ends, in standard deviations.
        below, above = k + 0.5, count - k - 0.5
        return 0.5 * (math.erf(above / math.sqrt(2)) + math.erf(below / math.sqrt(2)))

    expected = [[3.0 * mass(i, 6) * mass(j, 5) for j in range(5)] for i in range(6)]
    found = used.embed(np.full((2, 24, 30), 3.0))
    np.testing.assert_allclose(found, [np.ravel(expected)] * 2, rtol=1e-13)
    ramp = np.broadcast_to(np.arange(30.0), (24, 30))
    middle = used.embed(ramp[None])[0].reshape(6, 5)[:, 2]
    # The middle kernel is symmetric, and the mean of 0 to 29 is 14.5.
    np.testing.assert_allclose(middle, [14.5 * mass(i, 6) * mass(2, 5) for i in range(6)], rtol=1e-13)


@pytest.mark.parametrize("overlap", [0, 2, 4])
def test_blocks_cut_out_of_a_picture_average_to_it(overlap):
    shape, patch = (12, 16), 4
    picture = np.random.default_rng(0).random(shape)
    padded = np.pad(picture, overlap // 2, constant_values=99.0)
    side = patch + overlap
    blocks = [
        padded[i : i + side, j : j + side].ravel()
        for i in range(0, shape[0], patch)
        for j in range(0, shape[1], patch)
    ]
    # What hangs over the edge, 99 here, does not count.
    np.testing.assert_allclose(averaged(jnp.asarray(blocks), shape, patch, overlap), picture, rtol=1e-13)
    constant = averaged(jnp.full((12, side**2), 5.0), shape, patch, overlap)
    np.testing.assert_allclose(constant, 5.0, rtol=1e-14)


def test_parameters_and_operations_by_hand():
    decoder = eqx.filter_eval_shape(Decoder, 192, (24, 32), SPAN, key=jax.random.key(0))
    assert decoder.tokens == 12
    attention = 4 * (64 * 64 + 64)
    perceptron = 64 * 128 + 128 + 128 * 64 + 64
    assert parameters(decoder) == (192 * 768 + 768) + 2 * 128 + attention + perceptron + (64 * 144 + 144)
    # A token: projections, scores and means over twelve tokens, perceptron, block of pixels.
    token = 4 * 64 * 64 + 2 * 12 * 64 + 2 * 64 * 128 + 64 * 144
    # Three blocks of twelve rows cover 24 + 2 * 4 rows, four cover 32 + 3 * 4 columns.
    assert decoder.flops == 2 * (192 * 768 + 12 * token) + 32 * 44
    network = eqx.filter_eval_shape(Convolutional, (9, 16), (24, 32), SPAN, key=jax.random.key(0))
    # 9 x 16, 4 x 8, 2 x 4, pooled to 1 x 2; 3 x 4 up to 24 x 32.
    layers = [(4, 8, 9 * 16), (8, 16, 4 * 8), (16, 32, 2 * 4)]
    layers += [(32, 16, 6 * 8), (16, 8, 12 * 16), (8, 8, 24 * 32), (8, 1, 24 * 32)]
    full = [(32 * 1 * 2, 64), (64, 32 * 3 * 4)]
    numbers = sum(9 * a * b + b for a, b, _ in layers) + sum(a * b + b for a, b in full)
    assert parameters(network) == numbers
    products = sum(9 * a * b * size for a, b, size in layers) + sum(a * b for a, b in full)
    assert network.flops == 2 * products


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="patch must divide"):
        Decoder(4, (12, 16), SPAN, key=jax.random.key(0))
    with pytest.raises(ValueError, match="overlap be even"):
        Decoder(4, (8, 16), SPAN, overlap=3, key=jax.random.key(0))
    with pytest.raises(ValueError, match="multiples of 8"):
        Convolutional((9, 16), (12, 16), SPAN, key=jax.random.key(0))
    # A block as large as its patch covers each pixel once.
    np.testing.assert_array_equal(placement(8, 4, 0), np.eye(8))


def test_cosines_start_anew_and_double():
    rate = Schedule(epochs=15, first=5, rate=0.5).rates(10)
    with jax.numpy_dtype_promotion("standard"):
        found = [float(jnp.asarray(rate(k))) for k in (0, 25, 49, 50, 100, 149)]
    expected = [0.25 * (1 + math.cos(math.pi * part)) for part in (0, 0.5, 0.98, 0, 0.5, 0.99)]
    # Single precision.
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.slow
def test_the_decoder_learns_a_handful_by_heart():
    rng = np.random.default_rng(0)
    inputs, pictures = rng.standard_normal((4, 6)), rng.uniform(1, 3, (4, 8, 8))
    start = Decoder(6, (8, 8), SPAN, width=16, patch=4, overlap=2, key=jax.random.key(0))
    given, truth = jnp.asarray(inputs, jnp.float32), jnp.asarray(pictures, jnp.float32)
    told = []
    schedule = Schedule(epochs=155, first=5, rate=3e-2, patience=155)
    end, history = trained(
        start,
        lambda _key: given,
        truth,
        (given, truth),
        key=jax.random.key(1),
        schedule=schedule,
        progress=told.append,
    )

    def error(network):
        return float(jnp.mean(jnp.abs(jax.vmap(network)(given) - truth)))

    # Pixels are random: half a decade at first, and nothing but the network to hold them.
    assert error(start) > 0.4
    assert error(end) < 0.05
    assert error(end) == pytest.approx(min(history.validation), abs=1e-6)
    assert told[-1] == min(history.validation)


class Constant(eqx.Module):
    """One value in all pixels."""

    value: jax.Array

    def __call__(self, x):
        return self.value + 0 * x


def test_training_stops_when_it_no_longer_helps():
    x = jnp.zeros((2, 3, 3), jnp.float32)
    network = Constant(jnp.asarray(1.0, jnp.float32))
    schedule = Schedule(epochs=50, patience=3, rate=0.0)
    given = (x, x + 2)
    _, history = trained(network, lambda _key: x, x + 2, given, key=jax.random.key(1), schedule=schedule)
    assert history.training == history.validation == (1.0,) * 4
    assert history.best == 0
    with pytest.raises(FloatingPointError, match="epoch 1"):
        trained(network, lambda _key: jnp.nan * x, x, given, key=jax.random.key(1), schedule=schedule)


def test_noise_is_that_of_the_errors_on_the_data_that_exist():
    rng = np.random.default_rng(0)
    mask = rng.random((4, 2, 3)) < 0.5
    errors = 0.1 * np.ones((4, 2, 3))
    made = pairs.Pairs(np.zeros((400, 2, 2), np.float32), rng.random((400, 4, 2, 3)))
    examples = Examples(made, Counts(300, 60, 40), errors, mask)
    noise = examples.noisy("training") - examples.clean("training")
    assert noise.shape == (300, mask.sum())
    # Thousands of draws: 5 % is more than four standard errors.
    assert noise.std() == pytest.approx(0.1, rel=0.05)
    np.testing.assert_array_equal(examples.noisy("test"), examples.noisy("test"))
    np.testing.assert_array_equal(examples.clean("test"), made.values[360:, mask])
    redrawn = examples.redrawn(jax.random.key(0)) - examples.clean("training")
    assert float(jnp.std(redrawn)) == pytest.approx(0.1, rel=0.05)
    assert not np.allclose(redrawn, noise)
    with pytest.raises(ValueError, match="Got 3, 0 and 1"):
        Counts(3, 0, 1)


def test_missing_data_are_zero_to_the_convolutional_network():
    mask = np.ones((4, 1, 2), bool)
    mask[1, 0, 1] = False
    fill = Filling(Linear(np.full(7, 2.0), np.full(7, 0.5), np.zeros((7, 1)), np.zeros(1)), mask)
    found = np.asarray(fill(jnp.arange(7.0)))
    assert found[1, 0, 1] == 0.0
    np.testing.assert_array_equal(found[mask], (np.arange(7.0) - 2) / 0.5)


def test_scores_of_the_truth_and_of_the_mean():
    true = np.random.default_rng(0).uniform(0, 4, (3, 8, 16))
    best = scores.score("itself", true, true, SPAN)
    assert (best.mae, best.mse) == (0.0, 0.0)
    # Rounding of the means only.
    assert best.similarity == pytest.approx(1.0, abs=1e-12)
    flat = true.reshape(3, -1)
    assert scores.determination(flat, flat, flat.mean(axis=0)) == 1.0
    mean = np.broadcast_to(flat.mean(axis=0), flat.shape)
    assert scores.determination(flat, mean, flat.mean(axis=0)) == pytest.approx(0.0, abs=1e-14)
    assert "itself" in scores.table([best])


QUICK = Schedule(epochs=2, batch=8)
SIZE = Size(Counts(20, 4, 4), SHAPE, (2, 4), QUICK, QUICK)
MASK = np.ones((4, 2, 3), bool)
MASK[0, 1, 2] = False


@pytest.fixture(scope="module")
def learned(tmp_path_factory):
    errors = ERROR * jaxmt.data.impedance_error_scale()[:, None, None] * np.ones(MASK.shape)
    return learn(a_layout(), errors, MASK, SIZE, 0, tmp_path_factory.mktemp("pairs"))


def observed(survey=SURVEY, mask=MASK):
    place = a_layout(survey)
    responses = jaxmt.simulate(place.mesh, survey, np.full(place.mesh.shape, 50.0))
    clean = jaxmt.Data.from_responses(responses, ERROR).with_noise(jax.random.key(0), ERROR)
    values = clean.values.copy()
    values[:4][~mask] = np.nan
    return jaxmt.Data(survey, values, clean.errors)


def test_all_predictors_are_scored(learned):
    assert [score.name for score in learned.scores] == ["mean", "ridge", "InvLINT", "convolution"]
    by = {score.name: score for score in learned.scores}
    assert by["ridge"].parameters == 23 * 128 + 128
    assert by["InvLINT"].parameters == 23 * 8 + 8 + parameters(learned.predictor.network.decoder)
    # Twenty models are enough for the ridge map to beat none.
    assert by["ridge"].mse < by["mean"].mse
    assert learned.determination[0] > 0
    assert learned.singular_values["kernel integrals"].size == 8
    assert set(learned.summary()["training"]) == {"InvLINT", "convolution"}


def test_a_start_keeps_within_the_models_and_the_bounds(learned):
    data, mesh = observed(), learned.predictor.layout.mesh
    for by in ("ridge", "InvLINT"):
        start = learned.predictor.start(data, mesh, by)
        assert start.shape == mesh.shape
        assert 1.0 <= start.min() <= start.max() <= 1e4
        narrow = jaxmt.Cells(mesh, low=30.0, high=60.0)
        start = learned.predictor.start(data, mesh, by, narrow)
        assert np.isfinite(np.asarray(narrow.start(start))).all()
    far = np.array([15.0, 1e3, 15.0, 1e3, 500.0, 500.0])[:, None, None]
    wild = jaxmt.Data(SURVEY, data.values + far, data.errors)
    assert learned.predictor.strange(wild) == 1.0
    assert learned.predictor.strange(data) < 0.2
    assert np.isfinite(learned.predictor.start(wild, mesh)).all()


def test_a_predictor_comes_back_from_its_file_for_its_own_survey_alone(learned, tmp_path):
    predictor, data = learned.predictor, observed()
    path = tmp_path / "predictor.eqx"
    save(path, predictor)
    again = load(path, data, predictor.layout.mesh)
    for by in ("ridge", "InvLINT"):
        np.testing.assert_array_equal(again.picture(data, by), predictor.picture(data, by))
    moved = jaxmt.Survey(SURVEY.frequencies, SURVEY.stations + 10.0)
    for other in (observed(moved), observed(mask=np.ones(MASK.shape, bool))):
        with pytest.raises(ValueError, match="another survey: 3 stations from -4000 to 4000 m, 2 freq"):
            load(path, other, predictor.layout.mesh)
        with pytest.raises(ValueError, match="another survey"):
            predictor.start(other, predictor.layout.mesh)
    with pytest.raises(ValueError, match="no file .*nothing"):
        load(tmp_path / "nothing", data, predictor.layout.mesh)
    content = path.read_bytes()
    path.write_bytes(content[:-100])
    with pytest.raises(ValueError, match="damaged"):
        load(path, data, predictor.layout.mesh)
    for wrong in (b"nothing", b"[]\n", content.replace(b'"format": 1', b'"format": 9')):
        path.write_bytes(wrong)
        with pytest.raises(ValueError, match="holds no predictor"):
            load(path, data, predictor.layout.mesh)


def test_too_few_models_are_refused_before_anything_is_simulated(tmp_path):
    few = dataclasses.replace(SIZE, counts=Counts(7, 1, 1))
    with pytest.raises(ValueError, match="7 training models are too few for 8 kernel integrals"):
        learn(a_layout(), np.ones(MASK.shape), MASK, few, 0, tmp_path)
    assert not list(tmp_path.iterdir())


def test_the_command_line_refuses_what_cannot_work(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(sys, "argv", ["invlint", "--quick", "--models", "9", "--out", str(tmp_path)])
    with pytest.raises(SystemExit, match="9 training models are too few"):
        command.main()
    monkeypatch.setattr(sys, "argv", ["invlint", "--predictor", "x"])
    with pytest.raises(SystemExit):
        command.main()
    assert "--predictor is for --survey" in capsys.readouterr().err


def test_frequencies_are_thinned_evenly():
    survey = jaxmt.Survey(np.geomspace(1e3, 1e-1, 33), [0.0, 1e3])
    data = jaxmt.Data(survey, 0.01 * np.arange(396.0).reshape(6, 33, 2), np.ones((6, 33, 2)))
    found = starts.thinned(data, 5)
    np.testing.assert_allclose(found.survey.frequencies, [1e3, 1e2, 1e1, 1.0, 0.1], rtol=1e-12)
    np.testing.assert_array_equal(found.values, data.values[:, ::8])
    assert starts.thinned(data, 99).survey == survey


@pytest.mark.slow
def test_a_case_is_inverted_and_everything_is_drawn(learned, tmp_path):
    mesh = learned.predictor.layout.mesh
    true = np.full(mesh.shape, 50.0)
    case = starts.Case("a case", observed(), observed(), mesh, 3e3, true)
    given = starts.sections(case, learned.predictor)
    assert tuple(given) == starts.STARTS
    assert case.error(true) == 0.0
    done = starts.run(case, "l2", starts.STEPS[0], "half-space", given["half-space"], 2)
    assert done.row["nrms"] <= done.row["start_nrms"]
    assert done.row["rmse"] == case.error(done.section)
    runs = [
        dataclasses.replace(done, row={**done.row, "start": start, "misfit": misfit})
        for start in starts.STARTS
        for misfit in starts.LABELS
    ]
    rows = starts.medians(runs, [case], "all")
    assert [row["of"] for row in rows] == [1] * 6
    assert starts.table(rows).count("least squares") == 3
    drawing.convergence([case], runs, tmp_path / "convergence.png")
    drawing.starts(case, given, runs, (1.0, 1e4), tmp_path / "starts.png")
    drawing.pictures(learned, 2, tmp_path / "sections.png")
    drawing.training(learned, tmp_path / "training.png")
    drawing.singular_values(learned, tmp_path / "singular_values.png")
    assert len(list(tmp_path.iterdir())) == 5
