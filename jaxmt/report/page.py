"""A page of text, tables and figures that needs no other file, on a screen and on paper."""

import base64
import dataclasses
import hashlib
import html
import importlib.resources
import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from string import Template
from types import MappingProxyType

from ..atomic import FilePath, atomic_path
from .numbers import script

PNG = b"\x89PNG\r\n\x1a\n"

LAYOUT = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8"/>
<meta name="run" content="$run"/>
<meta name="viewport" content="width=device-width"/>
<meta http-equiv="Content-Security-Policy" content="$policy"/>
<title>$title</title>
<style>$style</style>
</head>
<body>
<h1$long>$title</h1>
<p class="subtitle">$subtitle</p>
$first
<nav$new><ol>
$contents
</ol></nav>
$body$script
</body>
</html>
""")

POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src {}"
"""What a browser may do with a page: ask no server for anything, and run no script but the page's own."""

LONG = 12
"""Rows from which a table may be torn by a page break."""

LONG_TITLE = 90
"""Characters beyond which a title is set smaller."""

_WORDS = ' class="words"'

_STRANGE = re.compile("[^\t\n\r\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML cannot hold or nobody can see: NUL and other controls, halves of surrogate pairs."""


@dataclasses.dataclass(frozen=True)
class Link:
    """Text that leads to another page; `to` is its address, relative to this one."""

    text: str
    to: str


Cell = str | float | int | Link | None


@dataclasses.dataclass(frozen=True)
class Page:
    """A page that grows by its methods, each of which returns a new one.

    - `title`, `subtitle`: plain text, as every text given to a method; nothing is read as HTML.
    - `first`: how many blocks stand before the contents, on a sheet of their own.
    - `run`: the identity of the run that the page is about.
    """

    title: str
    subtitle: str = ""
    headings: tuple[str, ...] = ()
    blocks: tuple[str, ...] = ()
    first: int = 0
    run: str = ""

    def _with(self, block: str) -> "Page":
        return dataclasses.replace(self, blocks=(*self.blocks, block))

    def _number(self, tag: str) -> int:
        return 1 + sum(block.startswith(f"<{tag}") for block in self.blocks)

    def heading(self, text: str) -> "Page":
        """Begins a section that the contents list."""
        at = f'<h2 id="s{len(self.headings) + 1}">{_escaped(text)}</h2>'
        return dataclasses.replace(self._with(at), headings=(*self.headings, text))

    def sheet(self) -> "Page":
        """Ends the first sheet: the contents follow, and on paper a new page."""
        return dataclasses.replace(self, first=len(self.blocks))

    def paragraph(self, text: str) -> "Page":
        """A paragraph."""
        return self._with(f"<p>{_escaped(text)}</p>")

    def conclusions(self, text: str) -> "Page":
        """The paragraph for whoever reads no other."""
        return self._with(f'<p class="conclusions">{_escaped(text)}</p>')

    def facts(self, pairs: Sequence[tuple[str, str]]) -> "Page":
        """What is what, a line each."""
        lines = "".join(f"<dt>{_escaped(name)}</dt><dd>{_escaped(text)}</dd>\n" for name, text in pairs)
        return self._with(f"<dl>\n{lines}</dl>")

    def folded(self, summary: str, inside: "Callable[[Page], Page]") -> "Page":
        """Blocks that open by a click on their summary; on paper only what is open.

        - `inside`: adds the blocks.
        """
        opened = self._with(f"<details><summary>{_escaped(summary)}</summary>")
        return inside(opened)._with("</details>")

    def warning(self, text: str) -> "Page":
        """A paragraph that stands out."""
        return self._with(f'<p class="warning">{_escaped(text)}</p>')

    def listing(self, text: str) -> "Page":
        """Lines as they are, such as a log."""
        return self._with(f"<pre>{_escaped(text)}</pre>")

    def table(
        self,
        caption: str,
        head: Sequence[str],
        rows: Sequence[Sequence[Cell]],
        *,
        high: float | None = None,
        wide: Mapping[str, float] = MappingProxyType({}),
    ) -> "Page":
        """A numbered table.

        - `rows`: text is set as it is, numbers with three digits; a `Link` leads to another page; None and
          NaN become a dash.
        - `high`: fractional numbers above it stand out; `wide`: those of the columns that it names stand
          out where their magnitude is above what it gives.

        Raises `ValueError` for a row that is not as long as `head`.
        """
        for row in rows:
            if len(row) != len(head):
                raise ValueError(
                    f"`Page.table(rows=...)` must have {len(head)} cells a row. Got {list(row)}."
                )
        words = [any(_is_word(row[k]) for row in rows or [head]) for k in range(len(head))]
        top = "".join(
            f"<th{_WORDS if word else ''}>{_escaped(text)}</th>"
            for text, word in zip(head, words, strict=True)
        )
        limits = [wide.get(text, high) for text in head]
        body = "\n".join(f"<tr>{''.join(map(_cell, row, limits, words))}</tr>" for row in rows)
        kind = ' class="long"' if len(rows) >= LONG else ""
        title = f"Table {self._number('table')}. {caption}"
        return self._with(
            f"<table{kind}>\n<caption>{_escaped(title)}</caption>\n<thead><tr>{top}</tr></thead>\n"
            f"<tbody>\n{body}\n</tbody>\n</table>"
        )

    def figure(self, path: FilePath, caption: str, numbers: str = "") -> "Page":
        """A numbered figure from a PNG file, whose bytes become part of the page.

        - `numbers`: of `section_numbers`; where scripts run, a section drawn from them takes the place of
          the figure on the screen.

        Raises `ValueError` if there is no such file or it is no PNG, or for numbers of a second section.
        """
        name = os.fspath(path)
        content = Path(path).read_bytes() if Path(path).is_file() else b""
        if not content.startswith(PNG):
            raise ValueError(f"`Page.figure(path=...)` must be a PNG file. Got {name!r}; draw it first.")
        if numbers and self._draws:
            raise ValueError("`Page.figure(numbers=...)` are of one section a page; it has one already.")
        text = _escaped(f"Figure {self._number('figure')}. {caption}")
        data = base64.b64encode(content).decode("ascii")
        kind = ' class="section"' if numbers else ""
        live = '<div class="live" hidden="hidden"></div>\n' if numbers else ""
        block = (
            f'<figure{kind}>\n{live}<img src="data:image/png;base64,{data}" alt="{text}"/>\n'
            f"<figcaption>{text}</figcaption>\n</figure>"
        )
        if numbers:
            block += f'\n<script id="numbers" type="application/json">{numbers}</script>'
        return self._with(block)

    @property
    def _draws(self) -> bool:
        return any(block.startswith('<figure class="section"') for block in self.blocks)

    def html(self) -> str:
        """The whole page, HTML 5 that is well-formed XML."""
        contents = "\n".join(
            f'<li><a href="#s{k}">{_escaped(text)}</a></li>' for k, text in enumerate(self.headings, 1)
        )
        # A comment to JavaScript, and the sign to XML that what follows is none.
        code = f"//<![CDATA[\n{script()}//]]>" if self._draws else ""
        digest = base64.b64encode(hashlib.sha256(code.encode()).digest()).decode("ascii")
        return LAYOUT.substitute(
            title=_escaped(self.title),
            long=' class="long"' if len(self.title) > LONG_TITLE else "",
            subtitle=_escaped(self.subtitle),
            run=_escaped(self.run),
            policy=POLICY.format(f"'sha256-{digest}'" if code else "'none'"),
            style=importlib.resources.files(str(__package__))
            .joinpath("page.css")
            .read_text(encoding="utf-8"),
            first="\n".join(self.blocks[: self.first]),
            new=' class="sheet"' if self.first else "",
            contents=contents or "<li>Nothing</li>",
            body="\n".join(self.blocks[self.first :]),
            script=f"\n<script>{code}</script>" if code else "",
        )


def write_page(path: FilePath, page: Page) -> None:
    """Writes a page to an HTML file, whole or not at all."""
    with atomic_path(path) as temporary:
        temporary.write_text(page.html(), encoding="utf-8")


def _escaped(text: str) -> str:
    """Text as HTML and XML show it; what they cannot hold is a sign of its own."""
    return html.escape(_STRANGE.sub("\N{REPLACEMENT CHARACTER}", text))


def _is_word(value: Cell) -> bool:
    """Whether a cell is text that is no number."""
    if isinstance(value, Link):
        return True
    if not isinstance(value, str):
        return False
    try:
        float(value or 0)
    except ValueError:
        return True
    return False


def _cell(value: Cell, high: float | None, word: bool) -> str:
    if isinstance(value, str):
        return f"<td{_WORDS if word else ''}>{_escaped(value)}</td>"
    if isinstance(value, Link):
        return f'<td{_WORDS}><a href="{_escaped(value.to)}">{_escaped(value.text)}</a></td>'
    # NaN differs from itself.
    if value is None or value != value:
        return "<td>\N{EN DASH}</td>"
    if isinstance(value, int):
        return f"<td>{value}</td>"
    kind = ' class="high"' if high is not None and abs(value) > high else ""
    return f"<td{kind}>{value:.3g}</td>"
