"""Sections of a training config as dataclasses."""

import dataclasses
from collections.abc import Mapping
from typing import Any, TypeVar

from jax import Array
from ml_collections import ConfigDict

from mirjax.datasets.batches import steps_per_epoch
from mirjax.training import bounds
from mirjax.training.gradients import StepOptions

Section = TypeVar("Section")


def read_section(
    section_class: type[Section], name: str, values: Mapping[str, Any] | ConfigDict
) -> Section:
    """Make a section's dataclass from its part of a config.

    Args:
      section_class: a dataclass whose fields are the section's keys.
      name: of the section, such as "train".
      values: the section's keys and values.

    Raises:
      ValueError: for a key that is not a field, or an invalid value; the message names
        all of them. Also as `section_class` raises.
    """
    bounds.check(bounds.problems({f"{name}.{key}": values[key] for key in values}))
    return section_class(**values)


@dataclasses.dataclass(frozen=True)
class TrainOptions:
    """The section `train` of a config; `bounds` has the valid values."""

    batch_size: int = 128  # rows, over all devices and micro-batches
    micro_batches: int = 1  # parts of a batch, computed one after another
    compute_dtype: str = "float32"  # of products; float32 or bfloat16
    model_devices: int = 1  # devices that share each wide kernel
    init_from: str = ""  # a trained model whose parameters training starts from
    init_sha256: str = ""  # of its file; see `initial.pin_initial`
    num_epochs: float = 10.0
    eval_every_epochs: float = 1.0  # epochs between evaluations and checkpoints
    log_every: int = 100  # steps between rows of metrics.jsonl; 0: evaluations only
    eval_batch_size: int = 512  # rows
    duplex_augmentation: int = 0  # augmented rows for each training row
    decode_rows: int = 2000  # held-out rows decoded at each evaluation
    l2: float = 0.0  # factor of the penalty on squared Dense kernels
    best_metric: str = "val/loss"  # chooses the best checkpoint
    best_mode: str = "min"  # min or max
    patience_epochs: float = 0.0  # epochs without a better metric; 0: no early stopping
    export: str = "best"  # best or last: the checkpoint that is exported

    def __post_init__(self) -> None:
        if self.batch_size % self.micro_batches:
            raise ValueError(
                f"config.train.micro_batches={self.micro_batches} does not divide "
                f"config.train.batch_size={self.batch_size}"
            )

    @property
    def micro_batch_size(self) -> int:
        """Rows that are computed at once, over all devices."""
        return self.batch_size // self.micro_batches

    def step_options(self) -> StepOptions:
        """Return the options of the gradient of a training step."""
        return StepOptions(self.l2, self.micro_batches, self.compute_dtype)

    def is_better(self, value: float, best: float | None) -> bool:
        """Return whether a value of `best_metric` is better than the best so far."""
        if best is None:
            return True
        return value > best if self.best_mode == "max" else value < best


@dataclasses.dataclass(frozen=True)
class OptimizerOptions:
    """The section `optimizer` of a config; see `optimizer.make_optimizer`."""

    name: str = "adamw"  # rmsprop, adam or adamw
    learning_rate: float | Array = 0.001  # the peak; traced in vmapped runs
    schedule: str = "constant"  # constant or cosine
    warmup_epochs: float = 0.0  # epochs of linear warm-up; cosine only
    weight_decay: float = 0.0  # adamw only, on weight matrices
    ema_decay: float = 0.0  # of averaged parameters, which are evaluated; 0: none
    clip_norm: float = 0.0  # largest global norm of the gradient; 0: no limit

    def __post_init__(self) -> None:
        if self.weight_decay and self.name != "adamw":
            raise ValueError(f"config.optimizer: {self.name} takes no weight_decay")


@dataclasses.dataclass(frozen=True)
class StepCounts:
    """Lengths of a run, in training steps.

    Attributes:
      per_epoch: steps that visit every training row once.
      total: steps of the whole run.
      per_evaluation: steps between evaluations.
      patience: steps without a better metric before stopping; 0: no early stopping.
      warmup: steps of the schedule's warm-up.
      per_call: steps of one jitted call, at most.
    """

    per_epoch: int
    total: int
    per_evaluation: int
    patience: int
    warmup: int
    per_call: int


def count_steps(
    num_rows: int, train: TrainOptions, warmup_epochs: float, steps_per_call: int
) -> StepCounts:
    """Convert lengths in epochs to steps, each rounded to the nearest integer.

    If a number from `steps_per_call` / 2 to `steps_per_call` divides the steps of an
    epoch, calls have that length, so that one program is compiled instead of two.

    Args:
      num_rows: training rows.
      train: batch size and lengths in epochs.
      warmup_epochs: of the schedule.
      steps_per_call: training steps in one jitted call, at most.

    >>> count_steps(15_200, TrainOptions(batch_size=50, num_epochs=2.5), 0.0, 40).total
    760
    """
    epoch = steps_per_epoch(num_rows, train.batch_size)
    divisor = max(n for n in range(1, steps_per_call + 1) if epoch % n == 0)
    return StepCounts(
        per_epoch=epoch,
        total=max(1, round(train.num_epochs * epoch)),
        per_evaluation=max(1, round(train.eval_every_epochs * epoch)),
        patience=round(train.patience_epochs * epoch),
        warmup=round(warmup_epochs * epoch),
        per_call=divisor if 2 * divisor >= steps_per_call else steps_per_call,
    )
