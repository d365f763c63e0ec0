"""Tests of mirjax.inference.beam against an exhaustive search."""

import itertools

import equations
import jax
import numpy as np
import pytest

from mirjax.inference import beam, greedy
from mirjax.inference.ranking import rank
from mirjax.inference.trie import NOWHERE, build_trie
from mirjax.models.losses import shift_right
from mirjax.models.seq2seq import Seq2Seq
from mirjax.models.transformer import Transformer
from mirjax.sequences import alphabet

LETTERS = 3
MODELS = {
    "transformer": Transformer(
        encoder_layers=1,
        decoder_layers=2,
        features=8,
        heads=2,
        hidden_features=12,
        window=2,
        max_mirna_length=LETTERS,
    ),
    "seq2seq": Seq2Seq(
        conv_features=6, dense_features=5, lstm_features=7, max_mirna_length=LETTERS
    ),
}
# Every possible prediction: up to three letters and EOS, or four letters without it.
PREDICTIONS = [
    "".join(letters)
    for count in range(LETTERS + 2)
    for letters in itertools.product(alphabet.LETTERS, repeat=count)
]
EVERYTHING = len(PREDICTIONS)


@pytest.fixture(scope="module", params=MODELS)
def model(request):
    return MODELS[request.param]


@pytest.fixture(scope="module")
def params(model):
    """Parameters whose decoded sequences differ and end at several lengths."""
    params = equations.random_params(model, seed=55)
    params["output_dense"]["bias"][alphabet.EOS - 1] += 0.5
    return params


@pytest.fixture(scope="module")
def targets():
    letters = equations.random_letters(np.random.default_rng(0), 5, 10, 29)
    return alphabet.encode(letters, 29)


@pytest.fixture(scope="module")
def exhaustive(model, params, targets):
    """log P of every possible prediction, by a teacher-forced pass for each."""
    tokens = np.zeros((EVERYTHING, LETTERS + 1), np.uint8)
    for row, letters in enumerate(PREDICTIONS):
        tokens[row, : len(letters)] = alphabet.encode([letters], len(letters) or 1)[
            0, : len(letters)
        ]
        if len(letters) <= LETTERS:
            tokens[row, len(letters)] = alphabet.EOS
    score = jax.jit(
        lambda target: model.apply(
            {"params": params},
            np.ones((EVERYTHING, 1), np.uint8) * target[None],
            shift_right(tokens),
        )
    )
    symbols = np.maximum(tokens.astype(int) - 1, 0)
    log_probs = []
    for target in targets:
        of_symbols = np.asarray(jax.nn.log_softmax(score(target)))
        gained = np.take_along_axis(of_symbols, symbols[..., None], -1)[..., 0]
        log_probs.append((gained * (tokens > 0)).sum(axis=1))
    return np.array(log_probs)


def search(model, params, targets, *, trie=None, **options):
    return beam.decode(model, params, targets, beam.BeamOptions(**options), trie=trie)


def letters_of(beams, row):
    return alphabet.decode(beams.tokens[row])


@pytest.mark.slow
def test_the_widest_beam_is_an_exhaustive_search(model, params, targets, exhaustive):
    found = search(
        model,
        params,
        targets,
        width=EVERYTHING,
        num_predictions=EVERYTHING,
        batch_size=2,
    )
    for row, log_probs in enumerate(exhaustive):
        assert sorted(letters_of(found, row)) == sorted(PREDICTIONS)
        expected = dict(zip(PREDICTIONS, log_probs, strict=True))
        np.testing.assert_allclose(
            found.log_probs[row],
            [expected[letters] for letters in letters_of(found, row)],
            atol=1e-4,
        )
        assert (np.diff(found.log_probs[row]) <= 0).all()


@pytest.mark.slow
def test_decoding_does_not_need_implicit_promotion(model, params, targets):
    """JAX_NUMPY_DTYPE_PROMOTION=strict is a user's to set."""
    trie = build_trie(PREDICTIONS[1:4])
    jax.clear_caches()  # of programs that were traced before
    with jax.numpy_dtype_promotion("strict"):
        greedy.decode(model, params, targets)
        for allowed in (None, trie):
            search(model, params, targets, trie=allowed, width=2, num_predictions=1)
        rank(model, params, targets, PREDICTIONS[1:4])


@pytest.mark.slow
def test_a_beam_of_one_is_greedy(model, params, targets):
    found = search(model, params, targets, width=1)
    expected = greedy.decode(model, params, targets)
    np.testing.assert_array_equal(found.tokens[:, 0], expected.tokens)
    np.testing.assert_allclose(found.log_probs[:, 0], expected.log_probs, atol=1e-5)


@pytest.mark.slow
def test_a_beam_along_a_trie_as_wide_as_it_is_exact_ranking(model, params, targets):
    allowed = ["A", "AUC", "AUG", "CC", "GUC", "GU", "AU", "CCC"]
    trie = build_trie(allowed)
    width = len(allowed)
    found = search(
        model, params, targets, width=width, num_predictions=width, trie=trie
    )
    expected = rank(model, params, targets, allowed)
    for row in range(len(targets)):
        order = np.argsort(-expected[row])
        assert letters_of(found, row) == [allowed[i] for i in order]
        np.testing.assert_allclose(
            found.log_probs[row], expected[row, order], atol=1e-4
        )


@pytest.mark.slow
def test_every_prediction_along_a_trie_is_allowed(model, params, targets):
    """Also with a narrow beam, and one of more slots than allowed miRNAs."""
    allowed = ["AAC", "UUU", "GCA", "GCU"]
    for width in (1, 2, 7):
        found = search(
            model,
            params,
            targets,
            width=width,
            num_predictions=width,
            trie=build_trie(allowed),
        )
        for row in range(len(targets)):
            used = np.isfinite(found.log_probs[row])
            predictions = np.array(letters_of(found, row))[used]
            assert used.sum() == min(width, len(allowed))
            assert set(predictions) <= set(allowed)
            indices = [allowed.index(letters) for letters in predictions]
            assert found.choices[row].tolist() == indices + [NOWHERE] * (~used).sum()
            assert len(set(predictions)) == len(predictions)


@pytest.mark.slow
def test_predictions_likelier_than_every_pruned_prefix_are_exact(
    model, params, targets, exhaustive
):
    best = np.sort(exhaustive, axis=1)[:, ::-1]
    some, sizes = 0, []
    for width in (2, 5, 20):
        found = search(model, params, targets, width=width, num_predictions=width)
        for row, pruned in enumerate(found.best_pruned_log_prob):
            exact = found.log_probs[row] > pruned
            some += exact.sum()
            sizes.append(exact.sum() - width)
            np.testing.assert_allclose(
                found.log_probs[row][exact], best[row][: exact.sum()], atol=1e-4
            )
    assert some > 0 and min(sizes) < 0  # both kinds occur
    whole = search(model, params, targets, width=EVERYTHING)
    assert (whole.best_pruned_log_prob == -np.inf).all()


def test_no_targets_have_no_predictions(model, params, targets):
    found = search(model, params, targets[:0], width=4, num_predictions=2)
    assert found.tokens.shape == (0, 2, LETTERS + 1)
    assert found.log_probs.shape == (0, 2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"width": 2, "num_predictions": 3},
            "num_predictions=3 must be from 1 to width=2",
        ),
        ({"num_predictions": 0}, "num_predictions=0 must be from 1"),
        ({"trie": build_trie(["AUCG"])}, "has 4 nt, but the model emits at most 3"),
    ],
)
def test_what_cannot_be_searched_is_refused(params, targets, arguments, message):
    with pytest.raises(ValueError, match=message):
        search(MODELS["seq2seq"], params, targets, **arguments)


def test_a_trie_leads_to_its_sequences_and_nowhere_else():
    trie = build_trie(["AU", "A", "AUG", "A"])
    assert trie.sequences == ("AU", "A", "AUG")
    assert trie.longest == 3
    ends = {}
    walks = [(0, "")]
    while walks:
        node, prefix = walks.pop()
        for symbol, child in enumerate(trie.children[node]):
            if child == NOWHERE:
                continue
            if symbol == alphabet.EOS - 1:
                ends[prefix] = trie.sequence_of[child]
                assert (trie.children[child] == NOWHERE).all()
            else:
                walks.append((child, prefix + alphabet.LETTERS[symbol]))
    assert ends == {"AU": 0, "A": 1, "AUG": 2}
    assert (trie.sequence_of >= 0).sum() == 3
    with pytest.raises(ValueError, match="no sequences"):
        build_trie([])
