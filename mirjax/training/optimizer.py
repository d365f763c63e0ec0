"""Optimisers and learning-rate schedules, made from `config.optimizer`."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import Array


def make_schedule(
    *,
    learning_rate: float | Array,
    schedule: str = "constant",
    warmup_steps: int = 0,
    num_steps: int,
) -> optax.Schedule:
    """Make a learning-rate schedule.

    Args:
      learning_rate: the peak; may be traced.
      schedule: "constant", or "cosine": linear warm-up, then a cosine down to zero.
      warmup_steps: steps of warm-up; "cosine" only.
      num_steps: steps of the whole run.

    Raises:
      ValueError: for another schedule.
    """
    if schedule == "constant":
        return optax.constant_schedule(learning_rate)
    if schedule == "cosine":
        # A short run, as in a trial with a small num_steps, is not all warm-up.
        warmup_steps = min(warmup_steps, num_steps // 2)
        shape = optax.warmup_cosine_decay_schedule(
            0.0, 1.0, warmup_steps, max(num_steps, warmup_steps + 1)
        )
        return lambda step: learning_rate * shape(step)
    raise ValueError(f"config.optimizer: {schedule=} is not constant or cosine")


class EmaState(NamedTuple):
    """The averaged parameters, and the steps that went into them."""

    steps: Array
    average: Any


def keep_ema(decay: float) -> optax.GradientTransformation:
    """Keep a moving average of the parameters; put last in a chain, it changes nothing.

    Args:
      decay: what is kept of the average at each step; less during the first steps, when
        the average is young.

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
    """Return the average that an optimiser keeps, or the parameters where none is."""
    return optax.tree.get(opt_state, "average", params)


def make_optimizer(
    config: Mapping[str, Any], num_steps: int
) -> optax.GradientTransformation:
    """Make the optimiser that `config.optimizer` describes.

    "rmsprop" is Keras 2.2's: decay 0.9, epsilon 1e-7 outside the square root, no bias
    correction. "adam" has Keras's epsilon of 1e-7, beside the square root of the
    bias-corrected mean square (Keras adds it before the correction, which makes it 32
    times larger at the first step, and the same in the end). "adamw" decays weight
    matrices only, not biases.

    Args:
      config: `name` (rmsprop, adam or adamw), `learning_rate`, and optionally
        `schedule`, `warmup_steps`, `weight_decay` (adamw), `clip_norm` (0 for none),
        `ema_decay` (of `keep_ema`; 0 for none).
      num_steps: steps of the whole run, for the schedule.

    Raises:
      ValueError: for an unknown name or key.

    References:
      Kingma & Ba 2015, arXiv 1412.6980 (Adam).
      Loshchilov & Hutter 2019, arXiv 1711.05101 (AdamW).
    """
    arguments = dict(config)
    name = arguments.pop("name", None)
    clip_norm = arguments.pop("clip_norm", 0.0)
    weight_decay = arguments.pop("weight_decay", 0.0)
    ema_decay = arguments.pop("ema_decay", 0.0)
    if not 0.0 <= ema_decay < 1.0:
        raise ValueError(f"config.optimizer: {ema_decay=}: 0 to below 1")
    unknown = set(arguments) - {"learning_rate", "schedule", "warmup_steps"}
    if unknown:
        raise ValueError(f"config.optimizer: unknown key {min(unknown)!r}")
    schedule = make_schedule(num_steps=num_steps, **arguments)
    if weight_decay and name != "adamw":
        raise ValueError(f"config.optimizer: {name} takes no weight_decay")
    if name == "rmsprop":
        optimizer = optax.rmsprop(schedule, decay=0.9, eps=1e-7, eps_in_sqrt=False)
    elif name == "adam":
        optimizer = optax.adam(schedule, eps=1e-7)
    elif name == "adamw":
        optimizer = optax.adamw(
            schedule,
            weight_decay=weight_decay,
            mask=lambda params: jax.tree.map(lambda leaf: leaf.ndim > 1, params),
        )
    else:
        raise ValueError(f"config.optimizer: {name=} is not rmsprop, adam or adamw")
    if clip_norm:
        optimizer = optax.chain(optax.clip_by_global_norm(clip_norm), optimizer)
    if ema_decay:
        optimizer = optax.chain(optimizer, keep_ema(ema_decay))
    return optimizer
