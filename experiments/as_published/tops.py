"""How much does the condition at the top of the air change the responses?

`python -m experiments.as_published.tops` prints what `jaxmt.Dirichlet()` (E_x = 1 at the top, as published)
changes in TE against `jaxmt.UniformMagnetic()`, the largest over the stations, for air of several heights.
"""

import dataclasses
import warnings

import numpy as np

import jaxmt
from jaxmt.benchmarks import COMMEMI, SYNTHETIC, published_mesh

from .preset import three_blocks_mesh


def changes(
    mesh: jaxmt.Mesh, survey: jaxmt.Survey, section: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of the resistivity (%), the phase (degrees) and the tipper at each frequency."""
    tops = jaxmt.UniformMagnetic(), jaxmt.Dirichlet()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", jaxmt.MeshWarning)
        first, second = (
            np.array(jaxmt.simulate(dataclasses.replace(mesh, top=top), survey, section).components)
            for top in tops
        )
    change = np.abs(second - first).max(axis=2)
    tipper = np.hypot(*(second - first)[4:]).max(axis=1)
    return 100 * (10 ** change[0] - 1), change[1], tipper


def main() -> None:
    """Prints the table."""
    blocks, model = SYNTHETIC["three blocks"], COMMEMI["2D-4"]
    line = jaxmt.Survey(np.geomspace(100, 0.01, 5), np.linspace(-15e3, 15e3, 21), ("te",))
    designed = jaxmt.Mesh.design(line, 20.0, growth=0.25)
    grid = three_blocks_mesh()
    cases = [
        ("three blocks, 36 x 56", grid, dataclasses.replace(blocks.survey(), modes=("te",))),
        ("2D-4, 40 x 40", published_mesh(), line),
        ("2D-4, designed", designed, line),
        ("2D-4, designed", designed.with_air(10e3), line),
    ]
    print("| section, grid | air (km) | frequency (Hz) | rho (%) | phase (deg) | tipper |")
    for name, mesh, survey in cases:
        section = blocks.resistivity(mesh, 1) if mesh is grid else model.resistivity(mesh)
        found = np.array(changes(mesh, survey, section))
        for k in (0, survey.frequencies.size // 2, survey.frequencies.size - 1):
            numbers = " | ".join(f"{value:.2g}" for value in found[:, k])
            print(f"| {name} | {-mesh.z_nodes[0] / 1e3:.0f} | {survey.frequencies[k]:.3g} | {numbers} |")


if __name__ == "__main__":
    main()
