"""What all commands share: flags, logging, and errors as one line."""

import sys
from collections.abc import Callable, Sequence

from absl import app, logging


def run(main: Callable[[Sequence[str]], int | None], argv: list[str] | None = None):
    """Run a command and exit: 0, or 1 after a one-line error.

    Args:
      main: the command; it raises ValueError, OSError, RuntimeError or
        FloatingPointError for what the user can mend, each with a one-line message.
      argv: the command line, `sys.argv` by default.
    """

    def guarded(arguments: Sequence[str]) -> int | None:
        # absl's own lines go to standard error, plain, whether or not on a terminal.
        logging.set_verbosity(logging.INFO)
        logging.use_absl_handler()
        if len(arguments) > 1:
            print(f"error: unexpected argument {arguments[1]!r}", file=sys.stderr)
            return 1
        try:
            return main(arguments)
        except (ValueError, OSError, RuntimeError, FloatingPointError) as error:
            message = " ".join(str(error).split())
            print(f"error: {message or type(error).__name__}", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            print("interrupted", file=sys.stderr)
            return 130

    app.run(guarded, argv=argv)
