"""Shared parts of all commands: flags, logging, and one-line errors."""

import codecs
import contextlib
import io
import logging as stdlib_logging
import os
import re
import shlex
import signal
import sys
import threading
import time
import traceback
import types
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from absl import app, flags, logging

_LOG_EVERY_SECONDS = 10
_REPORTED = (ValueError, OSError, RuntimeError, FloatingPointError)  # as one line
_BROKEN_PIPE_STATUS = 141  # as a shell reports a process that SIGPIPE ended
_PLAIN = {"→": "->", "≤": "<=", "–": "-", "─": "-", "×": "x", "…": "...", "·": "."}

# absl's messages for invalid values, and replacements with a remedy.
_PLAIN_ERRORS = {
    "invalid literal for int() with base 10:": "give a whole number, not",
    "could not convert string to float:": "give a number, not",
}
_NOT_BOOLEAN = re.compile(
    r"\('Non-boolean argument to boolean flag', (.*)\)", re.DOTALL
)
_MISSING = re.compile(
    r"flag --(\w+)=None: Flag --\1 must have a value other than None."
)


def run(
    main: Callable[[flags.FlagValues], None],
    define_flags: Callable[[flags.FlagValues], None],
    argv: list[str] | None = None,
) -> None:
    """Run a command and exit: 0, 1 after a one-line error, or 130 after Ctrl-C.

    Flags are defined here, not on import, so that commands can share a process.

    Args:
      main: the command, given its parsed flags. It raises ValueError, OSError,
        RuntimeError or FloatingPointError for errors that the user can correct, each
        with a one-line message.
      define_flags: defines the command's flags.
      argv: the command line, `sys.argv` by default.
    """

    def guarded(arguments: Sequence[str]) -> int:
        _log_plainly()
        stop_signals()
        try:
            if len(arguments) > 1:
                raise ValueError(
                    f"unexpected argument {arguments[1]!r}: all are given as "
                    "--name=value"
                )
            main(flags.FLAGS)
        except BrokenPipeError:
            raise
        except (Exception, KeyboardInterrupt) as error:
            if ctrl_c.received or isinstance(error, KeyboardInterrupt):
                return _report_interrupt()
            message = _describe_missing_device(error)
            if message is None and not isinstance(error, _REPORTED):
                raise
            _print_error(message or str(error) or type(error).__name__)
            return 1
        return 0

    ctrl_c = _CtrlC()
    sys.unraisablehook = _report_unraisable
    try:
        define_flags(flags.FLAGS)
        with _standard_output():
            app.run(guarded, argv=argv, flags_parser=_parse_flags)
    except KeyboardInterrupt:  # while modules are imported for the flags
        sys.exit(_report_interrupt())


def _log_plainly() -> None:
    """Log to standard error, without messages for developers of libraries."""
    logging.use_absl_handler()
    logging.set_verbosity(logging.INFO)
    # Orbax logs every file that it renames, and jax every backend that is missing.
    logging.get_absl_handler().addFilter(
        lambda record: (
            record.levelno > stdlib_logging.INFO
            or not record.name.startswith("jax")
            and "orbax" not in record.pathname
        )
    )
    # Errors that orbax logs with a traceback are also raised.
    logging.get_absl_handler().addFilter(
        lambda record: record.exc_info is None or "orbax" not in record.pathname
    )
    # From reads left over by a failed restore, which raises its own error.
    logging.get_absl_handler().addFilter(lambda record: record.name != "asyncio")
    warnings.filterwarnings("ignore", message="coroutine .* was never awaited")


class _CtrlC:
    """Python's handler of SIGINT, which records that it was called.

    An extension module that is interrupted during its import raises another error.
    """

    def __init__(self) -> None:
        self.received = False
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, self._interrupt)

    def _interrupt(self, signum: int, frame: types.FrameType | None) -> None:
        self.received = True
        raise KeyboardInterrupt


def _describe_missing_device(error: BaseException) -> str | None:
    """Describe an error of jax if JAX_PLATFORMS names a device that is missing."""
    platforms = os.environ.get("JAX_PLATFORMS")
    frames = traceback.extract_tb(error.__traceback__)
    if not platforms or not frames or not frames[-1].filename.endswith("xla_bridge.py"):
        return None
    return (
        f"JAX_PLATFORMS={platforms}: jax finds no such device on this machine; unset "
        "the variable, or set it to cpu"
    )


def _report_interrupt() -> int:
    """Report Ctrl-C in one line, and return the exit code."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process ends anyway
    print("error: interrupted", file=sys.stderr)
    return 130


def stop_signals() -> None:
    """Let SIGTERM and SIGHUP end the command like an error, after cleaning up.

    The exit code is 128 plus the signal's number, as in a shell. A signal that
    is ignored, as by nohup, stays ignored.
    """

    def stop(number: int, frame: types.FrameType | None) -> None:
        for other in numbers:
            signal.signal(other, signal.SIG_IGN)  # cleaning up is not interrupted
        print(f"error: stopped by {signal.Signals(number).name}", file=sys.stderr)
        sys.exit(128 + number)

    numbers = [
        number
        for number in (signal.SIGTERM, signal.SIGHUP)
        if signal.getsignal(number) == signal.SIG_DFL
    ]
    for number in numbers:
        signal.signal(number, stop)


@contextlib.contextmanager
def _standard_output() -> Iterator[None]:
    """Print in any encoding, and end silently when the reader closes the pipe.

    Letters that the terminal's encoding lacks are replaced by plain ones.
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
        # Python flushes standard output again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(_BROKEN_PIPE_STATUS)


def _plain_letters(error: UnicodeError) -> tuple[str, int]:
    """Replace what cannot be encoded; an error handler of `codecs`."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    letters = error.object[error.start : error.end]
    return "".join(_PLAIN.get(letter, "?") for letter in letters), error.end


@contextlib.contextmanager
def progress(
    total: int | None, description: str, *, in_bytes: bool = False
) -> Iterator[Callable[[int], None]]:
    """Show progress as a bar on a terminal, and as log lines elsewhere.

    Args:
      total: number of items, or None if it is unknown.
      description: of the work, such as "decoding sites".
      in_bytes: show the bar's numbers in kB or MB.

    Yields:
      A function to call with the number of items done since the previous call.
    """
    from rich import console as rich_console
    from rich import progress as bars

    numbers = bars.DownloadColumn() if in_bytes else bars.MofNCompleteColumn()
    terminal = rich_console.Console(stderr=True)
    done = done_before = 0
    line = time.monotonic()
    next_line = line
    with bars.Progress(
        *bars.Progress.get_default_columns(),
        numbers,
        console=terminal,
        disable=not terminal.is_terminal,
    ) as bar:
        task = bar.add_task(description, total=total)

        def report(number: int) -> None:
            nonlocal done, done_before, line, next_line
            done += number
            bar.update(task, completed=done)
            if not terminal.is_terminal and time.monotonic() >= next_line:
                now = time.monotonic()
                of_total = "" if total is None else f" of {total}"
                if total is not None and done > done_before > 0:
                    # A resumed run's earlier items do not count for the time left.
                    rate = (done - done_before) / (now - line)
                    of_total += f", {_duration((total - done) / rate)} left"
                logging.info("%s: %d%s", description, done, of_total)
                done_before, line, next_line = done, now, now + _LOG_EVERY_SECONDS

        yield report


def _duration(seconds: float) -> str:
    """Return a duration in words, such as "about 2 h 5 min"."""
    minutes = round(seconds / 60)
    if minutes < 1:
        return "less than a minute"
    hours, minutes = divmod(minutes, 60)
    return f"about {hours} h {minutes} min" if hours else f"about {minutes} min"


def command_line(module: str, flag_values: flags.FlagValues) -> str:
    """Return the command that repeats this one, with the flags that were given."""
    given = {flag.name: flag for flag in map(flag_values.__getitem__, flag_values)}
    arguments = [flag.serialize() for flag in given.values() if flag.present]
    return shlex.join(["python", "-m", module, *arguments])


def _report_unraisable(unraisable: Any) -> None:
    """Report like Python, except for reads left over by a failed restore.

    If one part of a checkpoint is damaged, the reads of the others end in threads after
    their event loop has closed. The restore raises its own error.
    """
    if isinstance(unraisable.exc_value, KeyboardInterrupt):
        # Ctrl-C came where nothing can be raised, such as in an import: send it again
        # later. This function is such a place, too, and slow on a busy machine.
        again = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT))
        again.daemon = True
        try:
            again.start()
        except KeyboardInterrupt:
            _report_unraisable(unraisable)
    elif str(unraisable.exc_value) != "Event loop is closed":
        sys.__unraisablehook__(unraisable)


def _parse_flags(argv: Sequence[str]) -> list[str]:
    """Parse the command line; invalid flags are one-line errors."""
    if list(argv[1:]) == ["-h"]:  # absl only knows --help
        argv = [argv[0], "--help"]
    try:
        return flags.FLAGS(argv)
    except SystemExit:  # --help has been printed; absl would exit with 1
        sys.exit(0)
    except BrokenPipeError:
        raise
    except Exception as error:  # absl and ml_collections raise many types
        message = str(error)
        message = _MISSING.sub(r"--\1 is missing;", message).rstrip(";")
        for absl_words, plain_words in _PLAIN_ERRORS.items():
            message = message.replace(absl_words, plain_words)
        _print_error(_NOT_BOOLEAN.sub(r"give true or false, not \1", message))
        sys.exit(1)


def _print_error(message: str) -> None:
    """Print an error in one line, with control characters escaped."""
    line = " ".join(message.split())
    letters = (x if x.isprintable() else ascii(x)[1:-1] for x in line)
    print(f"error: {''.join(letters)}", file=sys.stderr)
