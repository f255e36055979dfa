"""What a run can be told, by the command line or by a file: names, checks and defaults, in one table.

Nothing here loads JAX or NumPy, for `jaxmt --help` shall open at once.
"""

import argparse
import dataclasses
import math
import shlex
from collections.abc import Iterable, Mapping
from typing import Any

from .checks import Check as Check
from .checks import frequencies, number, one_of, place, strike, text, true, whole, words
from .checks import nearest as nearest

MISFITS = ("cloud", "components", "graph", "l2", "huber", "student", "sliding", "paired", "cloud-l2")
"""The names of `jaxmt.misfit.catalogue`."""

OPTIMISERS = ("adam", "lbfgs", "gauss-newton")
"""The names of `jaxmt.inversion.optimisers.OPTIMISERS`."""

RULES = ("skew", "relative-error", "phase-quadrant", "rho-phase")
STATION_RULES = ("rating", "duplicates", "off-line", "offset", "coverage")
"""The rules of `jaxmt.processing`, in the order of the work: their class names in lower case."""

REFUSED, FAILED, STOPPED = 2, 1, 130
"""Exit status: what was typed cannot be understood, the work failed, Ctrl-C."""

FORMATS = ("png", "svg", "pdf")
"""What figures are written as."""

COLOURS = ("red-blue", "turbo_r")
"""Colour maps of resistivities; `plot.section` knows more."""

RADIUS = 6371.0
"""Of the Earth, km: nobody's section is deeper."""

ALL = "all"
"""The name of `--line` that takes every line."""

EXPECTED = (ValueError, OSError, MemoryError, FloatingPointError, ImportError, RuntimeError)
"""What data, files, numbers and machines may do; anything else is a fault of jaxmt."""

ALIASES = {"optimizer": "optimiser"}
ITERATIONS, QUICK_ITERATIONS = 200, 15


class Refusal(ValueError):
    """What was typed cannot be understood: which word, what it must be, and what comes nearest."""


def command(*words: object) -> str:
    """What to type, with blanks and the like quoted: jaxmt look 'my data'."""
    return shlex.join(["jaxmt", *map(str, words)])


def rule(value: Any) -> str:
    """A rule by its name, with or without hyphens: `OffLine` is `off-line`."""
    names = {name.replace("-", ""): name for name in (*RULES, *STATION_RULES)}
    plain = str(value).lower().replace("-", "")
    return names[plain] if plain in names else one_of("rule", tuple(names.values()))(value)


@dataclasses.dataclass(frozen=True)
class Option:
    """One thing that can be told.

    - `name`: as typed after `--`, and the key in a file. `table`: the part of a file it stands in.
    - `check`: of one value. `count`: how many there are: 1, 2, any number ("+"), or 0 for a switch.
    - `default`: None where nothing is said, and then nothing is written.
    """

    name: str
    table: str
    check: Check
    default: Any
    help: str
    count: int | str = 1
    metavar: str | tuple[str, ...] | None = None

    def checked(self, value: Any) -> Any:
        """The value, or a `ValueError` that says what it must be."""
        if self.count in (0, 1):
            return self.check(value)
        if (
            isinstance(value, str)
            or not isinstance(value, list | tuple)
            or self.count not in ("+", len(value))
        ):
            raise ValueError(
                f"must be a list{f' of {self.count}' if self.count == 2 else ''}. Got {value!r}."
            )
        if not value and self.default:
            raise ValueError("must name at least one. Got none.")
        found = [self.check(each) for each in value]
        if self.count == 2 and not found[0] < found[1]:
            swap = f" Type {found[1]:g} {found[0]:g}." if found[0] > found[1] else ""
            raise ValueError(
                f"must be the lower and the higher of two. Got {found[0]:g} {found[1]:g}.{swap}"
            )
        return found


def formats(value: Any) -> list[str]:
    """Formats of figures, in one word or a list; PNG is always among them, for the report shows it."""
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list | tuple) or not parts:
        raise ValueError(f"must be one or more of {', '.join(FORMATS)}. Got {value!r}.")
    found = {one_of("format of figures", FORMATS)(str(part).strip()) for part in parts}
    return [name for name in FORMATS if name in {"png", *found}]


_HERTZ = number(0.0, math.inf, "two frequencies in Hz, 0 or more")
_LIMITS = number(1e-6, 1e12, "two resistivities in ohm m, from 1e-6 to 1e12")
_DEPTH = number(
    1e-6, RADIUS, f"a depth in km, from 1e-6 to {RADIUS:g}; without it sections are as deep as the data see"
)
_FLOOR = number(0.0, 1.0, "a part of the datum from 0 to 1, 0.05 for 5 %")

OPTIONS: dict[str, Option] = {
    option.name: option
    for option in (
        Option("strike", "data", strike, "auto", "degrees from north, or auto (default)", metavar="DEG"),
        Option("declination", "data", number(-180.0, 180.0, "degrees east, from -180 to 180"), 0.0,
               "degrees east, of data along magnetic axes", metavar="DEG"),
        Option("band", "data", _HERTZ, [0.0, math.inf], "frequencies to keep, Hz", 2, ("LO", "HI")),
        Option("floor", "data", _FLOOR, 0.05, "least relative error of |Z|; default 0.05", metavar="PART"),
        Option("per-decade", "data", frequencies, 6,
               "compute fields at N frequencies a decade where more are measured, and interpolate the "
               "responses between (default 6), or at all; data stay as measured", metavar="N"),
        Option("remove", "data", rule, [],
               "rules whose data or stations go, however many, instead of being marked: "
               f"{', '.join((*RULES, *STATION_RULES))}", "+", "RULE"),
        Option("enlarge", "data", rule, [],
               f"rules whose data get 3 times their errors: {', '.join(RULES)}", "+", "RULE"),
        Option("skip", "data", rule, [],
               f"rules that shall not even mark: {', '.join((*RULES, *STATION_RULES))}", "+", "RULE"),
        Option("signs", "data", one_of("way with wrong signs", ("mend", "keep")), "mend",
               "channels of the wrong sign: mend (default) where that is clear, or keep", metavar="WHAT"),
        Option("variance", "data", one_of("meaning of .VAR", ("variance", "standard_error")), "variance",
               "what .VAR blocks of EDI files hold: variance (default) or standard_error", metavar="WHAT"),
        Option("line", "data", text, None, "which line, of a folder of several, or all", metavar="NAME"),
        Option("stations", "data", text, ["*"], "names to keep, such as 'A*'", "+", "NAME"),
        Option("drop", "data", text, [], "names to leave out", "+", "NAME"),
        Option("azimuth", "data", number(-360.0, 360.0, "degrees from north, from -360 to 360"), None,
               "degrees from north, of the profile; by default across strike", metavar="DEG"),
        Option("from", "data", place, None, "where a profile begins, degrees", metavar="LAT,LON"),
        Option("to", "data", place, None, "where it ends", metavar="LAT,LON"),
        Option("corridor", "data", number(1e-6, 1e5, "a distance in km, from 1e-6 to 1e5"), None,
               "stations at most so far from it; default one spacing", metavar="KM"),
        Option("positions", "data", text, None,
               "table of positions: name,latitude,longitude or name,easting,northing in m",
               metavar="FILE"),
        Option("spacing", "data", number(1e-3, 1e7, "a distance in m, from 1e-3 to 1e7"), None,
               "put all stations, wherever their files place them, so far apart in the order of names",
               metavar="M"),
        Option("tipper", "data", true, False, "invert the tippers too", 0),
        Option("recursive", "data", true, False, "read sub-folders, too; each may be a line", 0),
        Option("misfit", "inversion", one_of("misfit", MISFITS), ["cloud"],
               "one or more, side by side: cloud (6-D transport, default), paired (its weights without "
               "transport), sliding (6-D transport whose mass moves), components (3-D clouds), graph "
               "(graph space), l2, huber, student, cloud-l2 (6-D, then l2)", "+", "NAME"),
        Option("optimiser", "inversion", one_of("optimiser", OPTIMISERS), "adam",
               "adam (default), lbfgs, or gauss-newton: Occam's inversion", metavar="NAME"),
        Option("static-shift", "inversion", number(0.0, 10.0, "decades from 0, which allows none, to 10"),
               0.3,
               "decades by which stations and modes may shift, roughly, those of a mode summing up to "
               "zero; default 0.3, 0 for none",
               metavar="DECADES"),
        Option("target", "inversion", number(1e-9, 1e9, "an nRMS from 1e-9 to 1e9"), 1.05,
               "nRMS at which to stop; default 1.05", metavar="NRMS"),
        Option("iterations", "inversion", whole(1, "a number of iterations, at least 1"), None,
               f"at most; default {ITERATIONS}", metavar="N"),
        Option("sample", "inversion", whole(4, "a number of draws, at least 4"), None,
               "draw sections from the posterior around that found, N for each of 4 chains, with R-hat",
               metavar="N"),
        Option("quick", "inversion", true, False, f"a coarse mesh and {QUICK_ITERATIONS} iterations", 0),
        Option("format", "figures", formats, ["png"],
               "formats of the figures beside PNG, which the report shows: png,svg,pdf", metavar="LIST"),
        Option("colours", "figures", one_of("colour map", COLOURS), COLOURS[0],
               f"of resistivities: {COLOURS[0]} (default), even to the eye and for the colour-blind, or "
               f"{COLOURS[1]}", metavar="NAME"),
        Option("limits", "figures", _LIMITS, None,
               "ohm m, of the colours of resistivities; by default those of what the data see of the "
               "section, with --line all of all sections", 2,
               ("LO", "HI")),
        Option("depth", "figures", _DEPTH, None,
               "km, down to which sections are shown; by default as deep as the data see", metavar="KM"),
        Option("title", "report", words, None, "title; by default the name of the line", metavar="TEXT"),
        Option("client", "report", words, None, "for whom the report is", metavar="TEXT"),
        Option("author", "report", words, None, "who answers for it", metavar="TEXT"),
        Option("devices", "machine", whole(1, "a number of devices, at least 1"), None,
               "share the frequencies over N devices", metavar="N"),
        Option("jobs", "machine", whole(1, "a number of processes, at least 1"), None,
               "with --line all: invert N lines at a time, in processes that share out the cores",
               metavar="N"),
    )
}  # fmt: skip
"""Every option of a run, in the order of `--help` and of the file."""

TABLES = ("data", "inversion", "figures", "report", "machine")


def add(parser: argparse._ActionsContainer, names: Iterable[str]) -> None:
    """Adds options to a command line; one that is not given leaves no trace, and none is checked yet."""
    for name in names:
        option = OPTIONS[name]
        flags = [f"--{name}", *(f"--{alias}" for alias, of in ALIASES.items() if of == name)]
        kind: dict[str, Any] = {"dest": name, "default": argparse.SUPPRESS, "help": option.help}
        if option.count == 0:
            parser.add_argument(*flags, action="store_true", **kind)
        elif option.count == 1:
            parser.add_argument(*flags, metavar=option.metavar, **kind)
        else:
            kind |= {"action": "extend"} if option.count == "+" else {}
            parser.add_argument(*flags, nargs=option.count, metavar=option.metavar, **kind)


def given(options: Mapping[str, Any]) -> dict[str, Any]:
    """Those of `OPTIONS` that a command line holds, checked. Raises `Refusal` naming option and value."""
    found = {}
    for name, value in options.items():
        if name in OPTIONS and value is not None:
            try:
                found[name] = OPTIONS[name].checked(value)
            except ValueError as error:
                raise Refusal(f"--{name} {error}") from None
    return found


def complete(told: Mapping[str, Any]) -> dict[str, Any]:
    """Every option: what was told, and the defaults."""
    found = {name: told.get(name, option.default) for name, option in OPTIONS.items()}
    if found["iterations"] is None:
        found["iterations"] = QUICK_ITERATIONS if found["quick"] else ITERATIONS
    return found
