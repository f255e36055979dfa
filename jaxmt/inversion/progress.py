"""How far an inversion is: a bar on a terminal, and a line now and then in a file."""

import sys
import time

from tqdm import tqdm

from .result import Record

EVERY = 30.0
"""Seconds at least between two lines where the standard error is no terminal."""


class ProgressBar:
    """Shows iteration, misfit, nRMS, lambda, what the misfit says of its state, and the time left.

    What comes before the first iteration is compilation, for which the bar counts nothing. Where the
    standard error is no terminal, such as a log file, it gets a line for the first and the last iteration,
    and in between one every `EVERY` seconds.

    `with ProgressBar(300) as bar: invert(..., max_iterations=300, progress=bar)`

    - `max_iterations`: the length of the bar; the time left is that to its end, the longest it can
      take.
    """

    def __init__(self, max_iterations: int) -> None:
        self._terminal, self._total = sys.stderr.isatty(), max_iterations
        self._said, self._last = -float("inf"), ""
        self._bar = tqdm(
            total=max_iterations,
            desc="Compiling",
            unit="it",
            dynamic_ncols=True,
            disable=not self._terminal,
        )
        if not self._terminal:
            tqdm.write("Compiling the inversion", file=sys.stderr)

    def __call__(self, record: Record) -> None:
        """Shows one iteration."""
        shown = {
            "loss": f"{record.loss:.3g}",
            "nRMS": f"{record.nrms:.3f}",
            "lambda": f"{record.regularization_factor:.2g}",
        }
        shown |= {name: f"{value:.3g}" for name, value in record.misfit.items()}
        if not self._terminal:
            numbers = ", ".join(f"{name} {value}" for name, value in shown.items())
            self._last = f"Iteration {record.iteration} of at most {self._total}: {numbers}"
            if time.monotonic() - self._said >= EVERY:
                self._say()
            return
        self._bar.set_description("Inverting", refresh=False)
        self._bar.set_postfix(shown, refresh=False)
        self._bar.update(record.iteration - self._bar.n)
        self._bar.refresh()

    def _say(self) -> None:
        """Writes what was not yet written of the last iteration."""
        if self._last:
            tqdm.write(self._last, file=sys.stderr)
            self._said, self._last = time.monotonic(), ""

    def __enter__(self) -> "ProgressBar":
        return self

    def __exit__(self, *error: object) -> None:
        """Ends the bar and leaves it on the screen."""
        del error
        self._say()
        self._bar.close()
