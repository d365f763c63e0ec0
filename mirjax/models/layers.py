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


def _hard_sigmoid_slope(y: Array) -> Array:
    """Return the derivative of `hard_sigmoid`, from its value."""
    return jnp.where((y > 0.0) & (y < 1.0), 0.2, 0.0)


def _masked(x: Array, masks: Array | None) -> list[Array]:
    """Return x [features, ..., batch] as each gate sees it, under its own mask."""
    if masks is None:
        return [x] * NUM_GATES
    if x.ndim == 3:
        masks = masks[:, :, None]
    return [x * mask for mask in masks]


def _at(array: Array, time: Array) -> Array:
    """Read one step of [features, time, batch], in place."""
    return lax.dynamic_index_in_dim(array, time, axis=1, keepdims=False)


def _set_at(array: Array, value: Array, time: Array) -> Array:
    return lax.dynamic_update_index_in_dim(array, value, time, axis=1)


@jax.custom_vjp
def recurrence(
    z_inputs: tuple[Float[Array, "hidden time batch"], ...],
    recurrent_kernel: Float[Array, "hidden gates"],
    masks: Float[Array, "4 hidden batch"] | None,
    state: State,
) -> tuple[Float[Array, "hidden time batch"], Float[Array, "hidden batch"]]:
    """Run an LSTM over time from projected inputs, feature-major.

    Three choices make it fast on small batches, where the products are thin. Features
    come first, so that every product has the wide weight on its left. The gates are
    arrays of their own: joined, XLA would compute them once more, on one core, for each
    array they are joined into. And where differentiating a `lax.scan` would form the
    recurrent weight's gradient as one small product a step, the backward pass here
    collects the gates' gradients of all steps and forms it as one large product a gate.

    Args:
      z_inputs: the inputs' part of the pre-activations, bias included, of the gates i,
        f, c and o.
      recurrent_kernel: the recurrent weight; the gates i, f, c, o stand one after the
        other, so gates = 4 hidden.
      masks: recurrent dropout masks, already scaled; constants, no gradient flows.
      state: (h, c) before the first step, each [hidden, batch].

    Returns:
      The outputs h of every step, and the last c.
    """
    return _recurrence_forward(z_inputs, recurrent_kernel, masks, state)[0]


def _recurrence_forward(
    z_inputs: tuple[Array, ...],
    recurrent_kernel: Array,
    masks: Array | None,
    state: State,
) -> tuple[tuple[Array, Array], tuple]:
    kernels_t = [kernel.T for kernel in jnp.split(recurrent_kernel, NUM_GATES, axis=1)]

    def step(carry, time):
        h, c, hs = carry
        i, f, g, o = (
            _at(z_input, time) + kernel_t @ masked_h
            for z_input, kernel_t, masked_h in zip(
                z_inputs, kernels_t, _masked(h, masks), strict=True
            )
        )
        gates = (hard_sigmoid(i), hard_sigmoid(f), jnp.tanh(g), hard_sigmoid(o))
        i, f, g, o = gates
        next_c = f * c + i * g
        h = o * jnp.tanh(next_c)
        return (h, next_c, _set_at(hs, h, time)), (c, gates)

    hs = jnp.zeros_like(z_inputs[0])
    times = jnp.arange(hs.shape[1])
    (_, last_c, hs), (previous_cs, gates) = lax.scan(step, (*state, hs), times)
    return (hs, last_c), (recurrent_kernel, masks, state[0], hs, previous_cs, gates)


def _recurrence_backward(residuals: tuple, cotangents: tuple[Array, Array]) -> tuple:
    recurrent_kernel, masks, h0, hs, previous_cs, gates = residuals
    d_hs, d_last_c = cotangents
    hidden, num_steps, _ = hs.shape
    kernels = jnp.split(recurrent_kernel, NUM_GATES, axis=1)

    def step(carry, inputs):
        dh, dc, dzs = carry
        time, (i, f, g, o), previous_c = inputs
        dh = dh + _at(d_hs, time)
        tanh_c = jnp.tanh(f * previous_c + i * g)
        dc = dc + dh * o * (1.0 - tanh_c * tanh_c)
        dz = (
            dc * g * _hard_sigmoid_slope(i),
            dc * previous_c * _hard_sigmoid_slope(f),
            dc * i * (1.0 - g * g),
            dh * tanh_c * _hard_sigmoid_slope(o),
        )
        dh = sum(
            product if masks is None else product * masks[gate]
            for gate, product in enumerate(map(jnp.matmul, kernels, dz))
        )
        dzs = tuple(_set_at(*pair, time) for pair in zip(dzs, dz, strict=True))
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
        masked_hs.reshape(hidden, -1) @ dz.reshape(hidden, -1).T
        for masked_hs, dz in zip(_masked(previous_hs, masks), dzs, strict=True)
    ]
    d_masks = None if masks is None else jnp.zeros_like(masks)
    return dzs, jnp.concatenate(d_kernels, axis=1), d_masks, (dh0, dc0)


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
    ) -> tuple[Float[Array, "hidden time batch"], State]:
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
        input_features, num_inputs, batch = inputs.shape
        kernel, recurrent_kernel, bias = self._parameters(input_features)
        if state is None:
            zeros = jnp.zeros((self.features, batch), inputs.dtype)
            state = (zeros, zeros)
        input_masks = self._masks(self.dropout, input_features, batch, train)
        masks = self._masks(self.recurrent_dropout, self.features, batch, train)
        # Projected for all steps in one product a gate, outside the scan. The bias is a
        # further row of the kernel: its gradient is then part of a product too, where
        # XLA's CPU reduction over the minor axis is ten times slower.
        kernel = jnp.concatenate([kernel, bias[None]])
        ones = jnp.ones((1, num_inputs * batch), inputs.dtype)
        z_inputs = tuple(
            (
                gate_kernel.T
                @ jnp.concatenate([masked_inputs.reshape(input_features, -1), ones])
            ).reshape(-1, num_inputs, batch)
            for gate_kernel, masked_inputs in zip(
                jnp.split(kernel, NUM_GATES, axis=1),
                _masked(inputs, input_masks),
                strict=True,
            )
        )
        if choice is not None:
            # Far fewer products than projecting the input of every step.
            z_inputs = tuple(
                jnp.sum(z_input[:, :, None] * choice[None], axis=1)
                for z_input in z_inputs
            )
        hs, last_c = recurrence(z_inputs, recurrent_kernel, masks, state)
        return hs, (hs[:, -1], last_c)

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
        i, f, g, o = jnp.split(z_input + recurrent_kernel.T @ h, NUM_GATES)
        c = hard_sigmoid(f) * c + hard_sigmoid(i) * jnp.tanh(g)
        return hard_sigmoid(o) * jnp.tanh(c), c
