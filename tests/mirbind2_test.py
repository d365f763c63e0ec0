"""Tests of miRBind2 and of its released weights."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from equations import random_params
from sklearn import metrics

from mirjax.datasets.readers import read_pairs
from mirjax.inference.classify import predict_probabilities
from mirjax.models.imports.mirbind2 import from_checkpoint
from mirjax.models.imports.torch_file import read_torch_file
from mirjax.models.loading import load_model
from mirjax.models.mirbind2 import MirBind2, SquareConv
from mirjax.sequences import alphabet
from mirjax.sequences.records import Pairs

ORDER = "ATCG"  # of the released code


def released_probabilities(tensors, mirnas, targets):
    """P(binds) by the released tensors, in NumPy float64."""
    tensors = {name: np.asarray(array, np.float64) for name, array in tensors.items()}
    codes = np.full((len(mirnas), 28, 50), 17)
    for row, (mirna, target) in enumerate(zip(mirnas, targets, strict=True)):
        for i, first in enumerate(mirna.replace("U", "T")):
            for j, second in enumerate(target.replace("U", "T")):
                codes[row, i, j] = 4 * ORDER.index(first) + ORDER.index(second)
    features = tensors["pair_linear.weight"].T[codes] + tensors["pair_linear.bias"]
    features = np.moveaxis(features, -1, 1)  # channels first
    for block, padding in enumerate((2, 1, 1)):
        features = convolve(
            features,
            tensors[f"conv_layers.{block}.weight"],
            tensors[f"conv_layers.{block}.bias"],
            padding,
        )
        features = normalise(features, tensors, f"bn_layers.{block}", (-1, 1, 1))
        features = pool(np.where(features > 0, features, 0.1 * features))
    hidden = features.reshape(len(mirnas), -1) @ tensors["fc1.weight"].T
    hidden = normalise(hidden + tensors["fc1.bias"], tensors, "bn_fc", (-1,))
    hidden = np.where(hidden > 0, hidden, 0.1 * hidden)
    logits = hidden @ tensors["fc2.weight"][0] + tensors["fc2.bias"]
    return 1 / (1 + np.exp(-logits))


def convolve(features, kernel, bias, padding):
    """Cross-correlate (row, channel, height, width) with (filter, channel, y, x)."""
    padded = np.pad(features, ((0, 0), (0, 0), *[(padding, padding)] * 2))
    windows = np.lib.stride_tricks.sliding_window_view(
        padded, kernel.shape[2:], axis=(2, 3)
    )
    product = np.einsum("rchwyx,fcyx->rfhw", windows, kernel, optimize=True)
    return product + bias[:, None, None]


def normalise(features, tensors, name, shape):
    mean, variance, weight, bias = (
        tensors[f"{name}.{part}"].reshape(shape)
        for part in ("running_mean", "running_var", "weight", "bias")
    )
    return (features - mean) / np.sqrt(variance + 1e-5) * weight + bias


def pool(features):
    height, width = (size // 2 * 2 for size in features.shape[2:])
    even = features[:, :, :height, :width]
    return even.reshape(*even.shape[:2], height // 2, 2, width // 2, 2).max((3, 5))


@pytest.fixture(scope="module")
def released_file(data_dir):
    return next((data_dir / "mirbind2").glob("*.pt"))


@pytest.mark.slow
def test_released_weights_give_their_probabilities_and_average_precision(
    data_dir, released_file
):
    pairs = read_pairs(data_dir / "hejret2023" / "test.tsv", "mirbench")
    trained = load_model(released_file)

    probabilities = predict_probabilities(trained, pairs)

    assert sum(leaf.size for leaf in jax.tree.leaves(trained.params)) == 147_249
    precision = metrics.average_precision_score(pairs.labels, probabilities)
    assert round(precision, 3) == 0.855
    rows = slice(0, 60)
    tensors = read_torch_file(released_file)["model_state_dict"]
    expected = released_probabilities(tensors, pairs.mirnas[rows], pairs.targets[rows])
    np.testing.assert_allclose(probabilities[rows], expected, atol=1e-5)


def test_short_sequences_are_padded_as_the_released_code_pads_them(released_file):
    trained = load_model(released_file)
    mirnas = ["UGAGGUAGUAGGUUGUAUAGUU", "U", "UGAGGUAGUAGGUUGUAUAGUUAACCAA"]
    targets = ["AACUAUACAACCUACUACCUCA", "A", "ACUAUACAACCUACUACCUCA" * 2]

    probabilities = predict_probabilities(trained, Pairs(mirnas, targets))

    tensors = read_torch_file(released_file)["model_state_dict"]
    expected = released_probabilities(tensors, mirnas, targets)
    np.testing.assert_allclose(probabilities, expected, atol=1e-5)


def test_other_files_of_tensors_are_refused():
    with pytest.raises(ValueError, match="model_state_dict"):
        from_checkpoint({"weights": {}})
    with pytest.raises(ValueError, match="fc1"):
        sizes = {"mirna_length": 28, "target_length": 50, "embedding_dim": 8}
        from_checkpoint(
            {
                "model_state_dict": {},
                "model_params": sizes | {"filter_sizes": [4], "kernel_sizes": [3]},
            }
        )


def test_sizes_are_checked():
    with pytest.raises(ValueError, match="differ in length"):
        MirBind2(conv_features=(8, 8))
    with pytest.raises(ValueError, match="pair_features=0"):
        MirBind2(pair_features=0)


def test_equal_models_share_one_program():
    assert hash(MirBind2(conv_features=[8], conv_widths=[3])) == hash(
        MirBind2(conv_features=(8,), conv_widths=(3,))
    )


@pytest.mark.slow
def test_jit_equals_eager():
    model = MirBind2(conv_features=(8, 4, 4), dense_features=6)
    params = random_params(model, 0)
    inputs = (
        jnp.asarray(alphabet.encode(["UGAGGUAGUAGG"], 28)),
        jnp.asarray(alphabet.encode(["CCUACUACCUCAUU"], 50)),
    )
    eager = model.apply({"params": params}, *inputs)
    jitted = jax.jit(model.apply)({"params": params}, *inputs)
    np.testing.assert_allclose(eager, jitted, atol=1e-5)


@pytest.mark.parametrize("width", [3, 6])
def test_the_gradients_of_a_convolution_are_those_of_xla_s_own(width):
    """Derived by JAX from the convolution itself, in place of the products."""
    keys = jax.random.split(jax.random.key(width), 3)
    layer = SquareConv(5, width)
    inputs = jax.random.normal(keys[0], (2, 9, 12, 4))
    params = layer.init(keys[1], inputs)["params"]
    side = (width - 1) // 2
    weights = jax.random.normal(keys[2], layer.apply({"params": params}, inputs).shape)

    def made(params, inputs):
        return jnp.sum(weights * layer.apply({"params": params}, inputs))

    def plain(params, inputs):
        convolved = jax.lax.conv_general_dilated(
            inputs,
            params["kernel"],
            (1, 1),
            [(side, side)] * 2,
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
        )
        return jnp.sum(weights * (convolved + params["bias"][None, None, None]))

    found = jax.grad(made, argnums=(0, 1))(params, inputs)
    wanted = jax.grad(plain, argnums=(0, 1))(params, inputs)
    for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(wanted), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4)
