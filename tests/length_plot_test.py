"""Pictures of length distributions, against counts by hand."""

import matplotlib.image
import pytest

from mirjax.reporting.length_plot import length_distributions
from mirjax.sequences.records import Pairs

DATASETS = {
    "short": Pairs(["ACGU"] * 3 + ["ACGUA"], ["A" * 12] * 2 + ["A" * 20] * 2),
    "long": Pairs(["ACG", "ACGUAC"], ["A" * 40, "A" * 43]),
}


def percents(axes):
    """Length → percent, of the bars."""
    return {
        round(bar.get_x() + bar.get_width() / 2): bar.get_height()
        for bar in axes.patches
    }


def test_bars_are_the_fraction_of_each_length(tmp_path):
    path = tmp_path / "lengths.png"
    figure = length_distributions(DATASETS, path, title="of some rows")
    expected = [
        ("short: targets", {12: 50, 20: 50}, 16),
        ("short: miRNAs", {4: 75, 5: 25}, 4),
        ("long: targets", {40: 50, 43: 50}, 41.5),
        ("long: miRNAs", {3: 50, 6: 50}, 4.5),
    ]
    for axes, (title, bars, median) in zip(figure.axes, expected, strict=True):
        assert axes.get_title(loc="left") == title
        assert percents(axes) == bars
        (line,) = axes.lines
        assert set(line.get_xdata()) == {median}
        (text,) = axes.get_legend().get_texts()
        assert text.get_text() == f"median {median:g} nt"
    targets, mirnas, *lower = figure.axes
    assert [axes.get_xlim() for axes in lower] == [
        targets.get_xlim(),
        mirnas.get_xlim(),
    ]
    assert targets.get_xlim()[0] < 12 and targets.get_xlim()[1] > 43
    assert [axes.get_xlabel() for axes in lower] == [
        "length of the target, nt",
        "length of the miRNA, nt",
    ]
    assert figure.get_suptitle() == "of some rows"
    assert matplotlib.image.imread(path).std() > 0.01


def test_nothing_to_draw_is_an_error(tmp_path):
    with pytest.raises(ValueError, match=r"lengths\.png: there is no dataset"):
        length_distributions({}, tmp_path / "lengths.png")
    with pytest.raises(ValueError, match=r"lengths\.png: none has no rows"):
        length_distributions({"none": Pairs([], [])}, tmp_path / "lengths.png")
    with pytest.raises(ValueError, match="ends in"):
        length_distributions(DATASETS, tmp_path / "lengths.txt")
    assert not list(tmp_path.iterdir())
