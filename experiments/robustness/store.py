"""Results on disk: a line for each inversion, none lost and none run twice."""

import json
import os
from pathlib import Path

from .case import Case, case_of


def read(path: Path) -> list[dict]:
    """The records of a file; a last line cut short by a killed process is left out."""
    if not path.exists():
        return []
    records = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            records.append(json.loads(line))
        except json.JSONDecodeError:
            continue
    return records


class Store:
    """A file of records, one a line, to which records are only ever added."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.records = read(path)
        self._keys = {case_of(record).key for record in self.records}

    def __contains__(self, case: Case) -> bool:
        return case.key in self._keys

    def add(self, record: dict) -> None:
        """Writes a record down before it returns."""
        with self.path.open("ab+") as file:
            if file.tell() > 0:
                file.seek(-1, os.SEEK_END)
                if file.read(1) != b"\n":
                    file.write(b"\n")
            file.write(json.dumps(record, sort_keys=True).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        self.records.append(record)
        self._keys.add(case_of(record).key)
