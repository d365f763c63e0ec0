"""Tests of published metrics beside ours, on the same rows alone."""

import csv
import gzip
import json

import numpy as np
import pytest
from absl import flags
from equations import random_params

from mirjax import evaluate
from mirjax.datasets import readers, registry
from mirjax.evaluation import benchmarks
from mirjax.evaluation.options import BENCHMARKS
from mirjax.models import make_model, trained
from mirjax.sequences.records import Pairs

MODEL = {"name": "mitar", "conv_features": 4, "lstm_features": 2, "dense_features": 2}


def run(model, out, *arguments):
    """Run the command in this process and return what it wrote."""
    flag_values = flags.FlagValues()
    evaluate.define_flags(flag_values)
    flag_values(["evaluate", f"--model={model}", f"--out={out}", *arguments])
    evaluate.main(flag_values)
    return json.loads((out / "metrics.json").read_text())


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "model.npz"
    params = random_params(make_model(MODEL), 2, scale=0.8)
    trained.save_model(path, params, {"model": MODEL})
    return path


def test_published_metrics_name_their_source_and_are_among_ours():
    for benchmark in BENCHMARKS:
        for release in benchmarks.read_releases(benchmark):
            assert release.published and release.test
            names = [each.predictor for each in release.published]
            assert len(set(names)) == len(names)
            for each in release.published:
                assert each.source
                assert set(each.metrics) <= {"average_precision", "auroc"}
                assert all(0 < value < 1 for value in each.metrics.values())


def test_rows_are_recognised_in_any_order_and_no_others():
    pairs = Pairs(["UG", "AC"], ["GG", "CC"], np.array([1, 0], np.uint8))
    known = benchmarks.hash_rows(pairs)
    assert benchmarks.hash_rows(pairs.take([1, 0])) == known
    others = [
        pairs.take([0]),
        pairs.take([0, 1, 1]),
        Pairs(pairs.mirnas, pairs.targets, np.array([0, 1], np.uint8)),
        Pairs(pairs.targets, pairs.mirnas, pairs.labels),
    ]
    assert all(benchmarks.hash_rows(other) != known for other in others)


def test_the_test_set_of_the_first_releases_is_recognised(data_dir, tmp_path):
    data, _ = BENCHMARKS["mirbench"]
    release = benchmarks.find_release("mirbench", registry.load_pairs(data))
    assert release.dataset == data
    assert release.rows == 965
    found = {p.predictor: p.metrics["average_precision"] for p in release.published}
    assert found["miRBind2"] == 0.8552
    # The same rows with their columns turned round and compressed.
    with open(data_dir / "hejret2023/test.tsv") as file:
        rows = [row[::-1] for row in csv.reader(file, delimiter="\t")]
    path = tmp_path / "other_release.tsv.gz"
    path.write_bytes(gzip.compress("\n".join(map("\t".join, rows)).encode()))
    assert benchmarks.find_release("mirbench", readers.read_pairs(path)) == release
    shorter = readers.read_pairs(path).take(range(964))
    assert benchmarks.find_release("mirbench", shorter) is None


@pytest.mark.slow
def test_rows_of_another_release_get_no_published_metrics(model, tmp_path, capsys):
    rows = [
        ("label", "gene", "noncodingRNA"),
        *((str(n % 2), "ACGUUGCA" * 5, "UGAGGUAGUAGGUUGUAUAGUU"[n:]) for n in range(4)),
    ]
    data = tmp_path / "release.tsv"
    data.write_text("\n".join(map("\t".join, rows)))
    found = run(model, tmp_path / "out", "--benchmark=mirbench", f"--data={data}")
    assert found["benchmark"] == {"name": "mirbench"}
    printed = capsys.readouterr().out
    assert "no published metrics" in printed
    assert "published predictors" not in printed


@pytest.mark.slow
def test_published_metrics_stand_beside_ours_on_the_same_rows(
    data_dir, model, tmp_path, capsys
):
    found = run("published/mirbind2", tmp_path / "out", "--benchmark=mirbench")
    assert found["data"] == "hejret2023/test"
    assert found["average_precision"] == pytest.approx(0.8552, abs=5e-4)
    assert found["benchmark"]["rows"] == 965
    assert {"complementarity", "mirna_identity"} <= set(found["baselines"])
    assert "hejret2023/train" in found["baselines_fitted_on"]
    lines = capsys.readouterr().out.splitlines()
    start = next(n for n, line in enumerate(lines) if "published predictors" in line)
    first, second = (" ".join(line.split()) for line in lines[start + 2 : start + 4])
    assert {first, second} == {"this model 0.8550", "miRBind2 0.8552"}
    assert any("models/pairwise_onehot" in line for line in lines)


def test_data_has_a_default_only_with_a_benchmark(model, tmp_path):
    with pytest.raises(flags.IllegalFlagValueError, match="--data is missing"):
        run(model, tmp_path)
