"""What early stopping remembers, and how it decides."""

import dataclasses

from ml_collections import ConfigDict


@dataclasses.dataclass(frozen=True)
class Progress:
    """What early stopping remembers, saved beside the state.

    Attributes:
      best: the best value of the validation metric so far, None before the first.
      best_step: the step it was seen at.
      stopped: whether early stopping ended the run.
    """

    best: float | None = None
    best_step: int = 0
    stopped: bool = False

    def after(self, step: int, value: float, train: ConfigDict) -> "Progress":
        """Return what is remembered after an evaluation.

        Args:
          step: of the evaluation.
          value: of the validation metric.
          train: `best_mode` and `patience`, as in configs/base.py.
        """
        sign = 1.0 if train.best_mode == "max" else -1.0
        if self.best is None or sign * value > sign * self.best:
            return Progress(value, step)
        waited = step - self.best_step
        return Progress(
            self.best,
            self.best_step,
            stopped=bool(train.patience) and waited >= train.patience,
        )
