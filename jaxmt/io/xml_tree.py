"""A small XML tree whose elements know their line."""

import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path
from xml.parsers import expat

from ..atomic import FilePath
from .free_format import BadFile, text_of

AMPERSAND = re.compile(r"&(?!(?:amp|lt|gt|quot|apos|#\d+|#x[0-9A-Fa-f]+);)")
"""Bare ampersands, which the lists of authors in published files hold."""


@dataclasses.dataclass
class Element:
    """A tag, its attributes, the text directly inside it, its children, its line (from 1)."""

    tag: str
    attributes: dict[str, str]
    line: int
    text: str = ""
    children: list["Element"] = dataclasses.field(default_factory=list)

    def find(self, path: str) -> "Element | None":
        """The first descendant along tags separated by "/"; None if there is none."""
        found: Element | None = self
        for tag in path.split("/"):
            found = next(found.all(tag), None) if found is not None else None
        return found

    def all(self, tag: str) -> Iterator["Element"]:
        """The children with a tag, in upper or lower case: writers differ."""
        return (child for child in self.children if child.tag.lower() == tag.lower())

    def words(self, path: str) -> str:
        """The text of the first descendant along `path`, stripped; empty if there is none."""
        found = self.find(path)
        return "" if found is None else found.text.strip()


def parse_xml(path: FilePath) -> Element:
    """The root of an XML file. Raises `BadFile`, with the line, if it is not well-formed.

    Document type declarations are refused: no file of transfer functions needs one, and entities
    defined in them can be made to fill the memory.
    """
    path = Path(path)
    text = text_of(path, "an XML file")
    # Decoded already: an encoding declared inside no longer counts.
    parser = expat.ParserCreate("UTF-8")
    parser.buffer_text = True
    root = Element("", {}, 0)
    stack = [root]
    # Pieces of text, joined at the end of their element: adding to a text copies it each time.
    pieces: list[list[str]] = [[]]

    def start(tag: str, attributes: dict[str, str]) -> None:
        element = Element(tag, attributes, parser.CurrentLineNumber)
        stack[-1].children.append(element)
        stack.append(element)
        pieces.append([])

    def end(_tag: str) -> None:
        stack.pop().text = "".join(pieces.pop())

    def characters(data: str) -> None:
        pieces[-1].append(data)

    def doctype(*_: object) -> None:
        raise BadFile(
            f"{path}, line {parser.CurrentLineNumber}: a document type declaration; remove it, EMTF XML "
            "has none."
        )

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler, parser.StartDoctypeDeclHandler = characters, doctype
    try:
        parser.Parse(AMPERSAND.sub("&amp;", text).encode("utf-8", errors="replace"), True)
    except expat.ExpatError as error:
        raise BadFile(
            f"{path}, line {error.lineno}: {expat.ErrorString(error.code)}; the file is damaged, copy it "
            "again."
        ) from error
    return root.children[0]
