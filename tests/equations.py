"""The models' equations in float64 NumPy, one sequence at a time, as oracles."""

import jax
import numpy as np


def numpy_lstm(x, kernel, recurrent_kernel, bias, h, c, x_masks=None, h_masks=None):
    """Run an LSTM of Keras 2.2: x [time, features] → h of each step, the last c.

    z_g = (x m_g) W_g + (h n_g) U_g + b_g for the gates g = i, f, c, o
    c = s(z_f) c + s(z_i) tanh(z_c),  h = s(z_o) tanh(c),  s(z) = clip(0.2 z + 0.5)
    """
    w, u, b = (
        np.split(np.float64(array), 4, axis=-1)
        for array in (kernel, recurrent_kernel, bias)
    )
    x_masks = np.ones((4, x.shape[1])) if x_masks is None else x_masks
    h_masks = np.ones((4, len(h))) if h_masks is None else h_masks
    hs = []
    for x_t in np.float64(x):
        i, f, g, o = (
            (x_t * x_masks[k]) @ w[k] + (h * h_masks[k]) @ u[k] + b[k] for k in range(4)
        )
        i, f, o = (np.clip(0.2 * z + 0.5, 0, 1) for z in (i, f, o))
        c = f * c + i * np.tanh(g)
        h = o * np.tanh(c)
        hs.append(h)
    return np.array(hs), c


def numpy_encoder(params, letters, length=29):
    """Read letters in the order given, padded with rows of zeros → the last (h, c)."""
    x = np.zeros((length, 4))
    for place, letter in enumerate(letters):
        x[place, "AUCG".index(letter)] = 1
    kernel, bias = (np.float64(params["encoder_conv"][n]) for n in ("kernel", "bias"))
    width = len(kernel)
    x = np.array(
        [
            np.einsum("wc,wcf->f", x[start : start + width], kernel) + bias
            for start in range(length - width + 1)
        ]
    )
    x = np.maximum(numpy_dense(params["encoder_dense"], np.maximum(x, 0)), 0)
    zeros = np.zeros(len(params["encoder_lstm"]["recurrent_kernel"]))
    hs, c = numpy_lstm(x, **params["encoder_lstm"], h=zeros, c=zeros)
    return hs[-1], c


def numpy_dense(layer, x):
    """Return x W + b."""
    return x @ np.float64(layer["kernel"]) + np.float64(layer["bias"])


def numpy_seq2seq(params, target, previous, length=29):
    """Score the next symbols: a target 5'→3' and previous tokens → logits [time, 6]."""
    h, c = numpy_encoder(params, target[::-1], length)
    x = np.zeros((len(previous), 6))
    for step, token in enumerate(previous):
        if token:  # padding is a row of zeros
            x[step, token - 1] = 1
    x = np.maximum(numpy_dense(params["decoder_dense"], x), 0)
    hs, _ = numpy_lstm(x, **params["decoder_lstm"], h=h, c=c)
    return numpy_dense(params["output_dense"], hs)


def random_params(model, seed, scale=0.7):
    """Return normal parameters of a seq2seq, biases too; some gates are saturated."""
    tokens = np.zeros((1, model.max_target_length), np.uint8)
    previous = np.zeros((1, model.max_mirna_length + 1), np.uint8)
    shapes = jax.eval_shape(model.init, jax.random.key(0), tokens, previous)["params"]
    rng = np.random.default_rng(seed)
    return jax.tree.map(
        lambda leaf: rng.normal(0, scale, leaf.shape).astype(np.float32), shapes
    )


def random_letters(rng, count, shortest, longest):
    """Return sequences over A, U, C and G of random lengths."""
    sizes = rng.integers(shortest, longest + 1, count)
    return ["".join(rng.choice(list("AUCG"), size)) for size in sizes]
