"""The models' equations in float64 NumPy, one sequence at a time, as oracles."""

import jax
import jax.numpy as jnp
import numpy as np

from mirjax.datasets.batches import Batch, LabelledBatch, encode_labelled, encode_pairs


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
    for position, letter in enumerate(letters):
        x[position, "AUCG".index(letter)] = 1
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


def numpy_mitar(params, mirna, target, length=79, mirna_length=26):
    """Score one pair, both 5'→3' → the probability that it binds."""
    letters = mirna[::-1].ljust(mirna_length, "N") + target
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


def numpy_attention(memory, attention, x, context, heads, mask):
    """Attend from x [time, features] to context [letters, features], head by head.

    mask [time, letters] says which letters count → (change, weights of each head).
    """
    queries = numpy_dense(attention["query"], x)
    keys, values = (numpy_dense(memory[name], context) for name in ("key", "value"))
    parts, weights = [], []
    for q, k, v in zip(
        *(np.split(array, heads, axis=1) for array in (queries, keys, values)),
        strict=True,
    ):
        scores = np.exp(q @ k.T / np.sqrt(k.shape[1])) * mask
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

    Also the weights of each decoder layer's attention to the target, read 3'→5':
    [layers, heads, time, letters].
    """

    def embed(tokens, sides):
        """Add up, at each position, the embeddings of the letters beside it."""
        x = numpy_positions(len(tokens), len(params["output_dense"]["kernel"]))
        for name, side in sides.items():
            kernel = np.float64(params[name]["kernel"])
            for position in range(len(tokens)):
                for away in range(len(kernel) // 6):
                    other = position + side * away
                    if 0 <= other < len(tokens) and tokens[other]:
                        x[position] += kernel[6 * away + tokens[other] - 1]
        return x

    def norm(layer, block, x):
        return numpy_norm(layer[f"{block}_norm"], x)

    def layers(kind):
        return [params[f"{kind}_{i}"] for i in range(9) if f"{kind}_{i}" in params]

    source = embed(
        ["NUAGC".index(letter) for letter in target[::-1]],  # complements
        {"letter_embedding": -1, "after_embedding": 1},
    )

    def self_attention(layer, x, mask):
        normed = norm(layer, "self", x)
        return numpy_attention(
            layer["self_memory"], layer["self_attention"], normed, normed, heads, mask
        )[0]

    everything = np.ones((len(source), len(source)))
    for layer in layers("encoder"):
        source = source + self_attention(layer, source, everything)
        source = source + numpy_feed_forward(
            layer["feed_forward"], norm(layer, "feed_forward", source)
        )
    source = numpy_norm(params["encoder_norm"], source)

    x, maps = embed(previous, {"letter_embedding": -1}), []
    for layer in layers("decoder"):
        x = x + self_attention(layer, x, np.tri(len(x)))
        change, weights = numpy_attention(
            layer["source_memory"],
            layer["source_attention"],
            norm(layer, "source", x),
            source,
            heads,
            np.ones((len(x), len(source))),
        )
        x, maps = x + change, [*maps, weights]
        x = x + numpy_feed_forward(
            layer["feed_forward"], norm(layer, "feed_forward", x)
        )
    logits = numpy_dense(params["output_dense"], numpy_norm(params["decoder_norm"], x))
    return logits, np.array(maps)


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


def keras_crossentropy(logits, mirnas):
    """Return Keras 2.2's loss of each token, from clipped probabilities."""
    one_hot = np.zeros(logits.shape)
    for row, step in np.argwhere(mirnas != 0):  # not padding
        one_hot[row, step, mirnas[row, step] - 1] = 1
    probabilities = np.exp(logits - logits.max(axis=-1, keepdims=True))
    probabilities /= probabilities.sum(axis=-1, keepdims=True)
    return -np.sum(one_hot * np.log(np.clip(probabilities, 1e-7, 1 - 1e-7)), axis=-1)


def keras_binary_crossentropy(probabilities, labels):
    """Return Keras 2.2's loss of each row, from clipped probabilities."""
    clipped = np.clip(probabilities, 1e-7, 1 - 1e-7)
    return -(labels * np.log(clipped) + (1 - labels) * np.log(1 - clipped))


def mitar_metrics(params, mirnas, targets, batch, l2):
    """Return the mean metrics of a batch by `numpy_mitar`."""
    weights, labels = np.asarray(batch.weights), np.asarray(batch.labels)
    probabilities = np.array(
        [
            numpy_mitar(params, mirna, target)
            for mirna, target in zip(mirnas, targets, strict=True)
        ]
    )
    losses = keras_binary_crossentropy(probabilities, labels)
    correct = (probabilities > 0.5) == (labels == 1)
    kernels = [params[f"{name}_dense"]["kernel"] for name in ("hidden", "output")]
    penalty = l2 * sum(np.sum(np.float64(kernel) ** 2) for kernel in kernels)
    cross_entropy = np.sum(losses * weights) / weights.sum()
    return {
        "loss": cross_entropy + penalty,
        "cross_entropy": cross_entropy,
        "accuracy": np.sum(correct * weights) / weights.sum(),
    }


def random_batch(rows, seed=0):
    """Return a batch of random pairs for a generator."""
    rng = np.random.default_rng(seed)
    pairs = encode_pairs(
        random_letters(rng, rows, 12, 29),
        random_letters(rng, rows, 16, 26),
        target_length=29,
        mirna_length=27,
    )
    return Batch(*map(jnp.asarray, pairs))


def random_labelled_batch(rows, seed=0):
    """Return a batch of random pairs for a classifier, and its miRNAs and targets."""
    rng = np.random.default_rng(seed)
    mirnas = random_letters(rng, rows, 17, 26)
    targets = random_letters(rng, rows, 20, 53)
    labels = rng.integers(0, 2, rows)
    batch = encode_labelled(targets, mirnas, labels, target_length=53, mirna_length=26)
    return LabelledBatch(*map(jnp.asarray, batch)), mirnas, targets
