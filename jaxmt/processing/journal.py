"""What was done to the data, step by step, for a reviewer to follow."""

import dataclasses
from collections import Counter
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

    def losses(self) -> dict[str, tuple[int, int]]:
        """For each step that took data or left stations out: how many data, and of how many subjects."""
        data: Counter[str] = Counter()
        subjects: dict[str, set[str]] = {}
        for entry in self.entries:
            if entry.removed or entry.text.startswith("left out"):
                data[entry.step] += entry.removed
                subjects.setdefault(entry.step, set()).add(entry.subject)
        return {step: (data[step], len(names)) for step, names in subjects.items()}

    def stations_taken(self) -> str:
        """Which steps left how many stations out, in words; "" if none did."""
        steps = {step: count for step, (_, count) in self.losses().items()}
        taken = [
            f"{step.removeprefix('station ')} took {count}"
            for step, count in steps.items()
            if step.startswith("station ") or step == "band"
        ]
        return ", ".join(taken)

    def __str__(self) -> str:
        lines = []
        for entry in self.entries:
            loss = f" [{entry.removed} removed]" if entry.removed else ""
            lines.append(f"{entry.step}, {entry.subject}: {entry.text}{loss}")
        return "\n".join(lines)
