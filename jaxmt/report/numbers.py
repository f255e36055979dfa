"""The numbers of sections and soundings from which a page draws what answers the mouse.

A page draws with a script of its own, `SCRIPTS`, of 18 kB. Libraries that can be put into a page are 70
to 270 times as large (bokeh 3.9.2: 1.3 MB, 1.7 MB with buttons; plotly 7.1.0: 4.8 MB), of the order of all
figures of a line; each would have to be installed; and neither knows cells of a mesh, the ground, the depth
of investigation and the soundings of a station, which are most of the script. It asks no server for
anything, and a page without it shows the figures.
"""

import dataclasses
import importlib.resources
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Array, Float
from matplotlib.colors import to_hex

from ..conventions import COMPONENTS, PHASE, RHO, TIPPER
from ..data import Data, nearest_turn
from ..inversion.appraisal import Uncertainty
from ..plot.colours import RED_BLUE, resistivity_colours
from ..plot.misfit import residuals, rms
from ..plot.section import visible, window
from ..plot.symbols import ABSENT, MODE, rounded_decades
from ..simulation.mesh import Mesh

RHO_UNIT, DEVIATION_UNIT = 1000, 100
"""Into how many parts a decade is divided: 0.1 per cent of a resistivity, 0.01 decades of its error."""

DEEPER, WIDER = 2.0, 0.5
"""How far one may pan: so many times the depth that is shown first, and its width to either side."""

SHADES = 256
"""Colours of the map."""

HINT = (
    "Move over the section to read it; click on a station for its curves; drag to pan, and press + or - to "
    "zoom, or turn the wheel with Ctrl."
)

TIPPER_COLOURS = ("#228833", "#AA3377")
"""Of its real and of its imaginary part."""

Section = Float[np.ndarray | Array, "earth y"]
Components = Float[np.ndarray | Array, "comp freq site"]
Pair = tuple[float, float]


@dataclasses.dataclass(frozen=True)
class Shown:
    """A section with its soundings, as a page shows them.

    - `label`: what it is called where there are two. `resistivity`: ohm m; NaN where it has no value.
    - `predicted`: its responses in the order of `COMPONENTS`. `uncertainty`: None where nobody knows it.
    """

    label: str
    mesh: Mesh
    resistivity: Section
    data: Data
    predicted: Components
    uncertainty: Uncertainty | None = None


SCRIPTS = ("axes.js", "soundings.js", "section.js")
"""What draws from the numbers, in the order in which one needs the other."""


def script() -> str:
    """The script that draws from the numbers."""
    files = importlib.resources.files(str(__package__))
    return "".join(files.joinpath(name).read_text(encoding="utf-8") for name in SCRIPTS)


def section_numbers(
    shown: Sequence[Shown],
    *,
    depth: float | None = None,
    limits: Pair | None = None,
    colours: str = RED_BLUE.name,
) -> str:
    """The numbers of sections as JSON that can stand in HTML and in XML: no <, > and & are in it.

    - `shown`: sections from the same data, which change places by a click.
    - `depth`: m, to show at first; `limits`: ohm m, of the colours; `colours`: their map. All as in
      `plot.section`.

    Raises `ValueError` for none, for sections of different stations or frequencies, or of a shape that is
    not that of their mesh.
    """
    if not shown:
        raise ValueError("`section_numbers(shown=...)` must hold a section at least. Got none.")
    data = shown[0].data
    for each in shown:
        if each.data.survey != data.survey:
            raise ValueError("`section_numbers(shown=...)` must be of the same stations and frequencies.")
        if np.shape(each.resistivity) != each.mesh.shape:
            raise ValueError(
                "`section_numbers(shown=...)` must have sections of shape (earth row, column) = "
                f"{each.mesh.shape}. Got {np.shape(each.resistivity)}."
            )
    y_range, deep = window(shown[0].mesh, data.survey.stations, None, depth)
    margin = WIDER * (y_range[1] - y_range[0])
    around = (y_range[0] - margin, y_range[1] + margin), DEEPER * deep
    seen = np.concatenate([_log10(each)[visible(each.mesh, y_range, deep)].ravel() for each in shown])
    low, high = rounded_decades(seen) if limits is None else limits
    relief = bool(shown[0].mesh.surface.any())
    names = data.survey.names
    stations = [
        {
            "name": name if names.count(name) == 1 else f"{name} (y {_km(y):.4g} km)",
            "y": _km(y),
            "z": _km(z),
        }
        for name, y, z in zip(names, data.survey.stations, data.survey.depths, strict=True)
    ]
    there = [row for row in range(len(COMPONENTS)) if data.mask[row].any()]
    found = {
        "hint": HINT,
        "window": [_km(v) for v in y_range],
        "depth": _km(deep),
        "top": _digits(-0.06 * deep / 1e3) if relief else 0,
        "limits": [float(np.log10(low)), float(np.log10(high))],
        "rho_unit": RHO_UNIT,
        "deviation_unit": DEVIATION_UNIT,
        "colours": [to_hex(shade) for shade in resistivity_colours(colours)(np.linspace(0, 1, SHADES))],
        "absent": to_hex(ABSENT),
        "stations": stations,
        "periods": [_digits(p) for p in data.survey.periods],
        **_marks(there),
        "values": _soundings(there, data.values),
        "errors": _soundings(there, np.where(data.mask, data.errors, np.nan)),
        "sections": [_section(each, around, there) for each in shown],
    }
    text = json.dumps(found, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return "".join(f"\\u{ord(c):04x}" if c in "<>&" or not _plain(c) else c for c in text)


def _plain(character: str) -> bool:
    """Whether a character can stand in XML as it is, in UTF-8, on one line."""
    return (
        character >= " "
        and not "\x7f" <= character <= "\x9f"
        and not ("\ud800" <= character <= "\udfff" or character in "\u2028\u2029\ufffe\uffff")
    )


def _section(shown: Shown, around: tuple[Pair, float], there: Sequence[int]) -> dict[str, Any]:
    """One section in the part of its mesh that one may pan over."""
    mesh, found = shown.mesh, shown.uncertainty
    rows, columns = visible(mesh, *around)
    fit = rms(residuals("numbers", shown.data, shown.predicted), (0, 1))
    predicted = np.asarray(nearest_turn(np.asarray(shown.predicted), shown.data.values))
    last = min(columns.stop, mesh.n_y)
    y, columns = mesh.y_nodes[columns.start : last + 1], slice(columns.start, last)
    part = {
        "label": shown.label,
        "y": [_km(v) for v in y],
        "z": [_km(v) for v in mesh.earth_nodes[: min(rows.stop, mesh.n_earth) + 1]],
        "surface": None,
        "rho": _whole(_log10(shown)[rows, columns], RHO_UNIT),
        "deviation": None,
        "trust": None,
        "reach": None,
        "nrms": [None if np.isnan(v) else _digits(v) for v in fit],
        "predicted": _soundings(there, predicted),
    }
    if mesh.surface.any():
        part["surface"] = [_km(v) for v in mesh.surface[columns.start : last + 1]]
    if found is not None:
        part["deviation"] = _whole(found.deviation[rows, columns], DEVIATION_UNIT)
        part["trust"] = _whole(found.trust()[rows, columns], 100)
        part["reach"] = [_km(v) for v in found.depth_of_investigation()[columns]]
    return part


def _log10(shown: Shown) -> Float[np.ndarray, "earth y"]:
    """Of the resistivity; NaN where it has no value, or one that has no logarithm."""
    resistivity = np.array(shown.resistivity, dtype=float)
    resistivity[~(np.isfinite(resistivity) & (resistivity > 0))] = np.nan
    return np.log10(resistivity)


def _units(row: int) -> int:
    """Parts of a unit that are written: of a decade, of a degree, of one."""
    return 10 if row in PHASE else 1000


def _soundings(there: Sequence[int], values: Components) -> dict[str, list[list[int | None]]]:
    """Of each component that exists, by station, by frequency."""
    return {
        COMPONENTS[row]: [
            _whole(np.asarray(values)[row, :, k], _units(row)) for k in range(values.shape[2])
        ]
        for row in there
    }


def _marks(there: Sequence[int]) -> dict[str, Any]:
    """How soundings are drawn, and which of them stand in a panel together."""
    te, tm = MODE["te"], MODE["tm"]
    modes = [
        {"label": f"\N{WHITE CIRCLE} {mode.label}", "colour": mode.colour, "dash": dash}
        for mode, dash in ((te, "none"), (tm, "6 3"))
    ]
    parts = zip(("real", "imaginary"), TIPPER_COLOURS, ("none", "6 3"), strict=True)
    modes += [
        {"label": f"\N{WHITE CIRCLE} {name} tipper", "colour": colour, "dash": dash}
        for name, colour, dash in parts
    ]
    panels = []
    for label, rows, first, always in (
        ("Apparent resistivity (\N{GREEK CAPITAL LETTER OMEGA} m)", RHO, 0, []),
        ("Phase (\N{DEGREE SIGN})", PHASE, 0, [0, 90]),
        ("Tipper", TIPPER, 2, [-0.1, 0.1]),
    ):
        found = [{"name": COMPONENTS[row], "mode": first + k} for k, row in enumerate(rows) if row in there]
        if found:
            part = {"label": label, "rows": found, "unit": _units(rows[0]), "always": always}
            panels.append({**part, "decades": rows == RHO})
    used = sorted({row["mode"] for part in panels for row in part["rows"]})
    for part in panels:
        part["rows"] = [{**row, "mode": used.index(row["mode"])} for row in part["rows"]]
    return {"modes": [modes[k] for k in used], "panels": panels}


def _whole(values: Float[np.ndarray, "..."], unit: int) -> list[int | None]:
    """Multiples of a unit's part, None where there is no number."""
    flat = np.ravel(values) * unit
    return [
        int(v) if known else None
        for v, known in zip(np.rint(np.nan_to_num(flat)), np.isfinite(flat), strict=True)
    ]


def _km(metres: float) -> float:
    """Kilometres, to the millimetre."""
    return round(float(metres) / 1e3, 6)


def _digits(value: float) -> float:
    """A number to five digits."""
    return float(f"{value:.5g}")
