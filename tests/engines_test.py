"""Engines score windows as the model's equations do, in float64."""

import concurrent.futures
import threading

import jax
import numpy as np
import pytest
from equations import numpy_mitar, random_letters, random_params

from mirjax.models.duplex import Duplex
from mirjax.models.members import split_members
from mirjax.models.mirbind2 import MirBind2
from mirjax.models.mitar import Mitar
from mirjax.models.trained import TrainedModel
from mirjax.scanning.engines.choice import make_engine
from mirjax.scanning.engines.duplex import DuplexEngine
from mirjax.scanning.engines.mitar import MitarEngine
from mirjax.scanning.engines.plain import PlainEngine
from mirjax.scanning.threads import in_order
from mirjax.sequences import alphabet
from mirjax.sequences.records import SequenceRecord

SMALL = Mitar(conv_features=12, lstm_features=6, dense_features=5)
DUPLEX = Duplex(stack_features=3, filters=7, conv_features=5, dense_features=4)


def trained(model, seed=0):
    return TrainedModel(model, random_params(model, seed, scale=0.3), {})


def tokens_of(sequence):
    return alphabet.encode([sequence], len(sequence), unknown_as_pad=True)[0]


def expected(trained, mirnas, sequence, starts):
    """The probabilities, window by window."""
    size = trained.model.max_target_length
    return np.array(
        [
            [
                numpy_mitar(
                    trained.params,
                    mirna,
                    sequence[start : start + size],
                    trained.model.length,
                    trained.model.max_mirna_length,
                )
                for start in starts
            ]
            for mirna in mirnas
        ]
    )


@pytest.mark.slow
@pytest.mark.parametrize("engine", [PlainEngine, MitarEngine])
@pytest.mark.parametrize("length", [66, 79])
def test_probabilities_are_those_of_the_equations(engine, length):
    rng = np.random.default_rng(length)
    model = trained(SMALL.clone(length=length))
    # Of every length that fits; more than a block; some that agree in their ends.
    mirnas = (*random_letters(rng, 15, 15, 26), "A" * 26, "U", "UAGCAGCACGUAAAUAUUGGCG")
    sequence = random_letters(rng, 1, 130, 130)[0]
    sequence = sequence[:60] + "NNNN" + sequence[64:]
    # Odd and even starts, and windows that end after the transcript.
    starts = np.array([0, 1, 22, 45, 58, 63, 77, 90, 110, 129])
    scores = engine(model, mirnas).score_windows(tokens_of(sequence), starts)
    wanted = expected(model, mirnas, sequence, starts)
    assert np.std(wanted) > 0.01
    np.testing.assert_allclose(scores, wanted, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize(
    "sizes",
    [
        {"max_mirna_length": 25, "length": 60},  # pooling begins on an odd letter
        {"conv_width": 7},
        {"conv_width": 1},
        {"length": 30},  # no step of the window alone
        {"max_mirna_length": 8, "length": 40},  # none of the miRNA alone
    ],
)
def test_factors_of_other_sizes_are_those_of_the_equations(sizes):
    rng = np.random.default_rng(1)
    model = trained(SMALL.clone(**sizes))
    longest = model.model.max_mirna_length
    mirnas = tuple(random_letters(rng, 5, longest - 3, longest))
    sequence = random_letters(rng, 1, 150, 150)[0]
    starts = np.arange(0, 150, 7)
    scores = MitarEngine(model, mirnas).score_windows(tokens_of(sequence), starts)
    wanted = expected(model, mirnas, sequence, starts)
    np.testing.assert_allclose(scores, wanted, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize(
    "sizes",
    [
        {},
        {"max_mirna_length": 30, "max_target_length": 37},
        {"members": 3},
        {"max_mirna_length": 8, "conv_layers": 1, "first_width": 3, "conv_width": 1},
    ],
)
def test_tables_of_stacks_equal_the_plain_model(sizes):
    rng = np.random.default_rng(4)
    model = trained(DUPLEX.clone(**sizes), seed=4)
    longest = model.model.max_mirna_length
    lengths = [each for each in (1, 2, 7, 19, 20, 22, 23, 28) if each < longest]
    mirnas = tuple(random_letters(rng, 1, n, n)[0] for n in (*lengths, longest))
    sequence = random_letters(rng, 1, 170, 170)[0]
    unknown = "NN" + sequence[2:60] + "N" + sequence[61:80] + "N" * 60 + sequence[140:]
    # Odd and even starts, one window of no letters, and ends after the transcript.
    starts = np.array([0, 1, 2, 13, 40, 57, 80, 85, 119, 130, 150, 168, 169])
    plain, fast = PlainEngine(model, mirnas), DuplexEngine(model, mirnas)
    wanted = plain.score_windows(tokens_of(unknown), starts)
    assert np.std(wanted) > 0.01
    found = fast.score_windows(tokens_of(unknown), starts)
    np.testing.assert_allclose(found, wanted, atol=1e-5)
    for short in (sequence[:1], sequence[:6], "N", "N" + sequence[:30]):
        starts = np.arange(len(short))
        np.testing.assert_allclose(
            fast.score_windows(tokens_of(short), starts),
            plain.score_windows(tokens_of(short), starts),
            atol=1e-5,
        )


@pytest.mark.slow
def test_pairs_of_mirnas_of_many_lengths_keep_their_order():
    rng = np.random.default_rng(5)
    model = trained(DUPLEX)
    mirnas = tuple(random_letters(rng, 40, 7, 28))
    tokens = tokens_of(random_letters(rng, 1, 200, 200)[0])
    chosen, starts = rng.integers(0, 40, 700), rng.integers(0, 200, 700)
    np.testing.assert_allclose(
        DuplexEngine(model, mirnas).score_pairs(tokens, chosen, starts),
        PlainEngine(model, mirnas).score_pairs(tokens, chosen, starts),
        atol=1e-5,
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("engine", "model"),
    [(PlainEngine, SMALL), (MitarEngine, SMALL), (DuplexEngine, DUPLEX)],
)
def test_pairs_are_those_of_all_windows(engine, model):
    rng = np.random.default_rng(2)
    engine = engine(trained(model), tuple(random_letters(rng, 4, 20, 24)))
    tokens = tokens_of(random_letters(rng, 1, 100, 100)[0])
    starts = np.array([0, 9, 31])
    mirnas, windows = np.array([3, 0, 2, 3, 1]), np.array([2, 1, 1, 0, 2])
    scores = engine.score_windows(tokens, starts)
    np.testing.assert_allclose(
        engine.score_pairs(tokens, mirnas, starts[windows]),
        scores[mirnas, windows],
        atol=1e-6,
    )
    none = np.zeros(0, np.int64)
    assert engine.score_windows(tokens, none).shape == (4, 0)
    assert engine.score_pairs(tokens, none, none).shape == (0,)


@pytest.mark.slow
def test_long_transcripts_are_projected_in_blocks():
    """Windows that lie across two blocks are those of a transcript cut elsewhere."""
    rng = np.random.default_rng(3)
    engine = MitarEngine(trained(SMALL), ("UAGCAGCACGUAAAUAUUGGCG",))
    tokens = tokens_of(random_letters(rng, 1, 20_000, 20_000)[0])
    starts = np.array([3, 8150, 8191, 8192, 16_384, 19_947, 19_999])
    scores = engine.score_windows(tokens, starts)[0]
    for start, score in zip(starts, scores, strict=True):
        window = tokens[start : start + engine.window_length]
        alone = engine.score_windows(window, np.array([0]))
        np.testing.assert_allclose(alone, [[score]], atol=1e-6)


@pytest.mark.slow
def test_the_temperature_divides_the_logits():
    tokens, starts = tokens_of("ACGUACGUAC"), np.array([0])
    small, duplex = trained(SMALL), trained(DUPLEX)
    classes = ((PlainEngine, small), (MitarEngine, small), (DuplexEngine, duplex))
    for engine, model in classes:
        plain, cool = (
            float(engine(model, ("ACGUACGU",), t).score_windows(tokens, starts)[0, 0])
            for t in (1.0, 2.5)
        )
        logit = np.log(plain / (1 - plain))
        assert cool == pytest.approx(1 / (1 + np.exp(-logit / 2.5)), abs=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("engine", "model"),
    [(PlainEngine, SMALL), (MitarEngine, SMALL), (DuplexEngine, DUPLEX)],
)
def test_scores_that_are_no_numbers_are_an_error(engine, model):
    model = trained(model)
    params = jax.tree.map(lambda leaf: leaf * np.float32(np.nan), dict(model.params))
    damaged = TrainedModel(model.model, params, {})
    with pytest.raises(FloatingPointError, match="NaN or infinite"):
        engine(damaged, ("ACGU",)).score_windows(tokens_of("ACGU"), np.array([0]))


def test_the_embedding_of_members_is_joined():
    joined = trained(DUPLEX.clone(members=2))
    mirnas, tokens = (
        ("UGAGGUAGUAGGUUG", "ACGUACGUACGUACGUACGUACGUAC"),
        tokens_of("ACGU" * 20),
    )
    pairs = (tokens, np.array([1, 0, 1, 0]), np.array([5, 3, 0, 40]))
    engine = DuplexEngine(joined, mirnas)
    found, embedding = engine.embed_pairs(*pairs)
    np.testing.assert_array_equal(found, engine.score_pairs(*pairs))
    each = [
        DuplexEngine(member, mirnas).embed_pairs(*pairs)[1]
        for member in split_members(joined)
    ]
    assert not np.allclose(*each)
    np.testing.assert_allclose(embedding, np.concatenate(each, axis=1), rtol=1e-5)


def test_each_classifier_has_its_engine():
    records = [SequenceRecord("m", "UAGCAGCACGUAAAUAUUGGCG")]
    assert isinstance(make_engine(trained(SMALL), records), MitarEngine)
    assert isinstance(make_engine(trained(DUPLEX), records), DuplexEngine)
    other = TrainedModel(MirBind2(), {}, {})
    assert isinstance(make_engine(other, records), PlainEngine)
    wide = TrainedModel(Mitar(length=5000), {}, {})
    assert isinstance(make_engine(wide, records), PlainEngine)


@pytest.mark.parametrize(
    ("engine", "model"),
    [(PlainEngine, SMALL), (MitarEngine, SMALL), (PlainEngine, DUPLEX)]
    + [(DuplexEngine, DUPLEX)],
)
def test_scores_do_not_need_implicit_promotion(engine, model):
    """JAX_NUMPY_DTYPE_PROMOTION=strict is a user's to set."""
    mirnas, tokens = ("UGAGGUAGUAGGUUG",), tokens_of("ACGU" * 20)
    jax.clear_caches()  # of programs that were traced before
    with jax.numpy_dtype_promotion("strict"):
        found = engine(trained(model), mirnas).score_windows(tokens, np.arange(3))
    assert np.isfinite(found).all()


@pytest.mark.parametrize(
    ("engine", "model"),
    [(PlainEngine, SMALL), (MitarEngine, SMALL), (DuplexEngine, DUPLEX)],
)
def test_scoring_in_a_thread_ends_when_it_is_stopped(engine, model, monkeypatch):
    """Between two programs, where all windows would take much longer."""
    monkeypatch.setattr("mirjax.scanning.threads.available_cores", lambda: 2)
    scored = engine(trained(model), ("UGAGGUAGUAGGUUG",))
    tokens = tokens_of("ACGU" * 100_000)
    scored.score_windows(tokens, np.arange(3))  # compiled
    begun, ended = threading.Event(), []

    def work(number):
        if number == 0:
            return
        begun.set()
        try:
            scored.score_windows(tokens, np.arange(len(tokens)))
        except concurrent.futures.CancelledError:
            ended.append(number)

    results = in_order(work, range(2))
    next(results)
    assert begun.wait(60)
    results.close()
    assert ended == [1]
