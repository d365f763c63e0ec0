"""A lock on a workdir, so that one process at a time trains in it."""

import contextlib
import pathlib
from collections.abc import Iterator

from mirjax.files import hold_lock
from mirjax.training.agreement import check_same, from_process_0

FILE_NAME = ".lock"


@contextlib.contextmanager
def lock_workdir(workdir: pathlib.Path) -> Iterator[None]:
    """Lock a workdir, which is made if missing, until the block ends.

    If several processes train one run, process 0 holds the lock for all.

    The system releases the lock when the process ends, even if it is killed. Unfinished
    files of killed runs are deleted.

    Args:
      workdir: the folder of a run or a sweep.

    Raises:
      ValueError: if the folder cannot be written, or another process holds it; the
        message names the process.
    """
    with contextlib.ExitStack() as stack:

        def hold() -> None:
            stack.enter_context(_hold(workdir))

        from_process_0(hold)
        lock = workdir / FILE_NAME
        content = lock.read_bytes() if lock.exists() else b""
        check_same(f"folder {workdir}, which they need to share,", content)
        yield


@contextlib.contextmanager
def _hold(workdir: pathlib.Path) -> Iterator[None]:
    """Lock a workdir for this process."""
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
