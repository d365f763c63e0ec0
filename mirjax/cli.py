"""What all commands share: flags, logging, and errors as one line."""

import codecs
import contextlib
import io
import logging as stdlib_logging
import os
import pathlib
import re
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from absl import app, flags, logging

_LOG_EVERY_SECONDS = 10
_BROKEN_PIPE_STATUS = 141  # as a shell reports a process that SIGPIPE ended
_PLAIN = {"→": "->", "≤": "<=", "–": "-", "─": "-", "×": "x", "…": "...", "·": "."}

# What absl says of a wrong value, and what a user can do.
_PLAIN_ERRORS = {
    "invalid literal for int() with base 10:": "give a whole number, not",
    "could not convert string to float:": "give a number, not",
}
_MISSING = re.compile(
    r"flag --(\w+)=None: Flag --\1 must have a value other than None."
)


def run(
    main: Callable[[flags.FlagValues], None],
    define_flags: Callable[[flags.FlagValues], None],
    argv: list[str] | None = None,
) -> None:
    """Run a command and exit: 0, or 1 after a one-line error.

    Flags are defined here, not on import, so that commands can share a process.

    Args:
      main: the command, given its parsed flags. It raises ValueError, OSError,
        RuntimeError or FloatingPointError for what the user can mend, each with a
        one-line message.
      define_flags: defines the command's flags.
      argv: the command line, `sys.argv` by default.
    """
    define_flags(flags.FLAGS)

    def guarded(arguments: Sequence[str]) -> int:
        logging.use_absl_handler()
        logging.set_verbosity(logging.INFO)
        # Orbax reports every file it renames, and jax every backend it does not find.
        logging.get_absl_handler().addFilter(
            lambda record: (
                record.levelno > stdlib_logging.INFO
                or not record.name.startswith("jax")
                and "orbax" not in record.pathname
            )
        )
        # Of reads that a failed restore has left behind; its own error says it all.
        logging.get_absl_handler().addFilter(lambda record: record.name != "asyncio")
        sys.unraisablehook = _report_unraisable
        warnings.filterwarnings("ignore", message="coroutine .* was never awaited")
        try:
            if len(arguments) > 1:
                raise ValueError(
                    f"unexpected argument {arguments[1]!r}: all are given as "
                    "--name=value"
                )
            main(flags.FLAGS)
        except BrokenPipeError:
            raise
        except (ValueError, OSError, RuntimeError, FloatingPointError) as error:
            message = " ".join(str(error).split())
            print(f"error: {message or type(error).__name__}", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            print("error: interrupted", file=sys.stderr)
            return 130
        return 0

    with _standard_output():
        app.run(guarded, argv=argv, flags_parser=_parse_flags)


@contextlib.contextmanager
def _standard_output() -> Iterator[None]:
    """Print in any encoding, and end without a word when nobody reads any longer.

    Letters that the encoding of the terminal lacks are replaced by plain ones.
    """
    codecs.register_error("mirjax.plain", _plain_letters)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="mirjax.plain")
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        # Python flushes standard output once more when it exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(_BROKEN_PIPE_STATUS)


def _plain_letters(error: UnicodeError) -> tuple[str, int]:
    """Replace what cannot be encoded; an error handler of `codecs`."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    letters = error.object[error.start : error.end]
    return "".join(_PLAIN.get(letter, "?") for letter in letters), error.end


@contextlib.contextmanager
def progress(total: int | None, description: str) -> Iterator[Callable[[int], None]]:
    """Show progress as a bar on a terminal, and as log lines elsewhere.

    Args:
      total: number of items, or None if it is unknown.
      description: what is done, such as "decoding sites".

    Yields:
      A function to call with the number of items done since the previous call.
    """
    from rich import console as rich_console
    from rich import progress as rich_progress

    terminal = rich_console.Console(stderr=True)
    done = 0
    next_line = time.monotonic()
    with rich_progress.Progress(
        *rich_progress.Progress.get_default_columns(),
        rich_progress.MofNCompleteColumn(),
        console=terminal,
        disable=not terminal.is_terminal,
    ) as bar:
        task = bar.add_task(description, total=total)

        def report(number: int) -> None:
            nonlocal done, next_line
            done += number
            bar.update(task, completed=done)
            if not terminal.is_terminal and time.monotonic() >= next_line:
                next_line = time.monotonic() + _LOG_EVERY_SECONDS
                of_total = "" if total is None else f" of {total}"
                logging.info("%s: %d%s", description, done, of_total)

        yield report


def _report_unraisable(unraisable: Any) -> None:
    """Report as Python does, except reads left behind by a restore that failed.

    When one part of a checkpoint is damaged, the reads of the others end after their
    event loop has closed, in threads of their own. The restore's error says it all.
    """
    if str(unraisable.exc_value) != "Event loop is closed":
        sys.__unraisablehook__(unraisable)


def _with_config_path(word: str) -> str:
    """Replace the name of a shipped config in --config=NAME[:VARIANT] by its path.

    The shipped configs lie beside the package in a clone, also where it is installed
    from the clone in editable mode; they import one another from there.
    """
    if not word.startswith("--config="):
        return word
    root = pathlib.Path(__file__).parents[1]
    name, colon, variant = word.removeprefix("--config=").partition(":")
    shipped = name.removeprefix("configs/").removesuffix(".py") + ".py"
    path = root / "configs" / shipped
    if not path.is_file():
        return word
    if str(root) not in sys.path:
        sys.path.append(str(root))
    if os.path.exists(name):
        path = pathlib.Path(name)
    return f"--config={path}{colon}{variant}"


def _parse_flags(argv: Sequence[str]) -> list[str]:
    """Parse the command line; what it cannot parse is a one-line error too."""
    try:
        return flags.FLAGS([_with_config_path(word) for word in argv])
    except BrokenPipeError:
        raise
    except Exception as error:  # a config file may raise anything while it is read
        message = str(error).strip()
        if isinstance(error, KeyError | AttributeError):
            key = message.strip("'\"")
            given = next((word for word in argv if f".{key}" in word), key)
            message = f"{given}: the config has no key {key!r}"
        message = _MISSING.sub(r"--\1 is missing;", message).rstrip(";")
        for absl_words, plain_words in _PLAIN_ERRORS.items():
            message = message.replace(absl_words, plain_words)
        if "Traceback" in message:
            message = message.splitlines()[-1]
        print(f"error: {' '.join(message.split())}", file=sys.stderr)
        sys.exit(1)


def define_config_flag(flag_values: flags.FlagValues, help_text: str) -> None:
    """Define the flag --config, a config file and its variant."""
    from ml_collections import config_flags

    config_flags.DEFINE_config_file("config", None, help_text, flag_values=flag_values)
