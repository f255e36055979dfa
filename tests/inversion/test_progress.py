"""What is shown of an inversion on its way: a bar on a terminal, a few lines in a file."""

import pytest

from jaxmt import ProgressBar, Record
from jaxmt.inversion import progress


def shown(iterations):
    """What a bar writes of so many iterations."""
    with ProgressBar(200) as bar:
        for k in range(1, iterations + 1):
            bar(Record(k, 9.0, 3.0 / k, 1.0, 0.1, 0.0, {"blur": 0.5}, {}))


def test_a_file_gets_a_line_now_and_then_and_no_bar(capsys, monkeypatch):
    clock = iter(range(0, 1000, 7))
    monkeypatch.setattr(progress.time, "monotonic", lambda: float(next(clock)))
    monkeypatch.setattr(progress, "EVERY", 30.0)
    shown(60)
    said = capsys.readouterr().err
    assert "\r" not in said
    first, *rest = said.splitlines()
    assert first == "Compiling the inversion"
    assert rest[0].startswith("Iteration 1 of at most 200: loss ")
    assert rest[-1].startswith("Iteration 60 of at most 200: ")
    assert "nRMS 0.050" in rest[-1]
    assert "blur 0.5" in rest[-1]
    # 60 iterations take 420 s, or a line for every five of them.
    assert 8 <= len(rest) <= 15


def test_an_inversion_that_was_refused_leaves_no_line(capsys):
    with pytest.raises(ValueError, match="data"), ProgressBar(200):
        raise ValueError("no data")
    assert capsys.readouterr().err == "Compiling the inversion\n"
