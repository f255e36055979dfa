"""The published settings on a command line, and what may be changed in them."""

import argparse
import dataclasses
from collections.abc import Mapping, Sequence

import jaxmt

from .preset import Published

TOPS = {"dirichlet": jaxmt.Dirichlet(), "uniform": jaxmt.UniformMagnetic()}
TRADE_OFFS = {
    "balance": None,
    "cooling": jaxmt.Cooling(),
    "discrepancy": jaxmt.Discrepancy(),
    "gradient-ratio": jaxmt.GradientRatio(),
}


def add(parser: argparse.ArgumentParser, what: str) -> None:
    """Adds `--as-published`, which does `what`, and the options that change one setting of it."""
    parser.add_argument(
        "--as-published",
        action="store_true",
        help=f"every setting of Liu, Chen, Bo & Tang (2026), MTinv_OT, misfit cloud or l2: {what}",
    )
    parser.add_argument(
        "--top",
        choices=list(TOPS),
        help="with --as-published: E_x = 1 at the top of the air (dirichlet, as published) or H_y = 1",
    )
    parser.add_argument(
        "--trade-off",
        choices=list(TRADE_OFFS),
        help="with --as-published: the rule for lambda; published: balance, by the ratio of the gradients",
    )
    parser.add_argument(
        "--reach",
        type=float,
        metavar="R",
        help="with --as-published: unbalanced plans of this reach; published: none, in two examples 0.05",
    )


def preset(
    parser: argparse.ArgumentParser,
    options: argparse.Namespace,
    published: Published,
    beside: Mapping[str, tuple[str, Sequence[object]]],
) -> Published | None:
    """The settings, or None without `--as-published`; an exit where options contradict it.

    - `published`: the settings of this experiment. `beside`: what other options are as published, in words,
      and the values that agree with it.
    """
    told = {name.replace("_", "-"): value for name, value in vars(options).items()}
    if not options.as_published:
        for name in ("top", "trade-off", "reach"):
            if told[name] is not None:
                parser.error(f"--{name} changes one of the published settings: give --as-published, too.")
        return None
    for name, (words, agreeing) in beside.items():
        value = told.get(name)
        if value not in (None, False, *agreeing):
            parser.error(
                f"--as-published has {words}, which contradicts --{name}: leave out one of the two."
            )
    if options.reach is not None and not options.reach > 0:
        parser.error(f"--reach must be positive, a length between clouds. Got {options.reach:g}.")
    return dataclasses.replace(
        published,
        top=TOPS[options.top or "dirichlet"],
        trade_off=TRADE_OFFS[options.trade_off or "balance"],
        reach=options.reach,
    )
