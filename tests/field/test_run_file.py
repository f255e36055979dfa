import dataclasses
import math
import tomllib
from pathlib import Path

import pytest

from jaxmt.field.options import Refusal, complete
from jaxmt.field.run_file import RunFile, toml


def test_toml_comes_back_as_it_was():
    table = {
        "flag": True,
        "count": -3,
        "numbers": [0.1, 1e-300, 2e300, math.inf, -0.0],
        "words": ['"quoted"\\', "a\tb\nc\x7f", "\N{OHM SIGN} \N{MUSICAL SYMBOL G CLEF}", ""],
        "nested": [[1, 2], ["x"]],
        "a key with. dots": 1,
    }
    again = tomllib.loads(toml({"misfit.cloud": table, "empty": {"left out": None}}))
    assert again == {"misfit": {"cloud": table}, "empty": {}}
    assert math.copysign(1, again["misfit"]["cloud"]["numbers"][-1]) == -1
    with pytest.raises(TypeError, match="`toml` writes booleans, numbers, text and lists. Got dict"):
        toml({"a": {"b": {}}})


def test_a_run_comes_back_as_it_was_told(tmp_path):
    told = complete({"band": [0.1, 100.0], "strike": 30.0, "per-decade": "all", "stations": ["A*", 'B"']})
    run = RunFile(tmp_path / "EDI", told, {"cloud": {"start_blur": 0.1}}, "20260101-0000", {"jax": "1"})
    run.write(tmp_path / "run.toml")
    again = RunFile.read(tmp_path / "run.toml")
    assert complete(again.told) == told
    assert dataclasses.replace(again, told=told) == run


def test_a_path_is_that_beside_the_file(tmp_path):
    (tmp_path / "run.toml").write_text('[data]\npath = "EDI"\n')
    assert RunFile.read(tmp_path / "run.toml") == RunFile(tmp_path / "EDI")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[data]\nflor = 0.1", "[data] flor = 0.1: unknown key. Did you mean floor?"),
        (
            "[data]\nfloor = -1",
            "[data] floor must be a part of the datum from 0 to 1, 0.05 for 5 %. Got -1.",
        ),
        (
            "[data]\nfloor = true",
            "[data] floor must be a part of the datum from 0 to 1, 0.05 for 5 %. Got True.",
        ),
        ("[data]\nband = 3", "[data] band must be a list of 2. Got 3."),
        ('[inversion]\nmisfit = ["clod"]', "[inversion] misfit 'clod' is no misfit. Did you mean cloud?"),
        ('[inversion]\nmisfit = "cloud"', "[inversion] misfit must be a list. Got 'cloud'."),
        ("[inversion]\nquick = 1", "[inversion] quick must be true or false. Got 1."),
        ("[inversion]\nfloor = 0.1", "floor belongs under [data], not under [inversion]."),
        ("[invertion]\ntarget = 1", "[invertion] is unknown. Did you mean inversion?"),
        ("[misfit.clod]\n", "[misfit.clod] is of no misfit. Did you mean cloud?"),
        ("[misfit]\ncloud = 3", "misfit.cloud must be a table, [misfit.cloud]. Got 3."),
        ("data", "is no TOML: "),
    ],
)
def test_a_bad_file_is_refused_by_key_and_value(text, message, tmp_path):
    path = tmp_path / "run.toml"
    start = "[data]\npath = 'EDI'\n"
    path.write_text(text.replace("[data]\n", start) if "[data]" in text else f"{start}{text}")
    with pytest.raises(Refusal) as refusal:
        RunFile.read(path)
    assert message in str(refusal.value)
    assert str(path) in str(refusal.value)


def test_a_file_without_data_is_refused(tmp_path):
    path = Path(tmp_path / "run.toml")
    path.write_text("[inversion]\ntarget = 1.0\n")
    with pytest.raises(Refusal, match=r"\[data\] path must name the data to invert. Got None."):
        RunFile.read(path)
