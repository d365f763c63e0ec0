"""Greedy decoding of whole batches of targets, by one `lax.scan`."""

import functools
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, UInt8

from mirjax.inference.in_batches import in_batches
from mirjax.models.interfaces import Generator
from mirjax.sequences import alphabet


class Decoded(NamedTuple):
    """Decoded miRNAs.

    Attributes:
      tokens: letters, 5'→3', then EOS unless the steps ran out, then padding.
      log_probs: log P(miRNA and its EOS | target), natural logarithm.
    """

    tokens: UInt8[np.ndarray, "rows time"]
    log_probs: Float[np.ndarray, " rows"]


@functools.partial(jax.jit, static_argnames=("model",))
def decode_batch(
    model: Generator,
    params: Mapping[str, Any],
    targets: UInt8[Array, "batch target_length"],
) -> tuple[UInt8[Array, "batch time"], Float[Array, " batch"]]:
    """Decode one batch, taking the likeliest symbol at every step.

    BOS is never predicted. After its EOS a row is padding.

    Args:
      model: a generator.
      params: its parameters.
      targets: target tokens, 5'→3'.

    Returns:
      Tokens and log-probabilities, as in `Decoded`.
    """
    variables = {"params": params}

    def step(carry: tuple, _: None) -> tuple[tuple, Array]:
        state, previous, log_prob, ended = carry
        state, logits = model.apply(variables, state, previous, method="decode_step")
        log_probs = jax.nn.log_softmax(logits.astype(jnp.float32))
        allowed = log_probs.at[:, alphabet.BOS - 1].set(-jnp.inf)
        symbol = jnp.argmax(allowed, axis=-1)
        gained = jnp.take_along_axis(log_probs, symbol[:, None], axis=-1)[:, 0]
        token = jnp.where(ended, alphabet.PAD, symbol + 1).astype(jnp.uint8)
        log_prob = log_prob + jnp.where(ended, 0.0, gained)
        ended = ended | (token == alphabet.EOS)
        return (state, token, log_prob, ended), token

    batch = targets.shape[0]
    start = (
        model.apply(variables, targets, method="encode"),
        jnp.full(batch, alphabet.BOS, jnp.uint8),
        jnp.zeros(batch, jnp.float32),
        jnp.zeros(batch, bool),
    )
    steps = model.max_mirna_length + 1
    (_, _, log_prob, _), letters = lax.scan(step, start, length=steps)
    return letters.T, log_prob


def decode(
    model: Generator,
    params: Mapping[str, Any],
    targets: UInt8[np.ndarray, "rows target_length"],
    *,
    batch_size: int = 512,
) -> Decoded:
    """Decode any number of targets greedily.

    Args:
      model: a generator.
      params: its parameters.
      targets: target tokens, 5'→3'; there may be no rows.
      batch_size: targets at a time; see `in_batches`.

    Returns:
      One row per target, in order.
    """
    return in_batches(
        lambda batch: Decoded(*decode_batch(model, params, batch)), targets, batch_size
    )
