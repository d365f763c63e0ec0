"""The progress of a run, and early stopping."""

import dataclasses
import json
from collections.abc import Mapping

from mirjax.training.options import TrainOptions


@dataclasses.dataclass(frozen=True)
class RunProgress:
    """The progress of one run; saved beside its train state.

    Attributes:
      best: best value of the validation metric so far, None before the first.
      best_step: the step it was measured at.
      best_metrics: all metrics measured at that step.
      stopped: whether early stopping ended the run.
      diverged: the first step whose loss was NaN or infinite, else None.
    """

    best: float | None = None
    best_step: int = 0
    best_metrics: Mapping[str, float] = dataclasses.field(default_factory=dict)
    stopped: bool = False
    diverged: int | None = None

    @property
    def ended(self) -> bool:
        """Whether the training of the run has ended."""
        return self.stopped or self.diverged is not None

    def after_evaluation(
        self,
        step: int,
        metrics: Mapping[str, float],
        train: TrainOptions,
        patience: int,
    ) -> "RunProgress":
        """Return the progress after an evaluation.

        Args:
          step: of the evaluation.
          metrics: measured at it.
          train: names the metric that chooses the best step.
          patience: steps without a better value before stopping; 0: never stop.

        Raises:
          ValueError: if `train.best_metric` is not among the metrics.
        """
        if train.best_metric not in metrics:
            raise ValueError(
                f"config.train.best_metric={train.best_metric!r} is not among "
                f"{sorted(metrics)}"
            )
        value = metrics[train.best_metric]
        if train.is_better(value, self.best):
            return RunProgress(value, step, dict(metrics))
        waited = step - self.best_step
        return dataclasses.replace(self, stopped=0 < patience <= waited)

    def to_json(self) -> str:
        """Return the progress as JSON text."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "RunProgress":
        """Return the progress that `to_json` wrote."""
        return cls(**json.loads(text))
