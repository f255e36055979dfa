"""The lines of a survey in words and on maps of characters and of ink."""

from collections.abc import Sequence
from pathlib import Path
from shlex import quote

import numpy as np

from ..processing.positions import known_positions
from ..processing.site import Site
from .choice import Choice
from .text_table import columns

WIDTH, HEIGHT = 61, 17
"""Characters of the map: twice as high as wide each."""

ASPECT = 2.0
"""Height over width of a character."""

MARK, OTHER = "v", "."
"""What stands for a station of the line that is taken, or of a survey without lines; for one of no line."""


def line_rows(choice: Choice) -> str:
    """A row for each line of a survey, and what takes it."""
    head = (
        "line",
        "stations",
        "length km",
        "azimuth deg",
        "spacing km",
        "widest gap km",
        "deg to strike",
        "",
    )
    rows = []
    for line, angle in zip(choice.lines.lines, choice.angles, strict=True):
        taken = line.name == choice.line.name
        rows.append(
            (
                line.name,
                str(len(line.stations)),
                _km(line.length),
                f"{round(line.azimuth)}" if np.isfinite(line.azimuth) else "-",
                _km(line.spacing),
                _km(line.gap),
                f"{angle:.0f}" if np.isfinite(angle) else "-",
                "taken" if taken else f"--line {quote(line.name)}",
            )
        )
    text = columns(head, rows)
    if choice.line.name not in (line.name for line in choice.lines.lines):
        text += f"\ntaken: {len(choice.line.stations)} station(s), {choice.line.name}"
    return text


def _km(metres: float) -> str:
    return f"{metres / 1e3:.3g}" if np.isfinite(metres) else "-"


def sketch(sites: Sequence[Site], choice: Choice | None = None) -> str:
    """A map of the stations in characters, north upward; nothing where fewer than two places are known.

    - `choice`: stations of the line that is taken are v, those of another its first letter that tells it,
      those of none a dot. Without it all are v.
    """
    place = known_positions(sites if choice is None else choice.survey)
    known = np.flatnonzero(np.isfinite(place).all(axis=1))
    if len(known) < 2:
        return ""
    low = place[known].min(axis=0)
    north, east = (place[known] - low).T
    # Metres of a character's width.
    scale = max(east.max() / (WIDTH - 1), north.max() / (ASPECT * (HEIGHT - 1)))
    height = round(north.max() / (ASPECT * scale)) + 1
    grid = np.full((height, WIDTH), " ")
    rows, columns = np.rint(north / (ASPECT * scale)).astype(int), np.rint(east / scale).astype(int)
    marks = np.array(_marks(choice, len(sites)))[known]
    # The line that is taken is drawn last.
    for last in (False, True):
        here = (marks == MARK) == last
        grid[rows[here], columns[here]] = marks[here]
    lines = [f"|{''.join(row).rstrip()}" for row in grid[::-1]]
    size = f"{east.max() / 1e3:.3g} km east by {north.max() / 1e3:.3g} km north"
    key = [] if choice is None else [f" {_key(choice, marks.tolist())}"]
    return "\n" + "\n".join(["N", *lines, f"+{'-' * WIDTH} E", f" {size}", *key]) + "\n"


def _key(choice: Choice, marks: Sequence[str]) -> str:
    """What the characters of a map stand for, those that are on it."""
    taken = choice.line.name
    parts = [f"{MARK} line {taken}, taken" if taken in _letters(choice) else f"{MARK} taken"]
    letters: dict[str, list[str]] = {}
    for name, mark in _letters(choice).items():
        if name != taken and mark in marks:
            letters.setdefault(mark, []).append(name)
    parts += [f"{mark} line {' or '.join(names)}" for mark, names in sorted(letters.items())]
    return "; ".join([*parts, *([f"{OTHER} in no line"] if OTHER in marks else [])])


def _letters(choice: Choice) -> dict[str, str]:
    """For each line the character that tells it from others, of the last ones of its name."""
    names = [line.name for line in choice.lines.lines]
    # The last character that differs tells CP1 from CP2, and 15 from 16.
    where = next((k for k in range(1, 9) if len({name[-k : -k + 1 or None] for name in names}) > 1), 1)
    return {name: name[-where : -where + 1 or None][:1] or OTHER for name in names}


def _marks(choice: Choice | None, count: int) -> list[str]:
    """A character for each station."""
    if choice is None:
        return [MARK] * count
    marks, letters = [OTHER] * count, _letters(choice)
    for line in choice.lines.lines:
        for k in line.stations:
            marks[k] = letters[line.name]
    for k in choice.line.stations:
        marks[k] = MARK
    return marks


def page(sites: Sequence[Site]) -> tuple[float, float]:
    """Width and height of a map in ink, inches: as high as the survey asks."""
    place = known_positions(sites)
    place = place[np.isfinite(place).all(axis=1)]
    north, east = np.ptp(place, axis=0) if len(place) else (0.0, 0.0)
    return 9.0, float(np.clip(9 * (north + 0.35 * east) / max(east, 1.0), 4.0, 8.0))


def draw(path: Path, choice: Choice, strike: float | None) -> None:
    """The stations from above, those of the line filled, with the names of the lines."""
    # Whoever wants no map in ink does not wait for matplotlib.
    from matplotlib.figure import Figure

    from .. import plot

    figure, survey = Figure(figsize=page(choice.survey), layout="constrained"), choice.survey
    plot.station_map(
        figure.add_subplot(),
        survey,
        strike=strike,
        kept=choice.line.stations,
        direction=choice.direction,
        lines={line.name: line.stations for line in choice.lines.lines},
    )
    plot.save(figure, path)
