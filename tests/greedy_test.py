"""Tests of mirjax.inference.greedy against a loop of one symbol at a time."""

import functools

import equations
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mirjax.inference import greedy
from mirjax.models.losses import shift_right
from mirjax.models.seq2seq import Seq2Seq
from mirjax.sequences import alphabet

MODEL = Seq2Seq(conv_features=6, dense_features=5, lstm_features=7, max_mirna_length=9)
TIME = 10


@pytest.fixture(scope="module")
def params():
    """Parameters whose decoded sequences differ and end at several lengths."""
    params = equations.random_params(MODEL, seed=46, scale=1.0)
    params["output_dense"]["bias"][alphabet.EOS - 1] += 0.5
    return params


@pytest.fixture(scope="module")
def targets():
    letters = equations.random_letters(np.random.default_rng(0), 60, 10, 29)
    return alphabet.encode(letters, 29)


@pytest.fixture(scope="module")
def decoded(params, targets):
    return greedy.decode(MODEL, params, targets)


def test_decoding_is_the_loop_of_one_symbol_at_a_time(params, targets, decoded):
    apply = functools.partial(MODEL.apply, {"params": params})
    encode = jax.jit(functools.partial(apply, method="encode"))
    advance = jax.jit(functools.partial(apply, method="decode_step"))
    for row, target in enumerate(targets):
        state = encode(target[None])
        letters, log_prob = [alphabet.BOS], 0.0
        while len(letters) <= TIME and letters[-1] != alphabet.EOS:
            state, logits = advance(state, np.array(letters[-1:], np.uint8))
            logits = np.float64(logits[0])
            allowed = [token for token in range(1, 7) if token != alphabet.BOS]
            best = max(allowed, key=lambda token: logits[token - 1])  # noqa: B023
            log_prob += logits[best - 1] - np.log(np.sum(np.exp(logits)))
            letters.append(best)
        found = decoded.tokens[row].tolist()
        assert found == letters[1:] + [alphabet.PAD] * (TIME + 1 - len(letters))
        assert decoded.log_probs[row] == pytest.approx(log_prob, abs=1e-4)


def test_the_case_is_not_a_trivial_one(decoded):
    """Some rows end early and at several lengths, some run out of steps."""
    lengths = np.sum(decoded.tokens != alphabet.PAD, axis=1)
    ended = (decoded.tokens == alphabet.EOS).any(axis=1)
    assert len(set(lengths[ended])) >= 3
    assert not ended.all()
    assert len(set(alphabet.decode(decoded.tokens))) >= 10


def test_after_its_end_a_row_is_padding(decoded):
    for row in decoded.tokens.tolist():
        size = row.index(alphabet.EOS) + 1 if alphabet.EOS in row else TIME
        assert all(
            token not in (alphabet.PAD, alphabet.EOS) for token in row[: size - 1]
        )
        assert row[size:] == [alphabet.PAD] * (TIME - size)


def test_log_probs_are_those_of_a_teacher_forced_pass(params, targets, decoded):
    tokens = jnp.asarray(decoded.tokens)
    logits = jax.jit(MODEL.apply)({"params": params}, targets, shift_right(tokens))
    log_probs = np.asarray(jax.nn.log_softmax(logits))
    valid = decoded.tokens != alphabet.PAD
    symbols = np.maximum(decoded.tokens.astype(int) - 1, 0)
    gained = np.take_along_axis(log_probs, symbols[..., None], axis=-1)[..., 0]
    np.testing.assert_allclose(
        decoded.log_probs, np.sum(gained * valid, axis=1), atol=1e-4
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rows", "batch_size"), [(1, 512), (5, 512), (60, 7), (60, 16), (513, 512)]
)
def test_any_number_of_rows_in_any_batches_decode_alike(
    params, targets, decoded, rows, batch_size
):
    chosen = np.arange(rows) % len(targets)
    found = greedy.decode(MODEL, params, targets[chosen], batch_size=batch_size)
    np.testing.assert_array_equal(found.tokens, decoded.tokens[chosen])
    np.testing.assert_allclose(found.log_probs, decoded.log_probs[chosen], atol=1e-5)


def test_no_targets_decode_to_no_rows(params, targets):
    found = greedy.decode(MODEL, params, targets[:0])
    assert found.tokens.shape == (0, TIME)
    assert found.tokens.dtype == np.uint8
    assert found.log_probs.shape == (0,)


def test_one_compilation_serves_all_batches(params, targets):
    before = greedy.decode_batch._cache_size()
    for rows in (60, 41, 33, 60):
        # 3 to 8 batches of 8 rows, the last one filled up.
        greedy.decode(MODEL, params, targets[:rows], batch_size=8)
    assert greedy.decode_batch._cache_size() <= before + 1


def with_bias(params, token, bias):
    changed = jax.tree.map(np.copy, params)
    changed["output_dense"]["bias"][token - 1] = bias
    return changed


def test_bos_is_never_predicted(params, targets):
    likeliest = with_bias(params, alphabet.BOS, 50.0)
    found = greedy.decode(MODEL, likeliest, targets)
    assert not (found.tokens == alphabet.BOS).any()
    # The model's own probabilities are reported: they are not renormalised.
    assert found.log_probs.max() < -30


def test_a_certain_end_is_decoded_alone(params, targets):
    found = greedy.decode(MODEL, with_bias(params, alphabet.EOS, 99.0), targets)
    np.testing.assert_array_equal(found.tokens[:, 0], alphabet.EOS)
    assert not found.tokens[:, 1:].any()
    np.testing.assert_allclose(found.log_probs, 0.0, atol=1e-6)


def test_without_an_end_a_row_runs_out_of_steps(params, targets):
    found = greedy.decode(MODEL, with_bias(params, alphabet.EOS, -99.0), targets)
    assert np.isin(found.tokens, [1, 2, 3, 4]).all()
