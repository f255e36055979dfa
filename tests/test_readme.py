"""The blocks of the README run as they stand, one after the other, beside a folder `EDI`."""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from surveys import write_block_survey

README = Path(__file__).parents[1] / "README.md"
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", README.read_text(), re.M | re.S)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a small survey in `EDI`."""
    made = tmp_path_factory.mktemp("readme")
    write_block_survey(made / "EDI")
    return made


def test_blocks_of_python_run(folder, monkeypatch):
    monkeypatch.chdir(folder)
    names = {}
    for language, block in BLOCKS:
        if language == "python":
            exec(compile(block, "README.md", "exec"), names)
    assert (folder / "results" / "report.html").is_file()
    assert names["result"].converged
    assert np.isfinite(names["value"])


def test_commands_are_those_that_the_command_knows():
    from jaxmt.field import command

    typed = [line for language, block in BLOCKS if language == "bash" for line in block.splitlines()]
    lines = [shlex.split(line, comments=True) for line in typed]
    typed = [words[1:] for words in lines if words and words[0] == "jaxmt"]
    assert {words[0] for words in typed} == {"look", "invert", "report", "convert", "doctor"}
    for words in typed:
        command.parser().parse_args(words)
