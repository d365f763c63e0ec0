"""An LSTM that is Keras 2.2's to the digit, with a backward pass made for speed.

What Keras 2.2 does and most other libraries do not: gates in the order i, f, c, o; the
gate function clip(0.2 x + 0.5, 0, 1) (`jax.nn.hard_sigmoid` has slope 1/6); dropout on
the inputs and on the recurrent state by masks drawn once for each sequence *and each
gate* (`implementation=1`, its default); a forget bias that starts at one.

References:
  Hochreiter & Schmidhuber 1997, doi 10.1162/neco.1997.9.8.1735 (the LSTM).
  Gal & Ghahramani 2016, arXiv 1512.05287 (one dropout mask for a whole sequence).
"""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

NUM_GATES = 4

# (h, c)
State = tuple[Float[Array, "hidden batch"], Float[Array, "hidden batch"]]


def hard_sigmoid(x: Array) -> Array:
    """Return clip(0.2 x + 0.5, 0, 1), the gate function of Keras 2.2."""
    return jnp.clip(0.2 * x + 0.5, 0.0, 1.0)


def _gates(z: Array) -> tuple[Array, Array, Array, Array]:
    """Split pre-activations [4 hidden, batch] and apply each gate's function."""
    i, f, g, o = jnp.split(z, NUM_GATES)
    return hard_sigmoid(i), hard_sigmoid(f), jnp.tanh(g), hard_sigmoid(o)


def _hard_sigmoid_slope(y: Array) -> Array:
    """Return the derivative of `hard_sigmoid`, from its value."""
    return jnp.where((y > 0.0) & (y < 1.0), 0.2, 0.0)


def _gate_product(kernel_t: Array, x: Array, masks: Array | None) -> Array:
    """Return kernel_t @ x, with another dropout mask on x for each gate's rows."""
    if masks is None:
        return jnp.tensordot(kernel_t, x, axes=1)
    kernel_t = kernel_t.reshape(NUM_GATES, -1, x.shape[0])
    product = jnp.einsum("ghf,gf...->gh...", kernel_t, x[None] * masks)
    return product.reshape(-1, *x.shape[1:])


@jax.custom_vjp
def recurrence(
    z_inputs: Float[Array, "gates time batch"],
    recurrent_kernel: Float[Array, "hidden gates"],
    masks: Float[Array, "4 hidden batch"] | None,
    state: State,
) -> tuple[Float[Array, "time hidden batch"], Float[Array, "hidden batch"]]:
    """Run an LSTM over time from projected inputs, feature-major.

    Two choices make it fast on small batches, where the products are thin. Features
    come first, so that every product has the wide weight on its left. And where
    differentiating a `lax.scan` would form the recurrent weight's gradient as one small
    product a step, the backward pass here collects the gates' gradients of all steps
    and forms it as one large product.

    Args:
      z_inputs: the inputs' part of the pre-activations, bias included; the gates i, f,
        c, o stand one after the other, so gates = 4 hidden.
      recurrent_kernel: the recurrent weight.
      masks: recurrent dropout masks, already scaled; constants, no gradient flows.
      state: (h, c) before the first step, each [hidden, batch].

    Returns:
      The outputs h of every step, and the last c.
    """
    return _recurrence_forward(z_inputs, recurrent_kernel, masks, state)[0]


def _recurrence_forward(
    z_inputs: Array, recurrent_kernel: Array, masks: Array | None, state: State
) -> tuple[tuple[Array, Array], tuple]:
    kernel_t = recurrent_kernel.T

    def step(carry, time):
        h, c = carry
        # Read in place: moving the time axis first would copy the largest array here.
        z_input = lax.dynamic_index_in_dim(z_inputs, time, axis=1, keepdims=False)
        i, f, g, o = _gates(z_input + _gate_product(kernel_t, h, masks))
        c = f * c + i * g
        h = o * jnp.tanh(c)
        return (h, c), (h, c, jnp.concatenate([i, f, g, o]))

    (_, last_c), (hs, cs, gates) = lax.scan(step, state, jnp.arange(z_inputs.shape[1]))
    return (hs, last_c), (recurrent_kernel, masks, state, hs, cs, gates)


def _recurrence_backward(residuals: tuple, cotangents: tuple[Array, Array]) -> tuple:
    recurrent_kernel, masks, (h0, c0), hs, cs, gates = residuals
    d_hs, d_last_c = cotangents
    num_steps, hidden, batch = hs.shape
    previous_cs = jnp.concatenate([c0[None], cs[:-1]])
    if masks is not None:
        blocks = jnp.swapaxes(recurrent_kernel.reshape(hidden, NUM_GATES, hidden), 0, 1)

    def step(carry, inputs):
        dh, dc, dzs = carry
        time, d_output, gate_values, c, previous_c = inputs
        i, f, g, o = jnp.split(gate_values, NUM_GATES)
        dh = dh + d_output
        tanh_c = jnp.tanh(c)
        dc = dc + dh * o * (1.0 - tanh_c * tanh_c)
        dz = (
            dc * g * _hard_sigmoid_slope(i),
            dc * previous_c * _hard_sigmoid_slope(f),
            dc * i * (1.0 - g * g),
            dh * tanh_c * _hard_sigmoid_slope(o),
        )
        if masks is None:
            dh = recurrent_kernel @ jnp.concatenate(dz)
        else:
            dh = jnp.sum(jnp.einsum("ghk,gkb->ghb", blocks, jnp.stack(dz)) * masks, 0)
        dzs = lax.dynamic_update_index_in_dim(dzs, jnp.concatenate(dz), time, axis=1)
        return (dh, dc * f, dzs), None

    (dh0, dc0, dzs), _ = lax.scan(
        step,
        (
            jnp.zeros_like(h0),
            d_last_c,
            jnp.zeros((NUM_GATES * hidden, num_steps, batch), hs.dtype),
        ),
        (jnp.arange(num_steps), d_hs, gates, cs, previous_cs),
        reverse=True,
    )
    # One product over all steps and rows. Rows of h come first, to be multiplied as is.
    previous_hs = jnp.concatenate([h0[None], hs[:-1]])
    gate_dzs = jnp.split(dzs, NUM_GATES)
    if masks is None:
        d_kernel_t = jnp.einsum("gtb,thb->gh", dzs, previous_hs)
        d_masks = None
    else:
        d_kernel_t = jnp.concatenate(
            [
                jnp.einsum("gtb,thb->gh", dz, previous_hs * mask[None])
                for dz, mask in zip(gate_dzs, masks, strict=True)
            ]
        )
        d_masks = jnp.zeros_like(masks)
    return dzs, d_kernel_t.T, d_masks, (dh0, dc0)


recurrence.defvjp(_recurrence_forward, _recurrence_backward)


class WindowConv(nn.Module):
    """Keras's Conv1D with VALID padding, as one product over windows.

    On a CPU the gradient of a short convolution by XLA takes ten times as long.
    """

    features: int = 128  # filters
    width: int = 8  # letters

    @nn.compact
    def __call__(
        self, inputs: Float[Array, "batch length channels"]
    ) -> Float[Array, "batch windows features"]:
        """Convolve; windows = length - width + 1."""
        channels = inputs.shape[-1]
        kernel = self.param(
            "kernel",
            nn.initializers.glorot_uniform(),
            (self.width, channels, self.features),
        )
        bias = self.param("bias", nn.initializers.zeros, (self.features,))
        num_windows = inputs.shape[1] - self.width + 1
        windows = jnp.concatenate(
            [inputs[:, start : start + num_windows] for start in range(self.width)],
            axis=-1,
        )
        return windows @ kernel.reshape(-1, self.features) + bias[None, None]


def _forget_bias_one(key: Array, shape: tuple[int, ...]) -> Array:
    """Initialise a bias of gates i, f, c, o: ones for f, zeros elsewhere."""
    del key
    hidden = shape[0] // NUM_GATES
    return jnp.zeros(shape).at[hidden : 2 * hidden].set(1.0)


class LSTM(nn.Module):
    """Keras 2.2's LSTM layer, over sequences of any length, feature-major.

    Attributes:
      features: hidden units.
      dropout: share of input features dropped in training, 0 to 1.
      recurrent_dropout: share of hidden units dropped in training, 0 to 1.
    """

    features: int = 512  # hidden units
    dropout: float = 0.0  # share of the input features, 0 to 1
    recurrent_dropout: float = 0.0  # share of the hidden units, 0 to 1

    @nn.compact
    def _parameters(self, input_features: int) -> tuple[Array, Array, Array]:
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

    def _masks(
        self, rate: float, features: int, batch: int, train: bool
    ) -> Float[Array, "4 features batch"] | None:
        """Draw dropout masks [4, features, batch], scaled; None where nothing drops."""
        if not train or rate == 0.0:
            return None
        keep = 1.0 - rate
        drawn = jax.random.bernoulli(
            self.make_rng("dropout"), keep, (NUM_GATES, features, batch)
        )
        return drawn / keep

    def __call__(
        self,
        inputs: Float[Array, "features inputs batch"],
        state: State | None = None,
        *,
        choice: Float[Array, "inputs time batch"] | None = None,
        train: bool = False,
    ) -> tuple[Float[Array, "time hidden batch"], State]:
        """Run over a batch of sequences.

        Args:
          inputs: the input of each step, or, where `choice` is given, the few
            different inputs there are.
          state: (h, c) before the first step; zeros by default.
          choice: one-hot, which of the inputs each step takes.
          train: apply dropout, from the rng stream "dropout".

        Returns:
          The outputs of every step, and the last (h, c).
        """
        input_features, _, batch = inputs.shape
        kernel, recurrent_kernel, bias = self._parameters(input_features)
        if state is None:
            zeros = jnp.zeros((self.features, batch), inputs.dtype)
            state = (zeros, zeros)
        input_masks = self._masks(self.dropout, input_features, batch, train)
        masks = self._masks(self.recurrent_dropout, self.features, batch, train)
        if input_masks is not None:
            input_masks = input_masks[:, :, None]
        # Projected for all steps in one product, outside the scan.
        z_inputs = _gate_product(kernel.T, inputs, input_masks)
        # An outer product with ones, not a broadcast: its gradient is then a product
        # too, where XLA's CPU reduction over the two minor axes is ten times slower.
        z_inputs += jnp.einsum("g,tb->gtb", bias, jnp.ones(inputs.shape[1:]))
        if choice is not None:
            # Far fewer products than projecting the input of every step.
            z_inputs = jnp.sum(z_inputs[:, :, None] * choice[None], axis=1)
        hs, last_c = recurrence(z_inputs, recurrent_kernel, masks, state)
        return hs, (hs[-1], last_c)

    def step(
        self,
        inputs: Float[Array, "features inputs"],
        choice: Float[Array, "inputs batch"],
        state: State,
    ) -> State:
        """Advance by one step without dropout, for decoding.

        Args:
          inputs: the few different inputs there are.
          choice: one-hot, which of them each sequence takes.
          state: (h, c) before the step.

        Returns:
          (h, c) after the step.
        """
        kernel, recurrent_kernel, bias = self._parameters(inputs.shape[0])
        h, c = state
        z_input = (kernel.T @ inputs + bias[:, None]) @ choice
        i, f, g, o = _gates(z_input + recurrent_kernel.T @ h)
        c = f * c + i * g
        return o * jnp.tanh(c), c
