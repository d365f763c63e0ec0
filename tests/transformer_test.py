"""Tests of mirjax.models.transformer against its equations in NumPy."""

import functools

import equations
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mirjax.datasets.batches import encode_pairs
from mirjax.models.embedding import sinusoidal_positions
from mirjax.models.losses import shift_right
from mirjax.models.transformer import Transformer
from mirjax.sequences.prefix_tree import plan_trees

HEADS = 2
MODEL = Transformer(
    encoder_layers=2,
    decoder_layers=2,
    features=8,
    heads=HEADS,
    hidden_features=12,
    window=3,
)
TARGETS = ["A", *equations.random_letters(np.random.default_rng(0), 3, 12, 28)]
TARGETS += equations.random_letters(np.random.default_rng(1), 1, 29, 29)
MIRNAS = ["A", *equations.random_letters(np.random.default_rng(2), 3, 16, 26), 27 * "G"]


@pytest.fixture(scope="module")
def params():
    return equations.random_params(MODEL, seed=0, scale=0.5)


@pytest.fixture(scope="module")
def tokens():
    """Targets, and the letters before each step."""
    pairs = encode_pairs(TARGETS, MIRNAS, target_length=29, mirna_length=27)
    return jnp.asarray(pairs.targets), shift_right(jnp.asarray(pairs.mirnas))


def jitted(params, method):
    """A method of the model with these parameters."""
    return jax.jit(
        lambda *arguments: MODEL.apply({"params": params}, *arguments, method=method)
    )


@pytest.fixture(scope="module")
def score(params):
    """Logits, jitted once for every test."""
    return jax.jit(
        lambda targets, previous: MODEL.apply({"params": params}, targets, previous)
    )


@pytest.mark.slow
def test_logits_are_those_of_the_equations(params, tokens, score):
    found = score(*tokens)
    assert found.shape == (5, 28, 6)
    for row, target in enumerate(TARGETS):
        expected, _ = equations.numpy_transformer(
            params, target, np.asarray(tokens[1][row]), HEADS
        )
        np.testing.assert_allclose(found[row], expected, atol=2e-5)


def test_the_default_size_has_its_parameter_count():
    model = Transformer()
    shapes = jax.eval_shape(model.init, jax.random.key(0), *model.example_inputs())
    features, hidden = 128, 512
    square = features * features + features
    dense = 2 * features * hidden + hidden + features
    norm = 2 * features
    encoder = 4 * square + dense + 2 * norm
    decoder = 8 * square + dense + 3 * norm
    rest = 2 * 8 * 6 * features + 2 * norm + 6 * features + 6
    count = sum(leaf.size for leaf in jax.tree.leaves(shapes))
    assert count == 3 * (encoder + decoder) + rest


@pytest.mark.slow
def test_padding_is_never_attended_to(params, tokens, score):
    """No bit of a logit depends on the values at padded positions."""
    targets, previous = tokens
    encode, step = jitted(params, "encode"), jitted(params, "decode_step")
    state = encode(targets)
    changed = state._replace(
        cross_key_values=jax.tree.map(
            lambda x: jnp.where(state.valid[..., None, None], x, 50.0),
            state.cross_key_values,
        )
    )
    first, second = (step(one, previous[:, 0])[1] for one in (state, changed))
    np.testing.assert_array_equal(first, second)
    # Nor does a letter of the target depend on the padding after it.
    shorter = encode(targets[:, :28])
    for one, other in zip(
        jax.tree.leaves(state.cross_key_values),
        jax.tree.leaves(shorter.cross_key_values),
        strict=True,
    ):
        rows = np.array([len(target) < 29 for target in TARGETS])
        valid = state.valid[:, :28] & rows[:, None]
        np.testing.assert_allclose(one[:, :28][valid], other[valid], atol=2e-6)


@pytest.mark.slow
def test_more_padding_changes_nothing(tokens, score):
    targets, previous = tokens
    longer = jnp.pad(targets, ((0, 0), (0, 24)))
    np.testing.assert_allclose(
        score(longer, previous), score(targets, previous), atol=2e-6
    )
    np.testing.assert_allclose(
        score(targets, previous[:, :20]), score(targets, previous)[:, :20], atol=2e-6
    )


@pytest.mark.slow
def test_rows_do_not_see_each_other(tokens, score):
    targets, previous = tokens
    alone = score(targets[2:3], previous[2:3])
    np.testing.assert_allclose(alone[0], score(targets, previous)[2], atol=2e-6)


@pytest.mark.slow
def test_no_logit_has_a_slope_in_a_later_letter(params):
    """Each symbol occurs once, so that its embedding is that of one position.

    The target is empty, because its letters share the embedding.
    """
    previous = jnp.array([[5, 1, 2, 3, 4, 6]], jnp.uint8)
    targets = jnp.zeros((1, 29), jnp.uint8)

    def logits(kernel):
        changed = params | {"letter_embedding": {"kernel": kernel}}
        return MODEL.apply({"params": changed}, targets, previous)[0]

    kernel = params["letter_embedding"]["kernel"]
    slopes = jax.jit(jax.jacobian(logits))(kernel)
    by_row = np.abs(slopes).max(axis=(1, 3)).reshape(6, MODEL.window, 6)
    by_position = by_row[:, :, previous[0] - 1].max(axis=1)  # [step, position]
    later = np.arange(6)[None] > np.arange(6)[:, None]
    assert (by_position[later] == 0.0).all()
    assert (by_position[~later] > 1e-4).all()


@pytest.mark.slow
def test_letters_one_by_one_score_as_all_at_once(params, tokens, score):
    targets, previous = tokens
    state, advance = jitted(params, "encode")(targets), jitted(params, "decode_step")
    one_by_one = []
    for step in range(previous.shape[1]):
        state, logits = advance(state, previous[:, step])
        one_by_one.append(logits)
    assert int(state.step) == previous.shape[1]
    np.testing.assert_allclose(
        jnp.stack(one_by_one, axis=1), score(targets, previous), atol=1e-5
    )


@pytest.mark.slow
def test_a_tree_is_read_as_each_of_its_mirnas_is(params, tokens, score):
    """With several layers, families of one prefix, and a tree that is filled up."""
    targets = tokens[0]
    family = "AUCGGAU"
    mirnas = [*MIRNAS, family, family + "A", family + "AC", family + "C", "AUCC"]
    plan = plan_trees(mirnas, 4)
    assert [len(tree.paths) for tree in plan.trees] == [4, 4, 4]
    variables = {"params": params}
    encode = functools.partial(MODEL.apply, variables, steps=0, method="encode")
    state = jax.jit(encode)(targets)
    read = jax.jit(lambda tree: MODEL.apply(variables, state, tree, method="read_tree"))
    along = np.concatenate(
        [np.asarray(read(tree))[:, tree.paths] for tree in plan.trees], axis=1
    )[:, plan.places]
    for row, mirna in enumerate(mirnas):
        pairs = encode_pairs(
            TARGETS, [mirna] * len(TARGETS), target_length=29, mirna_length=27
        )
        expected = score(targets, shift_right(jnp.asarray(pairs.mirnas)))
        steps = slice(len(mirna) + 1)
        np.testing.assert_allclose(along[:, row, steps], expected[:, steps], atol=1e-5)


@pytest.mark.slow
def test_rows_are_taken_with_their_letters(params, tokens):
    """Two rows of one target are swapped: each keeps the letters that it has read."""
    step, gather = jitted(params, "decode_step"), jitted(params, "gather_state")

    def advance(state, *letters):
        return step(state, jnp.array(letters, jnp.uint8))

    state = jitted(params, "encode")(tokens[0][2:3])
    state = gather(state, jnp.array([0, 0]))
    state, _ = advance(state, 5, 5)
    state, _ = advance(state, 1, 2)
    swapped = gather(state, jnp.array([1, 0]))
    _, plain = advance(state, 3, 3)
    _, found = advance(swapped, 3, 3)
    np.testing.assert_allclose(found, plain[::-1], atol=1e-6)
    assert np.abs(plain[0] - plain[1]).max() > 0.01


@pytest.mark.slow
def test_attention_weights_are_those_of_the_equations(params, tokens):
    targets, previous = tokens
    weights = jitted(params, "attention_weights")(targets, previous)
    assert weights.shape == (2, 5, HEADS, 28, 29)
    for row, target in enumerate(TARGETS):
        of_row = np.asarray(weights[:, row])
        np.testing.assert_allclose(of_row.sum(axis=-1), 1.0, atol=1e-6)
        assert (of_row[..., len(target) :] == 0.0).all()
    # The encoder reads the target from its 3' end: its first letter is our last.
    _, expected = equations.numpy_transformer(
        params, TARGETS[2], np.asarray(previous[2]), HEADS
    )
    np.testing.assert_allclose(
        weights[:, 2, :, :, : len(TARGETS[2])], expected[..., ::-1], atol=1e-5
    )


@pytest.mark.slow
def test_bfloat16_computes_nearly_the_same_in_float32_parameters(tokens):
    model = MODEL.clone(dtype="bfloat16", features=32, dropout=0.0)
    variables = jax.jit(model.init)(jax.random.key(0), *model.example_inputs())
    leaves = jax.tree.leaves(variables)
    assert {leaf.dtype for leaf in leaves} == {jnp.dtype("float32")}
    found = jax.jit(model.apply)(variables, *tokens)
    exact = jax.jit(model.clone(dtype="float32").apply)(variables, *tokens)
    assert found.dtype == jnp.float32
    error = np.abs(found - exact).max()
    assert 1e-4 < error < 0.05  # eight bits of mantissa, of logits near 1
    read = jax.jit(functools.partial(model.apply, method="attention_weights"))
    weights = read(variables, *tokens)
    assert weights.dtype == jnp.float32
    np.testing.assert_allclose(weights.sum(axis=-1), 1.0, atol=1e-6)


@pytest.mark.slow
def test_dropout_is_for_training(params, tokens, score):
    keys = jax.random.split(jax.random.key(0))
    train = jax.jit(
        lambda key: MODEL.apply(
            {"params": params}, *tokens, train=True, rngs={"dropout": key}
        )
    )
    first, again, second = (train(key) for key in (keys[0], keys[0], keys[1]))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - second).max() > 0.01
    assert np.abs(first - score(*tokens)).max() > 0.01


def test_positions_are_those_of_the_equations():
    np.testing.assert_allclose(
        sinusoidal_positions(53, 10), equations.numpy_positions(53, 10), atol=1e-6
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"heads": 0}, "heads=0 is below 1"),
        ({"window": 0}, "window=0 is below 1"),
        ({"decoder_layers": 0}, "decoder_layers=0 is below 1"),
        ({"features": 9}, "features=9 must be even and a multiple of heads=2"),
        ({"features": 10, "heads": 4}, "features=10 must be even and a multiple of"),
        ({"dropout": 1.0}, "dropout=1.0: 0 to below 1"),
        ({"dtype": "float16"}, "dtype='float16' is not one of"),
    ],
)
def test_sizes_that_no_model_has_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        MODEL.clone(**arguments)
