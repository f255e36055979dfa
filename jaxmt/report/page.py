"""A page of text, tables and figures that needs no other file, on a screen and on paper."""

import base64
import dataclasses
import html
import os
from collections.abc import Sequence
from pathlib import Path
from string import Template

from ..atomic import FilePath, atomic_path

PNG = b"\x89PNG\r\n\x1a\n"

STYLE = """
body { font: 15px/1.45 Georgia, "Times New Roman", serif; color: #111; max-width: 62rem; margin: 2rem auto;
  padding: 0 1.2rem; }
h1, h2, h3, nav, caption, figcaption, th { font-family: Helvetica, Arial, sans-serif; }
h1 { font-size: 1.7rem; margin-bottom: 0.2rem; } h2 { margin-top: 2.2rem; border-bottom: 1px solid #999; }
.subtitle { color: #444; margin-top: 0; }
nav ol { columns: 2; font-size: 0.9rem; } a { color: #05507a; text-decoration: none; }
table { border-collapse: collapse; margin: 1rem 0; font-size: 0.85rem; }
caption, figcaption { text-align: left; font-size: 0.85rem; color: #222; padding: 0.3rem 0; }
th, td { padding: 0.15rem 0.6rem; text-align: right; border-bottom: 1px solid #ddd; }
thead th { border-bottom: 1.5px solid #333; } td:first-child, th:first-child, .words { text-align: left; }
td.high { font-weight: bold; color: #b02a10; }
figure { margin: 1.2rem 0; } figure img { max-width: 100%; height: auto; }
pre { font-size: 0.72rem; white-space: pre-wrap; overflow-wrap: anywhere; background: #f6f6f6;
  padding: 0.6rem; }
.warning { border-left: 4px solid #b02a10; padding-left: 0.7rem; }
@media print {
  @page { size: A4; margin: 16mm; }
  body { font-size: 10pt; margin: 0; max-width: none; padding: 0; }
  figure, table { break-inside: avoid; } table.long { break-inside: auto; } tr { break-inside: avoid; }
  h2, h3, caption { break-after: avoid; } figure img { max-height: 225mm; } a { color: inherit; }
  pre { background: none; padding: 0; }
}
"""

LAYOUT = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8"/>
<title>$title</title>
<style>$style</style>
</head>
<body>
<h1>$title</h1>
<p class="subtitle">$subtitle</p>
<nav><ol>
$contents
</ol></nav>
$body
</body>
</html>
""")

LONG = 30
"""Rows from which a table may be torn by a page break."""

_WORDS = ' class="words"'

Cell = str | float | int | None


@dataclasses.dataclass(frozen=True)
class Page:
    """A page that grows by its methods, each of which returns a new one.

    - `title`, `subtitle`: plain text, as every text given to a method; nothing is read as HTML.
    """

    title: str
    subtitle: str = ""
    headings: tuple[str, ...] = ()
    blocks: tuple[str, ...] = ()

    def _with(self, block: str) -> "Page":
        return dataclasses.replace(self, blocks=(*self.blocks, block))

    def _number(self, tag: str) -> int:
        return 1 + sum(block.startswith(f"<{tag}") for block in self.blocks)

    def heading(self, text: str) -> "Page":
        """Begins a section that the contents list."""
        at = f'<h2 id="s{len(self.headings) + 1}">{html.escape(text)}</h2>'
        return dataclasses.replace(self._with(at), headings=(*self.headings, text))

    def paragraph(self, text: str) -> "Page":
        """A paragraph."""
        return self._with(f"<p>{html.escape(text)}</p>")

    def warning(self, text: str) -> "Page":
        """A paragraph that stands out."""
        return self._with(f'<p class="warning">{html.escape(text)}</p>')

    def listing(self, text: str) -> "Page":
        """Lines as they are, such as a log."""
        return self._with(f"<pre>{html.escape(text)}</pre>")

    def table(
        self,
        caption: str,
        head: Sequence[str],
        rows: Sequence[Sequence[Cell]],
        *,
        high: float | None = None,
    ) -> "Page":
        """A numbered table.

        - `rows`: text is set as it is, numbers with three digits; None and NaN become a dash.
        - `high`: fractional numbers above it stand out.

        Raises `ValueError` for a row that is not as long as `head`.
        """
        for row in rows:
            if len(row) != len(head):
                raise ValueError(
                    f"`Page.table(rows=...)` must have {len(head)} cells a row. Got {list(row)}."
                )
        words = [bool(rows) and isinstance(value, str) for value in (rows[0] if rows else head)]
        top = "".join(
            f"<th{_WORDS if word else ''}>{html.escape(text)}</th>"
            for text, word in zip(head, words, strict=True)
        )
        body = "\n".join(f"<tr>{''.join(_cell(value, high) for value in row)}</tr>" for row in rows)
        kind = ' class="long"' if len(rows) >= LONG else ""
        title = f"Table {self._number('table')}. {caption}"
        return self._with(
            f"<table{kind}>\n<caption>{html.escape(title)}</caption>\n<thead><tr>{top}</tr></thead>\n"
            f"<tbody>\n{body}\n</tbody>\n</table>"
        )

    def figure(self, path: FilePath, caption: str) -> "Page":
        """A numbered figure from a PNG file, whose bytes become part of the page.

        Raises `ValueError` if there is no such file or it is no PNG.
        """
        name = os.fspath(path)
        content = Path(path).read_bytes() if Path(path).is_file() else b""
        if not content.startswith(PNG):
            raise ValueError(f"`Page.figure(path=...)` must be a PNG file. Got {name!r}; draw it first.")
        text = html.escape(f"Figure {self._number('figure')}. {caption}")
        data = base64.b64encode(content).decode("ascii")
        return self._with(
            f'<figure>\n<img src="data:image/png;base64,{data}" alt="{text}"/>\n'
            f"<figcaption>{text}</figcaption>\n</figure>"
        )

    def html(self) -> str:
        """The whole page, HTML 5 that is well-formed XML."""
        contents = "\n".join(
            f'<li><a href="#s{k}">{html.escape(text)}</a></li>' for k, text in enumerate(self.headings, 1)
        )
        return LAYOUT.substitute(
            title=html.escape(self.title),
            subtitle=html.escape(self.subtitle),
            style=STYLE,
            contents=contents or "<li>Nothing</li>",
            body="\n".join(self.blocks),
        )


def write_page(path: FilePath, page: Page) -> None:
    """Writes a page to an HTML file, whole or not at all."""
    with atomic_path(path) as temporary:
        temporary.write_text(page.html(), encoding="utf-8")


def _cell(value: Cell, high: float | None) -> str:
    if isinstance(value, str):
        return f"<td{_WORDS}>{html.escape(value)}</td>"
    # NaN differs from itself.
    if value is None or value != value:
        return "<td>\N{EN DASH}</td>"
    if isinstance(value, int):
        return f"<td>{value}</td>"
    kind = ' class="high"' if high is not None and value > high else ""
    return f"<td{kind}>{value:.3g}</td>"
