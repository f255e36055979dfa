"""A progress bar for the inversion."""

from tqdm import tqdm

from .result import Record


class ProgressBar:
    """Draws iteration, misfit, nRMS, lambda, what the misfit says of its state, and the time left.

    What comes before the first iteration is compilation, for which the bar counts nothing.

    `with ProgressBar(300) as bar: invert(..., max_iterations=300, progress=bar)`

    - `max_iterations`: the length of the bar; the time left is that to its end, the longest it can
      take.
    """

    def __init__(self, max_iterations: int) -> None:
        self._bar = tqdm(total=max_iterations, desc="Compiling", unit="it", dynamic_ncols=True)

    def __call__(self, record: Record) -> None:
        """Shows one iteration."""
        shown = {
            "loss": f"{record.loss:.3g}",
            "nRMS": f"{record.nrms:.3f}",
            "lambda": f"{record.regularization_factor:.2g}",
        }
        shown |= {name: f"{value:.3g}" for name, value in record.misfit.items()}
        self._bar.set_description("Inverting", refresh=False)
        self._bar.set_postfix(shown, refresh=False)
        self._bar.update(record.iteration - self._bar.n)
        self._bar.refresh()

    def __enter__(self) -> "ProgressBar":
        return self

    def __exit__(self, *error: object) -> None:
        """Ends the bar and leaves it on the screen."""
        del error
        self._bar.close()
