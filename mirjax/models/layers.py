"""Keras-2.2-compatible LSTM and Conv1D.

Keras 2.2's LSTM differs from most others: its gates are in the order i, f, c, o, with
the gate function of `recurrence`; dropout of the inputs and of the recurrent state has
masks drawn once per sequence *and gate* (its default, `implementation=1`); and the bias
of the forget gate starts at one.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, UInt8

from mirjax.models.recurrence import (
    ACTIVATIONS,
    NUM_GATES,
    State,
    hard_sigmoid,
    mask_by_gate,
    recurrence,
)
from mirjax.sequences import alphabet


def reverse_padded(
    tokens: UInt8[Array, "batch length"],
) -> UInt8[Array, "batch length"]:
    """Reverse each row up to its padding, which stays on the right."""
    length = tokens.shape[1]
    sizes = jnp.sum(tokens != alphabet.PAD, axis=1, keepdims=True)
    source = sizes - 1 - jnp.arange(length)[None]
    reversed_tokens = jnp.take_along_axis(tokens, jnp.maximum(source, 0), axis=1)
    return jnp.where(source >= 0, reversed_tokens, jnp.uint8(alphabet.PAD))


class WindowConv(nn.Module):
    """Keras's Conv1D with VALID padding, feature-major, as one product over windows.

    On a CPU the gradient of XLA's short convolution takes ten times as long.
    """

    features: int = 128  # filters
    width: int = 8  # letters

    @nn.compact
    def __call__(
        self,
        inputs: Float[Array, "channels length batch"],
        *,
        embedding: Float[Array, "channels embedded"] | None = None,
        stride: int = 1,
    ) -> Float[Array, "features windows batch"]:
        """Convolve; windows = (length - width) // stride + 1.

        Args:
          inputs: one-hot letters or features.
          embedding: if given, the inputs are embedded by it first. It is multiplied
            into the kernel, so that the embedded inputs are never computed.
          stride: letters from one window to the next.
        """
        channels, length, _ = inputs.shape
        embedded = channels if embedding is None else embedding.shape[1]
        shape = (self.width, embedded, self.features)
        kernel, bias = (
            jnp.asarray(array)  # parameters may be NumPy's
            for array in (
                self.param("kernel", nn.initializers.glorot_uniform(), shape),
                self.param("bias", nn.initializers.zeros, (self.features,)),
            )
        )
        if embedding is not None:
            kernel = jnp.einsum("ce,wef->wcf", embedding, kernel)
        num_windows = (length - self.width) // stride + 1
        span = (num_windows - 1) * stride + 1
        windows = jnp.concatenate(
            [inputs[:, start : start + span : stride] for start in range(self.width)]
        )
        weights = _with_bias(kernel.reshape(-1, self.features), bias)
        return jnp.tensordot(weights.T, _with_ones(windows), 1)


def _with_bias(
    kernel: Float[Array, "inputs outputs"], bias: Float[Array, " outputs"]
) -> Float[Array, "inputs+1 outputs"]:
    """Append a bias to a kernel, as the row that multiplies the ones of `_with_ones`.

    The bias's gradient is then part of a product: XLA's reduction over the minor axis
    is ten times slower on a CPU.
    """
    return jnp.concatenate([kernel, bias[None]])


def _with_ones(
    inputs: Float[Array, "inputs time batch"],
) -> Float[Array, "inputs+1 time batch"]:
    """Append a row of ones; see `_with_bias`."""
    return jnp.concatenate([inputs, jnp.ones_like(inputs[:1])])


def _forget_bias_one(key: Array, shape: tuple[int, ...]) -> Array:
    """Initialise a bias of gates i, f, c, o: ones for f, zeros elsewhere."""
    del key
    hidden = shape[0] // NUM_GATES
    return jnp.zeros(shape).at[hidden : 2 * hidden].set(1.0)


class LSTM(nn.Module):
    """Keras 2.2's LSTM layer, over sequences of any length, feature-major."""

    features: int = 512  # hidden units
    dropout: float | Array = 0.0  # rate, of the input features; may be traced
    recurrent_dropout: float = 0.0  # rate, of the hidden units
    activation: str = "tanh"  # tanh or relu; of the candidate and of the output

    @nn.compact
    def kernels(
        self, input_features: int
    ) -> tuple[
        Float[Array, "{input_features} gates"],
        Float[Array, "{self.features} gates"],
        Float[Array, " gates"],
    ]:
        """Return kernel, recurrent kernel and bias; gates = 4 * features."""
        gates = NUM_GATES * self.features
        shapes = {
            "kernel": (nn.initializers.glorot_uniform(), (input_features, gates)),
            "recurrent_kernel": (nn.initializers.orthogonal(), (self.features, gates)),
            "bias": (_forget_bias_one, (gates,)),
        }
        kernel, recurrent_kernel, bias = (
            jnp.asarray(self.param(name, init, shape))  # parameters may be NumPy's
            for name, (init, shape) in shapes.items()
        )
        return kernel, recurrent_kernel, bias

    def draw_masks(
        self, rate: float | Array, features: int, batch: int, train: bool
    ) -> Float[Array, "4 {features} {batch}"] | None:
        """Draw a scaled dropout mask for each gate, or None if nothing is dropped.

        Args:
          rate: of the dropout.
          features: number of features of a mask.
          batch: number of sequences, each with its own masks.
          train: without it nothing is dropped.
        """
        if not train or (isinstance(rate, float) and rate == 0.0):
            return None
        keep = 1.0 - rate
        drawn = jax.random.bernoulli(
            self.make_rng("dropout"), keep, (NUM_GATES, features, batch)
        )
        return drawn.astype(jnp.float32) / keep

    def __call__(
        self,
        inputs: Float[Array, "features inputs batch"],
        state: State | None = None,
        *,
        choice: Float[Array, "inputs time batch"] | None = None,
        train: bool = False,
    ) -> tuple[Float[Array, "hidden time batch"], State]:
        """Run over a batch of sequences.

        Args:
          inputs: the input of each step or, with `choice`, the distinct inputs.
          state: (h, c) before the first step; zeros by default.
          choice: one-hot: which of the inputs each step takes.
          train: apply dropout, from the rng stream "dropout".

        Returns:
          The outputs h of every step, and the last (h, c).
        """
        input_features, _, batch = inputs.shape
        kernel, recurrent_kernel, bias = self.kernels(input_features)
        if state is None:
            zeros = jnp.zeros((self.features, batch), inputs.dtype)
            state = (zeros, zeros)
        input_masks = self.draw_masks(self.dropout, input_features, batch, train)
        masks = self.draw_masks(self.recurrent_dropout, self.features, batch, train)
        # One product per gate projects all steps, outside the scan.
        z_inputs = tuple(
            jnp.tensordot(gate_kernel.T, _with_ones(masked_inputs), 1)
            for gate_kernel, masked_inputs in zip(
                jnp.split(_with_bias(kernel, bias), NUM_GATES, axis=1),
                mask_by_gate(inputs, input_masks),
                strict=True,
            )
        )
        if choice is not None:
            # Projecting the few distinct inputs takes far fewer products.
            z_inputs = tuple(
                jnp.sum(z_input[:, :, None] * choice[None], axis=1)
                for z_input in z_inputs
            )
        hs, last_c = recurrence(
            z_inputs, recurrent_kernel, masks, state, self.activation
        )
        return hs, (hs[:, -1], last_c)

    def step(
        self,
        inputs: Float[Array, "features inputs"],
        choice: Float[Array, "inputs batch"],
        state: State,
    ) -> State:
        """Advance by one step without dropout, for decoding.

        Args:
          inputs: the distinct inputs.
          choice: one-hot, which of them each sequence takes.
          state: (h, c) before the step.

        Returns:
          (h, c) after the step.
        """
        kernel, recurrent_kernel, bias = self.kernels(inputs.shape[0])
        h, c = state
        z_input = (kernel.T @ inputs + bias[:, None]) @ choice
        i, f, g, o = jnp.split(z_input + recurrent_kernel.T @ h, NUM_GATES)
        activate, _ = ACTIVATIONS[self.activation]
        c = hard_sigmoid(f) * c + hard_sigmoid(i) * activate(g)
        return hard_sigmoid(o) * activate(c), c


def bidirectional(
    forward: LSTM, backward: LSTM, inputs: Float[Array, "features time batch"]
) -> Float[Array, "hidden batch"]:
    """Return the last outputs of a forward and of a backward LSTM.

    They run as one LSTM of twice the size, whose recurrent kernel is block-diagonal:
    half the steps, and one product for all inputs.

    Args:
      forward: reads the inputs from first to last.
      backward: reads them from last to first; same size and activation.
      inputs: the input of each step.

    Returns:
      The outputs of `forward` after the last step, then those of `backward` after the
      first; hidden = 2 * features.
    """
    input_features, time, batch = inputs.shape
    hidden = forward.features
    parameters = [lstm.kernels(input_features) for lstm in (forward, backward)]
    # For each gate, the units of both.
    by_gate = jnp.stack(
        [
            _with_bias(kernel, bias).reshape(-1, NUM_GATES, hidden)
            for kernel, _, bias in parameters
        ],
        axis=2,
    )
    # Time and batch are merged, although devices then gather the rows: with three axes
    # a training step takes a fifth longer on a CPU.
    joined = _with_ones(inputs).reshape(input_features + 1, -1)
    projected = by_gate.reshape(input_features + 1, -1).T @ joined
    z_inputs = tuple(
        jnp.concatenate([gate[0], gate[1, :, ::-1]])
        for gate in projected.reshape(NUM_GATES, 2, hidden, time, batch)
    )
    of_forward, of_backward = (
        recurrent_kernel.reshape(hidden, NUM_GATES, hidden)
        for _, recurrent_kernel, _ in parameters
    )
    zeros = jnp.zeros_like(of_forward)
    recurrent_kernel = jnp.concatenate(
        [
            jnp.concatenate([of_forward, zeros], axis=2),
            jnp.concatenate([zeros, of_backward], axis=2),
        ]
    ).reshape(2 * hidden, -1)
    start = jnp.zeros((2 * hidden, batch), inputs.dtype)
    hs, _ = recurrence(
        z_inputs, recurrent_kernel, None, (start, start), forward.activation
    )
    return hs[:, -1]
