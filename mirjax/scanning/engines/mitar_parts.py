"""The parts of miTAR's computation, as functions of arrays with features first."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Int, UInt8

from mirjax.models.mitar import NUM_CODES
from mirjax.models.recurrence import NUM_GATES, hard_sigmoid
from mirjax.scanning.engines.mitar_layout import POOL
from mirjax.sequences.alphabet import LETTERS, A

_FIRST_LETTER = int(A)  # the codes of the letters follow each other

State: TypeAlias = tuple[Array, Array]
"""Output h and cell state c of an LSTM, [hidden, *batch] each."""


class Weights(NamedTuple):
    """Parameters of a miTAR model, in the layout of these functions.

    Attributes:
      letters: what each letter at each position of a convolution adds to its filters.
      conv_bias: of the convolution.
      inputs: projects the filters to the gates of the forward, then the backward LSTM.
      input_bias: of the gates.
      forward, backward: recurrent kernels.
      hidden, hidden_bias, output, output_bias: of the two last layers.
    """

    letters: Float[Array, "width codes filters"]
    conv_bias: Float[Array, " filters"]
    inputs: Float[Array, "both_gates filters"]
    input_bias: Float[Array, " both_gates"]
    forward: Float[Array, "gates units"]
    backward: Float[Array, "gates units"]
    hidden: Float[Array, "dense both_units"]
    hidden_bias: Float[Array, " dense"]
    output: Float[Array, " dense"]
    output_bias: Float[Array, ""]


def make_weights(params: Mapping[str, Any]) -> Weights:
    """Return the weights of a model's parameters."""
    lstms = [params[f"{name}_lstm"] for name in ("forward", "backward")]
    kernels = [jnp.asarray(lstm["recurrent_kernel"]).T for lstm in lstms]
    return Weights(
        letters=jnp.einsum(
            "ce,wef->wcf",
            jnp.asarray(params["embedding"]),
            jnp.asarray(params["conv"]["kernel"]),
            precision=lax.Precision.HIGHEST,
        ),
        conv_bias=jnp.asarray(params["conv"]["bias"]),
        inputs=jnp.concatenate([jnp.asarray(lstm["kernel"]).T for lstm in lstms]),
        input_bias=jnp.concatenate([jnp.asarray(lstm["bias"]) for lstm in lstms]),
        forward=kernels[0],
        backward=kernels[1],
        hidden=jnp.asarray(params["hidden_dense"]["kernel"]).T,
        hidden_bias=jnp.asarray(params["hidden_dense"]["bias"]),
        output=jnp.asarray(params["output_dense"]["kernel"])[:, 0],
        output_bias=jnp.asarray(params["output_dense"]["bias"])[0],
    )


def multiply(kernel: Float[Array, "rows inner"], features: Array) -> Array:
    """Return the product of a kernel and features [inner, *batch]: [rows, *batch]."""
    batch = features.shape[1:]
    product = kernel @ features.reshape(features.shape[0], -1)
    return product.reshape(-1, *batch)


def convolve_part(
    weights: Weights, tokens: UInt8[Array, "batch letters"], place: int
) -> Float[Array, "filters batch"]:
    """Return what some letters add to the filters of one convolution.

    Args:
      weights: the model's.
      tokens: adjacent letters; those outside the convolution add nothing.
      place: position of the first letter in the convolution; negative if before it.
    """
    width, _, filters = weights.letters.shape
    first, last = max(0, -place), min(tokens.shape[1], width - place)
    if first >= last:
        return jnp.zeros((filters, len(tokens)))
    kernel = weights.letters[place + first : place + last]
    letters = jax.nn.one_hot(tokens[:, first:last].T, NUM_CODES, axis=1)
    return kernel.reshape(-1, filters).T @ letters.reshape(-1, len(tokens))


def pooled_step(
    weights: Weights, pair: Sequence[Float[Array, "filters ..."]]
) -> Float[Array, "both_gates ..."]:
    """Return the LSTMs' gate inputs of one step, given its two convolutions.

    Args:
      weights: the model's.
      pair: both convolutions, without bias.
    """
    ones = (1,) * (pair[0].ndim - 1)
    bias = weights.conv_bias.reshape(-1, *ones)
    features = jax.nn.relu(jnp.maximum(*pair) + bias)
    return multiply(weights.inputs, features) + weights.input_bias.reshape(-1, *ones)


def advance(kernel: Float[Array, "gates units"], inputs: Array, state: State) -> State:
    """Advance an LSTM by one step.

    Args:
      kernel: the recurrent kernel.
      inputs: of the gates, [gates, *batch]; an axis of size 1 is broadcast.
      state: before the step, [units, *batch] each.
    """
    h, c = state
    summed = multiply(kernel, h)
    gates = summed + jnp.broadcast_to(inputs, summed.shape)
    i, f, g, o = jnp.split(gates, NUM_GATES)
    c = hard_sigmoid(f) * c + hard_sigmoid(i) * jax.nn.relu(g)
    return hard_sigmoid(o) * jax.nn.relu(c), c


def run_steps(
    kernel: Float[Array, "gates units"],
    inputs: Float[Array, "steps gates *batch"],
    state: State,
) -> State:
    """Advance an LSTM by several steps, each with its own inputs."""

    def step(state: State, inputs: Array) -> tuple[State, None]:
        return advance(kernel, inputs, state), None

    return lax.scan(step, state, inputs)[0]


def classify(weights: Weights, forward: Array, backward: Array) -> Array:
    """Return the logits of the LSTMs' last outputs, [units, *batch] each: [*batch]."""
    ones = (1,) * (forward.ndim - 1)
    both = jnp.concatenate([forward, backward])
    hidden = multiply(weights.hidden, both) + weights.hidden_bias.reshape(-1, *ones)
    logits: Array = jnp.tensordot(weights.output, jax.nn.relu(hidden), 1)
    return logits + weights.output_bias


def project_positions(
    weights: Weights, tokens: UInt8[Array, " letters"]
) -> Float[Array, "both_gates positions"]:
    """Return the gate inputs of a step that begins at each letter of a transcript.

    Args:
      weights: the model's.
      tokens: the letters; positions = letters - width.
    """
    width, codes, filters = weights.letters.shape
    count = len(tokens) - width + 1
    one_hot = jax.nn.one_hot(tokens, codes, axis=0)
    windows = jnp.concatenate([one_hot[:, i : i + count] for i in range(width)])
    conv = weights.letters.reshape(-1, filters).T @ windows
    return pooled_step(weights, [conv[:, :-1], conv[:, 1:]])


def context_numbers(
    tokens: UInt8[Array, "windows letters"], size: int
) -> Int[Array, " windows"]:
    """Return the number of the first letters of each window; 0 for unknown ones."""
    number = jnp.zeros(len(tokens), jnp.int32)
    for place in range(size):
        letter = jnp.maximum(tokens[:, place].astype(jnp.int32) - _FIRST_LETTER, 0)
        number = number * len(LETTERS) + letter
    return number


def all_contexts(size: int) -> UInt8[Array, "contexts {size}"]:
    """Return all possible first letters of a window, by their number."""
    numbers = np.indices((len(LETTERS),) * size).reshape(size, -1).T
    return jnp.asarray(numbers + _FIRST_LETTER, jnp.uint8)


def convolutions_of(step: int) -> range:
    """Return the two convolutions that a step pools."""
    return range(POOL * step, POOL * step + POOL)
