"""What was done to the data, step by step, for a reviewer to follow."""

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

NAMED = 3
"""Subjects that a folded entry names; more are counted."""


@dataclasses.dataclass(frozen=True)
class Entry:
    """One deed.

    - `step`: the kind of it: "read", "rotate", "relative error", ...
    - `subject`: the station or file it concerns; "all" for all.
    - `removed`: data removed, counted as they are inverted, `PARTS` for a complex number. `text`: what and
      why, one sentence.
    - `marked`: data found doubtful and kept.
    """

    step: str
    subject: str
    removed: int
    text: str
    marked: int = 0

    def __str__(self) -> str:
        loss = f" [{self.removed} data removed]" if self.removed else ""
        return f"{self.step}, {self.subject}: {self.text}{loss}"


@dataclasses.dataclass(frozen=True)
class Journal:
    """Entries in the order of the work; journals add up."""

    entries: tuple[Entry, ...] = ()

    def note(self, step: str, subject: str, text: str, removed: int = 0, marked: int = 0) -> "Journal":
        """The journal with one more entry."""
        return Journal((*self.entries, Entry(step, subject, int(removed), text, int(marked))))

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
        return self._counted(lambda e: e.removed, lambda e: e.text.startswith("left out"))

    def marks(self) -> dict[str, tuple[int, int]]:
        """For each step that found data doubtful and kept them: how many, and of how many subjects."""
        return self._counted(lambda e: e.marked, lambda e: False)

    def _counted(
        self, count: Callable[[Entry], int], also: Callable[[Entry], bool]
    ) -> dict[str, tuple[int, int]]:
        data: Counter[str] = Counter()
        subjects: dict[str, set[str]] = {}
        for entry in self.entries:
            if count(entry) or also(entry):
                data[entry.step] += count(entry)
                subjects.setdefault(entry.step, set()).add(entry.subject)
        return {step: (data[step], len(names)) for step, names in subjects.items()}

    def stations_taken(self) -> str:
        """Which steps left how many stations out, in words; "" if none did."""
        steps: dict[str, set[str]] = {}
        for entry in self.entries:
            if entry.text.startswith("left out"):
                steps.setdefault(entry.step, set()).add(entry.subject)
        taken = [f"{step.removeprefix('station ')} took {len(names)}" for step, names in steps.items()]
        return ", ".join(taken)

    def folded(self) -> "Journal":
        """A short journal of the same work: an entry for what many subjects share.

        Entries of one step and text become one, which names up to three subjects and counts more. Of the
        texts that a step says of few subjects, those of what was left out, of what is doubtful and of what
        is neither become one entry each, with the sums and the subject with most, where they are more than
        three. Faults, and what is said of all, stay as they are.
        """
        steps: dict[str, list[Entry]] = {}
        for entry in self.entries:
            steps.setdefault(entry.step, []).append(entry)
        return Journal(tuple(entry for entries in steps.values() for entry in _fold(entries)))

    def __str__(self) -> str:
        return "\n".join(str(entry) for entry in self.entries)


def _fold(entries: list[Entry]) -> list[Entry]:
    """The entries of one step, fewer of them."""
    texts: dict[str, list[Entry]] = {}
    for entry in entries:
        texts.setdefault(entry.text, []).append(entry)
    folded: list[Entry] = []
    lone: dict[str, list[Entry]] = {}
    for text, same in texts.items():
        if len(same) > NAMED or same[0].subject == "all" or same[0].step == "fault":
            folded.append(_joined(same, text))
        else:
            kind = next((kind for kind in ("left out", "doubtful") if text.startswith(kind)), "")
            lone.setdefault(kind, []).extend(same)
    for rest in lone.values():
        shared = list(dict.fromkeys(entry.text for entry in rest))
        if len(shared) <= NAMED:
            folded += [_joined([entry for entry in rest if entry.text == text], text) for text in shared]
        else:
            most = max(rest, key=lambda e: e.removed + e.marked)
            folded.append(_joined(rest, f"{most.text} ({most.subject}), and others like it"))
    return folded


def _joined(entries: list[Entry], text: str) -> Entry:
    names = list(dict.fromkeys(entry.subject for entry in entries))
    subject = ", ".join(names) if len(names) <= NAMED else f"{len(names)} of them"
    removed, marked = (
        sum(values) for values in zip(*((e.removed, e.marked) for e in entries), strict=True)
    )
    return Entry(entries[0].step, subject, removed, text, marked)
