"""Are the published similarities of the three blocks reached, and by which setting?

`python -m experiments.as_published [--change NAME ...] [--misfit l2 cloud] [--seeds N] [--quick]
[--out DIR]` inverts the three blocks of Liu, Chen, Bo & Tang (2026), 1 % noise, with every setting as
published, then with one setting changed at a time. Published: SSIM 0.937 by squares in 304 iterations,
0.947 by 6-D transport in 181, both at nRMS 1.03. Runs that the folder has are not repeated.
"""

import json

from tqdm import tqdm

from .. import options as command
from .preset import MISFITS
from .study import changes, run

COLUMNS = {
    "published": "SSIM",
    "earth": "SSIM, no air",
    "ours": "SSIM, ours",
    "rmse": "RMSE",
    "nrms": "nRMS",
    "iterations": "iterations",
}


def table(rows: list[dict]) -> str:
    """The rows in Markdown."""
    lines = [" | ".join(["change", "misfit", "seed", *COLUMNS.values()]), " | ".join(["---"] * 9)]
    for row in rows:
        values = [f"{row[k]:.0f}" if k == "iterations" else f"{row[k]:.3f}" for k in COLUMNS]
        lines.append(" | ".join([row["change"], row["misfit"], str(row["seed"]), *values]))
    return "\n".join(f"| {line} |" for line in lines)


def main() -> None:
    """Runs the experiment from the command line."""
    parser = command.parser(__doc__, "five iterations each, whose numbers mean nothing")
    known = changes()
    parser.add_argument(
        "--change", nargs="+", choices=list(known), default=list(known), metavar="NAME", help="only these"
    )
    parser.add_argument("--misfit", nargs="+", choices=MISFITS, default=["l2", "cloud"])
    parser.add_argument("--seeds", type=int, default=1, metavar="N", help="seeds 0 to N - 1; default 1")
    options = parser.parse_args()
    folder = command.results(options, "as_published_quick" if options.quick else "as_published")
    store = folder / "results.jsonl"
    rows = [json.loads(line) for line in store.read_text().splitlines()] if store.is_file() else []
    done = {(row["change"], row["misfit"], row["seed"]) for row in rows}
    wanted = [
        (name, misfit, seed)
        for name in options.change
        for misfit in options.misfit
        for seed in range(options.seeds)
        if misfit in known[name].misfits
    ]
    for case in tqdm([case for case in wanted if case not in done], unit="run"):
        rows.append(run(*case, iterations=5 if options.quick else None))
        with store.open("a") as file:
            file.write(json.dumps(rows[-1]) + "\n")
    text = table([row for row in rows if (row["change"], row["misfit"], row["seed"]) in set(wanted)])
    (folder / "table.md").write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        raise SystemExit("Interrupted; the same command goes on.") from None
