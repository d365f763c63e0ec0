"""Batches as a pure function of (seed, step): resuming needs no iterator state."""

from collections.abc import Sequence
from typing import NamedTuple, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, UInt8

from mirjax.sequences import alphabet


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


class LabelledBatch(NamedTuple):
    """Rows of pairs that bind or do not, as tokens.

    Attributes:
      mirnas: miRNAs, 5'→3', then padding.
      targets: target sites, 5'→3', then padding.
      labels: 1 for a pair that binds, else 0.
      weights: 1 for a row that counts, 0 for one that only fills the batch.
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
    """Encode whole columns once, for a classifier.

    Args:
      targets: target sites, 5'→3'.
      mirnas: miRNAs, 5'→3'.
      labels: 1 where the pair binds, else 0.
      target_length: nt a row holds.
      mirna_length: nt a row holds.

    Returns:
      All rows as one `LabelledBatch` of NumPy arrays, weights 1.

    Raises:
      ValueError: for a sequence that does not fit; it names the row.
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
) -> tuple[np.ndarray, np.ndarray]:
    """Return tokens of targets and of miRNAs; an error names the row."""
    names = [f"row {row + 1}, target" for row in range(len(targets))]
    target_tokens = alphabet.encode(targets, target_length, names=names)
    names = [f"row {row + 1}, miRNA" for row in range(len(mirnas))]
    return target_tokens, alphabet.encode(mirnas, mirna_length, names=names)


def fill_batches(rows: AnyBatch, batch_size: int) -> list[AnyBatch]:
    """Cut rows into batches of one size, the last filled up with rows of weight 0."""
    missing = -len(rows.weights) % batch_size
    filled = jax.tree.map(
        lambda x: np.pad(x, ((0, missing),) + ((0, 0),) * (x.ndim - 1)), rows
    )
    return [
        jax.tree.map(lambda x, start=start: x[start : start + batch_size], filled)
        for start in range(0, len(filled.weights), batch_size)
    ]


def steps_per_epoch(num_rows: int, batch_size: int) -> int:
    """Return the steps that visit every row once; the last one may be partly filled."""
    return -(-num_rows // batch_size)


def epoch_order(
    seed: Int[Array, ""] | int, epoch: Int[Array, ""] | int, num_rows: int
) -> Int[Array, " rows"]:
    """Return the order in which an epoch visits the rows, drawn from (seed, epoch)."""
    return jax.random.permutation(
        jax.random.fold_in(jax.random.key(seed), epoch), num_rows
    )


def gather_batch(
    rows: AnyBatch,
    order: Int[Array, " rows"],
    step: Int[Array, ""] | int,
    batch_size: int,
) -> AnyBatch:
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
    batch = jax.tree.map(lambda column: column[chosen], rows)
    return batch._replace(weights=batch.weights * (positions < num_rows))
