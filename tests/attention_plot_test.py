"""Attention maps as pictures: weights, and letters that can pair."""

import matplotlib.image
import numpy as np
import pytest

from mirjax.reporting.attention_plot import Duplex, attention

TARGET, MIRNA = "GAUC", "GAC"


def duplex():
    weights = np.arange(12.0).reshape(3, 4) / 12
    return Duplex(TARGET, MIRNA, weights, "a site")


def test_weights_and_pairs_are_where_their_letters_are(tmp_path):
    figure = attention([duplex()], tmp_path / "attention.png", title="all")
    axes = figure.axes[0]
    np.testing.assert_array_equal(axes.images[0].get_array(), duplex().weights)
    assert [tick.get_text() for tick in axes.get_xticklabels()] == list(TARGET)
    assert [tick.get_text() for tick in axes.get_yticklabels()] == list(MIRNA)
    watson_crick, wobble = (
        {tuple(map(int, position)) for position in marks.get_offsets()}
        for marks in axes.collections
    )
    # (index in the target, index in the miRNA)
    assert watson_crick == {(3, 0), (2, 1), (0, 2)}
    assert wobble == {(2, 0)}
    assert axes.get_title(loc="left") == "a site"
    picture = matplotlib.image.imread(tmp_path / "attention.png")
    assert picture.std() > 0.01


def test_an_odd_number_of_duplexes_leaves_no_empty_panel(tmp_path):
    figure = attention([duplex()] * 3, tmp_path / "attention.svg")
    panels = [axes for axes in figure.axes if axes.get_xlabel() or not axes.images]
    assert sum(bool(axes.images) for axes in figure.axes) == 3
    assert sum(not axes.get_visible() for axes in panels) == 1


def test_nothing_to_draw_is_an_error(tmp_path):
    with pytest.raises(ValueError, match=r"attention\.png: there is no duplex"):
        attention([], tmp_path / "attention.png")
    with pytest.raises(ValueError, match="ends in"):
        attention([duplex()], tmp_path / "attention.txt")
