"""The recurrence of Keras 2.2's LSTM, with a custom backward pass that is faster.

The gate function is clip(0.2 x + 0.5, 0, 1) (`jax.nn.hard_sigmoid` has slope 1/6), and
each gate has its own dropout mask for the state, drawn once per sequence.

References:
  Hochreiter & Schmidhuber 1997, doi 10.1162/neco.1997.9.8.1735 (the LSTM).
  Gal & Ghahramani 2016, arXiv 1512.05287 (one dropout mask for a whole sequence).
"""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

NUM_GATES = 4

State = tuple[Float[Array, "hidden batch"], Float[Array, "hidden batch"]]
"""Output h and cell state c."""


def hard_sigmoid(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Return clip(0.2 x + 0.5, 0, 1), the gate function of Keras 2.2."""
    return jnp.clip(0.2 * x + 0.5, 0.0, 1.0)


def _hard_sigmoid_slope(y: Array) -> Array:
    """Return the derivative of `hard_sigmoid` where its value is y."""
    return jnp.where((y > 0.0) & (y < 1.0), 0.2, 0.0)


# Each activation, and its derivative as a function of its value.
ACTIVATIONS: dict[str, tuple[Callable[[Array], Array], Callable[[Array], Array]]] = {
    "tanh": (jnp.tanh, lambda y: 1.0 - y * y),
    "relu": (jax.nn.relu, lambda y: jnp.where(y > 0.0, 1.0, 0.0)),
}


def mask_by_gate(
    x: Float[Array, "features *time batch"],
    masks: Float[Array, "4 features batch"] | None,
) -> list[Float[Array, "features *time batch"]]:
    """Return x under the dropout mask of each gate.

    Args:
      x: inputs of all steps, or the state.
      masks: already scaled; None returns x unchanged.
    """
    if masks is None:
        return [x] * NUM_GATES
    if x.ndim == 3:
        masks = masks[:, :, None]
    return [x * mask for mask in masks]


def _step_at(array: Array, time: Array) -> Array:
    """Return one step of [features, time, batch]."""
    return lax.dynamic_index_in_dim(array, time, axis=1, keepdims=False)


def _with_step(array: Array, value: Array, time: Array) -> Array:
    """Return [features, time, batch] with one step replaced."""
    return lax.dynamic_update_index_in_dim(array, value, time, axis=1)


@functools.partial(jax.custom_vjp, nondiff_argnums=(4,))
def recurrence(
    z_inputs: tuple[Float[Array, "hidden time batch"], ...],
    recurrent_kernel: Float[Array, "hidden gates"],
    masks: Float[Array, "4 hidden batch"] | None,
    state: State,
    activation: str = "tanh",
) -> tuple[Float[Array, "hidden time batch"], Float[Array, "hidden batch"]]:
    """Run an LSTM over time from projected inputs, feature-major.

    Three choices make it fast on small batches, where the products are thin. Features
    come first, so that every product has the wide weight on its left. Each gate is a
    separate array: from a joined array, XLA would recompute it on one core for each of
    its parts. And the backward pass collects the gradients of all steps and forms the
    recurrent kernel's gradient as one large product per gate, where differentiating a
    `lax.scan` forms one small product per step.

    Args:
      z_inputs: the inputs' part of the pre-activations, bias included, for each of
        the gates i, f, c and o.
      recurrent_kernel: columns of the gates i, f, c and o in turn: gates = 4 * hidden.
      masks: recurrent dropout masks, already scaled; they get no gradient.
      state: (h, c) before the first step, each [hidden, batch].
      activation: tanh or relu, of the candidate and of the output.

    Returns:
      The outputs h of every step, and the last c.
    """
    return _recurrence_forward(z_inputs, recurrent_kernel, masks, state, activation)[0]


def _recurrence_forward(
    z_inputs: tuple[Array, ...],
    recurrent_kernel: Array,
    masks: Array | None,
    state: State,
    activation: str,
) -> tuple[tuple[Array, Array], tuple]:
    """Return the results of `recurrence`, and what its backward pass needs."""
    activate, _ = ACTIVATIONS[activation]
    kernels_t = [kernel.T for kernel in jnp.split(recurrent_kernel, NUM_GATES, axis=1)]

    def step(carry, time):
        h, c, hs = carry
        i, f, g, o = (
            _step_at(z_input, time) + kernel_t @ masked_h
            for z_input, kernel_t, masked_h in zip(
                z_inputs, kernels_t, mask_by_gate(h, masks), strict=True
            )
        )
        gates = (hard_sigmoid(i), hard_sigmoid(f), activate(g), hard_sigmoid(o))
        i, f, g, o = gates
        next_c = f * c + i * g
        h = o * activate(next_c)
        return (h, next_c, _with_step(hs, h, time)), (c, gates)

    hs = jnp.zeros_like(z_inputs[0])
    times = jnp.arange(hs.shape[1])
    (_, last_c, hs), (previous_cs, gates) = lax.scan(step, (*state, hs), times)
    return (hs, last_c), (recurrent_kernel, masks, state[0], hs, previous_cs, gates)


def _recurrence_backward(
    activation: str, residuals: tuple, cotangents: tuple[Array, Array]
) -> tuple:
    """Return the gradients of the arguments of `recurrence`."""
    activate, slope = ACTIVATIONS[activation]
    recurrent_kernel, masks, h0, hs, previous_cs, gates = residuals
    d_hs, d_last_c = cotangents
    hidden, num_steps, _ = hs.shape
    kernels = jnp.split(recurrent_kernel, NUM_GATES, axis=1)

    def step(carry, inputs):
        dh, dc, dzs = carry
        time, (i, f, g, o), previous_c = inputs
        dh = dh + _step_at(d_hs, time)
        active_c = activate(f * previous_c + i * g)
        dc = dc + dh * o * slope(active_c)
        dz = (
            dc * g * _hard_sigmoid_slope(i),
            dc * previous_c * _hard_sigmoid_slope(f),
            dc * i * slope(g),
            dh * active_c * _hard_sigmoid_slope(o),
        )
        dh = sum(
            product if masks is None else product * masks[gate]
            for gate, product in enumerate(map(jnp.matmul, kernels, dz))
        )
        dzs = tuple(_with_step(*pair, time) for pair in zip(dzs, dz, strict=True))
        return (dh, dc * f, dzs), None

    (dh0, dc0, dzs), _ = lax.scan(
        step,
        (jnp.zeros_like(h0), d_last_c, (jnp.zeros_like(hs),) * NUM_GATES),
        (jnp.arange(num_steps), gates, previous_cs),
        reverse=True,
    )
    # One product over all steps and rows.
    previous_hs = jnp.concatenate([h0[:, None], hs[:, :-1]], axis=1)
    d_kernels = [
        jnp.tensordot(masked_hs, dz, axes=((1, 2), (1, 2)))
        for masked_hs, dz in zip(mask_by_gate(previous_hs, masks), dzs, strict=True)
    ]
    d_masks = None if masks is None else jnp.zeros_like(masks)
    return dzs, jnp.concatenate(d_kernels, axis=1), d_masks, (dh0, dc0)


recurrence.defvjp(_recurrence_forward, _recurrence_backward)
