"""The command `jaxmt`: from a folder of transfer functions to a section and a report.

Whatever takes long to load is loaded by the command that needs it, so that `jaxmt --help` opens at once.
"""

import errno
import os
import signal
import sys
import traceback
from argparse import SUPPRESS
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from .. import signals
from . import machine
from .options import EXPECTED, FAILED, FORMATS, OPTIONS, REFUSED, STOPPED, Refusal, add, given, nearest
from .parser import Parser

TARGETS = ("edi", "modem", "occam2d", "mare2dem", "netcdf", "vtk", "csv", "geojson")
READING = tuple(name for name, option in OPTIONS.items() if option.table == "data")
PICTURES = (".png", ".pdf", ".svg", ".eps", ".ps", ".jpg", ".jpeg", ".tif", ".tiff", ".webp")
"""What the file of a map may end in."""

INVERTING = tuple(name for name, option in OPTIONS.items() if option.table == "inversion")
SHOWING = tuple(name for name, option in OPTIONS.items() if option.table == "figures")
TITLES = tuple(name for name, option in OPTIONS.items() if option.table == "report")


def parser() -> Parser:
    """The parser of the command line."""
    return _parsers()[0]


def _parsers() -> tuple[Parser, dict[str, Parser]]:
    """The parser of the command, and those of its parts."""
    whole = Parser(prog="jaxmt", description=(__doc__ or "").splitlines()[0], allow_abbrev=False)
    whole.add_argument("--version", action="store_true", help="show the version")
    whole.add_argument("--debug", action="store_true", help="show the traceback of an error")
    parts = whole.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    made = {}
    for name, (_, text, build) in COMMANDS.items():
        part = parts.add_parser(
            name, help=text, description=f"{text[0].upper()}{text[1:]}.", allow_abbrev=False
        )
        part.add_argument("--debug", action="store_true", default=SUPPRESS, help=SUPPRESS)
        build(part)
        made[name] = part
    return whole, made


def _data(part: Parser, *, needed: bool) -> None:
    part.add_argument(
        "path", type=Path, metavar="DIR", nargs=None if needed else "?", help="folder or file of the data"
    )


def _verbose(part: Parser) -> None:
    part.add_argument("-v", "--verbose", action="store_true", help="show every step of the processing")


def _look_options(part: Parser) -> None:
    _data(part, needed=True)
    part.add_argument("-o", "--out", type=Path, metavar="PNG", help="draw the map to this file")
    _verbose(part)
    add(part.add_argument_group("data"), READING)


def _invert_options(part: Parser) -> None:
    part.usage = (
        "jaxmt invert DIR -o OUT [options] | jaxmt invert run.toml -o OUT | jaxmt invert --resume OUT"
    )
    _data(part, needed=False)
    part.add_argument("-o", "--out", type=Path, metavar="OUT", help="folder for results and report")
    part.add_argument("--resume", type=Path, metavar="OUT", help="go on with a run that was stopped")
    part.add_argument("--force", action="store_true", help="replace what jaxmt wrote to OUT before")
    _verbose(part)
    add(part.add_argument_group("data"), READING)
    add(part.add_argument_group("inversion"), INVERTING)
    add(part.add_argument_group("figures"), SHOWING)
    add(part.add_argument_group("report"), TITLES)
    group = part.add_argument_group("machine")
    add(group, ["devices", "jobs"])
    machine.add_hosts(group)


def _report_options(part: Parser) -> None:
    part.add_argument("path", type=Path, metavar="OUT", help="folder of results")
    add(part.add_argument_group("figures"), SHOWING)
    add(part.add_argument_group("first page, kept in run.toml"), TITLES)


def _convert_options(part: Parser) -> None:
    part.add_argument("path", type=Path, metavar="DIR", help="transfer functions, or a folder of results")
    part.add_argument("--to", required=True, metavar="FORMAT", help=", ".join(TARGETS))
    part.add_argument(
        "-o", "--out", type=Path, required=True, metavar="OUT", help="file or folder to write"
    )
    part.add_argument("--force", action="store_true", help="replace files that are there")
    # `--to` is the format here.
    names = [name for name in READING if name not in ("from", "to", "corridor")]
    add(part.add_argument_group("data along a profile"), names)


def _no_options(part: Parser) -> None:
    del part


def _require(path: Path, what: str) -> None:
    """Raises `Refusal` where nothing is at a path that was typed."""
    if not path.exists():
        raise Refusal(f"{what} {path} does not exist.")


def _given(options: dict[str, Any]) -> dict[str, Any]:
    """What was told of the data. Raises `Refusal` where they, or a table of positions, do not exist."""
    told = given(options)
    _require(options["path"], "DIR")
    if "positions" in told:
        _require(Path(told["positions"]), "--positions")
    return told


def _begin(text: str) -> None:
    """Says what is being done, before what takes long is loaded."""
    print(text, flush=True)


def _look(options: dict[str, Any]) -> int:
    told, out = _given(options), options["out"]
    if out is not None and out.suffix.lower() not in PICTURES:
        raise Refusal(f"-o must be a picture, {', '.join(PICTURES)}. Got {out}.")
    if out is not None and not out.parent.is_dir():
        raise Refusal(f"-o {out}: there is no folder {out.parent}. Make it, or give another -o.")
    _begin(f"Reading {options['path']}")
    from .look import look

    return look(options["path"], told, out, verbose=options["verbose"])


def _invert(options: dict[str, Any]) -> int:
    told = given(options)
    if options["resume"] is not None:
        also = [f"--{name}" for name in told] + ["-o"] * (options["out"] is not None)
        also += ["--force"] * options["force"]
        if options["path"] is not None or also:
            extra = also[0] if options["path"] is None else "the data"
            raise Refusal(f"--resume goes on as the run.toml in the folder says: leave {extra} out.")
        _require(options["resume"], "--resume")
        _begin(f"Going on with {options['resume']}")
    elif options["path"] is None:
        raise Refusal("what shall be inverted? Give a folder or file of transfer functions, or a run.toml.")
    elif options["out"] is None:
        raise Refusal("where shall the results go? Give a folder: -o OUT.")
    else:
        _given(options)
        _begin(f"Reading {options['path']}")
    from .start import invert, resume

    return invert(options, told) if options["resume"] is None else resume(options)


def _report(options: dict[str, Any]) -> int:
    told = given(options)
    _require(options["path"], "OUT")
    _begin(f"Drawing {options['path']}")
    from .start import report

    return report(options["path"], told)


def _convert(options: dict[str, Any]) -> int:
    path, to, out = options["path"], options["to"], options["out"]
    if to not in TARGETS:
        raise Refusal(f"--to {to!r} is no format. {nearest(to, TARGETS)}")
    told = _given({name: value for name, value in options.items() if name != "to"})
    _begin(f"Reading {path}")
    from .conversion import convert

    return convert(path, to, out, told, force=options["force"])


def _doctor(options: dict[str, Any]) -> int:
    from .doctor import doctor

    del options
    return doctor()


Command = tuple[Callable[[dict[str, Any]], int], str, Callable[[Parser], None]]

COMMANDS: dict[str, Command] = {
    "look": (_look, "say what is there and what each rule would remove; write nothing", _look_options),
    "invert": (_invert, "invert field data, and write results and a report", _invert_options),
    "report": (_report, "draw figures and report again from results, without inverting", _report_options),
    "convert": (_convert, f"write transfer functions or results as {', '.join(TARGETS)}", _convert_options),
    "doctor": (_doctor, "say what jaxmt runs on here, and what to install for more", _no_options),
}


def joined(arguments: Sequence[str]) -> list[str]:
    """The words, places that begin with a minus joined to their options, and formats to each other.

    `--from -22.5,139.2` is `--from=-22.5,139.2`, and `--format png svg` is `--format=png,svg`.
    """
    found: list[str] = []
    for word in arguments:
        last = found[-1] if found else ""
        negative = last in ("--from", "--to") and word[:1] == "-" and "," in word
        if negative or last == "--format":
            found[-1] += f"={word}"
        elif last.startswith("--format=") and word.strip(",").lower() in FORMATS:
            found[-1] = f"{last.rstrip(',')},{word.strip(',')}"
        else:
            found.append(word)
    return found


def parsed(arguments: Sequence[str]) -> dict[str, Any]:
    """What was typed. Raises `Refusal` for what cannot be understood, `SystemExit` after `--help`."""
    arguments = joined(arguments)
    whole, parts = _parsers()
    word = next((a for a in arguments if not a.startswith("-")), None)
    if word is not None and word not in COMMANDS:
        raise Refusal(f"{word!r} is no command. {nearest(word, COMMANDS)}")
    part = whole if word is None else parts[word]
    flags = [*part._option_string_actions, *whole._option_string_actions]
    for typed in (a.partition("=")[0] for a in arguments if a.startswith("--")):
        if typed not in flags:
            raise Refusal(f"{typed} is no option of {part.prog}. {nearest(typed, _long(part))}")
    typed = [a.partition("=")[0] for a in arguments if a.startswith("--")]
    lists = {f"--{name}" for name, option in OPTIONS.items() if option.count == "+"}
    for flag in dict.fromkeys(typed):
        if typed.count(flag) > 1 and flag not in lists:
            raise Refusal(f"{flag} is given {typed.count(flag)} times: give it once.")
    options, rest = whole.parse_known_args(arguments)
    if rest:
        short = next((a for a in rest if a.startswith("-")), None)
        if short is None:
            raise Refusal(f"{rest[0]!r} is one word too many.")
        raise Refusal(f"{short} is no option of {part.prog}. Known: {', '.join(_long(part))}.")
    return vars(options)


def _long(part: Parser) -> list[str]:
    return [flag for flag in part._option_string_actions if flag.startswith("--")]


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line; the exit status. No error leaves it as a traceback, unless by `--debug`."""
    typed = arguments is None
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    os.environ.setdefault("JAX_ENABLE_X64", "1")
    signals.forget()
    try:
        if typed:
            signals.listen()
        options = parsed(arguments)
        if options["version"]:
            from .. import __version__

            print(__version__)
            return 0
        if options["command"] is None:
            parser().print_help()
            return 0
        status = COMMANDS[options["command"]][0](options)
        return signals.status() if status == STOPPED else status
    except KeyboardInterrupt:
        if typed:
            # Nothing is left to interrupt but the end.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        return _say("Interrupted.", signals.status())
    except BrokenPipeError:
        # The reader has seen enough: nothing is left to write to.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else _say(str(stop.code or ""), REFUSED)
    except Exception as error:  # noqa: BLE001 (nothing but one line leaves a command)
        if "--debug" in arguments:
            traceback.print_exc()
        if isinstance(error, Refusal):
            return _say(str(error), REFUSED)
        if isinstance(error, EXPECTED):
            full = getattr(error, "errno", None) == errno.ENOSPC
            remedy = ". Make room there, or write to another place" * full
            return _say(f"{str(error) or type(error).__name__}{remedy}", FAILED)
        text = f"{type(error).__name__}: {error} (a fault of jaxmt; --debug shows where)"
        return _say(text, FAILED)


def _say(text: str, status: int) -> int:
    """Writes one line to the standard error; the status."""
    print(f"jaxmt: {' '.join(text.split())}", file=sys.stderr)
    return status
