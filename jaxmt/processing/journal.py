"""What was done to the data, step by step, for a reviewer to follow."""

import dataclasses
from collections.abc import Iterator, Sequence


@dataclasses.dataclass(frozen=True)
class Entry:
    """One deed.

    - `step`: the kind of it: "read", "rotate", "relative error", ...
    - `subject`: the station or file it concerns; "all" for all.
    - `removed`: data removed, a complex number counting one. `text`: what and why, one sentence.
    """

    step: str
    subject: str
    removed: int
    text: str


@dataclasses.dataclass(frozen=True)
class Journal:
    """Entries in the order of the work; journals add up."""

    entries: tuple[Entry, ...] = ()

    def note(self, step: str, subject: str, text: str, removed: int = 0) -> "Journal":
        """The journal with one more entry."""
        return Journal((*self.entries, Entry(step, subject, int(removed), text)))

    def __add__(self, other: "Journal") -> "Journal":
        return Journal(self.entries + other.entries)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def removed(self, steps: Sequence[str] | None = None) -> int:
        """How many data were removed, in all or by some steps."""
        return sum(entry.removed for entry in self.entries if steps is None or entry.step in steps)

    def __str__(self) -> str:
        lines = []
        for entry in self.entries:
            loss = f" [{entry.removed} removed]" if entry.removed else ""
            lines.append(f"{entry.step}, {entry.subject}: {entry.text}{loss}")
        return "\n".join(lines)
