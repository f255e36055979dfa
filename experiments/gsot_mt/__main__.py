"""Does graph-space transport help magnetotelluric inversion?

`python -m experiments.gsot_mt [--quick] [--out DIR]` scales the thicknesses of layered models, which shifts
their sounding curves along frequency, and counts the false minima of every misfit; then it inverts noisy
data of COMMEMI 2D-4 by least squares, graph-space and 6-D transport from several half-spaces.
"""

import time
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import jaxmt
from jaxmt.plot import basin, local_minima

from .. import options as command
from . import layers, section

SCALES = np.geomspace(0.1, 10.0, 81)
LINES = ("-", (0, (4, 3)), "-.", "-", "-")
"""Broken lines over whole ones: curves often coincide."""


def scaled_layers(quick: bool, folder: Path) -> dict:
    """Misfits over the scale of all thicknesses; quick: at fewer of them, without transport."""
    scales = SCALES[:: 4 if quick else 1]
    decades = np.log10(scales)
    misfits = layers.profiles(() if quick else layers.BLURS)
    chosen = list(layers.WEIGHTS)[: 1 if quick else 2]
    found = {}
    for weights in chosen:
        words = layers.WEIGHTS[weights]
        print(f"\nThicknesses times 0.1 to 10, components weighted by {words}:")
        print(f"{'local minima, basin (decades)':32}" + "".join(f"{name:>20}" for name in layers.MODELS))
        found[weights] = {name: {} for name in layers.MODELS}
        for misfit, profile in misfits.items():
            line = f"{misfit:32}"
            for name, model in layers.MODELS.items():
                predicted = layers.soundings(model, scales)
                values = np.asarray(profile(layers.observed(model, weights), predicted))
                left, right = basin(decades, values, 0.0)
                minima = scales[local_minima(values)].tolist()
                line += f"{f'{len(minima)}, {right - left:.2f}':>20}"
                found[weights][name][misfit] = {
                    "values": values.tolist(),
                    "minima": minima,
                    "basin_decades": right - left,
                }
            print(line, flush=True)
    figure = Figure(figsize=(24, 6.5 * len(chosen)), layout="constrained")
    axes = figure.subplots(len(chosen), len(layers.MODELS), squeeze=False)
    for row, weights in zip(axes, chosen, strict=True):
        for ax, name in zip(row, layers.MODELS, strict=True):
            drawn = [misfit for misfit in layers.DRAWN if misfit in misfits]
            curves = {m: np.array(found[weights][name][m]["values"]) for m in drawn}
            jaxmt.plot.landscape(
                ax,
                scales,
                curves,
                true=1.0,
                label="Scale of all thicknesses",
                log=True,
                title=f"{name}, weights: {weights}",
            )
            style = {"title": "local minima in brackets", "frameon": False, "fontsize": 9}
            ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.12), ncols=2, **style)
    jaxmt.plot.save(figure, folder / "scaled_layers.png")
    return {"scales": scales.tolist(), "profiles": found}


def inversions(size: section.Size, folder: Path) -> list[dict]:
    """The section by every misfit from every start; rows of the table."""
    problem = section.Problem(size)
    rows, results = [], {}
    for start in size.starts:
        for name in size.misfits:
            result, row = problem.invert(section.MISFITS[name], start)
            rows.append({"misfit": name, **row})
            results[name, start] = result
    print(
        f"\n{'start (ohm m)':>14}  {'misfit':22}{'nRMS at first':>14}{'last':>8}{'iterations':>12}"
        f"{'RMSE log10 rho':>16}{'s / iteration':>15}"
    )
    for row in rows:
        print(
            f"{row['start_ohm_m']:14g}  {row['misfit']:22}{row['start_nrms']:14.2f}{row['nrms']:8.3f}"
            f"{row['iterations']:12}{row['rmse_log10_rho']:16.3f}{row['seconds_per_iteration']:15.3f}"
        )
    figure = Figure(figsize=(7 * len(size.starts), 5), layout="constrained")
    for ax, start in zip(np.ravel(figure.subplots(1, len(size.starts))), size.starts, strict=True):
        for name, line in zip(size.misfits, LINES, strict=False):
            ax.semilogy(results[name, start].history["nrms"], ls=line, lw=2, label=name)
        ax.axhline(section.TARGET, color="black", ls="--", lw=1)
        ax.set(xlabel="Iteration", ylabel="nRMS", title=f"From {start:g} ohm m")
        ax.grid(color="0.9", lw=0.8)
        ax.legend(frameon=False)
    jaxmt.plot.save(figure, folder / "convergence.png")
    start = 100.0
    figure = Figure(figsize=(16, 4 * (1 + len(size.misfits)) / 2 + 2), layout="constrained")
    sections = {"true": problem.true} | {n: results[n, start].resistivity for n in size.misfits}
    axes = np.ravel(figure.subplots(-(-len(sections) // 2), 2))
    for ax, (name, values) in zip(axes, sections.items(), strict=False):
        title = name if name == "true" else f"{name}, RMSE {problem.rmse(values):.3f}"
        jaxmt.plot.section(
            ax,
            problem.mesh,
            values,
            depth=section.DEPTH,
            limits=section.COMMEMI_2D_4.range,
            title=title,
            stations=problem.data.survey.stations,
        )
    for ax in axes[len(sections) :]:
        ax.set_axis_off()
    jaxmt.plot.save(figure, folder / "sections.png")
    return rows


def main() -> None:
    """Runs the experiment from the command line."""
    parser = command.parser(__doc__, "fewer scales, one small inversion: a minute")
    options = parser.parse_args()
    folder = command.results(options, "gsot_mt")
    begin = time.perf_counter()
    layered = scaled_layers(options.quick, folder)
    rows = inversions(section.QUICK if options.quick else section.FULL, folder)
    summary = {
        "quick": options.quick,
        "seed": section.SEED,
        "seconds": time.perf_counter() - begin,
        "scaled_layers": layered,
        "inversions": rows,
    }
    jaxmt.io.write_summary(folder / "summary.json", summary)
    print(f"{summary['seconds']:.0f} s; results are in {folder}")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        raise SystemExit("Interrupted.") from None
