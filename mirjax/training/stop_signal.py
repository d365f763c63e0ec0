"""SIGTERM, SIGINT and SIGHUP as a flag that the training loop polls."""

import os
import signal
import threading
import types

import jax

from mirjax.training.agreement import largest

EXIT_CODES = {signal.SIGTERM: 143, signal.SIGHUP: 143, signal.SIGINT: 130}
"""Exit code of a command that a signal has stopped, once everything is saved."""


class TrainingStopped(Exception):
    """Training ended after a signal; everything is saved and the run can be continued.

    Attributes:
      exit_code: of the command.
    """

    def __init__(self, message: str, signum: int):
        super().__init__(message)
        self.exit_code = EXIT_CODES[signal.Signals(signum)]


class StopSignal:
    """A context manager that records the signals of `EXIT_CODES`.

    A second signal ends the process at once. A signal that the process was started to
    ignore, as under nohup, stays ignored.

    Attributes:
      received: the first signal since the context was entered; None before it.
    """

    def __init__(self) -> None:
        self.received: signal.Signals | None = None
        self._agreed: signal.Signals | None = None
        self._asked: jax.Array | None = None
        self._previous: dict[signal.Signals, object] = {}

    def agreed(self) -> signal.Signals | None:
        """Return the signal for which all processes of the run stop, or None.

        All processes call this at the same points and get the same signal. With several
        processes, a received signal is returned from the next call on: the exchange
        over the devices is started in one call, and read in the next.
        """
        if jax.process_count() == 1:
            return self.received
        if self._asked is not None and (number := int(self._asked)):
            self._agreed = signal.Signals(number)
        self._asked = largest(self.received or 0)
        return self._agreed

    def _request(self, signum: int, frame: types.FrameType | None) -> None:
        if self.received is not None:
            # The interrupted code may be using buffered streams.
            os.write(2, b"error: stopped by a second signal, before all was saved\n")
            os._exit(EXIT_CODES[signal.Signals(signum)])
        self.received = signal.Signals(signum)

    def __enter__(self) -> "StopSignal":
        # Only the main thread may install signal handlers.
        if threading.current_thread() is not threading.main_thread():
            return self
        for signum in EXIT_CODES:
            if signal.getsignal(signum) is not signal.SIG_IGN:
                self._previous[signum] = signal.signal(signum, self._request)
        return self

    def __exit__(self, *exception: object) -> None:
        for signum, handler in self._previous.items():
            signal.signal(signum, handler)  # type: ignore[arg-type]
        self._previous.clear()
