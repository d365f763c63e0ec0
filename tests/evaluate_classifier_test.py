"""`mirjax.evaluate` of classifiers, against equations and scikit-learn."""

import functools
import json

import numpy as np
import pytest
from absl import flags
from equations import numpy_mitar, random_letters, random_params
from sklearn import metrics

from mirjax import evaluate
from mirjax.alignment import complementarity
from mirjax.datasets import registry
from mirjax.datasets.simulate import simulate
from mirjax.evaluation import classifier as classifier_evaluation
from mirjax.evaluation.baselines.classifier import classifier_baselines
from mirjax.evaluation.evaluation_set import make_evaluation_set
from mirjax.evaluation.metrics.calibration import fit_temperature
from mirjax.evaluation.metrics.classification import (
    bootstrap_intervals,
    classification_metrics,
)
from mirjax.evaluation.options import RowOptions
from mirjax.inference.classify import predict_logits, predict_probabilities
from mirjax.models import loading, make_model
from mirjax.models import trained as exported
from mirjax.reporting import curves
from mirjax.sequences import pairing
from mirjax.sequences.records import Pairs

MODEL = {
    "name": "mitar",
    "conv_features": 8,
    "conv_width": 5,
    "lstm_features": 4,
    "dense_features": 3,
}
KEYS = [
    "n",
    "accuracy",
    "sensitivity",
    "specificity",
    "f1",
    "ppv",
    "npv",
    "brier",
    "auroc",
    "average_precision",
    "ece",
    "baselines",
]


def run(**values) -> dict:
    """Run the command in this process and return what it wrote."""
    flag_values = flags.FlagValues()
    evaluate.define_flags(flag_values)
    flag_values(["evaluate", *(f"--{name}={value}" for name, value in values.items())])
    evaluate.main(flag_values)
    return json.loads((values["out"] / "metrics.json").read_text())


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "model.npz"
    params = random_params(make_model(MODEL), 2, scale=0.8)
    exported.save_model(path, params, {"model": MODEL})
    return path


def write_csv(path, mirnas, targets, labels):
    rows = zip(mirnas, targets, labels, strict=True)
    lines = ["mirna,target,label", *(",".join(map(str, row)) for row in rows)]
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 60)
    return random_letters(rng, 60, 18, 26), random_letters(rng, 60, 20, 53), labels


@pytest.mark.slow
def test_metrics_of_a_file_are_those_of_the_equations(tmp_path, model, table, capsys):
    data = write_csv(tmp_path / "pairs.csv", *table)
    found = run(
        model=model,
        data=data,
        out=tmp_path / "out",
        train_data="simulated",
        threshold=0.4,
    )
    params = loading.load_model(model).params
    probabilities = np.array(
        [numpy_mitar(params, *pair) for pair in zip(*table[:2], strict=True)]
    )
    assert np.std(probabilities) > 0.05
    labels = table[2]
    for name, value in classification_metrics(labels, probabilities, 0.4).items():
        assert found[name] == pytest.approx(value, abs=1e-5), name
    assert found["accuracy"] == pytest.approx(
        metrics.accuracy_score(labels, probabilities > 0.4)
    )
    assert set(KEYS) <= set(found)
    assert found["baselines_fitted_on"] == "simulated (train, published split)"
    for values in found["baselines"].values():
        assert set(KEYS) - {"baselines"} <= set(values)
    low, high = found["intervals"]["accuracy"]
    assert low < found["accuracy"] < high
    assert (tmp_path / "out" / "probabilities.png").stat().st_size > 10_000
    printed = capsys.readouterr().out
    for words in ("AUROC", "mirna", "95% intervals", "ECE"):
        assert words in printed


@pytest.mark.slow
def test_baselines_are_fitted_on_the_training_part_alone(tmp_path, model, data_dir):
    found = run(model=model, data="hejret2023", out=tmp_path / "out", rows=200)
    pairs, split = registry.load_split("hejret2023")
    drawn = np.random.default_rng(0).choice(len(split.test), 200, replace=False)
    train, test = pairs.take(split.train), pairs.take(split.test[np.sort(drawn)])
    assert found["n"] == 200
    for name, probabilities in classifier_baselines(train, test).items():
        expected = classification_metrics(test.labels, probabilities)
        assert found["baselines"][name] == pytest.approx(expected)


@pytest.mark.slow
def test_without_training_rows_only_baselines_that_need_none_are_measured(
    tmp_path, model, table, capsys
):
    mirnas, targets, labels = table
    mirnas = [
        pairing.reverse_complement(target[-20:]) if label else mirna
        for mirna, target, label in zip(mirnas, targets, labels, strict=True)
    ]
    data = write_csv(tmp_path / "pairs.csv", mirnas, targets, labels)
    found = run(model=model, data=data, out=tmp_path / "out")
    assert found["baselines_fitted_on"] is None
    scores = {
        "seed_6mer": [
            pairing.reverse_complement(mirna[1:7]) in target
            for mirna, target in zip(mirnas, targets, strict=True)
        ],
        "complementarity": complementarity.score_pairs(mirnas, targets),
    }
    for name, values in scores.items():
        assert found["baselines"].pop(name) == {
            "n": 60,
            "auroc": pytest.approx(metrics.roc_auc_score(labels, values)),
            "average_precision": pytest.approx(
                metrics.average_precision_score(labels, values)
            ),
        }
    assert found["baselines"] == {}
    printed = capsys.readouterr().out
    assert "no training rows: baselines that need them are left out" in printed


@pytest.mark.slow
def test_the_table_fits_80_columns_unless_it_is_full(tmp_path, quick, model, capsys):
    values = {"model": model, "data": "hejret2023", "rows": 30}
    run(**values, out=tmp_path / "short")
    lines = capsys.readouterr().out.splitlines()
    (row,) = [line for line in lines if line.split()[:1] == ["model"]]
    assert len(row.split()) == 7
    start = next(n for n, line in enumerate(lines) if "AUROC" in line) - 1
    printed = lines[start : start + 9]
    assert max(map(len, printed)) <= 80 and "…" not in "".join(printed)
    assert "sensitivity" in printed[1] and "ECE" in printed[1]
    assert "PPV" not in "".join(printed) and "--full" in lines[-1]
    run(**values, out=tmp_path / "full", full="true")
    assert "PPV (precision)" in capsys.readouterr().out


@pytest.mark.slow
def test_rows_of_one_class_have_a_warning(tmp_path, model, table, capsys):
    mirnas, targets, _ = table
    data = write_csv(tmp_path / "pairs.csv", mirnas, targets, [1] * 60)
    found = run(model=model, data=data, out=tmp_path / "out", train_data="simulated")
    assert found["auroc"] is found["average_precision"] is found["specificity"] is None
    assert "every row is labelled 1: accuracy is meaningless" in capsys.readouterr().out
    # Data without labels are all positive.
    found = run(
        model=model,
        data="simulated",
        out=tmp_path / "out2",
        rows=50,
    )
    assert found["baselines"]["mirna_identity"]["accuracy"] == 1.0
    assert "meaningless" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize(
    ("mirna", "target", "message"),
    [
        ("A" * 27, "C" * 30, "line 62: miRNA of 27 nt, the model takes 1 to 26"),
        ("A" * 22, "C" * 54, "line 62: target of 54 nt, the model takes 1 to 53"),
    ],
)
def test_rows_that_do_not_fit_are_named(tmp_path, model, table, mirna, target, message):
    mirnas, targets, labels = table
    data = write_csv(
        tmp_path / "pairs.csv", [*mirnas, mirna], [*targets, target], [*labels, 1]
    )
    message = f"{data}: 1 of 61 rows do not suit the model: {message}"
    values = {"model": model, "data": data, "train_data": "simulated"}
    with pytest.raises(ValueError, match=f"{message}; .*--on_bad_record=skip"):
        run(**values, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()
    found = run(**values, out=tmp_path / "out", on_bad_record="skip")
    assert found["n"] == 60
    (_, skipped) = (tmp_path / "out" / "skipped.tsv").read_text().splitlines()
    assert skipped.split("\t")[:2] == [str(data), "line 62"]


def test_pairs_without_labels_do_not_measure_a_classifier(tmp_path, model):
    data = tmp_path / "pairs.csv"
    data.write_text("mirna,target\nACGU,GGGG\n")
    with pytest.raises(ValueError, match="pairs.csv: the pairs have no labels.*column"):
        run(model=model, data=data, out=tmp_path / "out", train_data="simulated")


@pytest.mark.slow
def test_unknown_letters_of_targets_are_the_published_padding(tmp_path, model, table):
    params = random_params(make_model(MODEL), 2, scale=0.8)
    mirnas, targets, labels = table
    targets = ["RnyN"[row % 4] + target[1:] for row, target in enumerate(targets)]
    targets = [target[:9] + "N" + target[10:] for target in targets]
    data = write_csv(tmp_path / "pairs.csv", mirnas, targets, labels)
    found = run(model=model, data=data, out=tmp_path / "out", train_data="simulated")
    as_n = [target.translate(str.maketrans("Rny", "NNN")) for target in targets]
    probabilities = np.array(
        [numpy_mitar(params, *pair) for pair in zip(mirnas, as_n, strict=True)]
    )
    expected = classification_metrics(labels, probabilities)
    assert found["average_precision"] == pytest.approx(expected["average_precision"])
    assert found["brier"] == pytest.approx(expected["brier"], abs=1e-6)
    data = write_csv(tmp_path / "pairs.csv", ["ACGN"], ["ACGU"], [1])
    with pytest.raises(ValueError, match="line 2: mirna: letter 'N' at position 4"):
        run(model=model, data=data, out=tmp_path / "out", train_data="simulated")


@pytest.mark.slow
def test_negatives_are_those_of_the_training_unless_a_flag_says_otherwise():
    def labels(trained_on, **arguments):
        trained = exported.TrainedModel(make_model(MODEL), {}, {"data": trained_on})
        rows = make_evaluation_set(trained, RowOptions("simulated", **arguments))
        return rows.held_out.labels, rows.source.protocol

    trained_on = {"name": "simulated", "negatives": "random", "negative_ratio": 0.5}
    made, protocol = labels(trained_on)
    assert (made.sum(), len(made)) == (600, 900)
    assert protocol == "published split, negatives random"
    for negatives in ("own", "none"):  # every simulated pair is positive
        found, _ = labels(trained_on, negatives=negatives)
        assert (found.sum(), len(found)) == (600, 600)
    assert labels(trained_on, negatives="own")[1] == "published split"


@pytest.mark.slow
def test_negatives_are_generated_for_data_without(tmp_path, model):
    kind = "frequency"
    found = run(model=model, data="simulated", out=tmp_path / "out", negatives=kind)
    assert found["n"] == 1_200  # a tenth of 6,000 pairs, and as many negatives
    assert found["split_protocol"] == f"published split, negatives {kind}"
    baselines = found["baselines"]
    # One sequence alone says nothing of the label; the two together do.
    assert 0.4 < baselines["mirna_identity"]["auroc"] < 0.6
    assert baselines["complementarity"]["auroc"] > 0.95
    with pytest.raises(ValueError, match="--negatives=random is for datasets"):
        run(
            model=model,
            data=write_csv(tmp_path / "p.csv", ["A" * 20], ["C" * 20], [1]),
            out=tmp_path / "out2",
            negatives="random",
            train_data="simulated",
        )


@pytest.fixture
def quick(monkeypatch):
    """Fit baselines and draw intervals on few rows, for tests of other things."""
    few = functools.partial(bootstrap_intervals, draws=4)
    monkeypatch.setattr(classifier_evaluation, "bootstrap_intervals", few)
    monkeypatch.setattr(
        registry, "simulate", lambda *_, seed=0: simulate(300, seed=seed)
    )


@pytest.fixture(scope="module")
def overconfident():
    """Parameters whose logits are three times too large for the labels."""
    trained = make_model(MODEL)
    params = random_params(trained, 2, scale=0.8)
    rng = np.random.default_rng(1)
    pairs = Pairs(random_letters(rng, 600, 18, 26), random_letters(rng, 600, 20, 53))
    logits = predict_logits(trained, params, pairs)
    # Centre them at 0, so that there are pairs of both labels.
    factor, layer = 6 / logits.std(), params["output_dense"]
    layer["bias"] = np.float32(factor * (layer["bias"] - logits.mean()))
    layer["kernel"] = np.float32(factor * layer["kernel"])
    logits = predict_logits(trained, params, pairs)
    labels = (rng.random(600) < 1 / (1 + np.exp(-logits / 3))).astype(int)
    return params, pairs, labels, logits


@pytest.mark.slow
def test_a_fitted_temperature_calibrates_and_keeps_the_order(
    tmp_path, quick, overconfident, capsys
):
    params, pairs, labels, logits = overconfident
    fitted, held_out = np.arange(300), np.arange(300, 600)
    temperature = fit_temperature(labels[fitted], logits[fitted])
    assert 2 < temperature < 4
    model = tmp_path / "model.npz"
    metadata = {"model": MODEL, "temperature": temperature}
    exported.save_model(model, params, metadata)
    rows = pairs.take(held_out)
    labels = labels[held_out]
    data = write_csv(tmp_path / "pairs.csv", rows.mirnas, rows.targets, labels)
    values = {"model": model, "data": data, "train_data": "simulated"}
    plain = run(**values, out=tmp_path / "plain")
    assert "divided" not in capsys.readouterr().out
    found = run(**values, out=tmp_path / "calibrated", calibrated="true")
    assert f"logits are divided by {temperature:.4g}" in capsys.readouterr().out
    assert (plain["temperature"], found["temperature"]) == (1.0, temperature)
    losses = []
    for got, divisor in ((plain, 1.0), (found, temperature)):
        chances = 1 / (1 + np.exp(-logits[held_out] / divisor))
        for name, value in classification_metrics(labels, chances).items():
            assert got[name] == pytest.approx(value, abs=1e-5), name
        losses.append(-np.mean(np.log(np.where(labels == 1, chances, 1 - chances))))
    assert losses[1] < losses[0] - 0.05
    assert found["brier"] < plain["brier"] - 0.01
    assert found["ece"] < plain["ece"] - 0.05
    for name in ("auroc", "average_precision", "accuracy"):
        assert found[name] == plain[name]


@pytest.mark.slow
@pytest.mark.parametrize("between", ["drop", "positive", "negative"])
def test_metrics_of_the_published_rule(tmp_path, quick, overconfident, capsys, between):
    params, pairs, labels, logits = overconfident
    rows, labels = pairs.take(np.arange(100)), labels[:100]
    model = tmp_path / "model.npz"
    exported.save_model(model, params, {"model": MODEL})
    found = run(
        model=model,
        data=write_csv(tmp_path / "p.csv", rows.mirnas, rows.targets, labels),
        out=tmp_path / "out",
        train_data="simulated",
        threshold=0.7,
        below=0.2,
        **({} if between == "drop" else {"between": between}),
    )
    counts = {(label, call): 0 for label in (0, 1) for call in (0, 1, None)}
    for label, logit in zip(labels, logits, strict=False):
        chance = 1 / (1 + np.exp(-logit))
        call = 1 if chance > 0.7 else 0 if chance < 0.2 else None
        if call is None and between != "drop":
            call = int(between == "positive")
        counts[label, call] += 1
    dropped = counts[0, None] + counts[1, None]
    assert (dropped > 5) == (between == "drop")
    right = counts[0, 0] + counts[1, 1]
    expected = {
        "above": 0.7,
        "below": 0.2,
        "between": between,
        "n": 100 - dropped,
        "dropped": dropped,
        "accuracy": pytest.approx(right / (100 - dropped)),
        "sensitivity": pytest.approx(counts[1, 1] / (counts[1, 1] + counts[1, 0])),
        "specificity": pytest.approx(counts[0, 0] / (counts[0, 0] + counts[0, 1])),
        "ppv": pytest.approx(counts[1, 1] / (counts[1, 1] + counts[0, 1])),
        "npv": pytest.approx(counts[0, 0] / (counts[0, 0] + counts[1, 0])),
    }
    assert {name: found["three_way"][name] for name in expected} == expected
    # The other metrics are those of one threshold, over all rows.
    assert (found["n"], found["threshold"]) == (100, 0.7)
    printed = capsys.readouterr().out
    assert f"({dropped} dropped): rows {100 - dropped}, accuracy" in printed


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"calibrated": "true"}, "model.npz holds no temperature .*; train the model"),
        ({"below": 0.6}, "--below=0.6 is more than --threshold=0.5"),
        ({"below": 0.2, "threshold": 0.1}, "--below=0.2 is more than --threshold=0.1"),
        ({"between": "positive"}, "--between=positive .* give --below too"),
    ],
)
def test_contradicting_flags_are_one_line(tmp_path, model, values, message):
    # The error comes before the data are looked for.
    with pytest.raises(ValueError, match=message) as caught:
        run(model=model, data="none.csv", out=tmp_path / "out", **values)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_rule_that_leaves_no_row_says_so(tmp_path, model, table):
    data = write_csv(tmp_path / "pairs.csv", *table)
    values = {"model": model, "data": data, "out": tmp_path / "out", "below": 0}
    with pytest.raises(ValueError, match="every probability lies from below=0.0 to"):
        run(**values, train_data="simulated", threshold=1)


@pytest.mark.slow
def test_a_workdir_gets_its_curves_with_baselines_on_its_own_data(
    tmp_path, quick, model, table, monkeypatch
):
    workdir = tmp_path / "run"
    workdir.mkdir()
    data = {
        "name": "simulated",
        "split": "random",
        "seed": 3,
        "negatives": "frequency",
    }
    params = loading.load_model(model).params
    exported.save_model(workdir / "model.npz", params, {"model": MODEL, "data": data})
    row = {"step": 9, "epoch": 1.0, "train/loss": 0.7, "val/accuracy": 0.5}
    (workdir / "metrics.jsonl").write_text(json.dumps(row) + "\n")
    drawn = []

    def draw(*arguments, **values):
        drawn.append((arguments, values))
        return classifier_curves(*arguments, **values)

    classifier_curves = curves.classifier_curves
    monkeypatch.setattr(curves, "classifier_curves", draw)
    out = workdir / "evaluation"
    # The curves show accuracies at 0.5, whatever the threshold of the table.
    found = run(model=workdir, data="simulated", out=out, threshold=0.9)
    ((rows, path), values) = drawn.pop()
    assert (rows, path) == ([row], out / "curves.png")
    assert path.stat().st_size > 10_000
    half = run(model=workdir, data="simulated", out=tmp_path / "half")["baselines"]
    assert values["baseline_accuracy"] == {
        name: pytest.approx(half[name]["accuracy"])
        for name in ("mirna_identity", "complementarity")
    }
    assert half["complementarity"] != found["baselines"]["complementarity"]
    assert "Dashed lines: baselines on simulated, test rows" in values["title"]
    # Baselines on other data are not drawn.
    drawn.clear()
    data = write_csv(tmp_path / "pairs.csv", *table)
    run(model=workdir, data=data, out=tmp_path / "other")
    ((_, values),) = drawn
    assert not values.get("baseline_accuracy")
    # A model file has no history.
    run(model=workdir / "model.npz", data=data, out=tmp_path / "file")
    assert not (tmp_path / "file" / "curves.png").exists()


def test_flags_of_generators_are_refused(tmp_path, model):
    with pytest.raises(ValueError, match="--blast is not for .*holds a Mitar"):
        run(model=model, data="hejret2023", out=tmp_path / "out", blast="true")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("weights", "data", "part", "expected"),
    [
        # n, accuracy, sensitivity, specificity, F1, PPV, NPV, Brier score: computed in
        # NumPy from the released files, apart from this project.
        (
            "miTAR_CNN_BiRNN_b100",
            "mitar2021",
            "test",
            (5544, 0.9627, 0.9591, 0.9663, 0.9627, 0.9664, 0.9589, 0.0321),
        ),
        (
            "miTAR_CNN_BiRNN_b100",
            "mitar2021",
            "validation",
            (4435, 0.9594, 0.9565, 0.9623, 0.9596, 0.9626, 0.9562, 0.0369),
        ),
        (
            "miTAR_CNN_BiRNN_b100",
            "mitar2021/deepmirtar_indtest",
            "test",
            (827, 0.9770, 0.9706, 0.9844, 0.9783, 0.9862, 0.9668, 0.0200),
        ),
        (
            "miTAR1_CNN_BiRNN_b30",
            "mitar2021/deepmirtar",
            "test",
            (1552, 0.9781, 0.9648, 0.9921, 0.9783, 0.9922, 0.9641, 0.0214),
        ),
    ],
)
def test_released_weights_have_the_known_metrics(
    data_dir, weights, data, part, expected
):
    file = data_dir / "mitar2021/weights" / f"{weights}_lr0.005_dout0.2.h5"
    pairs, split = registry.load_split(data)
    rows = pairs.take(getattr(split, part))
    probabilities = predict_probabilities(loading.load_model(file), rows)
    found = classification_metrics(rows.labels, probabilities)
    assert [round(found[name], 4) for name in KEYS[:8]] == list(expected)
