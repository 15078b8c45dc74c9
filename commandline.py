"""What every command of this project does with what somebody typed.

The contract: whoever types wrongly gets one line that names the argument, what was expected and
what was given; exit status 2; no traceback; nothing written.
"""

from __future__ import annotations

import contextlib
import difflib
import io
import re
import shlex
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import tyro

T = TypeVar("T")

MOST_LISTED = 12
"""Names listed in an error before it says where to read the rest."""


PYTHON = ".venv/bin/python"
"""The project's own Python, from the project's folder: as the README calls it."""


class BadInput(ValueError):  # noqa: N818  (it is the reader's input that is bad, not the program)
    """Something that was typed, or a file that was named, cannot be used; one line says why."""


class LostError(Exception):
    """What the program needs has gone, a cluster say; one line says so. Nobody typed wrongly."""


def choose(what: str, given: str, valid: Iterable[str], listed_by: str = "--help") -> str:
    """Return `given` if it is one of `valid`.

    Args:
        what: The argument as the user knows it, for the message: `--game`.
        given: What was typed.
        valid: The names that would do, in the order in which to list them.
        listed_by: Where all of them can be read, where there are too many for one line.

    Raises:
        BadInput: With the valid names and the nearest one.
    """
    names = list(valid)
    if given in names:
        return given
    folded = {name.lower(): name for name in names}
    near = difflib.get_close_matches(given.lower(), folded, n=1, cutoff=0.5)
    hint = f"; did you mean {folded[near[0]]!r}?" if near else ""
    shown = ", ".join(names[:MOST_LISTED])
    if len(names) > MOST_LISTED:
        shown += f", … ({len(names)} in all, see {listed_by})"
    raise BadInput(f"{what}: expected one of {shown}; got {given!r}{hint}")


@contextlib.contextmanager
def called(name: str, instead_of: str) -> Iterator[None]:
    """Let errors of an argument that has another name in this command say that name."""
    try:
        yield
    except BadInput as error:
        raise BadInput(str(error).replace(instead_of, name, 1)) from None


def at_least(what: str, given: int, least: int) -> int:
    """Return `given` if it is `least` or more, else raise `BadInput` naming the argument."""
    if given < least:
        raise BadInput(f"{what}: expected a whole number of at least {least}, got {given}")
    return given


def parse(kind: type[T], argv: Sequence[str] | None, program: str, description: str) -> T:
    """Turn a command line into a dataclass.

    tyro draws its errors as boxes of several lines; here they become one.

    Args:
        kind: The dataclass whose fields are the options, documented in its docstring.
        argv: The arguments, or `None` for those of this process.
        program: The name to show in `--help`.
        description: The first paragraph of `--help`.

    Raises:
        BadInput: If the arguments do not fit `kind`.
        SystemExit: With status 0 after `--help`.
    """
    boxed = io.StringIO()
    try:
        with contextlib.redirect_stderr(boxed):
            return tyro.cli(kind, args=argv, prog=program, description=description)
    except SystemExit as stop:
        if not stop.code:
            raise
        raise BadInput(_one_line(boxed.getvalue())) from None


_MEANING = {"INT": "a whole number", "FLOAT": "a number", "PATH": "a path", "STR": "a word"}


def _one_line(boxed: str) -> str:
    """Strip frame and rulers from tyro's error box and fold what it says into one line."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", boxed)
    lines = [re.sub(r"^│\s?|\s*│$", "", line).strip() for line in text.splitlines()]
    lines = [line for line in lines if line and not re.match(r"[╭╰─]{2,}", line)]
    # Below the message stand, after a heading, the options that may have been meant.
    headings = ("For full helptext", "Perhaps you meant", "Argument helptext", "Similar arguments")
    end = next((i for i, line in enumerate(lines) if line.startswith(headings)), len(lines))
    message = " ".join(lines[:end]) or "arguments not understood; try --help"
    option = next((line.split() for line in lines[end:] if line.startswith("--")), None)
    # Either one value, or a list of all that was typed behind the option.
    wrong = re.match(r"Error parsing (--[\w-]+): [^']*?(\[[^]]*\]|'[^']*')", message)
    if wrong and option:
        given = " ".join(re.findall("'([^']*)'", wrong[2]))
        kinds = re.findall("INT|FLOAT|PATH|STR", " ".join(option[1:]))
        expected = _MEANING[kinds[0]] if kinds else " ".join(option[1:])
        return f"{wrong[1]}: expected {expected}, got {given!r}"
    hint = f"; did you mean {option[0]}?" if option and option[0] not in message else ""
    return message + hint


def counted(number: int, one: str, many: str = "") -> str:
    """Return a number with its noun: `1 agent`, `2,155 agents`.

    Args:
        number: How many.
        one: The noun for one of them.
        many: For none or several, where an `s` behind it does not do.
    """
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"


def typed(*words: object) -> str:
    """Return a command of this project as one types it: `evaluate.py`, `runs/my study`, quoted."""
    return shlex.join([PYTHON, *map(str, words)])


def told(error: Exception) -> str:
    """Return what an exception says of a file's content, for the end of `expected …, got …`."""
    if isinstance(error, KeyError):
        return f"none with {error}"
    return f"{type(error).__name__}: {' '.join(str(error).split())[:120]}"


def run(main: Callable[[], int | None]) -> None:
    """Call `main` and leave the process with its status, or with one line and another.

    That is 2 on bad input, 1 if what it worked on has gone, and 130 on Ctrl-C.
    """
    program = Path(sys.argv[0]).name
    try:
        status = main()
    except (BadInput, LostError) as error:
        # One line, whatever a library had to say of it.
        print(f"{program}: error: {' '.join(str(error).split())}", file=sys.stderr)
        status = 2 if isinstance(error, BadInput) else 1
    except KeyboardInterrupt:
        print(f"{program}: interrupted", file=sys.stderr)
        status = 130
    except BrokenPipeError:  # the reader of our output left, as `| head` does
        sys.stderr.close()
        status = 0
    sys.exit(status or 0)
