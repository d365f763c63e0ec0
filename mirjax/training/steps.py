"""The training step, as a free pure function."""

import jax
import optax
from jax import Array

from mirjax.models.interfaces import Model
from mirjax.models.losses import AnyBatch, Metrics
from mirjax.training.gradients import StepOptions, batch_gradient
from mirjax.training.state import TrainState


def train_step(
    model: Model,
    optimizer: optax.GradientTransformation,
    options: StepOptions,
    key: Array,
    state: TrainState,
    batch: AnyBatch,
) -> tuple[TrainState, Metrics]:
    """Make one optimiser step.

    Args:
      model: a module that maps (targets, previous letters) to logits of every next
        letter or, for a `LabelledBatch`, (mirnas, targets) to the logit of binding.
      optimizer: made by `make_optimizer`.
      options: of the loss and its gradient.
      key: the run's; the step's randomness is folded in from it.
      state: before the step.
      batch: the rows.

    Returns:
      The state after the step, and the loss and accuracies of the batch, in float32.
    """
    dropout_key = jax.random.fold_in(key, state.step)
    gradients, metrics = batch_gradient(
        model, options, state.params, batch, dropout_key
    )
    with jax.numpy_dtype_promotion("standard"):  # optax needs it, whatever is set
        updates, opt_state = optimizer.update(gradients, state.opt_state, state.params)
        params = optax.apply_updates(state.params, updates)
    metrics["gradient_norm"] = optax.tree.norm(gradients)
    return TrainState(state.step + 1, params, opt_state), metrics
