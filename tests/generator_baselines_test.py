"""Tests of mirjax.evaluation.baselines.generator."""

import functools

import jax
import numpy as np
import pytest

from mirjax.evaluation.baselines import generator as generator_baselines
from mirjax.evaluation.evaluation_set import EvaluationSet, Source
from mirjax.sequences import alphabet, pairing
from mirjax.sequences.records import Pairs, SequenceRecord


def evaluation_set(train, held_out, mirnas=()):
    """Rows for models that take targets of 50 nt and miRNAs of 27 nt."""
    return EvaluationSet(
        held_out,
        train,
        Source("pairs.csv", "all", "", len(held_out), 0, "other pairs", False),
        database=[SequenceRecord(f"m{i}", mirna) for i, mirna in enumerate(mirnas)],
        max_target_length=50,
        max_mirna_length=27,
    )


def test_next_symbol_is_the_commonest_after_the_whole_prefix():
    prefixes = generator_baselines.fit_prefixes(
        ["AUG", "AUG", "AC", "UAC", "UAC", "UAC"]
    )
    following = functools.partial(generator_baselines.next_symbol, prefixes)
    assert following("") == "A"  # 3 to 3: the earlier of the alphabet
    assert following("A") == "U"  # C is commoner after A, yet not after a first A
    assert following("AUG") == "$"
    assert following("UA") == "C"
    # None begins with GUA: its longest known end decides, and that is UA, not A.
    assert following("GUA") == "C"
    assert following("GGA") == "C"
    # G is only ever last; of the empty context the commonest symbol is the end.
    assert following("UUG") == "$"
    assert generator_baselines.greedy_from_prefixes(prefixes, 27) == "AUG"
    assert generator_baselines.greedy_from_prefixes(prefixes, 2) == "AU"


def test_unseen_letters_fall_back_to_the_commonest_symbol():
    prefixes = generator_baselines.fit_prefixes(["AAC", "AAC"])
    assert generator_baselines.next_symbol(prefixes, "G") == "A"
    with pytest.raises(ValueError, match="no miRNAs"):
        generator_baselines.fit_prefixes([])


def test_repeated_mirnas_count_as_often_as_they_are_given():
    prefixes = generator_baselines.fit_prefixes(["AUG", "ACG", "ACG"])
    assert generator_baselines.next_symbol(prefixes, "A") == "C"


def test_teacher_forcing_shows_the_true_letters_not_the_predicted():
    prefixes = generator_baselines.fit_prefixes(["AUG", "AUG", "ACC"])
    tokens = generator_baselines.teacher_forced(prefixes, ["ACC", "AUG", "ACC"], 6)
    a, u, c, g, end = alphabet.A, alphabet.U, alphabet.C, alphabet.G, alphabet.EOS
    acc, aug = [a, u, c, end, a, a], [a, u, g, end, a, a]
    np.testing.assert_array_equal(tokens, [acc, aug, acc])


LET7, MIR16, MIR1 = "UGAGGUAGUAGGUUGUAUAGUU", "UAGCAGCACGUAAAUAUUGGCG", "UGGAAUG"


def test_baselines_by_hand():
    sites = {m: pairing.reverse_complement(m) for m in (LET7, MIR16, MIR1)}
    train = Pairs([LET7, MIR16, MIR16], [sites[LET7], sites[MIR16], "AAAA"])
    # A miRNA that training never saw cannot be retrieved.
    held_out = Pairs([LET7, MIR16, MIR1, LET7], [sites[LET7], "AAAA", "GGGG", "AAAA"])
    rows = generator_baselines.generator_baselines(
        evaluation_set(train, held_out, [MIR16])
    )
    # Of the held-out targets GGGG alone is in no training pair; no baseline knows MIR1.
    for metrics in rows.values():
        assert metrics["new_targets"]["n"] == 1
        assert metrics["new_targets"]["exact_match"] == 0
    constant = rows["most_frequent"]
    assert constant["top_1"] == constant["exact_match"] == 1 / 4
    assert constant["top_10"] == 3 / 4
    assert constant["known_match"] == 2 / 4
    assert constant["distinct"] == constant["real_share"] == 1
    for name in ("complementarity", "complementarity_anchored"):
        # LET7's own site finds it. "AAAA" pairs best with the U in LET7's seed;
        # anchored, with either first letter alone, and then the commoner MIR16 wins.
        assert rows[name]["top_1"] == rows[name]["exact_match"] == 2 / 4
        assert rows[name]["top_10"] == 3 / 4
        assert rows[name]["distinct"] == 2
    blind = rows["prefix_only"]
    assert blind["exact_match"] == 1 / 4 and blind["distinct"] == 1
    # Wrong: the second letter of both LET7s (UA… is commoner), and of UGGAAUG all that
    # no context of the training miRNAs foresees.
    prefixes = generator_baselines.fit_prefixes(train.mirnas)
    wrong = 2 + sum(
        generator_baselines.next_symbol(prefixes, MIR1[:place]) != symbol
        for place, symbol in enumerate(MIR1 + "$")
    )
    tokens = 3 * 23 + len(MIR1) + 1
    assert blind["token_accuracy_masked"] == pytest.approx(1 - wrong / tokens)
    assert blind["token_accuracy_keras"] == pytest.approx(1 - wrong / (4 * 28))


@pytest.mark.parametrize(
    ("train", "held_out", "message"),
    [
        (Pairs([], []), Pairs([MIR1], ["AAAA"]), "train: no pairs"),
        (Pairs([MIR1], ["AAAA"]), Pairs([], []), "held_out: no pairs"),
        (
            Pairs([MIR1], ["AAAA"], labels=np.zeros(1, np.uint8)),
            Pairs([MIR1], ["AAAA"]),
            "train: holds rows labelled 0",
        ),
        (
            Pairs([MIR1], ["AAAA"]),
            Pairs(["A" * 28], ["AAAA"]),
            "row 1, miRNA: 28 nt, but",
        ),
    ],
)
def test_baselines_refuse_what_they_cannot_measure(train, held_out, message):
    with pytest.raises(ValueError, match=message):
        generator_baselines.generator_baselines(evaluation_set(train, held_out))


@pytest.fixture
def optimised():
    """Compile with XLA's optimisations: much is computed, little is compiled."""
    jax.config.update("jax_disable_most_optimizations", False)
    yield
    jax.config.update("jax_disable_most_optimizations", True)


@pytest.mark.slow
@pytest.mark.usefixtures("optimised")
def test_published_pairs_give_the_known_metrics(data_dir):
    text = (data_dir / "chakraborty2019" / "pairs.csv").read_text("ascii")
    rows = [line.split(",") for line in text.splitlines()[:19_000]]
    pairs = Pairs([row[0] for row in rows], [row[1][::-1] for row in rows])
    train, held_out = pairs.take(range(15_200)), pairs.take(range(15_200, 19_000))

    # Never seeing the target: 88.6% of the tokens, by the masked count.
    prefixes = generator_baselines.fit_prefixes(train.mirnas)
    tokens = generator_baselines.teacher_forced(prefixes, held_out.mirnas, 28)
    letters = right = 0
    for mirna, row in zip(held_out.mirnas, tokens, strict=True):
        expected = np.append(alphabet.encode([mirna], len(mirna))[0], alphabet.EOS)
        letters += len(expected)
        right += int(np.count_nonzero(row[: len(expected)] == expected))
    assert right / letters == pytest.approx(0.886, abs=0.0005)

    metrics = generator_baselines.generator_baselines(
        evaluation_set(train, held_out.take(range(0, 3_800, 8)))
    )
    assert metrics["complementarity"]["top_1"] >= 0.24
    assert metrics["complementarity"]["top_10"] >= 0.574
    assert metrics["complementarity_anchored"]["top_1"] >= 0.40
