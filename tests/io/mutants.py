"""Damaged copies of files, a limit on the time of reading one, and what must hold of any reading."""

import contextlib
import signal

import numpy as np

from jaxmt.processing import phase_tensor

SECONDS = 5.0
"""Of the processor's time, so that other work on the machine does not count; a reader needs hundredths."""


class TooSlow(BaseException):
    """No `Exception`: readers that pass errors on must not take it for one of a file."""


@contextlib.contextmanager
def in_time(seconds=SECONDS):
    """Raises `TooSlow` in the body after so many seconds of the processor's time."""

    def ring(*_):
        raise TooSlow(f"more than {seconds:g} s of the processor's time")

    before = signal.signal(signal.SIGVTALRM, ring)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0.0)
        signal.signal(signal.SIGVTALRM, before)


def mutated(text, generator):
    """The text with one to four random edits."""
    alphabet = '<>=/.-+:EDZX019 \n\t"#*&;\xe9'
    words = ("1e400", "-1e-320", "nan", "1.0E+32", "0.0", "-0", "1e31", "999999999", "//", "</", "\0")
    for _ in range(generator.randint(1, 4)):
        i = generator.randrange(max(len(text), 1))
        kind = generator.randrange(6)
        if kind == 0:
            text = text[:i] + generator.choice(alphabet) + text[i + 1 :]
        elif kind == 1:
            text = text[:i] + text[i + generator.randint(1, 40) :]
        elif kind == 2:
            text = text[:i] + generator.choice(alphabet) * generator.randint(1, 5) + text[i:]
        elif kind == 3:
            j = generator.randrange(max(len(text), 1))
            text = text[:i] + text[j : j + 60] + text[i:]
        elif kind == 4:
            text = text[:i] + generator.choice(words) + text[i + generator.randint(0, 8) :]
        elif generator.random() < 0.2:
            text = text[:i]
    return text


def check(reading):
    """What must hold of anything that was read: no silent zero, no infinity, no error that is none."""
    for site in reading.sites:
        off = site.z[:, [0, 1], [1, 0]]
        assert not np.any(off == 0)
        assert not np.isinf(site.z).any()
        assert np.all(np.isfinite(site.frequencies) & (site.frequencies > 0))
        assert not np.any(site.z_error <= 0)
        assert not np.any(site.tipper_error <= 0)
        assert np.isfinite(off).any() or np.isfinite(site.tipper).any()
        tensor = phase_tensor(site)
        assert not np.any(np.isnan(tensor.beta) & np.isfinite(tensor.tensor).all(axis=(1, 2)))
    for line in reading.lines.values():
        assert line.mask.any()
        assert not np.isinf(line.values).any()
        # An impedance of zero would be -inf, one of 1e-30 ohm a resistivity below this.
        assert np.all(np.abs(line.values[[0, 2]][line.mask[[0, 2]]]) < 80)
