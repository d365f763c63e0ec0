"""What all commands share: flags, logging, and errors as one line."""

import contextlib
import logging as stdlib_logging
import os
import pathlib
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from absl import app, flags, logging


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
                raise ValueError(f"unexpected argument {arguments[1]!r}; see --help")
            main(flags.FLAGS)
        except (ValueError, OSError, RuntimeError, FloatingPointError) as error:
            message = " ".join(str(error).split())
            print(f"error: {message or type(error).__name__}", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            print("error: interrupted", file=sys.stderr)
            return 130
        return 0

    app.run(guarded, argv=argv, flags_parser=_parse_flags)


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


@contextlib.contextmanager
def progress(total: int, description: str) -> Iterator[Callable[[int], None]]:
    """Show a progress bar on a terminal, and nothing elsewhere.

    Args:
      total: units of work.
      description: name of the units, such as "steps".

    Yields:
      A function to call with the number of units done since its last call.
    """
    from rich import console as rich_console
    from rich import progress as rich_progress

    with rich_progress.Progress(
        rich_progress.TextColumn("{task.description}"),
        rich_progress.MofNCompleteColumn(),
        rich_progress.BarColumn(),
        rich_progress.TimeElapsedColumn(),
        rich_progress.TimeRemainingColumn(),
        console=rich_console.Console(stderr=True),
        disable=not sys.stderr.isatty(),
    ) as bar:
        task = bar.add_task(description, total=total)
        yield lambda count: bar.advance(task, count)
