"""Text in columns."""

from collections.abc import Sequence

Row = Sequence[str]


def columns(head: Row, rows: Sequence[Row]) -> str:
    """Text in columns, the first to the left, the others to the right."""
    widths = [max(len(row[k]) for row in (head, *rows)) for k in range(len(head))]
    return "\n".join(
        "  ".join(
            cell.rjust(w) if k else cell.ljust(w)
            for k, (cell, w) in enumerate(zip(row, widths, strict=True))
        )
        for row in (head, *rows)
    )
