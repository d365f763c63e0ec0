"""Tests of mirjax.models.mitar against its equations, and of the released weights."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from equations import moved, numpy_mitar, random_letters, random_params

from mirjax.models import make_model
from mirjax.models.loading import load_model
from mirjax.models.mitar import Mitar
from mirjax.sequences import alphabet

SMALL = Mitar(conv_features=12, lstm_features=6, dense_features=5, dropout=0.5)


@pytest.fixture(scope="module")
def pairs():
    rng = np.random.default_rng(5)
    # Of every length, the longest that fit included.
    return random_letters(rng, 12, 17, 26) + ["A" * 26], (
        random_letters(rng, 12, 5, 53) + ["U" * 53]
    )


def probabilities(model, params, mirnas, targets):
    @jax.jit
    def score(mirna_tokens, target_tokens):
        return model.apply({"params": params}, mirna_tokens, target_tokens)

    logits = score(
        alphabet.encode(mirnas, model.max_mirna_length),
        alphabet.encode(targets, model.max_target_length),
    )
    return np.asarray(jax.nn.sigmoid(logits))


@pytest.mark.parametrize("length", [66, 79])
def test_it_is_the_equations(pairs, length):
    model = SMALL.clone(length=length)
    mirnas, targets = pairs[0], [target[: length - 26] for target in pairs[1]]
    params = random_params(model, 0, scale=0.4)
    expected = [
        numpy_mitar(params, mirna, target, length)
        for mirna, target in zip(mirnas, targets, strict=True)
    ]
    found = probabilities(model, params, mirnas, targets)
    assert np.std(expected) > 0.01
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.slow
def test_gradients_are_those_of_the_equations(pairs):
    model = SMALL
    params = random_params(model, 1, scale=0.4)
    mirna, target = pairs[0][0], pairs[1][0]
    tokens = (
        jnp.asarray(alphabet.encode([mirna], 26)),
        jnp.asarray(alphabet.encode([target], 53)),
    )

    @jax.jit
    def loss(params):
        return jax.nn.sigmoid(model.apply({"params": params}, *tokens))[0]

    gradients = jax.jit(jax.grad(loss))(params)
    rng, step = np.random.default_rng(0), 1e-5
    for _ in range(6):
        direction = jax.tree.map(lambda leaf: rng.normal(size=leaf.shape), params)
        higher, lower = (
            numpy_mitar(
                moved(params, direction, by),
                mirna,
                target,
            )
            for by in (step, -step)
        )
        slope = sum(
            jax.tree.leaves(
                jax.tree.map(lambda a, b: np.sum(a * b), gradients, direction)
            )
        )
        assert slope == pytest.approx((higher - lower) / (2 * step), rel=2e-3, abs=1e-5)


@pytest.mark.slow
def test_sizes_are_the_published_ones():
    def initial(model):
        inputs = model.example_inputs()
        return jax.jit(model.init)(jax.random.key(0), *inputs)["params"]

    params, wider = initial(Mitar()), initial(Mitar(embedding_limit=1.0))
    assert sum(leaf.size for leaf in jax.tree.leaves(params)) == 110_970
    assert 0.03 < np.abs(params["embedding"]).max() <= 0.05
    np.testing.assert_allclose(wider["embedding"], 20 * params["embedding"], rtol=1e-5)
    assert (Mitar().max_target_length, Mitar(length=66).max_target_length) == (53, 40)


@pytest.mark.slow
def test_dropout_is_for_training_alone(pairs):
    params = random_params(SMALL, 0, scale=0.4)
    tokens = (
        jnp.asarray(alphabet.encode(pairs[0], 26)),
        jnp.asarray(alphabet.encode(pairs[1], 53)),
    )

    @jax.jit
    def logits(key, dropout):
        return SMALL.clone(dropout=dropout).apply(
            {"params": params}, *tokens, train=True, rngs={"dropout": key}
        )

    draws = np.stack([logits(jax.random.key(seed), 0.5) for seed in range(3)])
    assert (draws.std(axis=0) > 0).all()
    np.testing.assert_allclose(
        logits(jax.random.key(0), 0.0),
        SMALL.apply({"params": params}, *tokens),
        rtol=1e-5,
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"length": 26}, "length=26 is below 27"),
        ({"conv_width": 30, "length": 30}, "length=30 is below 31"),
        ({"lstm_features": 0}, "lstm_features=0 is below 1"),
        ({"dropout": 1.0}, "dropout=1.0"),
        ({"embedding_limit": 0.0}, "embedding_limit=0.0 must be above 0"),
        ({"hidden": 3}, "unknown key 'hidden'"),
    ],
)
def test_sizes_that_no_model_has_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        make_model({"name": "mitar", **arguments})


@pytest.mark.slow
@pytest.mark.parametrize(
    "file",
    [
        "miTAR_CNN_BiRNN_b100_lr0.005_dout0.2.h5",
        "miTAR1_CNN_BiRNN_b30_lr0.005_dout0.2.h5",
    ],
)
def test_released_weights_give_the_probabilities_of_the_equations(
    data_dir, pairs, file
):
    trained = load_model(data_dir / "mitar2021" / "weights" / file)
    assert trained.metadata["model"]["length"] == trained.model.length == 79
    sizes = [leaf.size for leaf in jax.tree.leaves(trained.params)]
    assert sum(sizes) == 110_970
    expected = [
        numpy_mitar(trained.params, mirna, target)
        for mirna, target in zip(*pairs, strict=True)
    ]
    found = probabilities(trained.model, trained.params, *pairs)
    assert np.ptp(expected) > 0.5
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert jnp.asarray(found).dtype == jnp.float32
