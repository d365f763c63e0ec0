"""What all commands share: flags, logging, and errors as one line."""

import contextlib
import importlib.util
import logging as stdlib_logging
import os
import pathlib
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
from typing import TYPE_CHECKING, Any

from absl import app, flags, logging

from mirjax.spelling import suggest

if TYPE_CHECKING:
    from ml_collections import ConfigDict

_CONFIGS = pathlib.Path(__file__).with_name("configs")  # in a clone, a link
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
        sys.unraisablehook = _report_unraisable
        warnings.filterwarnings("ignore", message="coroutine .* was never awaited")
        stop_signals()
        try:
            if len(arguments) > 1:
                raise ValueError(f"unexpected argument {arguments[1]!r}; see --help")
            main(flags.FLAGS)
        except (Exception, KeyboardInterrupt) as error:
            if _was_interrupted(error):
                return _report_interrupt()
            message = _describe_missing_device(error)
            if message is None and not isinstance(error, _REPORTED):
                raise
            message = message or " ".join(str(error).split())
            print(f"error: {message or type(error).__name__}", file=sys.stderr)
            return 1
        return 0

    try:
        define_flags(flags.FLAGS)
        app.run(guarded, argv=argv, flags_parser=_parse_flags)
    except KeyboardInterrupt:  # while modules are imported for the flags
        sys.exit(_report_interrupt())


def _was_interrupted(error: BaseException | None) -> bool:
    """Return whether Ctrl-C caused an error; an import may turn it into another."""
    while error is not None:
        if isinstance(error, KeyboardInterrupt):
            return True
        error = error.__cause__ or error.__context__
    return False


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
    print("error: interrupted", file=sys.stderr)
    return 130


def stop_signals() -> None:
    """Let SIGTERM and SIGHUP end the command as an error does: it cleans up first.

    The exit code is 128 and the signal's number, as a shell reports it. A signal that
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


def command_line(module: str, flag_values: flags.FlagValues) -> str:
    """Return the command that repeats this one, with the flags that were given."""
    given = {flag.name: flag for flag in map(flag_values.__getitem__, flag_values)}
    arguments = [flag.serialize() for flag in given.values() if flag.present]
    return shlex.join(["python", "-m", module, *arguments])


def _report_unraisable(unraisable: Any) -> None:
    """Report as Python does, except reads left behind by a restore that failed.

    When one part of a checkpoint is damaged, the reads of the others end after their
    event loop has closed, in threads of their own. The restore's error says it all.
    """
    if isinstance(unraisable.exc_value, KeyboardInterrupt):
        # Ctrl-C hit a place that cannot raise, as in an import: once more, later.
        threading.Timer(0.01, os.kill, (os.getpid(), signal.SIGINT)).start()
    elif str(unraisable.exc_value) != "Event loop is closed":
        sys.__unraisablehook__(unraisable)


def _parse_flags(argv: Sequence[str]) -> list[str]:
    """Parse the command line; what it cannot parse is a one-line error too."""
    if list(argv[1:]) == ["-h"]:  # absl knows --help alone
        argv = [argv[0], "--help"]
    try:
        return flags.FLAGS(argv)
    except SystemExit:  # --help has been printed; absl would exit with 1
        sys.exit(0)
    except Exception as error:  # absl and ml_collections have many kinds
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        sys.exit(1)


def define_config_flag(
    flag_values: flags.FlagValues,
    help_text: str,
    describe_replacement: Callable[[str], str] = lambda key: "",
) -> None:
    """Define the flag --config, a config and its variant.

    Args:
      flag_values: gets the flag.
      help_text: of the flag.
      describe_replacement: says what became of a dotted config key of an earlier
        version, for the end of an error message; "" for a key that never existed.
    """
    from ml_collections import config_flags

    class Parser(flags.ArgumentParser):
        def parse(self, path: str) -> "ConfigDict":
            config = load_config(path)
            _check_overrides(config, sys.argv, describe_replacement)
            return config

    config_flags.DEFINE_config_file("config", None, help_text, flag_values=flag_values)
    flag_values["config"].parser = Parser()


def shipped_configs() -> list[str]:
    """Return the names of the shipped configs, such as seq2seq or sweeps/mitar."""
    paths = _CONFIGS.resolve().rglob("*.py")
    names = (path.relative_to(_CONFIGS.resolve()).with_suffix("") for path in paths)
    return sorted(
        name.as_posix() for name in names if name.name not in ("base", "__init__")
    )


def load_config(text: str) -> "ConfigDict":
    """Load a config, as --config names it.

    Args:
      text: NAME or FILE.py, then ":VARIANT" or nothing. NAME is a shipped config. A
        file that does not exist is looked for among the shipped configs:
        configs/NAME.py is NAME.

    Returns:
      The config, locked.

    Raises:
      ValueError: if there is no such config, or it cannot be read.
    """
    from ml_collections import ConfigDict

    name, variant = _split_variant(text)
    path = _find_config(name)
    spec = importlib.util.spec_from_file_location("config", path)
    if spec is None or spec.loader is None:
        raise ValueError(f"{path}: no Python file")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
        config = module.get_config(*variant)
    except ValueError:
        raise
    except (Exception, SystemExit) as error:  # a config file may raise anything
        raise ValueError(f"{path}: {type(error).__name__}: {error}") from error
    if not isinstance(config, ConfigDict):
        raise ValueError(f"{path}: get_config returns no ConfigDict")
    return config.lock()


def _split_variant(text: str) -> tuple[str, list[str]]:
    """Split NAME:VARIANT or FILE.py:VARIANT; a folder's name may hold a colon."""
    stem, end, variant = text.partition(".py:")
    if end:
        return f"{stem}.py", [variant]
    if text.endswith(".py"):
        return text, []
    name, *rest = text.split(":", maxsplit=1)
    return name, rest


def _find_config(name: str) -> pathlib.Path:
    """Return the file of a config that is named by path or as shipped_configs does."""
    path, known = pathlib.Path(name), shipped_configs()
    if path.suffix == ".py" and path.is_file():
        return path
    shipped = path.as_posix().removeprefix("configs/").removesuffix(".py")
    if shipped not in known:
        raise ValueError(
            f"no such file, and no shipped config of this name: {', '.join(known)}"
            + suggest(shipped, known)
        )
    return _CONFIGS.resolve() / f"{shipped}.py"


def _check_overrides(
    config: "ConfigDict",
    argv: Sequence[str],
    describe_replacement: Callable[[str], str],
) -> None:
    """Raise a ValueError if the command line sets a key that a config does not have."""
    for word in argv:
        if found := re.match(r"--?(?:no)?config\.([\w.]+)", word):
            key = found[1]
            known = _keys(config)
            if key not in known:
                section = key.rpartition(".")[0]
                siblings = [k for k in known if k.rpartition(".")[0] == section]
                raise ValueError(
                    f"{word}: the config has no key {key}"
                    + (
                        describe_replacement(key)
                        or suggest(key, known)
                        or f"; known: {', '.join(siblings or config)}"
                    )
                )


def _keys(config: "ConfigDict", prefix: str = "") -> list[str]:
    """Return the dotted keys of a config, of sections too."""
    keys = []
    for key, value in config.items():
        keys.append(prefix + key)
        if hasattr(value, "items"):
            keys += _keys(value, f"{prefix}{key}.")
    return keys
