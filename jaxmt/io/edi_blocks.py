"""The blocks of an EDI file (SEG MT/EMAP Data Interchange Standard 1.0), not yet interpreted."""

import dataclasses
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float

from ..atomic import FilePath
from .free_format import LINE_END, BadFile, text_of

EMPTY = 1e32
"""The standard's mark of a missing value; larger ones occur, and `HEAD` may name another."""

HEADER = re.compile(r"\s*>\s*(=?[A-Za-z][\w.]*)(.*)")
KEY = re.compile(r"(?<!\w)([A-Za-z]\w*+)\s*+=")
QUOTED = re.compile(r'\s*+"[^"]*+"')
VALUE_END = re.compile(r"(?<!\s)\s++(?=[A-Za-z]\w*+\s*+=)")
COUNT = re.compile(r"//\s*(\d{1,9})")

# Fortran writes D exponents, drops the letter of three-digit ones, lets a sign touch the number
# before it, and fills a field that is too narrow with asterisks. Windows writes 1.#QNAN.
NUMBER = re.compile(
    r"(?:[+-]?1\.\#\w++|[+-]?(?:\d++(?:\.\d*+)?|\.\d++)(?:[ED][+-]?\d{1,4}|[+-]\d{3}(?![\d.]))?"
    r"|[+-]?(?:NAN|INF(?:INITY)?)|\*++)(?=[+-]|$)",
    re.IGNORECASE,
)
BARE_EXPONENT = re.compile(r"(?<=[\d.])([+-]\d{3})$")
# As most numbers are written, for which Python's own reading does.
PLAIN = re.compile(r"[+-]?\d++(?:\.\d*+)?(?:[Ee][+-]?\d{1,4})?")


def _value(token: str) -> float:
    if "#" in token or "*" in token:
        return np.nan
    return float(BARE_EXPONENT.sub(r"E\1", token.upper().replace("D", "E")))


def _values(token: str) -> list[float] | None:
    """The numbers that a token is made of; None if anything else is in it."""
    if PLAIN.fullmatch(token):
        return [float(token)]
    values, at = [], 0
    while at < len(token):
        match = NUMBER.match(token, at)
        if match is None:
            return None
        values.append(_value(match[0]))
        at = match.end()
    return values


def _pairs(text: str) -> list[tuple[str, str]]:
    """The `KEY=value` pairs of a line; a value goes on to the next key, which quotes protect."""
    pairs, at = [], 0
    while match := KEY.search(text, at):
        quoted = QUOTED.match(text, match.end())
        end = VALUE_END.search(text, quoted.end() if quoted else match.end())
        at = end.end() if end else len(text)
        pairs.append((match[1].upper(), text[match.end() : at].strip().strip('"').strip()))
    return pairs


@dataclasses.dataclass(frozen=True)
class Block:
    """A line `>NAME options // count` and the lines up to the next block.

    - `name`: upper case; sections keep their "=".
    - `header`: what follows the name. `line`: number of the header line in the file, from 1.
    """

    name: str
    header: str
    line: int
    body: list[str]

    @property
    def content(self) -> tuple[dict[str, str], list[str]]:
        """Options and body, numbers by their value: equal for two blocks that say the same."""
        tokens = " ".join(self.body).replace(",", " ").split()
        return self.options, [str(_value(t)) if NUMBER.fullmatch(t) else t for t in tokens]

    @property
    def options(self) -> dict[str, str]:
        """`KEY=value` pairs of the header and the body, unquoted; the first of a repeated key."""
        options: dict[str, str] = {}
        for text in (self.header.split("//")[0], *self.body):
            for key, value in _pairs(text):
                options.setdefault(key, value)
        return options


@dataclasses.dataclass(frozen=True)
class EdiBlocks:
    """All blocks of one file, in order."""

    path: Path
    blocks: list[Block]

    @classmethod
    def read(cls, path: FilePath) -> "EdiBlocks":
        """The blocks of the file at `path`. Raises `BadFile` if it is empty or not an EDI file."""
        path = Path(path)
        text = text_of(path, "an EDI file")
        blocks: list[Block] = []
        for k, line in enumerate(LINE_END.split(text.rstrip("\x1a"))):
            if match := HEADER.match(line):
                blocks.append(Block(match[1].upper(), match[2], k + 1, []))
            elif blocks and not line.lstrip().startswith((">", "!")):
                blocks[-1].body.append(line)
        edi = cls(path, blocks)
        if edi.find("HEAD") is None and edi.find("FREQ") is None:
            raise BadFile(
                f"{path} is not an EDI file: it has neither a >HEAD nor a >FREQ block. Give a file "
                "of the SEG EDI standard 1.0."
            )
        return edi

    def find(self, *names: str) -> Block | None:
        """The block called by the first of `names` that occurs; some programs write one twice.

        Raises `BadFile` if another block of that name says something else.
        """
        for name in names:
            found = [block for block in self.blocks if block.name == name]
            other = next((block for block in found[1:] if block.content != found[0].content), None)
            if other is not None:
                raise BadFile(
                    f"{self.path}, line {other.line}: a second >{name} block, which differs from the first "
                    f"at line {found[0].line}. Split the file so that it holds one station, or remove one."
                )
            if found:
                return found[0]
        return None

    def options(self, name: str) -> dict[str, str]:
        """The options of the block called `name`; empty if there is none."""
        block = self.find(name)
        return {} if block is None else block.options

    def numbers(self, names: Sequence[str], expected: int | None = None) -> Float[np.ndarray, " n"] | None:
        """The numbers of the block called by the first of `names` that occurs, None without one.

        NaN stands for what is missing: NaN, EMPTY, infinite, or a field of asterisks. Raises
        `ValueError` if there are not as many numbers as the block announces, and `expected`.
        """
        block = self.find(*names)
        return None if block is None else self.values(block, expected)

    def values(self, block: Block, expected: int | None = None) -> Float[np.ndarray, " n"]:
        """The numbers of a block; see `numbers`."""
        where = f"{self.path}, line {block.line}: block >{block.name}"
        values: list[float] = []
        for k, line in enumerate(block.body):
            for token in line.replace(",", " ").split():
                numbers = _values(token)
                if numbers is None:
                    raise BadFile(
                        f"{self.path}, line {block.line + 1 + k}: block >{block.name} holds "
                        f"{token[:40]!r} where a number is expected; correct or remove it."
                    )
                values += numbers
        announced = COUNT.search(block.header)
        count = len(values) if announced is None else int(announced[1])
        if len(values) != count:
            raise BadFile(
                f"{where} announces {count} numbers but holds {len(values)}; the file is damaged, "
                "copy or export it again."
            )
        if expected is not None and count != expected:
            raise BadFile(
                f"{where} holds {count} numbers for {expected} frequencies; copy or export the file again."
            )
        array = np.array(values, dtype=float)
        missing = ~np.isfinite(array) | (np.abs(array) >= 0.99 * EMPTY) | (array == self._empty())
        return np.where(missing, np.nan, array)

    def line_of(self, name: str, index: int) -> int:
        """The line, from 1, of one of the numbers of the block called `name`."""
        block = self.find(name)
        for k, line in enumerate([] if block is None else block.body):
            index -= sum(len(_values(token) or ()) for token in line.replace(",", " ").split())
            if index < 0:
                return 0 if block is None else block.line + 1 + k
        return 0

    def _empty(self) -> float:
        text = self.options("HEAD").get("EMPTY", "")
        return _value(text) if NUMBER.fullmatch(text) else EMPTY
