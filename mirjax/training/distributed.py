"""Connect the processes of a run, and end them together.

References:
  jax.distributed, https://docs.jax.dev/en/latest/multi_process.html.
"""

import atexit
import contextlib
import os
import sys
from collections.abc import Iterator

import jax
from absl import logging

from mirjax.training import fatal_lines
from mirjax.training.agreement import coordination_client
from mirjax.training.process_options import AUTO, ProcessOptions
from mirjax.training.stop_signal import TrainingStopped

CONNECT_SECONDS = 300  # until all processes have started
HEARTBEAT_SECONDS = 30  # without a heartbeat, a process is taken to have ended
SHUTDOWN_SECONDS = 600  # until all have written their files
_FAREWELL_MS = 3000  # in which the others can read why process 0 ends

# Messages of the libraries when the other end of a connection is closed.
_LOST_WORDS = ("Gloo ", "NCCL", "coordination service", "CoordinationService")


@contextlib.contextmanager
def connected(options: ProcessOptions | None) -> Iterator[None]:
    """Connect this process with the others of its run while the block lasts.

    It must be entered before the devices are touched. If the block ends with an error
    in one process, the others end, too: at once on CPUs, elsewhere after
    `HEARTBEAT_SECONDS`.

    Args:
      options: from `process_options.choose`; None for a single process.

    Raises:
      ValueError: if the processes cannot connect.
      RuntimeError: if another process has ended.
    """
    if options is None:
        yield
        return
    fatal_lines.filter_standard_error()
    try:
        _connect(options)
        yield
    except TrainingStopped:  # in all processes
        jax.distributed.shutdown()
        raise
    except BaseException as error:
        _end_early(error)
        if isinstance(error, Exception) and _is_loss(error):
            reason = str(error).strip().splitlines()[0]
            raise RuntimeError(f"{fatal_lines.LOST} ({reason})") from error
        raise
    jax.distributed.shutdown()


def _connect(options: ProcessOptions) -> None:
    """Connect to process 0; only process 0 reports progress from then on."""
    # Its handler of SIGTERM would replace ours.
    if hasattr(jax.config, "jax_enable_preemption_service"):
        jax.config.update("jax_enable_preemption_service", False)
    auto = options.coordinator == AUTO
    try:
        jax.distributed.initialize(
            None if auto else options.coordinator,
            num_processes=options.num_processes,
            process_id=options.process_id,
            cluster_detection_method=None if auto else "deactivate",
            initialization_timeout=CONNECT_SECONDS,
            heartbeat_timeout_seconds=HEARTBEAT_SECONDS,
            shutdown_timeout_seconds=SHUTDOWN_SECONDS,
        )
    except (RuntimeError, ValueError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        remedy = "give the address of process 0 and a port that is free there"
        if auto:
            remedy = "jax knows no such cluster; give --coordinator=HOST:PORT"
        raise ValueError(
            f"--coordinator={options.coordinator}: the processes cannot connect "
            f"({reason}); {remedy}"
        ) from error
    logging.info(
        "process %d of %d: %d device(s) of %d",
        jax.process_index(),
        jax.process_count(),
        jax.local_device_count(),
        jax.device_count(),
    )
    if jax.process_index() != 0:
        logging.set_verbosity(logging.WARNING)


def _end_early(error: BaseException) -> None:
    """Make this process exit without waiting for the others, which may have ended."""
    code: object = 1
    if isinstance(error, KeyboardInterrupt):
        code = 130
    elif isinstance(error, SystemExit):
        code = error.code
    if (client := coordination_client()) is not None:
        # If all processes have the error, each prints it.
        with contextlib.suppress(RuntimeError, ValueError):
            client.wait_at_barrier("mirjax/end", _FAREWELL_MS)
    # This runs before jax's own function, which waits for all processes.
    atexit.register(_exit, code if isinstance(code, int) else 1)


def _exit(code: int) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _is_loss(error: Exception) -> bool:
    """Return whether an error says that another process cannot be reached."""
    return any(words in str(error) for words in _LOST_WORDS)
