"""A parser of command lines whose refusals are one line."""

import argparse
from typing import NoReturn

from .options import OPTIONS, Refusal


class Parser(argparse.ArgumentParser):
    """A parser that raises, and says of an option that lacks its values what they can be."""

    def error(self, message: str) -> NoReturn:
        """Raises `Refusal` with the message."""
        name = message.removeprefix("argument --").partition(":")[0].partition("/")[0]
        lacks = name in OPTIONS and "expected" in message
        raise Refusal(f"{message}: {OPTIONS[name].help}." if lacks else message)
