"""The colours of resistivity, measured: lightness, steps, and what the colour-blind see."""

import numpy as np
import pytest
from matplotlib.colors import Colormap

from jaxmt.plot.colours import RED_BLUE, resistivity_colours, srgb

MACHADO = {
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
"""On linear sRGB, severity 1 (Machado, Oliveira & Fernandes 2009, IEEE TVCG 15, 1291-1298)."""

XYZ = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)
"""From linear sRGB, D65 (IEC 61966-2-1)."""


def linear(rgb):
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def lab(lin):
    """L*, a*, b* of linear sRGB (CIE 1976)."""
    ratio = lin @ XYZ.T / XYZ.sum(axis=1)
    root = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.stack(
        [116 * root[:, 1] - 16, 500 * (root[:, 0] - root[:, 1]), 200 * (root[:, 1] - root[:, 2])], axis=1
    )


def colours(colour_map: Colormap = RED_BLUE):
    return colour_map(np.linspace(0, 1, 256))[:, :3]


def seen(kind, colour_map: Colormap = RED_BLUE):
    return lab(np.clip(linear(colours(colour_map)) @ np.array(MACHADO[kind]).T, 0, 1))


def test_red_conducts_and_blue_resists():
    first, *_, last = colours()
    assert first[0] > 3 * first[2]
    assert last[2] > 3 * last[0]


def test_lightness_is_symmetric_and_monotone_on_either_side():
    lightness = lab(linear(colours()))[:, 0]
    # The blue end is clipped to what a screen shows, by less than half a unit.
    np.testing.assert_allclose(lightness, lightness[::-1], atol=0.5)
    assert np.all(np.diff(lightness[:128]) > 0)
    assert np.all(np.diff(lightness[128:]) < 0)
    # Dark ends, and a middle that is neither dark nor the white of what is not trusted.
    assert lightness.min() == pytest.approx(30, abs=0.5)
    assert lightness.max() == pytest.approx(88, abs=0.5)
    chroma = np.hypot(*lab(linear(colours()))[:, 1:].T)
    assert chroma.min() > 15


def test_steps_look_equal():
    def ratio(colour_map):
        steps = np.linalg.norm(np.diff(lab(linear(colours(colour_map))), axis=0), axis=1)
        return steps.max() / steps.min()

    # Equal but for the ridge, which is round; those of turbo differ five times as much.
    assert ratio(RED_BLUE) < 1.5
    assert ratio(resistivity_colours("turbo_r")) > 4


@pytest.mark.parametrize("kind", MACHADO)
def test_the_colour_blind_tell_values_apart(kind):
    found = seen(kind)
    # Two values of the same lightness on either side of the middle; 2.3 is just noticeable.
    apart = np.linalg.norm(found - found[::-1], axis=1)
    assert apart[:102].min() > 30
    # Any two values a sixth of the scale apart.
    far = np.abs(np.subtract.outer(np.arange(256), np.arange(256))) >= 43
    distances = np.linalg.norm(found[:, None] - found[None], axis=-1)
    assert distances[far].min() > 19
    turbo = seen(kind, resistivity_colours("turbo_r"))
    assert np.linalg.norm(turbo[:, None] - turbo[None], axis=-1)[far].min() < 16


def test_conversion_is_the_inverse_of_an_independent_one():
    known = np.array([[50.0, 20.0, 30.0], [80.0, -10.0, 40.0], [30.0, 10.0, -40.0], [5.0, 0.0, 0.0]])
    # Seven digits of the matrices.
    np.testing.assert_allclose(lab(linear(srgb(known))), known, atol=2e-4)


def test_an_unknown_map_is_named():
    assert resistivity_colours("viridis_r").name == "viridis_r"
    with pytest.raises(ValueError, match=r"'red-blue' or a colour map of matplotlib.*Got 'rainbows'"):
        resistivity_colours("rainbows")
