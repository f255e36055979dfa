"""`run.toml`: what a run was told, so that it can be told again.

The tables `[data]`, `[inversion]`, `[report]` and `[machine]` hold the options of `options.OPTIONS`,
`[data]` the path besides; `[misfit.NAME]` holds arguments of a misfit; `[run]` and `[versions]` are for the
reader.
"""

import dataclasses
import json
import math
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..atomic import FilePath, atomic_path
from .options import ALIASES, MISFITS, OPTIONS, TABLES, Refusal, nearest

NAME = "run.toml"
HEAD = "# Written by jaxmt. This command repeats the run: jaxmt invert run.toml -o OUT\n"
TOLD = {table: tuple(name for name, option in OPTIONS.items() if option.table == table) for table in TABLES}

Plain = bool | int | float | str | list["Plain"]


@dataclasses.dataclass(frozen=True)
class RunFile:
    """What a run is told.

    - `path`: of the data; relative to the folder of the file it was read from.
    - `told`: options by name, as checked by `options.OPTIONS`. `misfits`: arguments of misfits by name.
    - `identity`: of the run, "" for a file written by hand. `versions`: of its packages. `of`: the identity
      of the run of all lines that it is part of, "" for none.
    """

    path: Path
    told: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    misfits: Mapping[str, Mapping[str, Plain]] = dataclasses.field(default_factory=dict)
    identity: str = ""
    versions: Mapping[str, str] = dataclasses.field(default_factory=dict)
    of: str = ""

    def write(self, path: FilePath) -> None:
        """Writes the file, whole or not at all."""
        tables: dict[str, Mapping[str, Any]] = {}
        for table in TABLES:
            start = {"path": str(self.path)} if table == "data" else {}
            tables[table] = start | {name: self.told[name] for name in TOLD[table] if name in self.told}
        tables |= {f"misfit.{name}": settings for name, settings in self.misfits.items()}
        tables["versions"] = self.versions
        # It comes last: a file that was cut short is of no run.
        tables["run"] = {"of": self.of or None, "identity": self.identity}
        with atomic_path(path) as temporary:
            temporary.write_text(f"{HEAD}\n{toml(tables)}", encoding="utf-8")

    @classmethod
    def read(cls, path: FilePath) -> "RunFile":
        """Reads a file. Raises `Refusal` for a key, a table or a value that it cannot have."""
        path = Path(path)
        try:
            content = tomllib.loads(path.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise Refusal(f"{path} is no TOML: {error}.") from None
        known = (*TABLES, "run", "misfit", "versions")
        for table, entries in content.items():
            if table not in known:
                raise Refusal(f"{path}: [{table}] is unknown. {nearest(table, known)}")
            if not isinstance(entries, dict):
                raise Refusal(f"{path}: {table} must be a table, [{table}]. Got {entries!r}.")
        data = dict(content.get("data", {}))
        source = data.pop("path", None)
        if not isinstance(source, str) or not source:
            raise Refusal(f"{path}: [data] path must name the data to invert. Got {source!r}.")
        told: dict[str, Any] = {}
        for table in TABLES:
            told |= _told(path, table, data if table == "data" else content.get(table, {}))
        if "positions" in told:
            told["positions"] = str(path.parent / told["positions"])
        return cls(
            path.parent / source,
            told,
            _misfits(path, content.get("misfit", {})),
            str(content.get("run", {}).get("identity", "")),
            {name: str(version) for name, version in content.get("versions", {}).items()},
            str(content.get("run", {}).get("of", "")),
        )


def _told(path: Path, table: str, entries: Mapping[str, Any]) -> dict[str, Any]:
    """The options of one table, checked."""
    found = {}
    for key, value in entries.items():
        name = ALIASES.get(key, key)
        if (table, key) == ("data", "repair"):
            # Older files say so what `signs` says now.
            name, value = "signs", "mend" if value is True else "keep"
        if name not in TOLD[table]:
            other = next((t for t in TABLES if name in TOLD[t]), None)
            if other is not None:
                raise Refusal(f"{path}: {key} belongs under [{other}], not under [{table}].")
            names = ("path", *TOLD[table]) if table == "data" else TOLD[table]
            raise Refusal(f"{path}: [{table}] {key} = {value!r}: unknown key. {nearest(key, names)}")
        try:
            found[name] = OPTIONS[name].checked(value)
        except ValueError as error:
            raise Refusal(f"{path}: [{table}] {key} {error}") from None
    return found


def _misfits(path: Path, tables: Mapping[str, Any]) -> dict[str, dict[str, Plain]]:
    """The arguments of misfits; which of them exist is for the misfit to say."""
    for name, settings in tables.items():
        if name not in MISFITS:
            raise Refusal(f"{path}: [misfit.{name}] is of no misfit. {nearest(name, MISFITS)}")
        if not isinstance(settings, dict):
            raise Refusal(f"{path}: misfit.{name} must be a table, [misfit.{name}]. Got {settings!r}.")
    return {name: dict(settings) for name, settings in tables.items()}


def toml(tables: Mapping[str, Mapping[str, Any]]) -> str:
    """Tables of booleans, numbers, text and lists of these as TOML 1.0; what is None is left out."""
    parts = []
    for name, entries in tables.items():
        lines = [f"{_key(key)} = {_value(value)}" for key, value in entries.items() if value is not None]
        parts.append("\n".join([f"[{'.'.join(_key(part) for part in name.split('.'))}]", *lines]) + "\n")
    return "\n".join(parts)


def _key(name: str) -> str:
    plain = bool(name) and all(c.isascii() and (c.isalnum() or c in "-_") for c in name)
    return name if plain else _value(name)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        # Python writes 1e-05 and inf as TOML does, and every digit.
        return repr(value) if math.isfinite(value) else str(value)
    if isinstance(value, str):
        # JSON escapes what TOML's basic strings must; both know \uXXXX, but TOML no surrogates.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")
    if isinstance(value, list | tuple):
        return f"[{', '.join(_value(each) for each in value)}]"
    raise TypeError(f"`toml` writes booleans, numbers, text and lists. Got {type(value).__name__}.")
