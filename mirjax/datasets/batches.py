"""Encoded rows, and batches of them as a pure function of (seed, step).

A resumed run needs no iterator state.
"""

from collections.abc import Sequence
from typing import NamedTuple, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, UInt8

from mirjax.sequences import alphabet


class Batch(NamedTuple):
    """Positive pairs as tokens, for a generator.

    Attributes:
      targets: target sites, 5'→3', then PAD.
      mirnas: miRNAs, 5'→3', then EOS, then PAD.
      weights: 1 for a row of data, 0 for a row that fills up the batch.
    """

    targets: UInt8[Array | np.ndarray, "batch target_length"]
    mirnas: UInt8[Array | np.ndarray, "batch time"]
    weights: Float[Array | np.ndarray, " batch"]


class LabelledBatch(NamedTuple):
    """Positive and negative pairs as tokens, for a classifier.

    Attributes:
      mirnas: miRNAs, 5'→3', then PAD.
      targets: target sites, 5'→3', then PAD.
      labels: 1 for a positive pair, 0 for a negative one; in training, a probability.
      weights: of the rows in the loss, 1 by default; 0 for a row that fills up the
        batch.
    """

    mirnas: UInt8[Array | np.ndarray, "batch mirna_length"]
    targets: UInt8[Array | np.ndarray, "batch target_length"]
    labels: Float[Array | np.ndarray, " batch"]
    weights: Float[Array | np.ndarray, " batch"]


AnyBatch = TypeVar("AnyBatch", bound=Batch | LabelledBatch)


def encode_pairs(
    targets: Sequence[str],
    mirnas: Sequence[str],
    *,
    target_length: int,
    mirna_length: int,
) -> Batch:
    """Encode all rows of a dataset for a generator.

    >>> encode_pairs(["AC"], ["U"], target_length=3, mirna_length=2).mirnas
    array([[2, 6, 0]], dtype=uint8)

    Args:
      targets: n target sites, 5'→3'.
      mirnas: n miRNAs, 5'→3'.
      target_length: row length of the targets, in nt.
      mirna_length: row length of the miRNAs, in nt, without the position of EOS.

    Returns:
      All rows as one `Batch` of NumPy arrays, weights 1.

    Raises:
      ValueError: for a sequence that is too long or has an invalid letter; the message
        names the row.
    """
    target_tokens, mirna_tokens = _encode(targets, mirnas, target_length, mirna_length)
    mirna_tokens = np.pad(mirna_tokens, ((0, 0), (0, 1)))
    mirna_tokens[np.arange(len(mirnas)), alphabet.lengths(mirnas)] = alphabet.EOS
    return Batch(target_tokens, mirna_tokens, np.ones(len(mirnas), np.float32))


def encode_labelled(
    targets: Sequence[str],
    mirnas: Sequence[str],
    labels: Int[np.ndarray, " rows"] | UInt8[np.ndarray, " rows"],
    *,
    target_length: int,
    mirna_length: int,
) -> LabelledBatch:
    """Encode all rows of a dataset for a classifier.

    Args:
      targets: n target sites, 5'→3'.
      mirnas: n miRNAs, 5'→3'.
      labels: 1 for a positive pair, 0 for a negative one.
      target_length: row length of the targets, in nt.
      mirna_length: row length of the miRNAs, in nt.

    Returns:
      All rows as one `LabelledBatch` of NumPy arrays, weights 1.

    Raises:
      ValueError: for a sequence that is too long or has an invalid letter; the message
        names the row.
    """
    target_tokens, mirna_tokens = _encode(targets, mirnas, target_length, mirna_length)
    weights = np.ones(len(mirnas), np.float32)
    return LabelledBatch(
        mirna_tokens, target_tokens, np.asarray(labels, np.float32), weights
    )


def _encode(
    targets: Sequence[str],
    mirnas: Sequence[str],
    target_length: int,
    mirna_length: int,
) -> tuple[
    UInt8[np.ndarray, "rows {target_length}"], UInt8[np.ndarray, "rows {mirna_length}"]
]:
    """Return tokens of targets and of miRNAs; an error names the row."""
    names = [f"row {row + 1}, target" for row in range(len(targets))]
    target_tokens = alphabet.encode(targets, target_length, names=names)
    names = [f"row {row + 1}, miRNA" for row in range(len(mirnas))]
    return target_tokens, alphabet.encode(mirnas, mirna_length, names=names)


def fill_batches(rows: AnyBatch, batch_size: int) -> list[AnyBatch]:
    """Divide rows into batches of one size.

    Args:
      rows: NumPy arrays.
      batch_size: rows of a batch.

    Returns:
      The batches in order; the last one is filled up with rows of weight 0.
    """
    missing = -len(rows.weights) % batch_size
    filled = jax.tree.map(
        lambda x: np.pad(x, ((0, missing),) + ((0, 0),) * (x.ndim - 1)), rows
    )
    return [
        jax.tree.map(lambda x, start=start: x[start : start + batch_size], filled)
        for start in range(0, len(filled.weights), batch_size)
    ]


def steps_per_epoch(num_rows: int, batch_size: int) -> int:
    """Return the number of steps that visit every row once.

    >>> steps_per_epoch(11, batch_size=4)
    3
    """
    return -(-num_rows // batch_size)


def epoch_order(
    seed: Int[Array, ""] | int, epoch: Int[Array, ""] | int, num_rows: int
) -> Int[Array, " rows"]:
    """Return the order of the rows in an epoch, a permutation drawn from (seed, epoch).

    Args:
      seed: of the run.
      epoch: number of the epoch, from 0.
      num_rows: number of rows in the training set.
    """
    return jax.random.permutation(
        jax.random.fold_in(jax.random.key(seed), epoch), num_rows
    )


def gather_batch(
    rows: AnyBatch,
    order: Int[Array, " visited"],
    step: Int[Array, ""] | int,
    batch_size: int,
) -> AnyBatch:
    """Return the batch of a training step, inside or outside jit.

    Args:
      rows: the whole training set.
      order: `epoch_order` of the step's epoch, or `streams.draw_order`.
      step: number of the training step, from 0, over all epochs.
      batch_size: rows of the batch.

    Returns:
      The batch; its rows after the end of the epoch have weight 0.
    """
    chosen, is_row = chosen_rows(order, step, batch_size)
    batch = jax.tree.map(lambda column: column[chosen], rows)
    return batch._replace(weights=jnp.where(is_row, batch.weights, 0.0))


def chosen_rows(
    order: Int[Array, " visited"], step: Int[Array, ""] | int, batch_size: int
) -> tuple[Int[Array, " batch"], Bool[Array, " batch"]]:
    """Return the row numbers of a training step's batch.

    Args:
      order: of the step's epoch.
      step: number of the training step, from 0, over all epochs.
      batch_size: rows of the batch.

    Returns:
      The rows, and which of them are before the end of the epoch.
    """
    num_rows = order.shape[0]
    step_in_epoch = step % steps_per_epoch(num_rows, batch_size)
    positions = step_in_epoch * batch_size + jnp.arange(batch_size)
    return order[jnp.minimum(positions, num_rows - 1)], positions < num_rows
