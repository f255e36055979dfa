"""Lines of text and the numbers on them, as Fortran reads them, with the line in every complaint."""

import codecs
import math
import re
import stat
from pathlib import Path

from ..atomic import FilePath

# Digits are taken possessively (++): otherwise a token of thousands of digits takes minutes to refuse.
NUMBER = re.compile(r"[+-]?(?:\d++(?:\.\d*+)?|\.\d++)(?:[ED][+-]?\d{1,3})?", re.IGNORECASE)
LINE_END = re.compile(r"\r\n|\r|\n")

LARGEST_FILE = 256 * 2**20
"""Bytes: no text of transfer functions or of a model is larger; time series and archives are."""

MOST_CELLS = 1_000_000
"""Pairs of a frequency and a station: a file that announces more is damaged."""

PADDING = re.compile(rb"\0+(?=[\s\"']|\Z)")
"""Zero bytes at the end of a word: a program that filled a fixed width with them."""

CONTROL = re.compile(rb"[\x01-\x08\x0e-\x19\x1c-\x1f]")
"""Bytes that no text holds; Ctrl-Z (1a) ends files of DOS."""


class BadFile(ValueError):
    """A file that cannot be used: the message names it, the line where there is one, and the remedy."""


def number(text: str) -> float | None:
    """The number that `text` is, NaN included; None if it is none."""
    if NUMBER.fullmatch(text):
        return float(text.upper().replace("D", "E"))
    return float("nan") if text.upper().lstrip("+-") == "NAN" else None


def require_file(path: Path) -> None:
    """Raises `BadFile` for a pipe or a device, which may never end, and for a huge file."""
    try:
        about = path.stat()
    except OSError as error:
        raise BadFile(f"{path} cannot be read: {error.strerror or error}.") from error
    if not (stat.S_ISREG(about.st_mode) or stat.S_ISDIR(about.st_mode)):
        raise BadFile(f"{path} is a pipe or a device, not a file; give a file.")
    if about.st_size > LARGEST_FILE:
        raise BadFile(
            f"{path} holds {about.st_size / 2**20:.0f} MiB; no file that jaxmt reads is larger than "
            f"{LARGEST_FILE / 2**20:.0f} MiB. Leave it out."
        )


def _bytes_of(path: Path) -> bytes:
    require_file(path)
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadFile(f"{path} cannot be read: {error.strerror or error}.") from error


def text_of(path: FilePath, kind: str) -> str:
    """The text of a file, UTF-8 or Latin-1. Raises `BadFile` if it is empty, binary or unreadable.

    Zero bytes that pad a text are dropped at the end of a word; elsewhere "?" stands for them, so that
    no number is made of two halves.

    - `kind`: what the file should be, for the message: "a ModEM list file".
    """
    path = Path(path)
    raw = _bytes_of(path)
    if not raw.strip():
        raise BadFile(f"{path} is empty; copy the file again.")
    if b"\0" in raw:
        # Every second byte of UTF-16 is zero; padding is rare, and stands in a text.
        if CONTROL.search(raw) or raw.count(0) * 4 > len(raw):
            raise BadFile(
                f"{path} is not {kind}: it holds zero bytes. If it is text in UTF-16, save it as UTF-8 or "
                "Latin-1."
            )
        raw = PADDING.sub(b"", raw).replace(b"\0", b"?")
    raw = raw.removeprefix(codecs.BOM_UTF8)
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def count_after(text: str, key: str, most: int) -> int | None:
    """The whole number from 1 to `most` in a line `key: number`; None for anything else."""
    match = re.fullmatch(rf"{re.escape(key)}\s*:\s*(\d{{1,9}})", text, re.IGNORECASE)
    count = 0 if match is None else int(match[1])
    return count if 0 < count <= most else None


class FreeFormat:
    """The lines of a file, read on from one part to the next."""

    def __init__(self, path: FilePath, kind: str):
        self.path = Path(path)
        self.kind = kind
        self.lines = LINE_END.split(text_of(path, kind).rstrip())
        self.next = 0

    def bad(self, message: str, line: int | None = None) -> BadFile:
        """The error to raise for the line read last, or for another (from 1)."""
        return BadFile(f"{self.path}, line {self.next if line is None else line}: {message}")

    @property
    def ended(self) -> bool:
        """True if nothing but blank lines is left."""
        # The text ends with a line that is not blank.
        return self.next >= len(self.lines)

    @property
    def ahead(self) -> str:
        """The next line, stripped, without reading on; empty at the end of the file."""
        return self.lines[self.next].strip() if self.next < len(self.lines) else ""

    def line(self, what: str) -> str:
        """The next line, stripped. Raises `BadFile` at the end of the file."""
        if self.next >= len(self.lines):
            raise self.bad(f"expected {what}, but the file ends; it is damaged.", len(self.lines))
        self.next += 1
        return self.lines[self.next - 1].strip()

    def take(self, what: str, count: int) -> list[float]:
        """The numbers of as many whole lines as hold `count`. Raises `BadFile` if they do not."""
        first = self.next
        values: list[float] = []
        while len(values) < count:
            if self.next >= len(self.lines):
                raise self.bad(
                    f"expected {count} numbers, {what}, but the file ends after {len(values)}; it is "
                    "damaged, or its first line is wrong.",
                    first + 1,
                )
            for token in self.lines[self.next].split():
                value = number(token)
                if value is None or not math.isfinite(value):
                    raise self.bad(f"{token[:40]!r} is not a number; expected {what}.", self.next + 1)
                values.append(value)
            self.next += 1
        if len(values) > count:
            raise self.bad(
                f"expected the last of {count} numbers, {what}, but the line holds {len(values) - count} "
                "more; the first line of the file may be wrong."
            )
        return values

    def whole(self, what: str, count: int, least: int, most: int) -> list[int]:
        """`count` whole numbers from `least` to `most`. Raises `BadFile` for others."""
        values = self.take(what, count)
        if not all(least <= value <= most and value == int(value) for value in values):
            raise self.bad(f"expected {what}, whole numbers from {least} to {most}.")
        return [int(value) for value in values]

    def steps(self, what: str, count: int) -> list[float]:
        """`count` lengths in m. Raises `BadFile` unless all are positive."""
        values = self.take(what, count)
        bad = [value for value in values if not 0 < value < WIDEST]
        if bad:
            raise self.bad(f"{what} must be positive and no larger than {WIDEST:g}. Got {bad[0]}.")
        return values


WIDEST = 1e9
"""A cell this wide, in m, is damage."""
