"""Tests of mirjax.evaluation.baselines.classifier."""

import numpy as np
import pytest

from mirjax.datasets import registry
from mirjax.evaluation.baselines.classifier import classifier_baselines
from mirjax.evaluation.metrics.classification import classification_metrics
from mirjax.sequences.pairing import SEED_6MER, seed_site
from mirjax.sequences.records import Pairs

LET7, MIR16 = "UGAGGUAGUAGGUUGUAUAGUU", "UAGCAGCACGUAAAUAUUGGCG"
LET7_SITE = seed_site(LET7, SEED_6MER)


def pairs_of(rows, **columns):
    mirnas, targets, labels = zip(*rows, strict=True)
    return Pairs(mirnas, targets, np.array(labels, np.uint8), **columns)


def test_fractions_by_hand():
    train = pairs_of(
        [
            (LET7, "AA" + LET7_SITE + "AA", 1),
            (LET7, "AA" + LET7_SITE + "UU", 1),
            (LET7, "GG" + LET7_SITE + "GG", 0),
            (MIR16, "AAAAAAAAAA", 0),
            (MIR16, "GGGGGGGGGG", 0),
        ],
        genes=["a", "a", "b", "b", "c"],
    )
    held_out = pairs_of(
        [(LET7, "CC" + LET7_SITE, 0), (MIR16, "CCCCCCCC", 1), (LET7[::-1], "CCC", 1)],
        genes=["b", "d", "a"],
    )
    found = classifier_baselines(train, held_out)
    prior = 2 / 5
    np.testing.assert_allclose(
        found["mirna_identity"], [(2 + prior) / 4, (0 + prior) / 3, prior]
    )
    np.testing.assert_allclose(found["gene"], [(0 + prior) / 3, prior, (2 + prior) / 3])
    np.testing.assert_allclose(
        found["seed_6mer"], [(2 + prior) / 4, (0 + prior) / 3, (0 + prior) / 3]
    )
    assert set(found) == {
        "mirna_identity",
        "gene",
        "seed_6mer",
        "mirna_kmers",
        "target_kmers",
        "complementarity",
    }
    # The labels of held-out rows are never used.
    flipped = Pairs(
        held_out.mirnas, held_out.targets, 1 - held_out.labels, genes=held_out.genes
    )
    for name, values in classifier_baselines(train, flipped).items():
        np.testing.assert_array_equal(values, found[name])


def test_sequences_identify_mirnas_and_genes_are_optional():
    train = pairs_of(
        [(LET7, "A" * 9, 1), (MIR16, "G" * 9, 0)], mirna_names=["let-7a", "let-7a"]
    )
    held_out = pairs_of([(MIR16, "C" * 9, 1)], mirna_names=["let-7a"])
    found = classifier_baselines(train, held_out)
    assert found["mirna_identity"] == pytest.approx(0.25)
    assert "gene" not in found


def test_each_regression_learns_from_its_own_side_alone():
    rng = np.random.default_rng(0)

    def draw(letters, n):
        return ["".join(rng.choice(list(letters), 22)) for _ in range(n)]

    labels = np.arange(400) % 2
    rich_in_a = [draw("AAUCG" if label else "AUCCG", 1)[0] for label in labels]
    blind = draw("AUCG", 400)
    for mirnas, targets, learned, not_learned in (
        (blind, rich_in_a, "target_kmers", "mirna_kmers"),
        (rich_in_a, blind, "mirna_kmers", "target_kmers"),
    ):
        pairs = Pairs(mirnas, targets, labels.astype(np.uint8))
        train, held_out = pairs.take(range(300)), pairs.take(range(300, 400))
        found = classifier_baselines(train, held_out)
        auroc = {
            name: classification_metrics(held_out.labels, values)["auroc"]
            for name, values in found.items()
        }
        assert auroc[learned] > 0.75
        assert 0.3 < auroc[not_learned] < 0.7


def test_training_rows_of_one_class_or_none():
    train = pairs_of([(LET7, "A" * 9, 1), (MIR16, "G" * 9, 1)])
    for values in classifier_baselines(train, train).values():
        np.testing.assert_array_equal(values, [1.0, 1.0])
    with pytest.raises(ValueError, match="labelled training rows"):
        classifier_baselines(Pairs([LET7], ["A" * 9]), train)


@pytest.mark.slow
def test_mitar_data_can_be_classified_without_the_target(data_dir):
    pairs, split = registry.load_split("mitar2021")
    train, test = pairs.take(split.train), pairs.take(split.test)
    found = classifier_baselines(train, test)
    metrics = classification_metrics(test.labels, found["mirna_identity"])
    # The known metrics of the published split.
    assert metrics["accuracy"] == pytest.approx(0.925, abs=0.003)
    assert metrics["auroc"] == pytest.approx(0.968, abs=0.003)
