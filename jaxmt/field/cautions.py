"""What to mind about the line that is inverted: its direction, gaps, bends and offsets, with numbers."""

import numpy as np

from ..processing import Journal
from ..processing.alignment import between
from .choice import ACROSS, Choice

SHRUNK = 0.5
"""Part of its length below which a projection is said to shrink a line."""

BENT = 20.0
"""Degrees between the halves of a line that are worth a word."""

LONGEST = 2e6
"""Metres beyond which a line is longer than any survey, and its positions doubtful."""

WIDE, FAR = 3.0, 1.0
"""Spacings of a gap, and of an offset from the straight line, that are worth a word."""


def cautions(choice: Choice, strike: float) -> Journal:
    """What to mind about a line, with numbers, once its strike is known (degrees).

    The angle between them says nothing about a line whose direction is supposed.
    """
    line, journal = choice.line, Journal()
    if len(line.stations) < 2 or not line.length:
        return journal
    angle = between(line.azimuth, strike)
    direction = strike + 90 if choice.direction is None else choice.direction
    share = float(np.cos(np.deg2rad(between(line.azimuth, direction))))
    km = line.length / 1e3
    if angle < ACROSS and not choice.supposed:
        text = f"the line at {line.azimuth:.0f} degrees runs {angle:.0f} from the strike of {strike:.0f}"
        journal = journal.note("line", "all", f"{text}: what changes across strike it hardly crosses")
    if share < SHRUNK:
        remedy = (
            f"--azimuth {line.azimuth:.0f} keeps its length"
            if choice.direction is None
            else "see --azimuth"
        )
        text = f"projection shrinks the line from {km:.3g} km to {km * share:.2g} km; {remedy}"
        journal = journal.note("line", "all", text)
    if line.length > LONGEST:
        text = f"the line is {km:,.0f} km long: look at its positions, their columns, signs and unit"
        journal = journal.note("line", "all", text)
    if line.bend > BENT:
        journal = journal.note("line", "all", f"the line bends by {line.bend:.0f} degrees")
    if line.gap > WIDE * line.spacing:
        text = f"the widest gap is {line.gap / 1e3:.3g} km, {line.gap / line.spacing:.1f} spacings"
        journal = journal.note("line", "all", text)
    if line.offset > FAR * line.spacing:
        text = (
            f"the farthest station lies {line.offset / 1e3:.2g} km off the straight line, "
            f"{line.offset / line.spacing:.1f} spacings; it is projected all the same"
        )
        journal = journal.note("line", "all", text)
    return journal
