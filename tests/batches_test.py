"""Tests of mirjax.datasets.batches."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mirjax.datasets.batches import (
    Batch,
    LabelledBatch,
    encode_labelled,
    encode_pairs,
    epoch_order,
    fill_batches,
    gather_batch,
    steps_per_epoch,
)
from mirjax.sequences import alphabet

NUM_ROWS = 11


@pytest.fixture(scope="module")
def rows():
    """Rows that their first target token numbers."""
    targets = np.zeros((NUM_ROWS, 3), np.uint8)
    targets[:, 0] = np.arange(NUM_ROWS)
    mirnas = targets + 100
    return Batch(targets, mirnas, np.ones(NUM_ROWS, np.float32))


@pytest.fixture(scope="module")
def visit(rows):
    """A function of (seed, step, batch size): row numbers, and the weights."""
    device_rows = Batch(*map(jnp.asarray, rows))

    def visit(seed, step, batch_size):
        epoch = step // steps_per_epoch(NUM_ROWS, batch_size)
        order = epoch_order(seed, epoch, NUM_ROWS)
        batch = gather_batch(device_rows, order, step, batch_size)
        np.testing.assert_array_equal(batch.mirnas, batch.targets + 100)
        return np.asarray(batch.targets[:, 0]), np.asarray(batch.weights)

    return visit


@pytest.mark.parametrize("batch_size", [1, 4, 11, 16])
def test_each_epoch_visits_every_row_once(visit, batch_size):
    steps = steps_per_epoch(NUM_ROWS, batch_size)
    assert steps == {1: 11, 4: 3, 11: 1, 16: 1}[batch_size]
    orders = []
    for epoch in range(2):
        visited = []
        for step in range(epoch * steps, (epoch + 1) * steps):
            numbers, weights = visit(5, step, batch_size)
            assert len(numbers) == batch_size
            visited.extend(numbers[weights > 0])
        assert sorted(visited) == list(range(NUM_ROWS))
        orders.append(visited)
    assert orders[0] != orders[1]


def test_only_the_last_batch_is_partly_filled(visit):
    weights = [visit(0, step, 4)[1].tolist() for step in range(6)]
    assert weights == 2 * [[1, 1, 1, 1], [1, 1, 1, 1], [1, 1, 1, 0]]


def test_rows_that_only_fill_keep_weight_0(rows, visit):
    zero = rows._replace(weights=np.float32([1, 0] * 5 + [1]))
    order = epoch_order(0, 0, NUM_ROWS)
    batch = gather_batch(Batch(*map(jnp.asarray, zero)), order, 0, 4)
    np.testing.assert_array_equal(batch.weights, 1 - batch.targets[:, 0] % 2)


def test_a_batch_is_a_pure_function_of_seed_and_step(rows, visit):
    device_rows = Batch(*map(jnp.asarray, rows))

    @jax.jit
    def jitted(step):
        order = epoch_order(3, step // 3, NUM_ROWS)
        return gather_batch(device_rows, order, step, 4)

    backwards = {step: visit(3, step, 4)[0].tolist() for step in reversed(range(6))}
    for step in range(6):
        assert jitted(step).targets[:, 0].tolist() == backwards[step]
    assert visit(4, 0, 4)[0].tolist() != backwards[0]


def test_encode_pairs_frames_each_mirna():
    batch = encode_pairs(["AC", "ggta"], ["UC", "CAG"], target_length=5, mirna_length=3)
    np.testing.assert_array_equal(batch.targets, [[1, 3, 0, 0, 0], [4, 4, 2, 1, 0]])
    end = alphabet.EOS
    np.testing.assert_array_equal(batch.mirnas, [[2, 3, end, 0], [3, 1, 4, end]])
    np.testing.assert_array_equal(batch.weights, [1, 1])
    assert [column.dtype for column in batch] == [np.uint8, np.uint8, np.float32]


@pytest.mark.parametrize(
    ("targets", "mirnas", "message"),
    [
        (["A", "ACGUAC"], ["A", "A"], "row 2, target: 6 nt, but at most 5 fit"),
        (["A", "A"], ["AAA", "CCCC"], "row 2, miRNA: 4 nt, but at most 3 fit"),
        (["AN"], ["A"], "row 1, target: letter 'N'"),
        (["A"], ["A-"], "row 1, miRNA: letter '-'"),
    ],
)
def test_sequences_that_do_not_fit_are_named(targets, mirnas, message):
    with pytest.raises(ValueError, match=message):
        encode_pairs(targets, mirnas, target_length=5, mirna_length=3)


@pytest.mark.parametrize(("batch_size", "count"), [(1, 11), (4, 3), (11, 1), (20, 1)])
def test_fill_batches_keeps_rows_in_order_and_fills_with_weight_0(
    rows, batch_size, count
):
    batches = fill_batches(rows, batch_size)
    assert len(batches) == count
    assert all(len(column) == batch_size for batch in batches for column in batch)
    targets, mirnas, weights = map(np.concatenate, zip(*batches, strict=True))
    np.testing.assert_array_equal(weights, np.arange(count * batch_size) < NUM_ROWS)
    np.testing.assert_array_equal(targets[:NUM_ROWS], rows.targets)
    np.testing.assert_array_equal(mirnas[:NUM_ROWS], rows.mirnas)
    assert not targets[NUM_ROWS:].any()


def test_no_rows_make_no_batches():
    empty = encode_pairs([], [], target_length=5, mirna_length=3)
    assert fill_batches(empty, 4) == []
    assert steps_per_epoch(0, 4) == 0


def test_labelled_rows_are_encoded_filled_and_gathered_like_others():
    labels = np.array([1, 0, 1], np.uint8)
    rows = encode_labelled(
        ["AC", "ggta", "U"], ["UC", "CAG", "A"], labels, target_length=5, mirna_length=3
    )
    assert rows.targets.tolist() == [[1, 3, 0, 0, 0], [4, 4, 2, 1, 0], [2, 0, 0, 0, 0]]
    assert rows.mirnas.tolist() == [[2, 3, 0], [3, 1, 4], [1, 0, 0]]
    first, second = fill_batches(rows, 2)
    assert isinstance(second, LabelledBatch)
    assert (first.labels.tolist(), first.weights.tolist()) == ([1, 0], [1, 1])
    assert (second.labels.tolist(), second.weights.tolist()) == ([1, 0], [1, 0])
    device_rows = LabelledBatch(*map(jnp.asarray, rows))
    batch = gather_batch(device_rows, jnp.array([2, 0, 1]), 1, 2)
    assert isinstance(batch, LabelledBatch)
    assert batch.mirnas[0].tolist() == [3, 1, 4]
    assert batch.weights.tolist() == [1, 0]
    with pytest.raises(ValueError, match="row 2, miRNA: 4 nt, but at most 3 fit"):
        encode_labelled(
            ["A"] * 2, ["A", "AAAA"], labels[:2], target_length=5, mirna_length=3
        )
