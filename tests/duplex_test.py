"""Tests of the duplex classifier."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from equations import random_params

from mirjax.inference.classify import predict_logits
from mirjax.models.duplex import Duplex, initial_stacks, stacked_diagonals
from mirjax.models.interfaces import Classifier, Generator, reads_unknown_letters
from mirjax.models.loading import load_model
from mirjax.sequences import alphabet
from mirjax.sequences.records import Pairs

SMALL = Duplex(stack_features=3, filters=6, conv_features=5, dense_features=4)
PARAMS = random_params(SMALL, 0)
APPLY = jax.jit(SMALL.apply)  # compiled whole, which is faster than each operation
MIRNAS = ["UGAGGUAGUAGGUUGUAUAGUU", "UAAAGUGCUUAUAGUGC"]
TARGETS = ["AACUAUACAACCUACUACCUCA", "GGGCACUUUAUUUGCCGAUACGGAUCUA"]


def logits(mirnas, targets, mirna_length=28, target_length=50, before=0):
    """Logits of pairs, padded before and after the target."""
    tokens = alphabet.encode(targets, target_length - before, unknown_as_pad=True)
    return APPLY(
        {"params": PARAMS},
        jnp.asarray(alphabet.encode(mirnas, mirna_length, unknown_as_pad=True)),
        jnp.asarray(np.pad(tokens, ((0, 0), (before, 0)))),
    )


def test_it_is_a_classifier_that_reads_unknown_letters():
    model = Duplex()
    assert isinstance(model, Classifier) and not isinstance(model, Generator)
    assert reads_unknown_letters(model)
    assert (model.max_mirna_length, model.max_target_length) == (28, 50)
    params = jax.eval_shape(
        lambda: model.init(jax.random.key(0), *model.example_inputs())
    )
    assert sum(leaf.size for leaf in jax.tree.leaves(params)) <= 500_000


@pytest.mark.parametrize(
    ("length", "before"), [(28, 0), (33, 0), (50, 9), (80, 0), (80, 30)]
)
def test_padding_of_the_target_changes_nothing(length, before):
    expected = logits(MIRNAS, TARGETS)
    found = logits(MIRNAS, TARGETS, target_length=length, before=before)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_padding_of_the_mirna_has_no_weight():
    """A change of what the network would do at padded positions changes nothing."""
    expected = logits(MIRNAS, TARGETS)
    changed = jax.tree.map(jnp.asarray, PARAMS)
    kernel = changed["diagonals"]["kernel"]  # 27 steps, each of 3 features
    changed["diagonals"]["kernel"] = kernel.at[3 * 21 :].set(7.0)
    tokens = [
        jnp.asarray(alphabet.encode(each, length))
        for each, length in ((MIRNAS, 28), (TARGETS, 50))
    ]
    found = APPLY({"params": changed}, *tokens)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_row_does_not_depend_on_the_others():
    together = logits(MIRNAS, TARGETS)
    alone = [logits([m], [t])[0] for m, t in zip(MIRNAS, TARGETS, strict=True)]
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_every_letter_counts_and_unknown_ones_are_padding():
    before = logits(MIRNAS[:1], TARGETS[:1])
    for position in range(len(TARGETS[0])):
        letters = list(TARGETS[0])
        letters[position] = "N"
        assert abs(logits(MIRNAS[:1], ["".join(letters)]) - before)[0] > 1e-6
    ends = logits(MIRNAS[:1], [TARGETS[0] + "NN"])
    np.testing.assert_allclose(ends, before, atol=1e-5)


def test_diagonals_hold_stacks_that_exist():
    mirnas, targets = (
        jnp.asarray(alphabet.encode([letters], length, unknown_as_pad=True))
        for letters, length in (("UGA", 4), ("NNACG", 6))
    )
    # Steps 0 and 1 of the miRNA are known, and steps 2 and 3 of the target.
    found = [any(k - i in (2, 3) for i in range(2)) for k in range(3 + 5 - 1)]
    assert stacked_diagonals(mirnas, targets)[0].tolist() == found


def in_plain_loops(params, mirna, target):
    """The logit of one pair, diagonal by diagonal, in float64."""
    if "member" in params:
        (members,) = {len(leaf) for leaf in jax.tree.leaves(params)}
        each = [
            jax.tree.map(lambda leaf, k=number: leaf[k], params["member"])
            for number in range(members)
        ]
        return np.mean([in_plain_loops(one, mirna, target) for one in each])
    params = jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), params)
    relu = lambda x: np.where(x > 0, x, 0.1 * x)  # noqa: E731
    dense = lambda x, p: x @ p["kernel"] + p["bias"]  # noqa: E731
    code = {letter: number for number, letter in enumerate("AUCG")}
    steps = [
        [4 * code[a] + code[b] for a, b in itertools.pairwise(letters)]
        for letters in (mirna, target)
    ]
    embedding = params["stacks"]["embedding"]
    rows = []
    for diagonal in range(len(steps[0]) + len(steps[1]) - 1):
        facing = np.zeros((27, embedding.shape[-1]))
        for i, step in enumerate(steps[0]):
            if 0 <= diagonal - i < len(steps[1]):
                facing[i] = embedding[step, steps[1][diagonal - i]]
        rows.append(relu(dense(facing.reshape(-1), params["diagonals"])))
    x = np.array(rows)
    for layer in range(sum(name.startswith("conv_") for name in params)):
        conv = params[f"conv_{layer}"]["dense"]
        side = len(conv["kernel"]) // x.shape[1] // 2
        padded = np.pad(x, ((side, side), (0, 0)))
        y = np.array(
            [
                relu(dense(padded[k : k + 2 * side + 1].reshape(-1), conv))
                for k in range(len(x))
            ]
        )
        x = x + y if layer else y
    sharpness = 1.0 + np.log1p(np.exp(params["pool"]["sharpness"]))
    pooled = np.log(np.exp(x * sharpness).sum(0)) / sharpness
    hidden = relu(dense(pooled, params["hidden_dense"]))
    return dense(hidden, params["output_dense"])[0]


def test_logits_equal_those_of_plain_loops():
    expected = [
        in_plain_loops(PARAMS, m, t) for m, t in zip(MIRNAS, TARGETS, strict=True)
    ]
    np.testing.assert_allclose(logits(MIRNAS, TARGETS), expected, atol=1e-5)


def test_the_logit_of_members_is_the_mean_of_plain_loops():
    model = SMALL.clone(members=3)
    params = random_params(model, 5, scale=0.3)
    found = predict_logits(model, params, Pairs(MIRNAS, TARGETS))
    expected = [
        in_plain_loops(params, m, t) for m, t in zip(MIRNAS, TARGETS, strict=True)
    ]
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("name", ["duplex", "screen"])
def test_logits_of_shipped_models_equal_those_of_plain_loops(name):
    trained = load_model(f"pretrained/{name}")
    expected = [
        in_plain_loops(trained.params, m, t)
        for m, t in zip(MIRNAS, TARGETS, strict=True)
    ]
    pairs = Pairs(MIRNAS, TARGETS)
    found = predict_logits(trained.model, trained.params, pairs)
    np.testing.assert_allclose(found, expected, atol=2e-5)


def test_gradients_are_finite_without_any_letter_too():
    mirnas, targets = SMALL.example_inputs()

    def total(params):
        rngs = {"dropout": jax.random.key(0)}
        return SMALL.apply(
            {"params": params}, mirnas, targets, train=True, rngs=rngs
        ).sum()

    gradients = jax.jit(jax.grad(total))(PARAMS)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(gradients))


@pytest.mark.slow
def test_jit_equals_eager():
    tokens = [
        jnp.asarray(alphabet.encode(each, length))
        for each, length in ((MIRNAS, 28), (TARGETS, 50))
    ]
    eager = SMALL.apply({"params": PARAMS}, *tokens)
    np.testing.assert_allclose(logits(MIRNAS, TARGETS), eager, atol=1e-5)


def test_the_embedding_of_stacks_starts_from_the_pairing_rules():
    drawn = np.asarray(initial_stacks(jax.random.key(0), (16, 16, 16)))
    order = "AUCG"

    def features(mirna_step, target_step):
        rows = [
            4 * order.index(x[0]) + order.index(x[1]) for x in (mirna_step, target_step)
        ]
        return np.round(drawn[rows[0], rows[1]][:10]).astype(int).tolist()

    # The miRNA's AG faces the target's CU, written 5'→3': A-U, then G-C.
    assert features("AG", "CU") == [1, 1, 1, 0, 1, 0, 0, 1, 0, 0]
    assert features("AG", "UU") == [1, 1, 0, 0, 0, 0, 1, 0, 0, 0]  # A-U, G-U
    assert features("AA", "AU") == [0, 1, 0, 0, 0, 0, 0, 0, 0, 1]  # A-U, nothing
    assert 0.05 < drawn[:, :, 10:].std() < 0.2


def test_sizes_are_checked():
    with pytest.raises(ValueError, match="conv_layers=0"):
        Duplex(conv_layers=0)
    with pytest.raises(ValueError, match="first_width=4 is not odd"):
        Duplex(first_width=4)
    with pytest.raises(ValueError, match="dropout=1"):
        Duplex(dropout=1.0)
