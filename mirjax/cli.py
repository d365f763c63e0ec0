"""What all commands share: flags, logging, and errors as one line."""

import contextlib
import logging as stdlib_logging
import os
import pathlib
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


def run(
    main: Callable[[flags.FlagValues], None],
    define_flags: Callable[[flags.FlagValues], None],
    argv: list[str] | None = None,
) -> None:
    """Run a command and exit: 0, 1 after a one-line error, or 130 after Ctrl-C.

    Flags are defined here, not on import, so that commands can share a process.

    Args:
      main: the command, given its parsed flags. It raises ValueError, OSError,
        RuntimeError or FloatingPointError for what the user can mend, each with a
        one-line message.
      define_flags: defines the command's flags.
      argv: the command line, `sys.argv` by default.
    """

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
        # An error that orbax logs with its traceback is raised too.
        logging.get_absl_handler().addFilter(
            lambda record: record.exc_info is None or "orbax" not in record.pathname
        )
        # Of reads that a failed restore has left behind; its own error says it all.
        logging.get_absl_handler().addFilter(lambda record: record.name != "asyncio")
        warnings.filterwarnings("ignore", message="coroutine .* was never awaited")
        try:
            if len(arguments) > 1:
                raise ValueError(f"unexpected argument {arguments[1]!r}; see --help")
            main(flags.FLAGS)
        except (Exception, KeyboardInterrupt) as error:
            if ctrl_c.received or isinstance(error, KeyboardInterrupt):
                return _report_interrupt()
            message = _describe_missing_device(error)
            if message is None and not isinstance(error, _REPORTED):
                raise
            message = message or " ".join(str(error).split())
            print(f"error: {message or type(error).__name__}", file=sys.stderr)
            return 1
        return 0

    ctrl_c = _CtrlC()
    sys.unraisablehook = _report_unraisable
    try:
        define_flags(flags.FLAGS)
        app.run(guarded, argv=argv, flags_parser=_parse_flags)
    except KeyboardInterrupt:  # while modules are imported for the flags
        sys.exit(_report_interrupt())


class _CtrlC:
    """Python's own handler of SIGINT, which remembers that it was called.

    An extension module that is interrupted while it is imported raises another error.
    """

    def __init__(self) -> None:
        self.received = False
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, self._interrupt)

    def _interrupt(self, signum: int, frame: types.FrameType | None) -> None:
        self.received = True
        raise KeyboardInterrupt


def _describe_missing_device(error: BaseException) -> str | None:
    """Describe an error of jax where JAX_PLATFORMS names a device that is not there."""
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
    if isinstance(unraisable.exc_value, KeyboardInterrupt):
        # Ctrl-C hit a place that cannot raise, as in an import: once more, later.
        again = threading.Timer(0.01, os.kill, (os.getpid(), signal.SIGINT))
        again.daemon = True
        again.start()
    elif str(unraisable.exc_value) != "Event loop is closed":
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
    except Exception as error:  # a config file may raise anything while it is read
        message = str(error).strip()
        if isinstance(error, KeyError | AttributeError):
            key = message.strip("'\"")
            given = next((word for word in argv if f".{key}" in word), key)
            message = f"{given}: the config has no key {key!r}"
        if "Traceback" in message:
            message = message.splitlines()[-1]
        print(f"error: {' '.join(message.split())}", file=sys.stderr)
        sys.exit(1)


def define_config_flag(flag_values: flags.FlagValues, help_text: str) -> None:
    """Define the flag --config, a config file and its variant."""
    from ml_collections import config_flags

    config_flags.DEFINE_config_file("config", None, help_text, flag_values=flag_values)
