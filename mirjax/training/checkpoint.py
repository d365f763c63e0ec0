"""Orbax checkpoints: the best by the validation metric, and the last two."""

import contextlib
import pathlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import jax
import orbax.checkpoint as ocp
from absl import logging
from orbax.checkpoint import checkpoint_managers
from orbax.checkpoint import path as orbax_path

from mirjax.training import checkpoint_hashes
from mirjax.training.disk_errors import disk_error
from mirjax.training.state import TrainState


class _HashedPath(orbax_path.atomicity.AtomicRenameTemporaryPath):
    """A checkpoint's temporary folder; its manifest is written after the rename.

    Orbax deletes earlier checkpoints only after that. A checkpoint without a manifest
    is ignored.
    """

    async def finalize(self) -> None:
        """Rename the folder, then write its manifest."""
        await super().finalize()
        checkpoint_hashes.write_manifest(pathlib.Path(self.get_final()))


class _BestAndLast(checkpoint_managers.PreservationPolicy):
    """Keep the best checkpoints and the last two, in case the last is damaged."""

    def __init__(self) -> None:
        self.best_steps: frozenset[int] = frozenset()

    def should_preserve(
        self,
        checkpoints: Sequence[Any],  # of a Protocol that isinstance cannot check
        *,
        context: Any,
    ) -> list[bool]:
        """Return whether each checkpoint is kept, the oldest first."""
        del context
        steps = [checkpoint.step for checkpoint in checkpoints]
        return [step in self.best_steps or step in steps[-2:] for step in steps]


class Checkpoints:
    """The checkpoints of a workdir, saved asynchronously.

    Each has a manifest of SHA-256, which is checked before anything is restored.
    Damaged checkpoints are moved to another folder, and a warning is logged.

    Args:
      workdir: the run's folder.
    """

    def __init__(self, workdir: pathlib.Path):
        self._policy = _BestAndLast()
        self._folder = workdir.absolute() / checkpoint_hashes.FOLDER
        if jax.process_index() == 0:
            checkpoint_hashes.set_damaged_aside(workdir, self._folder)
        if jax.process_count() > 1:
            ocp.multihost.sync_global_processes("mirjax: checkpoints are checked")
        with self._naming_errors():
            self._manager = ocp.CheckpointManager(
                self._folder,
                options=ocp.CheckpointManagerOptions(
                    preservation_policy=self._policy,
                    cleanup_tmp_directories=True,
                    temporary_path_class=_HashedPath,
                ),
            )

    def save(
        self,
        step: int,
        state: TrainState,
        progress: Mapping[str, Any],
        best_steps: Collection[int] = (),
    ) -> None:
        """Start to save a state, unless that step is saved already.

        Args:
          step: the steps done.
          state: the state; copied before this returns, so it may be donated.
          progress: JSON-like, saved beside the state.
          best_steps: best step of each run; these checkpoints are kept besides the last
            two.

        Raises:
          OSError: if this or the previous checkpoint cannot be written.
        """
        if step in self._manager.all_steps():
            return
        self._policy.best_steps = frozenset(best_steps)
        with self._naming_errors():
            self._manager.save(
                step,
                args=ocp.args.Composite(
                    state=ocp.args.StandardSave(state),
                    progress=ocp.args.JsonSave(dict(progress)),
                ),
                force=True,
            )

    def wait(self) -> None:
        """Wait until the checkpoint that is being saved is complete.

        Raises:
          OSError: if it cannot be written.
        """
        with self._naming_errors():
            self._manager.wait_until_finished()

    def steps(self) -> list[int]:
        """Return the steps of the checkpoints that can be restored."""
        return list(self._manager.all_steps())

    def restore(
        self, step: int, abstract_state: TrainState
    ) -> tuple[TrainState, dict[str, Any]]:
        """Restore a checkpoint.

        Args:
          step: one of `steps`.
          abstract_state: shapes, types and shardings of the state.

        Returns:
          The state, and the progress saved beside it.

        Raises:
          ValueError: if it cannot be read or belongs to another model.
        """
        try:
            restored = self._manager.restore(
                step,
                args=ocp.args.Composite(
                    state=ocp.args.StandardRestore(abstract_state),
                    progress=ocp.args.JsonRestore(),
                ),
            )
        except Exception as error:  # Orbax raises various types for a damaged folder.
            reason = str(error).strip().splitlines()
            raise ValueError(
                f"{self._folder / str(step)} cannot be restored: "
                f"{reason[0] if reason else type(error).__name__}; delete that folder "
                "to continue from an earlier checkpoint, or choose another --workdir"
            ) from error
        state = jax.block_until_ready(restored["state"])
        return state, dict(restored["progress"])

    @contextlib.contextmanager
    def _naming_errors(self) -> Iterator[None]:
        """Turn orbax's errors for a full disk into a one-line error."""
        try:
            yield
        except Exception as error:
            named = disk_error(error, self._folder)
            if named is None:
                raise
            raise named from error

    def __enter__(self) -> "Checkpoints":
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        try:
            self.wait()
        except OSError as unsaved:
            if error is None:
                raise
            logging.error("%s", unsaved)
        finally:
            # Errors raised here again have been raised above.
            with contextlib.suppress(OSError), self._naming_errors():
                self._manager.close()
