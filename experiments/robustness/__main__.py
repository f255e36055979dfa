"""Where does transport help an inversion, and where does it not?

`python -m experiments.robustness [--quick] [--out DIR] [--question NAME ...] [--method NAME ...]
[--budget MINUTES]` inverts synthetic models from many starts, under many kinds of noise, with every misfit;
it goes on where it was stopped. `--tables FILE` prints the tables of stored results and runs nothing.
"""

import time
from pathlib import Path

import jax
from tqdm import tqdm

from .. import options as command
from .drawing import draw
from .inversion import run
from .methods import all_methods
from .questions import SEEDS, plan, questions, quick_questions
from .store import Store, read
from .tables import report


def main() -> None:
    """Runs the experiment from the command line."""
    parser = command.parser(__doc__, "tiny inversions: under a minute")
    parser.add_argument(
        "--question", nargs="+", choices=list(questions()), metavar="NAME", help="only these questions"
    )
    parser.add_argument(
        "--method", nargs="+", choices=list(all_methods()), metavar="NAME", help="only these methods"
    )
    parser.add_argument("--seeds", type=int, default=len(SEEDS), metavar="N", help="seeds 0 to N - 1")
    parser.add_argument("--budget", type=float, metavar="MINUTES", help="start no inversion after this")
    parser.add_argument("--tables", type=Path, metavar="FILE", help="print the tables of stored results")
    options = parser.parse_args()
    chosen = quick_questions() if options.quick else questions()
    if options.question:
        chosen = {name: question for name, question in chosen.items() if name in options.question}
    if not chosen:
        parser.error(f"--quick asks only {', '.join(quick_questions())}.")
    if options.tables:
        print(report(read(options.tables), chosen))
        return
    folder = command.results(options, "robustness_quick" if options.quick else "robustness")
    sections = folder / "sections"
    sections.mkdir(parents=True, exist_ok=True)
    store = Store(folder / "results.jsonl")
    seeds = (0,) if options.quick else tuple(range(options.seeds))
    cases = [case for case in plan(chosen, seeds) if not options.method or case.method in options.method]
    missing = [case for case in cases if case not in store]
    begin = time.perf_counter()
    with tqdm(total=len(cases), initial=len(cases) - len(missing), unit="run", dynamic_ncols=True) as bar:
        programs = None
        for case in missing:
            if case.programs != programs:
                # Those of hundreds of runs are more than a process may map.
                jax.clear_caches()
                programs = case.programs
            if options.budget and time.perf_counter() - begin > 60 * options.budget:
                bar.write(f"The budget of {options.budget:g} minutes is spent; the same command goes on.")
                break
            bar.set_postfix_str(f"{case.model}, {case.method}, {case.start}, {case.noise}")
            share = "cost" in chosen and case.seed == 0 and case in chosen["cost"]
            store.add(run(case, sections if case.seed == 0 else None, share))
            bar.update()
    text = report(store.records, chosen)
    (folder / "tables.md").write_text(text, encoding="utf-8")
    print(text)
    draw(store.records, chosen, folder)
    print(f"Results are in {folder}")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        raise SystemExit("Interrupted; the same command goes on.") from None
