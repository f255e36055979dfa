"""Where does transport help an inversion, and where does it not?

`python -m experiments.robustness [--quick] [--out DIR] [--question NAME ...] [--method NAME ...]
[--budget MINUTES] [--processes N]` inverts synthetic models from many starts, under many kinds of noise,
with every misfit; it goes on where it was stopped. Where N inversions run at once, their times are those of
a shared machine. `--tables FILE` prints the tables of stored results and runs nothing.
"""

import json
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tqdm import tqdm

from jaxmt import Processes, run_tasks

from .. import options as command
from .drawing import draw
from .inversion import perform
from .methods import all_methods
from .questions import SEEDS, plan, questions, quick_questions
from .store import Store, read
from .tables import report


class Spent(Exception):
    """No inversion shall begin any more."""


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
    parser.add_argument(
        "--processes", type=int, metavar="N", help="invert N at a time; by default one, here"
    )
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
    tasks = {
        case.digest: {
            "case": vars(case),
            "sections": str(sections) if case.seed == 0 else "",
            "share": "cost" in chosen and case.seed == 0 and case in chosen["cost"],
        }
        for case in missing
    }
    begin = time.perf_counter()

    def keep(name: str, found: Mapping[str, Any] | str) -> None:
        if isinstance(found, str):
            bar.write(f"{tasks[name]['case']}: {found}")
        else:
            store.add(json.loads(found["record"]))
        bar.update()
        if options.budget and time.perf_counter() - begin > 60 * options.budget:
            raise Spent

    with (
        tqdm(total=len(cases), initial=len(cases) - len(missing), unit="run", dynamic_ncols=True) as bar,
        tempfile.TemporaryDirectory() as kept,
    ):
        try:
            executor = None if options.processes is None else Processes(options.processes)
            run_tasks(perform, tasks, kept, executor, progress=keep)
        except Spent:
            bar.write(f"The budget of {options.budget:g} minutes is spent; the same command goes on.")
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
