"""Medians and spreads over seeds, and tables of them."""

import dataclasses
import math
from collections.abc import Callable, Sequence

import numpy as np

from .case import Case, case_of
from .methods import CONTROL, LEAST_SQUARES
from .questions import Question

REACHED = 1.1
"""nRMS, over that of the true section, below which a start counts as a good one."""


@dataclasses.dataclass(frozen=True)
class Spread:
    """Median and extremes of some values; NaN without any."""

    middle: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """That of the values that are numbers."""
        known = [v for v in values if v is not None and math.isfinite(v)]
        if not known:
            return cls(math.nan, math.nan, math.nan)
        return cls(float(np.median(known)), min(known), max(known))

    def __format__(self, spec: str) -> str:
        if math.isnan(self.middle):
            return "-"
        if self.low == self.high:
            return format(self.middle, spec)
        return f"{self.middle:{spec}} ({self.low:{spec}} to {self.high:{spec}})"


def relative_nrms(record: dict) -> float:
    """The nRMS over that of the true section, where that is above one."""
    return record["nrms"] / max(1.0, record["true_nrms"])


def share(record: dict) -> float:
    """Time of the misfit and its gradient over that of an iteration; NaN where it was not measured."""
    if "misfit_seconds" not in record or not record["iteration_seconds"]:
        return math.nan
    return record["misfit_seconds"] / record["iteration_seconds"]


def _seconds_to_target(record: dict) -> float:
    return record["seconds"] if record["converged"] else math.nan


@dataclasses.dataclass(frozen=True)
class Column:
    """A column of a table: its head, the value of a record, how it is printed."""

    head: str
    value: Callable[[dict], float]
    spec: str


COLUMNS = (
    Column("nRMS / true", relative_nrms, ".2f"),
    Column("RMSE", lambda r: r["rmse"], ".3f"),
    Column("area RMSE", lambda r: r["area_rmse"], ".3f"),
    Column("SSIM", lambda r: r["similarity"], ".3f"),
    Column("published SSIM", lambda r: r["published_similarity"], ".3f"),
    Column("roughness", lambda r: r["roughness"], ".3g"),
    Column("iterations", lambda r: r["iterations"], ".0f"),
    Column("seconds", lambda r: r["seconds"], ".1f"),
)
EXTRA = {
    "depth": (
        Column("inside", lambda r: r["inside"], ".2f"),
        Column("below", lambda r: r["below"], ".2f"),
    ),
    "cost": (
        Column("seconds to target", _seconds_to_target, ".1f"),
        Column("share of the misfit", share, ".1%"),
    ),
    "published": (Column("published RMSE", lambda r: r["published_rmse"], ".4f"),),
}
"""Columns of single questions, after the others."""

OVERVIEW = {"rmse": "RMSE", "area_rmse": "area RMSE"}
"""Measures of the overview, and their names."""

PUBLISHED_ROWS = (
    "wedge, 2 % gaussian | published: squares | 1 | 1.05 | - | - | - | - | - | - | - | 0.4905 | -",
    "wedge, 2 % gaussian | published: 6-D | 1 | 1.05 | - | - | - | - | - | - | - | 0.4539 | -7.5%",
    "wedge, 4 % gaussian | published: squares | 1 | 1.05 | - | - | - | - | - | - | - | 0.4980 | -",
    "wedge, 4 % gaussian | published: 6-D | 1 | 1.05 | - | - | - | - | - | - | - | 0.4683 | -6.0%",
    "three blocks, 1 % gaussian | published: squares | 1 | 1.03 | - | - | - | 0.937 | - | 304 | - | - | -",
    "three blocks, 1 % gaussian | published: 6-D | 1 | 1.03 | - | - | - | 0.947 | - | 181 | - | - | -",
)
"""What Liu, Chen, Bo & Tang (2026) print, in the columns of the table; the three blocks are on a grid of
36 by 56 cells, `experiments.as_published.preset.three_blocks_mesh`, not on that of the study."""


def setting_name(case: Case, question: Question) -> str:
    """What tells the settings of a question apart, in words."""
    settings = question.settings
    words = []
    if len({s.model for s in settings}) > 1:
        words.append(case.model)
    if len({s.start for s in settings if s.model == case.model}) > 1:
        words.append(f"{case.start:g} ohm m" if isinstance(case.start, float | int) else str(case.start))
    if len({(s.noise, s.level) for s in settings}) > 1:
        words.append(f"{100 * case.level:g} % {case.noise}")
    if len({(s.shift, s.shift_parameters) for s in settings}) > 1:
        words.append(f"{case.shift:g} decades{', fitted' if case.shift_parameters else ''}")
    return ", ".join(words) or case.model


def answers(records: Sequence[dict], question: Question) -> dict[tuple[str, str], list[dict]]:
    """Records of a question by setting and method, seeds together, in the question's order."""
    groups: dict[tuple[str, str], list[dict]] = {
        (setting_name(setting, question), method): []
        for setting in question.settings
        for method in question.methods
    }
    for record in records:
        case = case_of(record)
        if case in question:
            groups[setting_name(case, question), case.method].append(record)
    return {key: found for key, found in groups.items() if found}


def table(records: Sequence[dict], name: str, question: Question) -> str:
    """A question's answers as a Markdown table: medians, and the extremes over seeds in brackets."""
    columns = COLUMNS + EXTRA.get(name, ())
    head = ["setting", "method", "seeds", *(column.head for column in columns), "against Adam"]
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    groups = answers(records, question)
    for (setting, method), found in groups.items():
        good = [r for r in found if "failure" not in r]
        cells = [f"{Spread.of([c.value(r) for r in good]):{c.spec}}" for c in columns]
        seeds = f"{len(good)}" if len(good) == len(found) else f"{len(good)} of {len(found)}"
        measure = "published_rmse" if name == "published" else "rmse"
        gain = Spread.of(gains(found, groups.get((setting, LEAST_SQUARES), []), measure))
        lines.append(f"| {' | '.join([setting, method, seeds, *cells, f'{gain:+.1%}'])} |")
    if name == "published":
        lines += [f"| {line} |" for line in PUBLISHED_ROWS]
    return "\n".join(lines)


def gains(records: Sequence[dict], reference: Sequence[dict], measure: str = "rmse") -> list[float]:
    """A measure over that of the reference with the same seed, less one: negative is better."""
    of_seed = {r["case"]["seed"]: r[measure] for r in reference if "failure" not in r}
    return [
        r[measure] / of_seed[r["case"]["seed"]] - 1
        for r in records
        if "failure" not in r and r["case"]["seed"] in of_seed
    ]


def reached(records: Sequence[dict], question: Question) -> str:
    """For each model and method, how many starts came within `REACHED`, and the RMSE over all of them."""
    models = list(dict.fromkeys(setting.model for setting in question.settings))
    head = ["method", *(f"{m}: {what}" for m in models for what in ("within 1.1", "RMSE"))]
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    mine = [r for r in records if case_of(r) in question]
    for method in question.methods:
        cells = [method]
        for model in models:
            some = [r for r in mine if r["case"]["method"] == method and r["case"]["model"] == model]
            good = [r for r in some if "failure" not in r]
            near = sum(relative_nrms(r) <= REACHED for r in good)
            cells += [f"{near} of {len(some)}", f"{Spread.of([r['rmse'] for r in good]):.3f}"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def beside(records: Sequence[dict], question: Question, control: str) -> str:
    """A row for each setting, a column for each method: its RMSE against that of a control, in per cent.

    The median over the seeds that both have, and in brackets how many of them met the target, where not
    all did.
    """
    groups = answers(records, question)
    shown = [m for m in question.methods if any(method == m for _, method in groups)]
    head = ["setting", f"{control}: RMSE", *(m for m in shown if m != control)]
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    for setting in dict.fromkeys(setting for setting, _ in groups):
        reference = groups.get((setting, control), [])
        cells = [setting, f"{Spread.of([r['rmse'] for r in reference if 'failure' not in r]).middle:.3f}"]
        for method in head[2:]:
            found = groups.get((setting, method), [])
            gain = Spread.of(gains(found, reference)).middle
            met = sum(r.get("converged", False) for r in found)
            missed = f" ({met} of {len(found)})" if met < len(found) else ""
            cells.append("-" if math.isnan(gain) else f"{100 * gain:+.1f}{missed}")
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def overview(records: Sequence[dict], chosen: dict[str, Question]) -> str:
    """A row for each question and method: how often it met the target, and its models against Adam's.

    Gains are medians over all settings and seeds that both have, with the quartiles; wins are how many of
    them are negative.
    """
    head = ["question", "method", "met the target"]
    for label in OVERVIEW.values():
        head += [f"{label} against Adam", "better in"]
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    for question in chosen.values():
        groups = answers(records, question)
        for method in question.methods:
            mine = {setting: found for (setting, m), found in groups.items() if m == method}
            found = [r for group in mine.values() for r in group]
            if not found:
                continue
            cells = [question.title, method]
            cells.append(f"{sum(r.get('converged', False) for r in found)} of {len(found)}")
            for measure in OVERVIEW:
                gain = [
                    g
                    for setting, group in mine.items()
                    for g in gains(group, groups.get((setting, LEAST_SQUARES), []), measure)
                ]
                low, middle, high = np.quantile(gain, [0.25, 0.5, 0.75]) if gain else [math.nan] * 3
                cells.append(f"{middle:+.1%} ({low:+.1%} to {high:+.1%})")
                cells.append(f"{sum(g < 0 for g in gain)} of {len(gain)}")
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def report(records: Sequence[dict], chosen: dict[str, Question]) -> str:
    """All tables, each under its heading."""
    parts = ["### Overview\n", overview(records, chosen) + "\n"]
    for name, question in chosen.items():
        if not answers(records, question):
            continue
        parts.append(f"### {question.title}\n")
        if name == "starts":
            parts.append(reached(records, question) + "\n")
        if name == "sliding":
            parts.append(beside(records, question, CONTROL) + "\n")
        parts.append(table(records, name, question) + "\n")
    return "\n".join(parts)
