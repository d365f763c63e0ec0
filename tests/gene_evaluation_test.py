"""Tests of the evaluation on genes: baselines, gene sets, metrics and the command."""

import dataclasses
import json

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from mirjax.datasets.transfection import FoldChanges
from mirjax.evaluation import genes as gene_evaluation
from mirjax.evaluation.baselines import genes as baselines
from mirjax.evaluation.gene_flags import GeneOptions
from mirjax.evaluation.gene_set import GeneSet, load_own
from mirjax.evaluation.metrics import repression as metrics
from mirjax.reporting.gene_report import report_genes
from mirjax.scanning.repression import features, head_file
from mirjax.scanning.repression.fitting import FitOptions
from mirjax.scanning.repression.head import tabulate_sites
from mirjax.training.repression import gene_weights, train_repression

_MIRNAS = ["UGAGGUAGUAGGUUGUAUAGUU", "UAAGGCACGCGGUGAAUGCCAA", "UUAAUGCUAAUCGUGAUAGGGG"]
_MIRNAS.append("UGGAAUGUAAAGAAGUAUGUAU")
_SITES = ["CUACCUCA", "GUGCCUUA", "AGCAUUAA", "ACAUUCCA"]  # 8mers


def _gene_set(number=60):
    """Genes with planted 8mers that repress by 1, and noise."""
    rng = np.random.default_rng(0)
    utrs, log2 = [], rng.normal(0, 0.2, (number, len(_MIRNAS)))
    for gene in range(number):
        letters = rng.choice(list("ACGU"), 300)
        for column, site in enumerate(_SITES):
            if rng.random() < 0.3:
                place = 20 + 60 * column
                letters[place : place + 8] = list(site)
                log2[gene, column] -= 1
        utrs.append("".join(letters))
    names = [f"hsa-miR-{n}" for n in range(len(_MIRNAS))]
    changes = FoldChanges([f"G{n}" for n in range(number)], names, log2)
    return GeneSet("simulated", changes, utrs, _MIRNAS, 2 * number)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """Keep accessibility out of the user's cache."""
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda _: str(tmp_path))


@pytest.fixture(scope="module")
def gene_set():
    return _gene_set()


def test_best_site_is_the_strongest_of_the_counts(gene_set):
    found = baselines.simple_baselines(gene_set)
    counts = found["site counts"][:, :, :4]
    for gene in range(10):
        for column in range(len(_MIRNAS)):
            row = counts[gene, column]
            expected = [0.0] * 4
            if row.any():
                expected[int(np.flatnonzero(row)[0])] = 1.0
            assert found["best site"][gene, column].tolist() == expected
    assert found["length"] == pytest.approx(np.log(300))


def test_held_out_prediction_is_a_regression_on_the_others(gene_set):
    numbers = baselines.simple_baselines(gene_set)["site counts"]
    found = baselines.predict_held_out(numbers, gene_set.log2, [0, 1, 3])
    others = numbers[:, [0, 3]].reshape(-1, 5)
    oracle = LinearRegression().fit(others, gene_set.log2[:, [0, 3]].ravel())
    np.testing.assert_allclose(found[:, 1], oracle.predict(numbers[:, 1]), atol=1e-9)


def test_coefficients_are_those_of_the_planted_sites(gene_set):
    numbers = baselines.simple_baselines(gene_set)
    assert baselines.coefficients(numbers, gene_set)[0] == pytest.approx(-1, abs=0.1)


@pytest.fixture(scope="module")
def model(gene_set):
    options = FitOptions(features=("local_au",), iterations=40)
    return train_repression([gene_set], options, fold=False)


@pytest.fixture(scope="module")
def measured(gene_set, model, tmp_path_factory):
    cache = str(tmp_path_factory.mktemp("cache"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("platformdirs.user_cache_dir", lambda _: cache)
        patch.setattr(metrics, "GENE_RESAMPLES", 10)
        return gene_evaluation.measure_genes(gene_set, model, passenger=False)


@pytest.mark.slow
def test_trained_model_predicts_left_out_mirnas(measured):
    found = measured
    assert list(found.predictors)[0] == "model"
    assert found.predictors["model"]["mean"]["pearson_r"] > 0.8
    assert found.predictors["length"]["mean"]["r2"] == 0
    low, high = found.predictors["model"]["interval_over_genes"]["pearson_r"]
    assert low < found.predictors["model"]["mean"]["pearson_r"] < high
    classes = found.distributions["hsa-miR-0"]
    assert classes["8mer"].median == pytest.approx(-1, abs=0.15)
    assert classes["none"].median == pytest.approx(0, abs=0.1)
    assert classes["8mer"].ks > 0.9


@pytest.mark.slow
def test_a_left_out_mirna_is_left_out_of_all_experiments(gene_set):
    """With all that share its letters 2 to 7: their fold changes decide nothing."""
    options = FitOptions(features=("local_au",), iterations=10)
    # Letters 8 and later differ, so that only letters 2 to 7 are shared.
    related = [mirna[:7] + mirna[:6:-1] for mirna in _MIRNAS]
    other = dataclasses.replace(gene_set, mirnas=related)

    def changed(genes, column):
        log2 = genes.log2.copy()
        log2[:, column] = np.random.default_rng(1).normal(0, 3, len(log2))
        changes = dataclasses.replace(genes.changes, log2=log2)
        return dataclasses.replace(genes, changes=changes)

    def left_out(sets):
        return train_repression(sets, options, fold=False).held_out(_MIRNAS[2])

    plain = left_out([gene_set, other])
    without = left_out([changed(gene_set, 2), changed(other, 2)])
    np.testing.assert_allclose(without.guide, plain.guide)
    np.testing.assert_allclose(*([*x.slopes.values()] for x in (without, plain)))
    affected = left_out([gene_set, changed(other, 1)])
    assert not np.allclose(affected.guide, plain.guide)


@pytest.mark.slow
def test_prediction_against_the_others_takes_their_mean_from_the_same_head(
    gene_set, model
):
    found = gene_evaluation.predict_repression(gene_set, model, passenger=False)
    utrs = features.prepare(gene_set.utrs, fold=True)
    whole = np.zeros(gene_set.log2.shape)
    head = model.held_out(_MIRNAS[2])
    for column, mirna in enumerate(_MIRNAS):
        sites = tabulate_sites(utrs, [mirna], passenger=False)
        whole[:, column] = head.repression(sites, len(utrs))
    np.testing.assert_allclose(found["model"][:, 2], whole[:, 2])
    expected = whole[:, 2] - whole[:, [0, 1, 3]].mean(axis=1)
    np.testing.assert_allclose(found["model, against the others"][:, 2], expected)


@pytest.mark.slow
def test_length_is_added_by_a_regression_on_the_others(gene_set, model, monkeypatch):
    monkeypatch.setattr(metrics, "GENE_RESAMPLES", 10)
    rng = np.random.default_rng(3)
    lengths = rng.integers(150, 300, len(gene_set.utrs))
    log2 = gene_set.log2 + 2 * np.log(lengths)[:, None]
    genes = dataclasses.replace(
        gene_set,
        changes=dataclasses.replace(gene_set.changes, log2=log2),
        utrs=[utr[:n] for utr, n in zip(gene_set.utrs, lengths, strict=True)],
    )
    found = gene_evaluation.measure_genes(genes, model, passenger=False).predictors
    plain = gene_evaluation.predict_repression(genes, model, passenger=False)["model"]
    numbers = np.stack([plain, np.log(lengths)[:, None].repeat(4, axis=1)], axis=2)
    oracle = LinearRegression().fit(numbers[:, 1:].reshape(-1, 2), log2[:, 1:].ravel())
    expected = np.corrcoef(oracle.predict(numbers[:, 0]), log2[:, 0])[0, 1]
    row = found["model, with the length"]["mirnas"]["hsa-miR-0"]
    assert row["pearson_r"] == pytest.approx(expected)
    assert row["r2"] > found["model"]["mirnas"]["hsa-miR-0"]["r2"] + 0.1


@pytest.mark.slow
def test_confounders_add_nothing_to_a_model_that_explains_all(measured):
    found = measured
    au = found.confounders["AU content"]
    assert au["alone"]["r2"] < 0.1
    whole = found.predictors["model"]["mean"]["pearson_r"]
    assert au["with the model"]["pearson_r"] == pytest.approx(whole, abs=0.05)
    assert len(au["model in thirds"]) == 3
    shared = found.confounders["shared by miRNAs"]
    assert shared["if independent"] == 0.25
    assert shared["first component"] < 0.5
    assert "log2 level" not in found.confounders


def test_every_training_mirna_has_a_head_that_has_not_seen_it(model):
    assert sorted(model.folds) == sorted(mirna[1:8] for mirna in _MIRNAS)
    assert all(fold.guide != model.head.guide for fold in model.folds.values())


@pytest.mark.slow
def test_intervals_hold_nine_of_ten_left_out_genes(gene_set, model):
    found = gene_evaluation.predict_repression(gene_set, model, passenger=True)
    predicted = found["model"]
    low, high = model.head.interval(predicted.ravel())
    inside = (low <= gene_set.log2.ravel()) & (gene_set.log2.ravel() <= high)
    assert np.mean(inside) == pytest.approx(0.9, abs=0.05)


def test_weights_fall_with_the_variance_of_a_level():
    rng = np.random.default_rng(0)
    level = rng.uniform(0, 10, 400)
    log2 = rng.normal(0, np.where(level < 5, 1.0, 0.1)[:, None], (400, 6))
    weights = gene_weights(FoldChanges([str(n) for n in range(400)], [], log2, level))
    assert weights[level < 2].mean() < weights[level > 8].mean() / 10
    equal = gene_weights(FoldChanges(["a", "b"], [], np.ones((2, 1))))
    assert equal.tolist() == [1, 1]


@pytest.mark.slow
def test_own_table_of_one_mirna_end_to_end(tmp_path, gene_set, model, monkeypatch):
    monkeypatch.setattr(metrics, "GENE_RESAMPLES", 10)
    monkeypatch.setattr("mirjax.evaluation.gene_set._synonyms", lambda genes: {})
    monkeypatch.setattr(
        "mirjax.evaluation.gene_set.registry.load_fasta", lambda name: []
    )
    rows = zip(gene_set.changes.genes, gene_set.log2[:, 0], strict=True)
    table = "gene\tlog2fc\n" + "".join(f"{gene}\t{x}\n" for gene, x in rows)
    (tmp_path / "own.tsv").write_text(table)
    fasta = "".join(f">G{n}\n{utr}\n" for n, utr in enumerate(gene_set.utrs[:40]))
    (tmp_path / "utrs.fa").write_text(fasta)
    loaded = load_own(str(tmp_path / "own.tsv"), _MIRNAS[0], [tmp_path / "utrs.fa"])
    assert (len(loaded.utrs), loaded.num_listed) == (40, 60)
    head_file.write_model(tmp_path / "model.json", model)
    options = GeneOptions(
        model=str(tmp_path / "model.json"),
        data=str(tmp_path / "own.tsv"),
        utrs=(str(tmp_path / "utrs.fa"),),
        mirna=_MIRNAS[0],
        out=str(tmp_path / "out"),
    )
    report_genes(
        gene_evaluation.evaluate_genes(options), options, {"command": "the command"}
    )
    content = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert content["genes"] == 40
    assert content["predictors"]["model"]["mean"]["pearson_r"] > 0.8
    assert content["predictors"]["site counts"]["mean"]["pearson_r"] > 0.8
    page = (tmp_path / "out" / "genes.html").read_text()
    assert "Cumulative distributions" in page
    assert "the command" in page


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"utrs": ()}, "needs 3'UTRs"),
        ({"data": "own.tsv"}, "name the miRNA that was transfected"),
        ({"mirna": "hsa-miR-1-3p"}, "is for a table of one's own"),
    ],
)
def test_options_that_do_not_fit_are_refused(changes, message):
    options = {"model": "m", "data": "transfection/hela", "utrs": ("a.fa",)}
    with pytest.raises(ValueError, match=message):
        GeneOptions(**{**options, **changes})
