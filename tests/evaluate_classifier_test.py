"""What `mirjax.evaluate` says of a classifier, against equations and scikit-learn."""

import json

import numpy as np
import pytest
from absl import flags
from equations import numpy_mitar, random_letters, random_params
from sklearn import metrics

from mirjax import evaluate
from mirjax.data import registry
from mirjax.evaluation.binding_shortcuts import binding_baselines
from mirjax.evaluation.classification import classification_metrics
from mirjax.evaluation.classifier import predict_probabilities
from mirjax.models import exported, make_model

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


def test_figures_of_a_file_are_those_of_the_equations(tmp_path, model, table, capsys):
    data = write_csv(tmp_path / "pairs.csv", *table)
    found = run(
        model=model,
        data=data,
        out=tmp_path / "out",
        train_data="simulated",
        threshold=0.4,
    )
    params = exported.load_model(model).params
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
    for figures in found["baselines"].values():
        assert set(KEYS) - {"baselines"} <= set(figures)
    low, high = found["intervals"]["accuracy"]
    assert low < found["accuracy"] < high
    assert (tmp_path / "out" / "probabilities.png").stat().st_size > 10_000
    printed = capsys.readouterr().out
    for words in ("average precision", "mirna", "95% intervals", "calibration error"):
        assert words in printed


def test_baselines_are_fitted_on_the_training_part_alone(tmp_path, model, data_dir):
    found = run(model=model, data="hejret2023", out=tmp_path / "out", rows=200)
    pairs, split = registry.load_split("hejret2023")
    train, test = pairs.take(split.train), pairs.take(split.test[:200])
    assert found["n"] == 200
    for name, probabilities in binding_baselines(train, test).items():
        expected = classification_metrics(test.labels, probabilities)
        assert found["baselines"][name] == pytest.approx(expected)


def test_rows_of_one_class_are_said_to_mean_nothing(tmp_path, model, table, capsys):
    mirnas, targets, _ = table
    data = write_csv(tmp_path / "pairs.csv", mirnas, targets, [1] * 60)
    found = run(model=model, data=data, out=tmp_path / "out", train_data="simulated")
    assert found["auroc"] is found["average_precision"] is found["specificity"] is None
    assert "every row is labelled 1: accuracy is meaningless" in capsys.readouterr().out
    # Data without labels, all of which bind, are the same.
    found = run(
        model=model,
        data="simulated",
        out=tmp_path / "out2",
        rows=50,
    )
    assert found["baselines"]["mirna_identity"]["accuracy"] == 1.0
    assert "meaningless" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("mirna", "target", "message"),
    [
        ("A" * 27, "C" * 30, "row 61: miRNA of 27 nt, but the model takes 1 to 26"),
        ("A" * 22, "C" * 54, "row 61: target of 54 nt, but the model takes 1 to 53"),
    ],
)
def test_rows_that_do_not_fit_are_named(tmp_path, model, table, mirna, target, message):
    mirnas, targets, labels = table
    data = write_csv(
        tmp_path / "pairs.csv", [*mirnas, mirna], [*targets, target], [*labels, 1]
    )
    with pytest.raises(ValueError, match=f"{data} {message}"):
        run(model=model, data=data, out=tmp_path / "out", train_data="simulated")
    assert not (tmp_path / "out").exists()


def test_negatives_are_made_for_data_that_have_none(tmp_path, model):
    kind = "frequency"
    found = run(model=model, data="simulated", out=tmp_path / "out", negatives=kind)
    assert found["n"] == 1_200  # a tenth of 6,000 pairs, and as many that do not bind
    assert found["split_protocol"] == f"published, negatives {kind}"
    baselines = found["baselines"]
    # Neither the miRNA nor, re-paired, the target tells; the two together do.
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


def test_flags_of_generators_are_refused(tmp_path, model):
    with pytest.raises(ValueError, match="--blast is not for .*holds a Mitar"):
        run(model=model, data="hejret2023", out=tmp_path / "out", blast="true")


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
def test_released_weights_have_the_known_figures(
    data_dir, weights, data, part, expected
):
    file = data_dir / "mitar2021/weights" / f"{weights}_lr0.005_dout0.2.h5"
    pairs, split = registry.load_split(data)
    rows = pairs.take(getattr(split, part))
    probabilities = predict_probabilities(exported.load_model(file), rows)
    found = classification_metrics(rows.labels, probabilities)
    assert [round(found[name], 4) for name in KEYS[:8]] == list(expected)
