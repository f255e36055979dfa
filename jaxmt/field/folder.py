"""The folder that a run leaves: what lies in it, whose it is, and which run it belongs to.

A run that replaces an earlier one writes into a folder of its own within, and takes the earlier one's place
when it is whole; so does a report that is drawn again: see `staging`.
"""

import dataclasses
import datetime
import hashlib
import json
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from shlex import quote
from typing import Any

from ..atomic import FilePath
from ..io import read_results, write_summary
from ..lock import LOCK
from .options import FORMATS
from .run_file import NAME, RunFile
from .staging import REDRAWN, UNFINISHED, discard, emptied, end_move, link, move

SUMMARY, REPORT, LOG = "summary.json", "report.html", "processing.log"
LINE, SITES, REFERENCE, USABLE = "line.npz", "sites.npz", "reference.npz", "usable.npz"
CHECKPOINT, MODEL, APPRAISAL, HISTORY = "inversion.checkpoint", "model.npz", "appraisal.npz", "history.csv"
POSTERIOR = "posterior.npz"
BOTH = "both.png"

FILES = (
    (NAME, "what the run was told; `jaxmt invert run.toml -o OUT` repeats it"),
    (SUMMARY, "the numbers of the summary, and the SHA-256 of every file"),
    (LOG, "every step of the processing"),
    ("modem_data.dat", "the data as they were inverted, for ModEM 2-D"),
    ("occam2d_data.dat", "the data as they were inverted, for Occam2D"),
    (LINE, "the data with their journal; jaxmt.io.read_results reads it"),
    (USABLE, "all usable data with the floors alone, where data were removed or errors enlarged"),
    (SITES, "the stations as measured, for `jaxmt report`"),
    (REFERENCE, "the section set beside ours"),
    (REPORT, "the report"),
    ("station_map.png", "the stations"),
    ("phase_tensors.png", "phase tensors"),
    ("dimensionality.png", "the dimension that the data ask for"),
    ("strike.png", "the strike that the data show"),
    ("strike_by_period.png", "the strike of every decade of periods"),
    ("induction_arrows.png", "real induction arrows"),
    (BOTH, "the sections of two misfits"),
)
"""Files of a run and what they hold."""

FIT_FILES = (
    (MODEL, "model, data, responses and journal, with units; jaxmt.io.read_results reads it"),
    ("model.rho", "the section for ModEM 2-D"),
    ("predicted.dat", "the responses for ModEM 2-D"),
    (HISTORY, "a row for each iteration"),
    (SUMMARY, "how the inversion ended"),
    (LOG, "every step of the processing"),
    (APPRAISAL, "what the data say of each cell, static shifts and impedances of the model"),
    (POSTERIOR, "draws from the posterior; jaxmt.Posterior.read reads it"),
    (CHECKPOINT, "where `jaxmt invert --resume OUT` goes on"),
    ("section.png", "the section"),
    ("beside.png", "another code's section above ours"),
    ("pseudosections.png", "data, responses and residuals"),
    ("tipper.png", "the same of the tipper"),
    ("misfit.png", "nRMS by station, period and component"),
    ("convergence.png", "nRMS over iterations"),
    ("uncertainty.png", "standard deviation and resolution"),
    ("posterior.png", "median, most probable section, probability of a conductor"),
    ("posterior_columns.png", "resistivity under stations, with bands of the draws"),
    ("posterior_traces.png", "how the chains ran"),
    ("fit_curves_[0-9][0-9].png", "observed and predicted curves"),
)
"""Files of each inversion, in a folder named by its misfit."""

PICTURES = (*(f".{suffix}" for suffix in FORMATS), Path(REPORT).suffix)
"""What `jaxmt report` makes again."""


@dataclasses.dataclass(frozen=True)
class Folder:
    """A folder of results.

    - `identity`: of the run; every file in the folder belongs to it. `resumed`: whether the run began
      earlier, so that what it finished is kept and what it began goes on.
    - `replaces`: the folder whose earlier run this one replaces once it is whole; None for none.
    """

    path: Path
    identity: str
    resumed: bool = False
    replaces: Path | None = None

    @property
    def place(self) -> Path:
        """What a user calls the folder."""
        return self.path if self.replaces is None else self.replaces

    @classmethod
    def create(cls, path: FilePath, *, force: bool = False) -> "Folder":
        """A folder for a new run.

        - `force`: replace what an earlier run of jaxmt left there, and nothing else, once this one is whole
          and `settled`.

        Raises `FileExistsError` where something is there already, or would be overwritten.
        """
        path, replaces = Path(path), None
        end_move(path)
        require_room(path, force=force)
        if summary_of(path) is not None:
            discard(path / REDRAWN)
            path, replaces = emptied(path / UNFINISHED), path
        elif path.is_dir():
            _require_none(path, FILES)
        path.mkdir(parents=True, exist_ok=True)
        made = cls(path, new_identity(), replaces=replaces)
        write_summary(path / SUMMARY, {"run": made.identity, "runs": {}})
        return made

    @classmethod
    def open(cls, path: FilePath) -> "Folder":
        """The folder of an earlier run. Raises `ValueError` if it is none, or mixes several runs."""
        path = Path(path)
        end_move(path)
        summary = summary_of(path)
        if summary is None:
            raise ValueError(f"{path} is no folder of results: it has no {SUMMARY} that names its run.")
        whole = path.resolve().parent
        if "misfits" not in summary and path.resolve().name in (summary_of(whole) or {}).get("misfits", ()):
            raise ValueError(
                f"{path} holds one inversion of the run in {whole}. Give the folder of the run: {whole}."
            )
        folder = cls(path, summary["run"], resumed=True)
        for name, identity in folder._identities():
            if identity != folder.identity:
                raise ValueError(
                    f"{path} is mixed: {name} belongs to run {identity or 'unknown'}, {SUMMARY} to run "
                    f"{folder.identity}. Put the files of one run together."
                )
        return folder

    @classmethod
    def begun(cls, path: FilePath) -> "Folder":
        """The folder to go on with: of the run that began last, though an earlier one is still there."""
        path = Path(path)
        end_move(path)
        discard(path / REDRAWN)
        made = latest(path)
        return cls.open(path) if made == path else dataclasses.replace(cls.open(made), replaces=path)

    def settled(self) -> "Folder":
        """The folder once its run, which is whole, has replaced the earlier one."""
        if self.replaces is None:
            return self
        if not self.path.is_dir():
            return self.open(self.replaces)
        move(self.path, self.replaces, own_run(self.replaces), SUMMARY)
        return Folder(self.replaces, self.identity, self.resumed)

    def redrawn(self) -> "Folder":
        """Where figures and report of this run are drawn again, until they are `settled`."""
        made = emptied(self.path / REDRAWN)
        for file in own(self.path, self.misfits()):
            if file.suffix not in PICTURES:
                link(file, made / file.relative_to(self.path))
        return Folder(made, self.identity, resumed=True, replaces=self.path)

    def _identities(self) -> Iterator[tuple[str, str]]:
        """The run that each file with words states."""
        if (self.path / NAME).is_file():
            yield NAME, RunFile.read(self.path / NAME).identity
        for name in (LINE, USABLE):
            if (self.path / name).is_file():
                yield name, read_results(self.path / name).attributes.get("run", "")
        if (self.path / REPORT).is_file():
            page = (self.path / REPORT).read_text(encoding="utf-8")
            # A title may say "Run", too; older pages have it in their text alone.
            stated = re.search(r'name="run" content="(\S+?)"', page) or re.search(r"Run (\S+)<", page)
            yield REPORT, stated[1] if stated else ""
        for name in self.misfits():
            if (self.path / name / MODEL).is_file():
                found = read_results(self.path / name / MODEL).attributes.get("run", "")
                yield f"{name}/{MODEL}", found
            if (self.path / name / SUMMARY).is_file():
                yield f"{name}/{SUMMARY}", (summary_of(self.path / name) or {}).get("run", "")

    def misfits(self) -> tuple[str, ...]:
        """Names of the misfits of this run, in order."""
        return tuple((summary_of(self.path) or {}).get("misfits", ()))

    def claim(self, misfits: Iterable[str]) -> None:
        """Says which misfits the run has. Raises `FileExistsError` if files are in their way."""
        misfits = list(misfits)
        if not self.resumed:
            earlier = (summary_of(self.place) or {}).get("misfits", ()) if self.replaces else ()
            for name in misfits:
                if name not in earlier:
                    _require_none(self.place / name, FIT_FILES)
        summary = summary_of(self.path) or {"run": self.identity, "runs": {}}
        write_summary(self.path / SUMMARY, {**summary, "misfits": misfits})

    def seal(self, summary: Mapping[str, Any]) -> None:
        """Writes the summary, with the digest of every other file of the run."""
        digests = {
            str(file.relative_to(self.path)): hashlib.sha256(file.read_bytes()).hexdigest()
            for file in own(self.path, self.misfits())
            if file != self.path / SUMMARY
        }
        head = {"run": self.identity, "misfits": list(self.misfits())}
        write_summary(self.path / SUMMARY, {**head, **summary, "files": digests})


def new_identity() -> str:
    """A name for a run that no other has: when it began, and chance."""
    return f"{datetime.datetime.now():%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


def _is_plain(name: object) -> bool:
    """Whether something is a name, and leads to nowhere else."""
    return isinstance(name, str) and Path(name).name == name and name not in ("", "..")


def require_room(path: Path, *, force: bool) -> None:
    """Raises `FileExistsError` where a file is, or a folder that is not empty unless by `force`."""
    if path.exists() and not path.is_dir():
        raise FileExistsError(f"{path} is a file. Results need a folder of their own; give another -o.")
    if path.is_dir() and any(file.name != LOCK for file in path.iterdir()) and not force:
        raise FileExistsError(
            f"{path} exists and is not empty. Give another -o, go on with --resume {quote(str(path))}, or "
            "replace what jaxmt wrote there with --force."
        )


def summary_of(path: Path) -> dict[str, Any] | None:
    """The summary of a run in a folder; None if there is none that names its run."""
    try:
        summary = json.loads((path / SUMMARY).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(summary, dict) or not isinstance(summary.get("run"), str):
        return None
    misfits = summary.get("misfits", [])
    return summary if isinstance(misfits, list) and all(map(_is_plain, misfits)) else None


def latest(path: Path) -> Path:
    """Where the run that began last in a folder is made: within, until it replaces an earlier one."""
    return path / UNFINISHED if (path / UNFINISHED / NAME).is_file() else path


def own(path: Path, misfits: Iterable[str]) -> list[Path]:
    """The files in a folder of results that are named as jaxmt names them."""
    places = [(path, FILES), *((path / name, FIT_FILES) for name in misfits)]
    patterns = [
        (place, name) for place, names in places for pattern, _ in names for name in _drawn(pattern)
    ]
    return [file for place, pattern in patterns for file in sorted(place.glob(pattern))]


def own_run(path: Path) -> list[Path]:
    """The files of the run of one line in a folder; none where there is no run."""
    summary = summary_of(path)
    return [] if summary is None else own(path, summary.get("misfits", ()))


def _drawn(name: str) -> tuple[str, ...]:
    """The names of a file: a figure may be drawn in other formats, too."""
    return tuple(name.replace(".png", f".{suffix}") for suffix in FORMATS) if ".png" in name else (name,)


def remove(path: Path) -> None:
    """Removes the files of an earlier run, and its folders where nothing else is in them."""
    files = own_run(path)
    for file in files:
        file.unlink()
    for place in {file.parent for file in files} - {path}:
        if not any(place.iterdir()):
            place.rmdir()


def _require_none(path: Path, names: tuple[tuple[str, str], ...]) -> None:
    """Raises `FileExistsError` if a file is in the way that no run of jaxmt says is its own."""
    for file in (file for name, _ in names for each in _drawn(name) for file in path.glob(each)):
        raise FileExistsError(
            f"{file} is in the way, and nothing says that jaxmt wrote it. Move it, or give another -o."
        )
