"""What a reader says of a file: what any file of the format has, and what changes numbers of this one."""

from typing import TypedDict


class Statements(TypedDict):
    """The `notes` and the `routine` of a `Site`."""

    notes: tuple[str, ...]
    routine: tuple[str, ...]


def statements(*said: tuple[str, bool]) -> Statements:
    """What a `Site` shall hold.

    - `said`: sentences, and whether each is of this file rather than of its format. Empty ones are left
      out.
    """
    return {
        "notes": tuple(text for text, own in said if own and text),
        "routine": tuple(text for text, own in said if not own and text),
    }
