"""A lock on a workdir, so that one process at a time trains in it."""

import contextlib
import pathlib
from collections.abc import Iterator

import jax

from mirjax.files import hold_lock

FILE_NAME = ".lock"


@contextlib.contextmanager
def lock_workdir(workdir: pathlib.Path) -> Iterator[None]:
    """Hold a workdir, which is made if missing, until the block ends.

    The system frees the lock when the process ends, however it ends. What runs that
    were killed have left unfinished is deleted.

    Args:
      workdir: the folder of a run or a sweep.

    Raises:
      ValueError: if the folder cannot be written, or another process holds it; the
        message names the process.
    """
    if jax.process_index() != 0:
        yield
        return
    made = not workdir.exists()
    with contextlib.ExitStack() as stack:
        try:
            workdir.mkdir(parents=True, exist_ok=True)
            stack.enter_context(hold_lock(workdir / FILE_NAME, f"--workdir: {workdir}"))
        except OSError as error:
            raise ValueError(f"--workdir: {workdir} cannot be used: {error}") from error
        for pattern in (".*.unfinished", "runs/*/.*.unfinished"):
            for left in workdir.glob(pattern):
                left.unlink(missing_ok=True)
        try:
            yield
        finally:
            if made and [path.name for path in workdir.iterdir()] == [FILE_NAME]:
                (workdir / FILE_NAME).unlink()  # nothing was started
                workdir.rmdir()
