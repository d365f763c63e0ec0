"""SIGTERM as a flag that the training loop polls."""

import signal
import threading
import types


class TrainingStopped(Exception):
    """Training ended after SIGTERM; all is saved and the run can be continued."""


class StopSignal:
    """A context manager that records SIGTERM instead of ending the process.

    Attributes:
      requested: whether SIGTERM was received since the context was entered.
    """

    def __init__(self) -> None:
        self.requested = False
        # Only the main thread may install signal handlers.
        self._handles = threading.current_thread() is threading.main_thread()

    def _request(self, signum: int, frame: types.FrameType | None) -> None:
        self.requested = True

    def __enter__(self) -> "StopSignal":
        if self._handles:
            self._previous = signal.signal(signal.SIGTERM, self._request)
        return self

    def __exit__(self, *exception: object) -> None:
        if self._handles:
            signal.signal(signal.SIGTERM, self._previous)
