"""What all commands share: flags, logging, and errors as one line."""

import sys
from collections.abc import Callable, Sequence

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
        # Orbax reports every file it renames.
        logging.get_absl_logger().addFilter(
            lambda record: "orbax" not in record.pathname
        )
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

    app.run(guarded, argv=argv)
