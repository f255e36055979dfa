"""One door for every format: what a file or a folder holds, told by content, and what was wrong."""

import dataclasses
import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from shlex import quote

from ..atomic import FilePath
from ..data import Data
from ..processing import Journal
from ..processing.site import Site
from .avg import read_avg
from .coprod2 import coprod2_data
from .edi import edi_site
from .emtf_xml import read_emtf_site
from .free_format import LINE_END, BadFile, text_of
from .impedances import outside_quadrants
from .jfile import read_jfile
from .modem import planar_data, read_modem_sites
from .modem_rows import PLANAR
from .occam2d import occam2d_data
from .wsinv3d import read_wsinv3d
from .zfile import read_zfile

SIGNS: tuple[tuple[str, str], ...] = (
    ("EMTF XML", r"\A\s*+(?:<\?xml|<EM_TF|<!--)"),
    ("Occam2D data", r"(?im)^[ \t]*FORMAT[ \t]*:[ \t]*OCCAM2MTDATA"),
    ("COPROD2 list", r"(?im)^[ \t]*Format[ \t]*:[ \t]*MT2DData"),
    ("WSINV3DMT", r"(?im)^[ \t]*Station_Location[ \t]*:"),
    ("ModEM 2-D list", rf"(?im)^[ \t]*>[ \t]*({'|'.join(PLANAR)})[ \t]*$"),
    ("ModEM list", r"(?im)^[ \t]*>[ \t]*(?:exp[ \t]*\(|(?:Full|Off_Diagonal|Phase_Tensor)_)"),
    ("EDI", r"(?im)^[ \t]*>[ \t]*(?:HEAD|FREQ|=MTSECT|=SPECTRASECT|=DEFINEMEAS|INFO)\b"),
    ("Z-file", r"(?im)^[ \t]*TRANSFER FUNCTIONS IN [A-Z]+ COORDINATES"),
    ("J-file", r"(?im)^[ \t]*(?:Z[XY]{2}|TZ[XY]|R[XY]{2})\b[^\n]{0,80}\n[ \t]*\d{1,6}[ \t]*$"),
    ("AVG", r"(?im)^[ \t]*\$[ \t]*Rx\.Cmp[ \t]*="),
    (
        "model",
        r"(?im)^[ \t]*#?[ \t]*Format[ \t]*:[ \t]*(?:OCCAM2MTMOD|OCCAMITER|EM2DModelFile)"
        r"|^[^\n]*\bLOG(?:E|10)[ \t]*$",
    ),
)
"""Formats and the pattern in their first lines, in the order they are tried.

No pattern crosses lines freely: on blank lines its time would grow with a power of their number.
"""

EXPECTED = "expected EDI, EMTF XML, Z-, J-, AVG, ModEM, WSINV3DMT, Occam2D or COPROD2 files."
RESULTS = "summary.json"
"""The file by which a folder of results of jaxmt is known."""

OPENING = 200_000
SUFFIXES = {".edi": "EDI", ".j": "J-file", ".avg": "AVG"}
SUFFIXES |= dict.fromkeys((".zmm", ".zrr", ".zss"), "Z-file")
"""Formats of files that their content does not tell."""

DATA_SUFFIXES = (".xml", ".dat", ".data", *SUFFIXES)
"""A file with another suffix and unknown content is passed over; with one of these it is a fault."""


@dataclasses.dataclass(frozen=True)
class Reading:
    """What was read.

    - `sites`: stations with full tensors, in the order of the files.
    - `lines`: data that are along a profile already, by file.
    - `faults`: a message for each file that could not be used: which, where in it, why, what to do.
    - `journal`: what each file was, what was found out, assumed and converted; faults included. An entry
      "quadrant" names the rows of a station, Zxy or Zyx, that lie outside their quadrants.
    """

    sites: tuple[Site, ...]
    lines: dict[str, Data]
    faults: tuple[str, ...]
    journal: Journal


def detect(path: FilePath) -> str:
    """The format of a file by its content, or else by its suffix; "" if unknown.

    Raises `BadFile` if it is empty, binary or unreadable.
    """
    path = Path(path)
    opening = "\n".join(LINE_END.split(text_of(path, "a text file")[:OPENING]))
    found = (name for name, pattern in SIGNS if re.search(pattern, opening))
    return next(found, SUFFIXES.get(path.suffix.lower(), ""))


def read(
    path: FilePath,
    *,
    variance: str = "variance",
    conjugate: bool | None = None,
    relative_error: float | None = None,
    signs: str = "mend",
    recursive: bool = False,
) -> Reading:
    r"""Reads a file, or every file of a folder, whatever its format.

    EDI (impedances, tippers alone, cross-power spectra), EMTF XML, Z-files, J-files, AVG files of MTEdit,
    ModEM lists (2-D and 3-D), Occam2D data, COPROD2's list and WSINV3DMT. Everything comes out in ohm and
    with $e^{+i\omega t}$.

    - `variance`: what the `.VAR` blocks of EDI files hold; see `read_edi_site`.
    - `conjugate`: of EDI, Z-, J- and AVG files, which do not state their time dependence: None conjugates
      where the quadrants clearly show $e^{-i\omega t}$, True and False decide for all.
    - `relative_error`: of |Z|, for data along a profile, instead of errors that are missing, zero, negative
      or absurd. By default such a file is a fault, and absurd errors stay.
    - `signs`: "keep" leaves phases of Occam2D data in the third quadrant; see `read_occam2d`.

    - `recursive`: whether sub-folders are read, too, three deep, but hidden ones and results of jaxmt. Each
      site has its `folder` then, and stations of one name in several folders have that before theirs.

    In a folder, a file that cannot be used gives one message in `faults` and the rest goes on; models,
    logs, pictures and files of unknown content are passed over, with an entry in the journal, which names
    sub-folders that are not entered. Raises `BadFile` for a single file that cannot be used, or if
    nothing could be read.
    """
    path = Path(path)
    if not path.is_dir():
        sites, line, journal = _read_one(path, variance, conjugate, relative_error, signs)
        return Reading(tuple(sites), {} if line is None else {str(path): line}, (), journal)
    sites, lines, faults, journal = [], {}, [], Journal()
    entered = [path, *(folders_within(path) if recursive else ())]
    files = [f for e in entered for f in sorted(e.iterdir()) if f.is_file() and not f.name.startswith(".")]
    inside = sorted(f.name for f in path.iterdir() if f.is_dir() and not f.name.startswith("."))
    if inside and not recursive:
        more = f" and {len(inside) - 5} more" if len(inside) > 5 else ""
        text = f"{', '.join(inside[:5])}{more}: sub-folders are not entered; give one of them to read it"
        journal = journal.note("pass over", path.name, f"{text}, or --recursive for all")
    for file in files:
        try:
            if file.suffix.lower() not in DATA_SUFFIXES and _of_no_use(file):
                journal = journal.note("pass over", file.name, "holds no transfer functions")
                continue
            found, line, notes = _read_one(file, variance, conjugate, relative_error, signs)
        except BadFile as error:
            faults.append(str(error))
            journal = journal.note("fault", file.name, str(error))
            continue
        if recursive:
            folder = str(file.parent.relative_to(path)) if file.parent != path else path.resolve().name
            found = [dataclasses.replace(site, folder=folder) for site in found]
        sites += found
        lines |= {} if line is None else {str(file): line}
        journal += notes
    if not sites and not lines:
        if counts := data_folders(path):
            inside = ", ".join(f"{name} ({count})" for name, count in counts.items())
            raise BadFile(
                f"{path} holds no transfer functions itself, but its sub-folders hold files: {inside}. "
                f"Give one of them, such as {quote(str(path / next(iter(counts))))}, or read all together "
                "(--recursive)."
            )
        raise BadFile(
            f"{path}: none of {len(files)} files holds transfer functions that can be read; "
            f"{faults[0] if faults else EXPECTED}"
        )
    sites, notes = _named_apart(sites)
    journal += notes
    names = [site.name for site in sites]
    for name in sorted({name for name in names if names.count(name) > 1}):
        text = f"{names.count(name)} stations have this name; rename all but one before writing lists"
        journal = journal.note("name", name, text)
    return Reading(tuple(sites), lines, tuple(faults), journal)


def _named_apart(sites: Sequence[Site]) -> tuple[list[Site], Journal]:
    """The sites, those whose name occurs in several folders with the folder before it; and which."""
    folders: dict[str, set[str]] = {}
    for site in sites:
        folders.setdefault(site.name, set()).add(site.folder)
    several = [name for name, where in folders.items() if len(where) > 1]
    journal = Journal()
    if several:
        first = next(site for site in sites if site.name in several)
        text = (
            f"{len(several)} names occur in several folders, which stand before them: {_apart(first)} for "
            f"{first.name} in {first.folder}"
        )
        journal = journal.note("name", "all", text)
    named = [dataclasses.replace(s, name=_apart(s)) if s.name in several else s for s in sites]
    return named, journal


def _apart(site: Site) -> str:
    """The name of a station with its folder before it."""
    return f"{site.folder}-{site.name}".replace("/", "-")


def data_folders(path: FilePath) -> dict[str, int]:
    """For each folder within one, at most three deep, how many files it holds with names of data."""
    root, counts = Path(path), {}
    for folder in folders_within(root):
        count = sum(f.suffix.lower() in DATA_SUFFIXES and f.is_file() for f in folder.iterdir())
        counts |= {str(folder.relative_to(root)): count} if count else {}
    return counts


def folders_within(root: Path) -> list[Path]:
    """The folders within one, at most three deep, but hidden ones and results of jaxmt.

    A folder that is reached by two names counts once, by the one that is no link.
    """
    found: list[Path] = []
    seen = {root.resolve()}
    for depth in ("*", "*/*", "*/*/*"):
        folders = [f for f in root.glob(depth) if f.is_dir()]
        for folder in sorted(folders, key=lambda f: (f.is_symlink(), f)):
            parts = folder.relative_to(root).parts
            results = any(_holds_results(root.joinpath(*parts[: k + 1])) for k in range(len(parts)))
            hidden = any(part.startswith(".") for part in parts)
            if not results and not hidden and folder.resolve() not in seen:
                seen.add(folder.resolve())
                found.append(folder)
    return found


def _holds_results(folder: Path) -> bool:
    """Whether a run of jaxmt wrote its summary there."""
    try:
        summary = json.loads((folder / RESULTS).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(summary, dict) and isinstance(summary.get("run"), str)


def _of_no_use(path: Path) -> bool:
    """True for a picture, an empty file, a model, or text of no known format."""
    try:
        return detect(path) in ("", "model")
    except BadFile:
        return True


def _told(read: tuple[Data, str]) -> tuple[Data, dict[str, str]]:
    """Data, and what was done to their errors, by the step of the journal."""
    return read[0], {"error": read[1]}


def _read_one(
    path: Path, variance: str, conjugate: bool | None, relative_error: float | None, signs: str
) -> tuple[list[Site], Data | None, Journal]:
    """The stations or the line of one file. Raises `BadFile`, and nothing else, for the file's sake."""
    if variance not in ("variance", "standard_error"):
        raise ValueError(f"`read(variance=...)` must be 'variance' or 'standard_error'. Got {variance!r}.")
    kind = detect(path)
    stations: dict[str, Callable[[], list[Site]]] = {
        "EDI": lambda: [edi_site(path, variance=variance, conjugate=conjugate)],
        "EMTF XML": lambda: [read_emtf_site(path)],
        "ModEM list": lambda: read_modem_sites(path),
        "WSINV3DMT": lambda: read_wsinv3d(path),
        "Z-file": lambda: [read_zfile(path, conjugate=conjugate)],
        "J-file": lambda: [read_jfile(path, conjugate=conjugate)],
        "AVG": lambda: [read_avg(path, conjugate=conjugate)],
    }
    floor = relative_error or None
    lines: dict[str, Callable[[], tuple[Data, dict[str, str]]]] = {
        "Occam2D data": lambda: occam2d_data(path, signs, floor),
        "COPROD2 list": lambda: _told(coprod2_data(path, floor)),
        "ModEM 2-D list": lambda: _told(planar_data(path, floor)),
    }
    if kind not in stations | lines:
        what = "a model, not data" if kind == "model" else "of no format that jaxmt knows"
        raise BadFile(
            f"{path} is {what}; give EDI, EMTF XML, a Z-, J- or AVG file, a ModEM list, Occam2D data or "
            "COPROD2's list."
        )
    try:
        if kind in lines:
            line, told = lines[kind]()
            text = f"{kind}: {int(line.mask.sum())} data of {line.survey.stations.size} stations"
            journal = Journal().note("read", path.name, text)
            for step, found in told.items():
                journal = journal.note(step, path.name, found) if found else journal
            return [], line, journal
        sites = stations[kind]()
    except BadFile:
        raise
    except (ValueError, ArithmeticError) as error:
        raise BadFile(f"{path}: {error}") from error
    except MemoryError as error:
        raise BadFile(f"{path} needs more memory than there is; it is damaged, or too large.") from error
    journal = Journal()
    what = f"{kind}: {len(sites)} station(s)" if len(sites) > 1 else kind
    journal = journal.note("read", path.name, what)
    for site in sites:
        for text in site.routine:
            journal = journal.note("read", site.name, text)
        for text in site.notes:
            journal = journal.note("note", site.name, text)
    for site in sites:
        if rows := outside_quadrants(site.z):
            journal = journal.note("quadrant", site.name, rows)
    return sites, None, journal
