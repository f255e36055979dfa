"""The source: a Ricker wavelet without its low frequencies."""

import numpy as np
from jaxtyping import Float
from scipy.signal import butter, resample, sosfilt


def ricker(frequency: float, samples: int, step: float, peak: float) -> Float[np.ndarray, " sample"]:
    r"""$(1 - 2u)e^{-u}$ with $u = (\pi f(t - t_0))^2$.

    - `frequency`: f, Hz. `step`: s between samples. `peak`: $t_0$, s.
    """
    u = np.square(np.pi * frequency * (step * np.arange(samples) - peak))
    return (1 - 2 * u) * np.exp(-u)


def high_pass(
    signal: Float[np.ndarray, " sample"], corner: float, step: float
) -> Float[np.ndarray, " sample"]:
    """The signal through a causal fourth-order Butterworth filter; `corner` in Hz, `step` in s."""
    return np.asarray(sosfilt(butter(4, corner, "highpass", fs=1 / step, output="sos"), signal))


def refined(signal: Float[np.ndarray, " sample"], factor: int) -> Float[np.ndarray, " fine"]:
    """The band-limited signal at `factor` times as many samples, taken as periodic."""
    return np.asarray(resample(signal, factor * signal.size))
