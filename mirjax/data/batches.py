"""Batches as a pure function of (seed, step): resuming needs no iterator state."""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, UInt8

from mirjax.data import alphabet


class Batch(NamedTuple):
    """Rows of target-miRNA pairs, as tokens.

    Attributes:
      targets: target sites, 5'→3', then padding.
      mirnas: miRNAs, 5'→3', then EOS, then padding.
      weights: 1 for a row that counts, 0 for one that only fills the batch.
    """

    targets: UInt8[Array | np.ndarray, "batch target_length"]
    mirnas: UInt8[Array | np.ndarray, "batch time"]
    weights: Float[Array | np.ndarray, " batch"]


def encode_pairs(
    targets: Sequence[str],
    mirnas: Sequence[str],
    *,
    target_length: int,
    mirna_length: int,
) -> Batch:
    """Encode whole columns once; they are a few MB of uint8.

    Args:
      targets: target sites, 5'→3'.
      mirnas: miRNAs, 5'→3'.
      target_length: nt a row holds.
      mirna_length: nt a row holds; it has one position more, for EOS.

    Returns:
      All rows as one `Batch` of NumPy arrays, weights 1.

    Raises:
      ValueError: for a sequence that does not fit; it names the row.
    """
    names = [f"row {row + 1}, target" for row in range(len(targets))]
    target_tokens = alphabet.encode(targets, target_length, names=names)
    names = [f"row {row + 1}, miRNA" for row in range(len(mirnas))]
    mirna_tokens = np.pad(
        alphabet.encode(mirnas, mirna_length, names=names), ((0, 0), (0, 1))
    )
    mirna_tokens[np.arange(len(mirnas)), alphabet.lengths(mirnas)] = alphabet.EOS
    return Batch(target_tokens, mirna_tokens, np.ones(len(mirnas), np.float32))


def fill_batches(rows: Batch, batch_size: int) -> list[Batch]:
    """Cut rows into batches of one size, the last filled up with rows of weight 0."""
    missing = -len(rows.weights) % batch_size
    filled = Batch(
        *(np.pad(x, ((0, missing),) + ((0, 0),) * (x.ndim - 1)) for x in rows)
    )
    return [
        Batch(*(x[start : start + batch_size] for x in filled))
        for start in range(0, len(filled.weights), batch_size)
    ]


def steps_per_epoch(num_rows: int, batch_size: int) -> int:
    """Return the steps that visit every row once; the last one may be partly filled."""
    return -(-num_rows // batch_size)


def epoch_order(
    seed: int, epoch: Int[Array, ""] | int, num_rows: int
) -> Int[Array, " rows"]:
    """Return the order in which an epoch visits the rows, drawn from (seed, epoch)."""
    return jax.random.permutation(
        jax.random.fold_in(jax.random.key(seed), epoch), num_rows
    )


def gather_batch(
    rows: Batch,
    order: Int[Array, " rows"],
    step: Int[Array, ""] | int,
    batch_size: int,
) -> Batch:
    """Return the batch of a training step, inside or outside jit.

    Args:
      rows: the whole training set.
      order: of the epoch that the step belongs to; see `epoch_order`.
      step: the training step, from 0, counted over all epochs.
      batch_size: rows in the batch; those past the epoch's end get weight 0.
    """
    num_rows = order.shape[0]
    step_in_epoch = step % steps_per_epoch(num_rows, batch_size)
    positions = step_in_epoch * batch_size + jnp.arange(batch_size)
    chosen = order[jnp.minimum(positions, num_rows - 1)]
    targets, mirnas, weights = (column[chosen] for column in rows)
    return Batch(targets, mirnas, weights * (positions < num_rows))
