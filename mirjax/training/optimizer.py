"""Optimisers and learning-rate schedules."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import Array

from mirjax.training.options import OptimizerOptions


def make_schedule(
    options: OptimizerOptions, *, num_steps: int, warmup_steps: int
) -> optax.Schedule:
    """Make a learning-rate schedule.

    Args:
      options: `schedule` is "constant", or "cosine": linear warm-up, then a cosine down
        to zero; `learning_rate` is the peak and may be traced.
      num_steps: steps of the whole run.
      warmup_steps: steps of warm-up, "cosine" only; half of `num_steps` at most.
    """
    if options.schedule == "constant":
        return optax.constant_schedule(options.learning_rate)
    # A run of few epochs must not consist of warm-up only.
    warmup_steps = min(warmup_steps, num_steps // 2)
    shape = optax.warmup_cosine_decay_schedule(
        0.0, 1.0, warmup_steps, max(num_steps, warmup_steps + 1)
    )
    return lambda step: options.learning_rate * shape(step)


class EmaState(NamedTuple):
    """An exponential moving average of parameters, and the steps averaged."""

    steps: Array
    average: Any


def keep_ema(decay: float) -> optax.GradientTransformation:
    """Keep an exponential moving average (EMA) of the parameters.

    It is the last of a chain, and does not change the updates.

    Args:
      decay: weight of the previous average at each step; lower in the first steps.

    References:
      Polyak & Juditsky 1992, doi 10.1137/0330046.
    """

    def init(params: Any) -> EmaState:
        return EmaState(jnp.int32(0), params)

    def update(
        updates: Any, state: EmaState, params: Any = None
    ) -> tuple[Any, EmaState]:
        kept = jnp.minimum(decay, (1.0 + state.steps) / (10.0 + state.steps))
        average = jax.tree.map(
            lambda old, param, change: kept * old + (1.0 - kept) * (param + change),
            state.average,
            params,
            updates,
        )
        return updates, EmaState(state.steps + 1, average)

    return optax.GradientTransformation(init, update)


def ema_params(opt_state: Any, params: Any) -> Any:
    """Return the EMA that an optimiser keeps, or the parameters if it keeps none."""
    return optax.tree.get(opt_state, "average", params)


def make_optimizer(
    options: OptimizerOptions, *, num_steps: int, warmup_steps: int = 0
) -> optax.GradientTransformation:
    """Make an optimiser.

    "rmsprop" is Keras 2.2's: decay 0.9, epsilon 1e-7 outside the square root, no bias
    correction. "adam" has Keras's epsilon of 1e-7, added to the square root of the
    bias-corrected mean square (Keras adds it before the correction, which makes it 32
    times larger at the first step and equal later). "adamw" decays weight matrices
    only, not biases.

    Args:
      options: `config.optimizer`.
      num_steps: steps of the whole run, for the schedule.
      warmup_steps: steps of its warm-up.

    References:
      Kingma & Ba 2015, arXiv 1412.6980 (Adam).
      Loshchilov & Hutter 2019, arXiv 1711.05101 (AdamW).
    """
    schedule = make_schedule(options, num_steps=num_steps, warmup_steps=warmup_steps)
    if options.name == "rmsprop":
        optimizer = optax.rmsprop(schedule, decay=0.9, eps=1e-7, eps_in_sqrt=False)
    elif options.name == "adam":
        optimizer = optax.adam(schedule, eps=1e-7)
    else:
        optimizer = optax.adamw(
            schedule,
            weight_decay=options.weight_decay,
            mask=lambda params: jax.tree.map(lambda leaf: leaf.ndim > 1, params),
        )
    if options.clip_norm:
        optimizer = optax.chain(optax.clip_by_global_norm(options.clip_norm), optimizer)
    if options.ema_decay:
        optimizer = optax.chain(optimizer, keep_ema(options.ema_decay))
    return optimizer
