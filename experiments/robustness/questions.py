"""The questions of the study, and the inversions that answer them."""

import dataclasses
import itertools
from collections.abc import Iterator

from jaxmt.benchmarks import SYNTHETIC

from .case import Case
from .methods import CLOUD, CONTROL, LEAST_SQUARES, MEDIAN_ERRORS, ablations, methods, sliding

SEEDS = (0, 1, 2)
STARTS = (1.0, 10.0, 100.0, 1e3, 1e4, "shifted", "reversed")
STARTED = ("2D-4", "wedge")
"""Models of the questions of starts and of the ablations."""
NOISES = (
    *(("gaussian", level) for level in (0.01, 0.03, 0.05, 0.1, 0.2)),
    ("student", 0.05),
    *(("outliers", fraction) for fraction in (0.05, 0.1, 0.2)),
    ("bands", 0.05),
    ("missing", 0.3),
)
USUAL = "2D-4"
"""The model of the questions of noise and of static shift."""
SHIFTS = (0.1, 0.3, 0.5)
MODELS = (
    "2D-1",
    "2D-4",
    "wedge",
    "three blocks",
    "single anomaly",
    "checkerboard",
    "deep conductor",
    "dipping slab",
)
DEEP = ("deep conductor", "dipping slab", "single anomaly")
ROBUST = (
    LEAST_SQUARES,
    "least squares, Gauss-Newton",
    "Huber, Gauss-Newton",
    "Student, Gauss-Newton",
)
SLIDING = (
    *({"model": m, "start": s} for s in ("shifted", "reversed", 10.0) for m in STARTED),
    {"noise": "outliers", "level": 0.1},
    {"noise": "outliers", "level": 0.2},
    {"noise": "bands", "level": 0.05},
    {"shift": 0.3, "shift_parameters": False},
    {"shift": 0.3, "shift_parameters": True},
    {"model": "deep conductor"},
    {"model": "three blocks"},
)
"""Starts whose structure is in the wrong place, data that are wrong, and a body at depth."""
PUBLISHED = (("wedge", 0.02), ("wedge", 0.04), ("three blocks", 0.01))


@dataclasses.dataclass(frozen=True)
class Question:
    """A question.

    - `settings`: cases of one seed and of the first method, in order of importance.
    - `methods`: whose answers are compared; all of them run on a setting before the next one.
    """

    title: str
    settings: tuple[Case, ...]
    methods: tuple[str, ...]

    def group(self, setting: int, seed: int) -> Iterator[Case]:
        """The cases of one setting and seed."""
        for method in self.methods:
            yield dataclasses.replace(self.settings[setting], method=method, seed=seed)

    def __contains__(self, case: Case) -> bool:
        plain = dataclasses.replace(case, method=LEAST_SQUARES, seed=0)
        return case.method in self.methods and plain in self.settings


def _settings(*changes: dict) -> tuple[Case, ...]:
    """Cases that differ from the usual one, on the usual model and from its usual start, by `changes`."""
    cases = []
    for change in changes:
        model = change.get("model", USUAL)
        usual = {"model": model, "method": LEAST_SQUARES, "start": SYNTHETIC[model].start}
        cases.append(Case(**(usual | change)))
    return tuple(cases)


def questions() -> dict[str, Question]:
    """Those of the full study, by their short names."""
    compared = tuple(methods())
    starts = [{"model": m, "start": s} for s in STARTS for m in STARTED]
    shifts = [{"shift": s, "shift_parameters": p} for s in SHIFTS for p in (False, True)]
    return {
        "models": Question("All models, 5 % noise", _settings(*({"model": m} for m in MODELS)), compared),
        "starts": Question("Starting models", _settings(*starts), compared),
        "noise": Question(
            "Noise", _settings(*({"noise": kind, "level": level} for kind, level in NOISES)), compared
        ),
        "shift": Question("Static shift", _settings(*shifts), compared),
        "depth": Question("Resolution at depth", _settings(*({"model": m} for m in DEEP)), compared),
        "cost": Question("Cost", _settings(*({"model": m} for m in MODELS)), compared),
        "ablation": Question(
            "Ablations of 6-D transport",
            _settings(*({"model": m} for m in STARTED)),
            (LEAST_SQUARES, CLOUD, *ablations()),
        ),
        "sliding": Question(
            "Transport that moves mass",
            _settings(*SLIDING),
            (*ROBUST, CLOUD, CONTROL, f"{CONTROL}, Gauss-Newton", *sliding()),
        ),
        "errors": Question(
            "Errors of single data",
            _settings(*({"model": m, "noise": "uneven", "level": 0.3} for m in STARTED)),
            (LEAST_SQUARES, CLOUD, CONTROL, MEDIAN_ERRORS),
        ),
        "published": Question(
            "The published settings",
            _settings(*({"model": m, "level": v, "size": "published"} for m, v in PUBLISHED)),
            (*compared, f"{LEAST_SQUARES}, as published", f"{CLOUD}, as published"),
        ),
    }


def quick_questions() -> dict[str, Question]:
    """A look at the machinery: tiny meshes and a handful of iterations, whose numbers mean nothing."""
    tiny = {"model": "single anomaly", "size": "quick"}
    compared = (LEAST_SQUARES, CLOUD)
    near = tiny | {"start": 10.0}
    return {
        "starts": Question("Starting models", _settings(near, tiny | {"start": 1e3}), compared),
        "noise": Question("Noise", _settings(tiny | {"noise": "outliers", "level": 0.1}), compared),
        "cost": Question("Cost", _settings(near), compared),
    }


def plan(chosen: dict[str, Question], seeds: tuple[int, ...]) -> list[Case]:
    """Every case of the questions once; those of one model and method follow each other.

    They share compiled functions, which take longer than a run: see `Case.programs`.
    """
    cases: dict[Case, None] = {}
    for question in chosen.values():
        for setting, seed in itertools.product(range(len(question.settings)), seeds):
            cases.update(dict.fromkeys(question.group(setting, seed)))
    groups = {programs: k for k, programs in enumerate(dict.fromkeys(case.programs for case in cases))}
    return sorted(cases, key=lambda case: groups[case.programs])
