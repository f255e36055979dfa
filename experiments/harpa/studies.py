"""The questions: each study makes scenes, searches them and returns rows."""

import dataclasses
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np

from .association import Phase
from .fields import Siren, Table, trained
from .joint import JointSearch
from .picks import record, station_nodes
from .scene import Outcome, Scene, solve, table
from .scores import rms
from .speeds import distorted, random_field, random_speeds, thrust
from .units import KILOMETRES, SECONDS
from .unknown import Training, learned

Progress = Callable[[float, str], None]
"""Called with the share of a study that has been done since the last call, and a word about it."""

Speed = Callable[[np.random.Generator, int], np.ndarray]

CHAOTIC = 0.8


@dataclasses.dataclass(frozen=True)
class Size:
    """How much is done."""

    n: int = 24
    stations: int = 20
    events: int = 8
    scenes: int = 5
    restarts: int = 20
    steps: int = 2500
    sweep_scenes: int = 3


QUICK = Size(16, 12, 4, 2, 10, 1000, 2)


def two_phases(size: Size, rate: float = 0.01, noise: float = 1e-3) -> list[Phase]:
    """To explore, and to settle with a tenth of the step and the noise."""
    return [Phase(rate, noise, size.steps), Phase(rate / 10, noise / 10, size.steps)]


def random_speed(rng: np.random.Generator, n: int) -> np.ndarray:
    """One, of patterns of its own."""
    return random_speeds(rng, np.stack([random_field(rng, n) for _ in range(2)]), 1)[0]


def scenes(
    size: Size, speed: Speed, count: int, seed: int, *, chaotic: bool = True, **options: float
) -> list[Scene]:
    """Scenes with their own speeds, stations and events, known exactly; `options` go to `record`."""
    made = []
    for number in range(count):
        rng = np.random.default_rng([seed, number])
        cube, nodes = speed(rng, size.n), station_nodes(rng, size.n, size.stations)
        field = table(cube, nodes)
        accept = (lambda truth: truth.chaos >= CHAOTIC) if chaotic else (lambda _: True)
        picks, truth = record(
            rng, nodes, cube, np.asarray(field.times), size.events, accept=accept, **options
        )
        made.append(Scene(picks, truth, field))
    return made


def row(outcome: Outcome, **labels: object) -> dict:
    """What is reported of an outcome."""
    return {
        **labels,
        "chaos": outcome.scene.truth.chaos,
        **dataclasses.asdict(outcome.best),
        "success": outcome.success,
        "mismatch": float(outcome.found.mismatch[outcome.found.best]),
    }


def known(size: Size, seed: int, progress: Progress) -> tuple[list[dict], list[Outcome]]:
    """A known speed, random or a thrust, and events within 1, 10 and 100 s: chaotic to in order."""
    rows, shown = [], []
    kinds: list[tuple[str, Speed, float, bool]] = [
        ("random", random_speed, 1.0, True),
        ("random", random_speed, 10.0, False),
        ("random", random_speed, 100.0, False),
        ("thrust", thrust, 1.0, True),
    ]
    for kind, speed, window, chaotic in kinds:
        made = scenes(size, speed, size.scenes, seed, chaotic=chaotic, window=window)
        found = solve(made, two_phases(size), restarts=size.restarts, seed=seed)
        rows += [
            row(outcome, speed=kind, window=window, seed=[seed, number])
            for number, outcome in enumerate(found)
        ]
        shown.append(found[0])
        progress(1 / len(kinds), f"{kind}, {window:g} s")
    return rows, shown


def noise(
    size: Size, seed: int, levels: Sequence[float], progress: Progress
) -> tuple[list[dict], np.ndarray]:
    """Does Langevin noise help? The same scenes and starts with more and more of it."""
    made = scenes(size, random_speed, size.scenes, seed)
    rows, success = [], []
    for level in levels:
        found = solve(made, two_phases(size, noise=level), restarts=size.restarts, seed=seed)
        rows += [row(outcome, noise=level, seed=[seed, number]) for number, outcome in enumerate(found)]
        success.append([outcome.success for outcome in found])
        progress(1 / len(levels), f"noise {level:g}")
    return rows, np.array(success)


def network(size: Size, seed: int, steps: int, progress: Progress) -> tuple[list[dict], float]:
    """The first thrust again by a neural field in place of the table; also its error, s, rms over nodes."""
    scene = scenes(size, thrust, 1, seed)[0]
    assert isinstance(scene.field, Table)
    axis = np.linspace(0, 1, size.n)
    points = jnp.asarray(
        np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), -1).reshape(-1, 3), dtype=float
    )
    times = scene.field.times.reshape(1, -1, size.stations)
    nothing = jnp.zeros((1, 0))
    one, two = jax.random.split(jax.random.key(seed))
    mean = jnp.mean(1 / jnp.asarray(scene.truth.speed, dtype=float))
    siren = Siren(jnp.asarray(scene.picks.stations, dtype=float), mean, 0, 128, 4, key=one)
    siren = trained(
        siren,
        points,
        times,
        nothing,
        key=two,
        steps=steps,
        progress=lambda done, error: progress(0.8 * done / steps, f"field to {SECONDS * error:.3f} s"),
    )
    found = siren(points, nothing[0], jnp.arange(size.stations))
    error = SECONDS * rms(np.asarray(found - times[0]))
    scene = dataclasses.replace(scene, field=siren)
    outcome = solve([scene], two_phases(size), restarts=size.restarts, seed=seed)[0]
    progress(0.2, "search")
    return [row(outcome, speed="thrust", window=1.0, seed=[seed, 0])], error


PRICES = (4.0, 1.0, 0.5)
"""s, one after another: what is far from everything is let go when the rest has settled."""


def wrong_picks(size: Size, seed: int, shares: Sequence[float], progress: Progress) -> list[dict]:
    """Spurious and missing picks, in all combinations of shares; the same events in all."""
    phases = [
        Phase(0.01, 1e-3, size.steps),
        *[Phase(0.01 / 3**k, 1e-3 / 3**k, size.steps // 2, price) for k, price in enumerate(PRICES)],
    ]
    labels, made = [], []
    for spurious in shares:
        for missing in shares:
            group = scenes(size, random_speed, size.scenes, seed, spurious=spurious, missing=missing)
            labels += [
                {"spurious": spurious, "missing": missing, "seed": [seed, k]} for k in range(len(group))
            ]
            made += group
            progress(0.3 / len(shares) ** 2, "scenes")
    return together(made, labels, phases, size, seed, lambda share: progress(0.7 * share, "search"))


def together(
    made: list[Scene],
    labels: list[dict],
    phases: list[Phase],
    size: Size,
    seed: int,
    progress: Callable[[float], None],
) -> list[dict]:
    """Searches scenes of one shape side by side; a row for each with its labels."""
    total = sum(phase.steps for phase in phases)
    found = solve(
        made, phases, restarts=size.restarts, seed=seed, progress=lambda steps: progress(steps / total)
    )
    return [row(outcome, **label) for outcome, label in zip(found, labels, strict=True)]


def crowds(
    size: Size, seed: int, stations: Sequence[int], events: Sequence[int], progress: Progress
) -> list[dict]:
    """More stations, more events."""
    rows = []
    groups = [(one, other) for one in stations for other in events]
    for one, other in groups:
        sized = dataclasses.replace(size, stations=one, events=other)
        made = scenes(sized, random_speed, size.sweep_scenes, seed)
        labels = [{"stations": one, "events": other, "seed": [seed, k]} for k in range(len(made))]
        rows += together(made, labels, two_phases(size), size, seed, lambda _: None)
        progress(1 / len(groups), f"{one} stations, {other} events")
    return rows


def errors(
    size: Size, seed: int, shares: Sequence[float], timing: Sequence[float], progress: Progress
) -> list[dict]:
    """A speed wrong by a share of itself, and picks late or early by so many seconds, both rms."""
    rows = []
    for share in shares:
        labels, made, fields = [], [], {}
        for error in timing:
            for k, scene in enumerate(scenes(size, random_speed, size.sweep_scenes, seed, error=error)):
                if k not in fields:
                    rng = np.random.default_rng([seed, k, 1])
                    nodes = np.rint(scene.picks.stations * (size.n - 1)).astype(int)
                    fields[k] = table(distorted(rng, scene.truth.speed, share), nodes)
                made.append(dataclasses.replace(scene, field=fields[k]))
                labels.append({"distortion": share, "timing": error, "seed": [seed, k]})
        rows += together(made, labels, two_phases(size), size, seed, lambda _: None)
        progress(1 / len(shares), f"speed off by {share:.0%}")
    return rows


def unknown(
    size: Size, training: Training, search: JointSearch, seed: int, progress: Progress
) -> tuple[list[dict], dict, list[tuple[Outcome, np.ndarray]]]:
    """An unknown speed: rows, the errors of what was learned, and each outcome with the speed it found."""
    total = training.latent_steps + training.speeds + training.held_out + training.steps
    world = learned(training, seed, lambda steps, word: progress(0.4 * steps / total, word))
    made = []
    for number in range(size.scenes):
        rng = np.random.default_rng([seed, number])
        picks, truth = record(
            rng,
            world.nodes,
            world.held_out[number],
            world.times[number],
            size.events,
            accept=lambda truth: truth.chaos >= CHAOTIC,
        )
        made.append(Scene(picks, truth, world.field, training.latents))
    found = search.run(made, world, seed, lambda steps, word: progress(0.6 * steps / search.total, word))
    rows, cubes = [], []
    for number, outcome in enumerate(found):
        cube = world.speed(np.asarray(outcome.found.guesses.latent[outcome.found.best]))
        error = KILOMETRES / SECONDS * rms(cube - outcome.scene.truth.speed)
        rows.append(row(outcome, seed=[seed, number], speed_error=error))
        cubes.append((outcome, cube))
    learning = {"latent_speed_error": world.speed_error, "field_error": world.time_error}
    return rows, learning, cubes
