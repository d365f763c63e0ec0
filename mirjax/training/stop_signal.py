"""SIGTERM as a wish that a run looks up when it suits it."""

import signal
import threading
import types


class TrainingStopped(Exception):
    """SIGTERM came; everything is saved and the run can be started again."""


class StopSignal:
    """Whether SIGTERM has come since the context was entered.

    Attributes:
      requested: whether it has.
    """

    def __init__(self) -> None:
        self.requested = False
        # Only the main thread may handle signals; elsewhere SIGTERM is not ours.
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
