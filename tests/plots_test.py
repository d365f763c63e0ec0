"""The pictures hold the figures that they were given."""

import matplotlib.image
import numpy as np
import pytest

from mirjax.reporting import plots

ROWS = [
    {
        "step": 10 * epoch,
        "epoch": float(epoch),
        "train/loss": 2.0 / epoch,
        "val/loss": 3.0 / epoch,
        "train/token_accuracy_masked": 0.1 * epoch,
        "val/token_accuracy_masked": 0.05 * epoch,
        "val/exact_match": 0.01 * epoch,
        "val/seed_match": 0.02 * epoch,
        "val/distinct": float(epoch**2),
        "val/n": 50.0,
    }
    for epoch in (1, 2, 3)
]
MODEL = {"exact_match": 0.25, "known_match": 0.5, "seed_match": 0.75}
BASELINES = {
    "prefix_only": {"exact_match": 0.0, "known_match": 0.125, "seed_match": 0.25},
    "most_frequent": {"exact_match": 0.01, "known_match": 0.02, "seed_match": 0.031},
}


def lines(axes) -> dict[str, tuple[list[float], list[float]]]:
    return {
        line.get_label(): (list(line.get_xdata()), list(line.get_ydata()))
        for line in axes.lines
    }


def test_curves_hold_the_rows(tmp_path):
    figure = plots.training_curves(ROWS, tmp_path / "curves.png")
    loss, accuracy, match, distinct = figure.axes
    epochs = [1.0, 2.0, 3.0]
    for axes, label, expected in (
        (loss, "training, with dropout", [2.0, 1.0, 2 / 3]),
        (loss, "held out", [3.0, 1.5, 1.0]),
        (accuracy, "training, with dropout", [10, 20, 30]),
        (accuracy, "held out", [5, 10, 15]),
        (match, "whole miRNA", [1, 2, 3]),
        (match, "seed (2-8)", [2, 4, 6]),
        (distinct, "distinct answers", [1, 4, 9]),
        (distinct, "rows decoded", [50, 50, 50]),
    ):
        x, y = lines(axes)[label]
        assert x == epochs
        assert y == pytest.approx(expected)
    for axes in figure.axes:
        assert axes.get_title(loc="left") and axes.get_ylabel()
        shown = {text.get_text() for text in axes.get_legend().get_texts()}
        assert shown == set(lines(axes))
        low, high = axes.get_ylim()
        data = np.concatenate([y for _, y in lines(axes).values()])
        assert low <= data.min() and data.max() <= high


def test_baselines_are_levels_with_their_figure(tmp_path):
    figure = plots.training_curves(
        ROWS,
        tmp_path / "curves.png",
        blind_accuracy=0.886,
        retrieval_match={"complementarity": 0.244, "complementarity_anchored": 0.36},
        title="on these rows",
    )
    _, accuracy, match, _ = figure.axes
    assert set(lines(accuracy)["without seeing the mRNA: 88.6%"][1]) == {88.6}
    assert set(lines(match)["complementarity: 24.4%"][1]) == {24.4}
    assert set(lines(match)["complementarity, anchored: 36.0%"][1]) == {36.0}
    assert match.get_ylim()[1] > 36
    styles = {line.get_linestyle() for line in match.lines if len(line.get_xdata()) < 3}
    assert len(styles) == 2  # told apart without colour
    assert figure.get_suptitle() == "on these rows"


def test_rows_without_some_figures(tmp_path):
    partial = [{"epoch": 1.0, "train/loss": 1.0}, ROWS[1]]
    figure = plots.training_curves(partial, tmp_path / "curves.png")
    loss, _, _, distinct = figure.axes
    assert lines(loss)["training, with dropout"][0] == [1.0, 2.0]
    assert lines(distinct)["distinct answers"] == ([2.0], [4.0])
    with pytest.raises(ValueError, match="curves.png"):
        plots.training_curves([], tmp_path / "curves.png")


def test_curves_of_a_classifier_hold_the_rows_and_the_baselines(tmp_path):
    rows = [
        {
            "epoch": float(epoch),
            "train/loss": 2.0 / epoch,
            "val/loss": 3.0 / epoch,
            "train/accuracy": 0.3 * epoch,
            "val/accuracy": 0.2 * epoch,
        }
        for epoch in (1, 2, 3)
    ]
    figure = plots.classifier_curves(
        rows,
        tmp_path / "curves.png",
        baseline_accuracy={"mirna_identity": 0.926, "complementarity": 0.178},
        title="on these rows",
    )
    loss, accuracy = figure.axes
    assert lines(loss) == {
        "training, with dropout": ([1, 2, 3], pytest.approx([2, 1, 2 / 3])),
        "held out": ([1, 2, 3], pytest.approx([3, 1.5, 1])),
    }
    found = lines(accuracy)
    assert found["training, with dropout"][1] == pytest.approx([30, 60, 90])
    assert found["held out"][1] == pytest.approx([20, 40, 60])
    assert found["mirna identity: 92.6%"][1] == pytest.approx([92.6, 92.6])
    assert found["complementarity: 17.8%"][1] == pytest.approx([17.8, 17.8])
    assert len({line.get_linestyle() for line in accuracy.lines}) == 3
    low, high = accuracy.get_ylim()
    assert low < 17.8 and high > 92.6
    assert figure.get_suptitle() == "on these rows"
    for axes in figure.axes:
        assert axes.get_xlabel() == "epoch" and axes.get_xlim()[1] > 3
    without = plots.classifier_curves(rows[:1], tmp_path / "curves.png")
    assert set(lines(without.axes[1])) == {"training, with dropout", "held out"}
    with pytest.raises(ValueError, match="curves.png: there is nothing to draw"):
        plots.classifier_curves([], tmp_path / "curves.png")


def test_answers_are_bars_with_their_values(tmp_path):
    path = tmp_path / "predictions.png"
    figure = plots.answers(MODEL, BASELINES, path, title="on the test rows")
    predictors = [MODEL, *BASELINES.values()]
    for axes, key in zip(figure.axes, MODEL, strict=True):
        expected = [100 * predictor[key] for predictor in predictors]
        assert [bar.get_width() for bar in axes.patches] == pytest.approx(expected)
        shown = [text.get_text() for text in axes.texts]
        assert shown == [f"{share:.1f}%" for share in expected]
        assert axes.get_xlim()[1] > 75
    names = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert names == ["model", "prefix only", "most frequent"]
    bottom, top = figure.axes[0].get_ylim()
    assert bottom > top  # the model stands above its baselines
    colors = [bar.get_facecolor() for bar in figure.axes[0].patches]
    assert colors[0] != colors[1] == colors[2]


def test_files_are_pictures_and_nothing_else_is_left(tmp_path):
    for name in ("curves.png", "curves.svg"):
        (tmp_path / name).write_text("an earlier one")
        plots.training_curves(ROWS, tmp_path / name)
    pixels = matplotlib.image.imread(tmp_path / "curves.png")
    assert pixels.shape[0] > 600 and pixels.shape[1] > 1000
    assert pixels.std() > 0.01  # not blank
    assert (tmp_path / "curves.svg").read_text().startswith("<?xml")
    with pytest.raises(ValueError, match="curves.pdf: a picture ends in .png or .svg"):
        plots.training_curves(ROWS, tmp_path / "curves.pdf")
    assert {path.name for path in tmp_path.iterdir()} == {"curves.png", "curves.svg"}


def test_a_failed_write_keeps_the_earlier_picture(tmp_path, monkeypatch):
    path = tmp_path / "predictions.png"
    path.write_text("an earlier one")

    def cut_off(figure, file, **_):
        file.write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr("matplotlib.figure.Figure.savefig", cut_off)
    with pytest.raises(OSError, match="disk full"):
        plots.answers(MODEL, BASELINES, path)
    assert path.read_text() == "an earlier one"
    assert [file.name for file in tmp_path.iterdir()] == ["predictions.png"]


def test_lengths_hold_shares_and_rows(tmp_path):
    by_length = {
        "20": {"n": 3.0, "exact_match": 0.25, "seed_match": 0.5},
        "22": {"n": 8.0, "exact_match": 0.0, "seed_match": 1.0},
    }
    figure = plots.matches_by_length(
        {"target": by_length, "miRNA": by_length}, tmp_path / "lengths.png"
    )
    target, mirna, *rows = figure.axes
    for axes, name in ((target, "target"), (mirna, "miRNA")):
        shown = lines(axes)
        assert shown["exact match"] == ([20, 22], [25, 0])
        assert shown["seed (2-8) match"] == ([20, 22], [50, 100])
        assert axes.get_xlabel() == f"{name}, nt"
    for axes in rows:
        assert [bar.get_height() for bar in axes.patches] == [3, 8]
