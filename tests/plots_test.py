"""Pictures of an evaluation, against the metrics that they were drawn from."""

import numpy as np
import pytest

from mirjax.evaluation.classifier import ProbabilityCurves
from mirjax.evaluation.metrics.classification import (
    CalibrationCurve,
    PrecisionRecallCurve,
)
from mirjax.reporting import plots

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


def test_predictions_are_bars_with_their_values(tmp_path):
    path = tmp_path / "predictions.png"
    figure = plots.predictions(MODEL, BASELINES, path, title="on the test rows")
    predictors = [MODEL, *BASELINES.values()]
    for axes, key in zip(figure.axes, MODEL, strict=True):
        expected = [100 * predictor[key] for predictor in predictors]
        assert [bar.get_width() for bar in axes.patches] == pytest.approx(expected)
        shown = [text.get_text() for text in axes.texts]
        assert shown == [f"{percent:.1f}%" for percent in expected]
        assert axes.get_xlim()[1] > 75
    names = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert names == ["model", "prefix only", "most frequent"]
    bottom, top = figure.axes[0].get_ylim()
    assert bottom > top  # the model stands above its baselines
    colors = [bar.get_facecolor() for bar in figure.axes[0].patches]
    assert colors[0] != colors[1] == colors[2]


def test_a_failed_write_keeps_the_existing_picture(tmp_path, monkeypatch):
    path = tmp_path / "predictions.png"
    path.write_text("an existing file")

    def cut_off(figure, file, **_):
        file.write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr("matplotlib.figure.Figure.savefig", cut_off)
    with pytest.raises(OSError, match="disk full"):
        plots.predictions(MODEL, BASELINES, path)
    assert path.read_text() == "an existing file"
    assert [file.name for file in tmp_path.iterdir()] == ["predictions.png"]


def test_lengths_hold_matches_and_rows(tmp_path):
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


def test_probabilities_hold_the_curves(tmp_path):
    steps = np.array([0.5, 1.0]), np.array([1.0, 0.25])
    curves = ProbabilityCurves(
        CalibrationCurve(
            np.array([0.1, 0.9]), np.array([0.2, 0.8]), np.array([1500, 3])
        ),
        {
            "model": PrecisionRecallCurve(*steps, 0.75),
            "seed_6mer": PrecisionRecallCurve(*steps, 0.5),
        },
        0.4,
    )
    path = tmp_path / "probabilities.png"
    figure = plots.probabilities(curves, path, title="on the test rows")
    calibration, precision = figure.axes
    assert lines(calibration)["model"] == ([0.1, 0.9], [0.2, 0.8])
    assert [text.get_text() for text in calibration.texts] == ["1,500", "3"]
    shown = lines(precision)
    assert shown["model: 0.750"] == shown["seed 6mer: 0.500"] == ([1.0, 0.25], [0.5, 1])
    assert set(shown["chance"][1]) == {0.4}
    widths = [line.get_linewidth() for line in precision.lines[:2]]
    assert widths[0] > widths[1]  # the model stands out
    assert figure.get_suptitle() == "on the test rows"
    assert path.stat().st_size > 10_000
    # Rows of one class have no such curves.
    one_class = ProbabilityCurves(curves.calibration, {}, 1.0)
    assert list(lines(plots.probabilities(one_class, path).axes[1])) == ["chance"]
