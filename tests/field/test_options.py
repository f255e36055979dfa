import argparse

import pytest

from jaxmt import processing
from jaxmt.field import options
from jaxmt.field.command import joined
from jaxmt.field.options import OPTIONS, Refusal, complete, given
from jaxmt.inversion.optimisers import OPTIMISERS
from jaxmt.misfit.catalogue import MISFITS


def test_the_names_that_help_prints_are_those_of_the_library():
    """The light list of names, which loads nothing, is the heavy one."""
    assert set(options.MISFITS) == set(MISFITS)
    assert set(options.OPTIMISERS) == set(OPTIMISERS)
    for names, rules in (
        (options.RULES, processing.RULES),
        (options.STATION_RULES, processing.STATION_RULES),
    ):
        assert [name.replace("-", "") for name in names] == [type(rule).__name__.lower() for rule in rules]


def test_every_default_passes_its_own_check():
    for option in OPTIONS.values():
        if option.default is not None:
            assert option.checked(option.default) == option.default


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("floor", "-1", "--floor must be a part of the datum from 0 to 1, 0.05 for 5 %. Got -1."),
        ("floor", "nan", "--floor must be a part of the datum"),
        ("band", ["10", "1"], "--band must be the lower and the higher of two. Got 10 1. Type 1 10."),
        ("band", ["a", "1"], "--band must be two frequencies in Hz, 0 or more. Got a."),
        ("iterations", "0", "--iterations must be a number of iterations, at least 1. Got 0."),
        ("iterations", "2.5", "--iterations must be a number of iterations"),
        ("misfit", ["clod"], "--misfit 'clod' is no misfit. Did you mean cloud? Known: cloud, components"),
        ("optimiser", "newton", "--optimiser 'newton' is no optimiser. Did you mean gauss-newton?"),
        ("skip", ["skw"], "--skip 'skw' is no rule. Did you mean skew? Known: skew, relative-error"),
        ("strike", "north", "--strike must be degrees from north, from -360 to 360, or auto. Got north."),
        (
            "static-shift",
            "-0.1",
            "--static-shift must be decades from 0, which allows none, to 10. Got -0.1.",
        ),
        (
            "depth",
            "1e9",
            "--depth must be a depth in km, from 1e-6 to 6371; without it sections are as",
        ),
        ("limits", ["0", "1"], "--limits must be two resistivities in ohm m, from 1e-6 to 1e12. Got 0."),
        ("title", "  ", "--title must be text, one letter at least. Got '  '."),
        ("colours", "jet", "--colours 'jet' is no colour map. Known: red-blue, turbo_r."),
        ("format", "png,jpg", "--format 'jpg' is no format of figures. Did you mean png?"),
    ],
)
def test_what_cannot_be_is_refused_by_name_and_value(name, value, message):
    with pytest.raises(Refusal) as refusal:
        given({name: value})
    assert str(refusal.value).startswith(message)


@pytest.mark.parametrize("typed", ["off-line", "OffLine", "offline"])
def test_a_rule_is_known_by_every_way_to_write_it(typed):
    assert given({"skip": [typed]}) == {"skip": ["off-line"]}


def test_quick_is_short_unless_told_otherwise():
    assert complete({})["iterations"] == options.ITERATIONS
    assert complete({"quick": True})["iterations"] == options.QUICK_ITERATIONS
    assert complete({"quick": True, "iterations": 3})["iterations"] == 3


def test_both_spellings_of_the_optimiser_are_one_option():
    parser = argparse.ArgumentParser()
    options.add(parser, ["optimiser"])
    for flag in ("--optimiser", "--optimizer"):
        assert given(vars(parser.parse_args([flag, "lbfgs"]))) == {"optimiser": "lbfgs"}


def test_formats_may_be_a_list_of_words():
    typed = ["report", "OUT", "--format", "png,", "svg", "pdf", "--depth", "3"]
    assert joined(typed) == ["report", "OUT", "--format=png,svg,pdf", "--depth", "3"]
    assert joined(["report", "--format", "svg", "OUT"]) == ["report", "--format=svg", "OUT"]
