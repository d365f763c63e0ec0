"""Orbax checkpoints: the best by the validation metric, and the last."""

import pathlib
from collections.abc import Mapping
from typing import Any

import jax
import orbax.checkpoint as ocp
from absl import logging
from orbax.checkpoint import checkpoint_managers

from mirjax.training.state import TrainState

FOLDER = "checkpoints"


class Checkpoints:
    """The checkpoints of a workdir, saved asynchronously.

    Args:
      workdir: the run's folder.
      best_mode: "min" or "max", of the metric given to `save`.
    """

    def __init__(self, workdir: pathlib.Path, best_mode: str):
        # BestN keeps the highest; a save without a metric never counts as best.
        sign = 1.0 if best_mode == "max" else -1.0
        policy = checkpoint_managers.AnyPreservationPolicy(
            [
                checkpoint_managers.LatestN(1),
                checkpoint_managers.BestN(
                    get_metric_fn=lambda metrics: sign * metrics["best_metric"],
                    n=1,
                    keep_checkpoints_without_metrics=False,
                ),
            ]
        )
        self._folder = workdir.absolute() / FOLDER
        self._manager = ocp.CheckpointManager(
            self._folder,
            options=ocp.CheckpointManagerOptions(
                preservation_policy=policy, cleanup_tmp_directories=True
            ),
        )

    def save(
        self,
        step: int,
        state: TrainState,
        progress: Mapping[str, Any],
        metric: float | None = None,
    ) -> None:
        """Start to save a state, unless that step is saved already.

        Args:
          step: the steps done.
          state: the state; copied before this returns, so it may be donated.
          progress: JSON-like, saved beside the state.
          metric: the validation metric at this step, None if it was not measured.
        """
        if step in self._manager.all_steps():
            return
        self._manager.save(
            step,
            args=ocp.args.Composite(
                state=ocp.args.StandardSave(state),
                progress=ocp.args.JsonSave(dict(progress)),
            ),
            metrics=None if metric is None else {"best_metric": metric},
            force=True,
        )

    def restore_last(
        self, abstract_state: Any
    ) -> tuple[TrainState, dict[str, Any]] | None:
        """Restore the newest checkpoint; return None if there is none.

        Args:
          abstract_state: shapes, types and shardings of the state.

        Raises:
          ValueError: if it cannot be read or belongs to another model.
        """
        step = self._manager.latest_step()
        if step is None:
            return None
        logging.info("Resuming from the checkpoint of step %d", step)
        try:
            restored = self._manager.restore(
                step,
                args=ocp.args.Composite(
                    state=ocp.args.StandardRestore(abstract_state),
                    progress=ocp.args.JsonRestore(),
                ),
            )
        except Exception as error:  # Orbax raises many kinds for a damaged folder.
            reason = str(error).strip().splitlines()
            raise ValueError(
                f"{self._folder / str(step)} cannot be restored: "
                f"{reason[0] if reason else type(error).__name__}; delete that folder "
                "to go on from an earlier checkpoint, or choose another --workdir"
            ) from error
        state = jax.block_until_ready(restored["state"])
        return state, dict(restored["progress"])

    def __enter__(self) -> "Checkpoints":
        return self

    def __exit__(self, *exception: object) -> None:
        self._manager.wait_until_finished()
        self._manager.close()
