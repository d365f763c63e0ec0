"""The models' equations in float64 NumPy, one sequence at a time, as oracles."""

import jax
import numpy as np


def relu(x):
    return np.maximum(x, 0)


def numpy_lstm(
    x,
    kernel,
    recurrent_kernel,
    bias,
    h,
    c,
    x_masks=None,
    h_masks=None,
    activation=np.tanh,
):
    """Run an LSTM of Keras 2.2: x [time, features] → h of each step, the last c.

    z_g = (x m_g) W_g + (h n_g) U_g + b_g for the gates g = i, f, c, o
    c = s(z_f) c + s(z_i) a(z_c),  h = s(z_o) a(c),  s(z) = clip(0.2 z + 0.5)
    where the activation a is tanh, or relu
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
        c = f * c + i * activation(g)
        h = o * activation(c)
        hs.append(h)
    return np.array(hs), c


def numpy_encoder(params, letters, length=29):
    """Read letters in the order given, padded with rows of zeros → the last (h, c)."""
    x = np.zeros((length, 4))
    for place, letter in enumerate(letters):
        x[place, "AUCG".index(letter)] = 1
    x = relu(numpy_conv(params["encoder_conv"], x))
    x = relu(numpy_dense(params["encoder_dense"], x))
    zeros = np.zeros(len(params["encoder_lstm"]["recurrent_kernel"]))
    hs, c = numpy_lstm(x, **params["encoder_lstm"], h=zeros, c=zeros)
    return hs[-1], c


def numpy_conv(layer, x):
    """Convolve x [length, channels] where the window fits → [windows, features]."""
    kernel, bias = np.float64(layer["kernel"]), np.float64(layer["bias"])
    width = len(kernel)
    return np.array(
        [
            np.einsum("wc,wcf->f", x[start : start + width], kernel) + bias
            for start in range(len(x) - width + 1)
        ]
    )


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


def numpy_mitar(params, mirna, target, length=79):
    """Score one pair, both 5'→3' → the probability that it binds."""
    letters = mirna[::-1].ljust(26, "N") + target
    tokens = ["NAUCG".index(letter) for letter in letters.ljust(length, "N")]
    x = relu(numpy_conv(params["conv"], np.float64(params["embedding"])[tokens]))
    x = np.array([x[i : i + 2].max(axis=0) for i in range(0, len(x) - 1, 2)])
    zeros = np.zeros(len(params["forward_lstm"]["recurrent_kernel"]))
    ends = [
        numpy_lstm(steps, **params[name], h=zeros, c=zeros, activation=relu)[0][-1]
        for name, steps in (("forward_lstm", x), ("backward_lstm", x[::-1]))
    ]
    x = relu(numpy_dense(params["hidden_dense"], np.concatenate(ends)))
    return 1 / (1 + np.exp(-numpy_dense(params["output_dense"], x)[0]))


def numpy_norm(layer, x):
    """Normalise each row of x, scale and shift it."""
    mean, variance = x.mean(axis=-1, keepdims=True), x.var(axis=-1, keepdims=True)
    scaled = (x - mean) / np.sqrt(variance + 1e-6)
    return scaled * np.float64(layer["scale"]) + np.float64(layer["bias"])


def numpy_attention(memory, attention, x, seen, heads, visible):
    """Attend from x [time, features] to seen [letters, features], head by head.

    visible [time, letters] says which may be seen → (change, weights of each head).
    """
    queries = numpy_dense(attention["query"], x)
    keys, values = (numpy_dense(memory[name], seen) for name in ("key", "value"))
    parts, weights = [], []
    for q, k, v in zip(
        *(np.split(array, heads, axis=1) for array in (queries, keys, values)),
        strict=True,
    ):
        scores = np.exp(q @ k.T / np.sqrt(k.shape[1])) * visible
        weights.append(scores / scores.sum(axis=1, keepdims=True))
        parts.append(weights[-1] @ v)
    change = numpy_dense(attention["output"], np.concatenate(parts, axis=1))
    return change, np.array(weights)


def numpy_feed_forward(layer, x):
    """Apply a dense layer, ReLU, and another."""
    return numpy_dense(layer["output"], relu(numpy_dense(layer["hidden"], x)))


def numpy_positions(length, features):
    """Code positions as sin and cos of p / 10000^(2i / features)."""
    rates = 10_000.0 ** (-np.arange(0, features, 2) / features)
    angles = np.outer(np.arange(length), rates)
    return np.concatenate([np.sin(angles), np.cos(angles)], axis=1)


def numpy_transformer(params, target, previous, heads):
    """Score the next symbols: a target 5'→3' and previous tokens → logits [time, 6].

    Also the weights of each decoder layer's look at the target, read 3'→5': [layers,
    heads, time, letters].
    """

    def embed(tokens, sides):
        """Add up, at each place, what each of the letters beside it is worth."""
        x = numpy_positions(len(tokens), len(params["output_dense"]["kernel"]))
        for name, side in sides.items():
            kernel = np.float64(params[name]["kernel"])
            for place in range(len(tokens)):
                for away in range(len(kernel) // 6):
                    other = place + side * away
                    if 0 <= other < len(tokens) and tokens[other]:
                        x[place] += kernel[6 * away + tokens[other] - 1]
        return x

    def norm(layer, block, x):
        return numpy_norm(layer[f"{block}_norm"], x)

    def layers(kind):
        return [params[f"{kind}_{i}"] for i in range(9) if f"{kind}_{i}" in params]

    source = embed(
        ["NUAGC".index(letter) for letter in target[::-1]],  # what each pairs with
        {"letter_embedding": -1, "after_embedding": 1},
    )

    def look_at_itself(layer, x, visible):
        seen = norm(layer, "self", x)
        return numpy_attention(
            layer["self_memory"], layer["self_attention"], seen, seen, heads, visible
        )[0]

    everything = np.ones((len(source), len(source)))
    for layer in layers("encoder"):
        source = source + look_at_itself(layer, source, everything)
        source = source + numpy_feed_forward(
            layer["feed_forward"], norm(layer, "feed_forward", source)
        )
    source = numpy_norm(params["encoder_norm"], source)

    x, looks = embed(previous, {"letter_embedding": -1}), []
    for layer in layers("decoder"):
        x = x + look_at_itself(layer, x, np.tri(len(x)))
        change, look = numpy_attention(
            layer["source_memory"],
            layer["source_attention"],
            norm(layer, "source", x),
            source,
            heads,
            np.ones((len(x), len(source))),
        )
        x, looks = x + change, [*looks, look]
        x = x + numpy_feed_forward(
            layer["feed_forward"], norm(layer, "feed_forward", x)
        )
    logits = numpy_dense(params["output_dense"], numpy_norm(params["decoder_norm"], x))
    return logits, np.array(looks)


def random_params(model, seed, scale=0.7):
    """Return normal parameters of a model, biases too; some gates are saturated."""
    inputs = model.example_inputs()
    shapes = jax.eval_shape(model.init, jax.random.key(0), *inputs)["params"]
    rng = np.random.default_rng(seed)
    return jax.tree.map(
        lambda leaf: rng.normal(0, scale, leaf.shape).astype(np.float32), shapes
    )


def random_letters(rng, count, shortest, longest):
    """Return sequences over A, U, C and G of random lengths."""
    sizes = rng.integers(shortest, longest + 1, count)
    return ["".join(rng.choice(list("AUCG"), size)) for size in sizes]


def moved(params, direction, by):
    """Return params + by × direction in float64, to find slopes by differences."""
    return jax.tree.map(
        lambda leaf, part: np.float64(leaf) + by * part, params, direction
    )
