"""Pictures of a training run, against the rows that they were drawn from."""

import matplotlib.image
import numpy as np
import pytest

from mirjax.reporting import curves

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


def lines(axes) -> dict[str, tuple[list[float], list[float]]]:
    return {
        line.get_label(): (list(line.get_xdata()), list(line.get_ydata()))
        for line in axes.lines
    }


def test_curves_hold_the_rows(tmp_path):
    figure = curves.training_curves(ROWS, tmp_path / "curves.png")
    loss, accuracy, match, distinct = figure.axes
    epochs = [1.0, 2.0, 3.0]
    for axes, label, expected in (
        (loss, "training, with dropout", [2.0, 1.0, 2 / 3]),
        (loss, "held out", [3.0, 1.5, 1.0]),
        (accuracy, "training, with dropout", [10, 20, 30]),
        (accuracy, "held out", [5, 10, 15]),
        (match, "whole miRNA", [1, 2, 3]),
        (match, "seed (2-8)", [2, 4, 6]),
        (distinct, "distinct predictions", [1, 4, 9]),
        (distinct, "rows", [50, 50, 50]),
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


def test_baselines_are_broken_lines_with_their_value(tmp_path):
    figure = curves.training_curves(
        ROWS,
        tmp_path / "curves.png",
        prefix_only_accuracy=0.886,
        retrieval_match={"complementarity": 0.244, "complementarity_anchored": 0.36},
        title="on these rows",
    )
    _, accuracy, match, _ = figure.axes
    assert set(lines(accuracy)["without the mRNA: 88.6%"][1]) == {88.6}
    assert set(lines(match)["complementarity: 24.4%"][1]) == {24.4}
    assert set(lines(match)["complementarity, anchored: 36.0%"][1]) == {36.0}
    assert match.get_ylim()[1] > 36
    styles = {line.get_linestyle() for line in match.lines if len(line.get_xdata()) < 3}
    assert len(styles) == 2  # distinct without colour
    assert figure.get_suptitle() == "on these rows"


def test_rows_without_some_metrics(tmp_path):
    partial = [{"epoch": 1.0, "train/loss": 1.0}, ROWS[1]]
    figure = curves.training_curves(partial, tmp_path / "curves.png")
    loss, _, _, distinct = figure.axes
    assert lines(loss)["training, with dropout"][0] == [1.0, 2.0]
    assert lines(distinct)["distinct predictions"] == ([2.0], [4.0])
    with pytest.raises(ValueError, match="curves.png"):
        curves.training_curves([], tmp_path / "curves.png")


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
    figure = curves.classifier_curves(
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
    without = curves.classifier_curves(rows[:1], tmp_path / "curves.png")
    assert set(lines(without.axes[1])) == {"training, with dropout", "held out"}
    with pytest.raises(ValueError, match="curves.png: there are no metrics"):
        curves.classifier_curves([], tmp_path / "curves.png")


def test_files_are_pictures_and_nothing_else_is_left(tmp_path):
    for name in ("curves.png", "curves.svg"):
        (tmp_path / name).write_text("an existing file")
        curves.training_curves(ROWS, tmp_path / name)
    pixels = matplotlib.image.imread(tmp_path / "curves.png")
    assert pixels.shape[0] > 600 and pixels.shape[1] > 1000
    assert pixels.std() > 0.01  # not blank
    assert (tmp_path / "curves.svg").read_text().startswith("<?xml")
    with pytest.raises(ValueError, match="curves.pdf: a picture ends in .png or .svg"):
        curves.training_curves(ROWS, tmp_path / "curves.pdf")
    assert {path.name for path in tmp_path.iterdir()} == {"curves.png", "curves.svg"}
