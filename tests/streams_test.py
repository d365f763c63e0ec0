"""Tests of streams of training rows, and of shifted targets."""

import jax
import jax.numpy as jnp
import numpy as np

from mirjax.datasets import batches, streams
from mirjax.datasets.streams import Stream

PARTS = (Stream(10, 10), Stream(30, 10, shift=2), Stream(50, 5, shift=4))


def test_an_epoch_visits_the_rows_that_each_stream_says():
    orders = [np.asarray(streams.draw_order(3, epoch, PARTS)) for epoch in range(2)]
    for order in orders:
        assert len(order) == len(set(order.tolist())) == streams.rows_per_epoch(PARTS)
        assert set(range(10)) <= set(order.tolist())
        assert [
            int(np.sum((order >= a) & (order < b))) for a, b in ((10, 40), (40, 90))
        ] == [10, 5]
    assert set(orders[0].tolist()) != set(orders[1].tolist()), "drawn anew"
    assert orders[0][:10].max() >= 10, "streams are mixed"
    again = jax.jit(streams.draw_order, static_argnums=2)(3, jnp.int32(1), PARTS)
    assert (orders[1] == again).all(), "a function of seed and epoch"


def test_one_whole_stream_is_the_order_of_an_epoch():
    found = streams.draw_order(1, 2, streams.whole(17))
    assert (found == batches.epoch_order(1, 2, 17)).all()


def test_each_row_has_the_shift_of_its_stream():
    rows = jnp.asarray([0, 9, 10, 39, 40, 89])
    assert streams.shift_limits(PARTS, rows).tolist() == [0, 0, 2, 2, 4, 4]


def test_targets_move_by_all_distances_and_lose_what_leaves_the_row():
    row = np.array([0, 1, 2, 3, 4, 1, 0, 0], np.uint8)
    targets = jnp.asarray(np.tile(row, (400, 1)))
    limits = jnp.asarray([3] * 300 + [0] * 100)
    found = np.asarray(streams.shift_targets(jax.random.key(0), targets, limits))
    expected = {}
    for distance in range(-3, 4):
        moved = np.zeros_like(row)
        for position, letter in enumerate(row):
            if 0 <= position + distance < len(row):
                moved[position + distance] = letter
        expected[moved.tobytes()] = 0
    for moved in found[:300]:
        expected[moved.tobytes()] += 1
    assert len(expected) == 7 and min(expected.values()) > 20
    assert (found[300:] == row).all()
    assert found.dtype == np.uint8
