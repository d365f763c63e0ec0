"""Tests of attributions by occlusion, and of their picture."""

import flax.linen as nn
import jax.numpy as jnp
import matplotlib.image
import numpy as np
import pytest

from mirjax.evaluation.attribution import attribute
from mirjax.models.trained import TrainedModel
from mirjax.reporting.attribution_plot import attributions
from mirjax.sequences import alphabet
from mirjax.sequences.records import Pairs

RNG = np.random.default_rng(0)
PAIRS = RNG.normal(size=(4, 4)).astype(np.float32)
PLACES = RNG.normal(size=(5, 7)).astype(np.float32)
LETTERS = RNG.normal(size=4).astype(np.float32)


class Additive(nn.Module):
    """A classifier that adds up pairs, and letters of the target."""

    max_mirna_length: int = 5
    max_target_length: int = 7
    min_target_length: int = 1
    dropout: float = 0.0

    def example_inputs(self):
        return jnp.zeros((1, 5), jnp.uint8), jnp.zeros((1, 7), jnp.uint8)

    def __call__(self, mirnas, targets, *, train=False):
        first, second = (
            jnp.eye(5)[tokens.astype(int)][:, :, 1:] for tokens in (mirnas, targets)
        )
        of_pairs = jnp.einsum("nia,njb,ab,ij->n", first, second, PAIRS, PLACES)
        return of_pairs + jnp.einsum("njb,b->n", second, LETTERS)


MIRNA, TARGET = "GACU", "GAUCAA"


@pytest.fixture(scope="module")
def found():
    (one,) = attribute(TrainedModel(Additive(), {}, {}), Pairs([MIRNA], [TARGET]))
    return one


def test_of_a_sum_over_pairs_each_pair_gets_its_term(found):
    codes = [alphabet.encode([x], len(x))[0] - 1 for x in (MIRNA, TARGET)]
    terms = PAIRS[codes[0][:, None], codes[1]] * PLACES[:4, :6]
    np.testing.assert_allclose(found.pairs, terms, atol=1e-5)
    letters = LETTERS[codes[1]]
    np.testing.assert_allclose(found.mirna_letters, terms.sum(axis=1), atol=1e-5)
    np.testing.assert_allclose(
        found.target_letters, terms.sum(axis=0) + letters, atol=1e-5
    )
    np.testing.assert_allclose(found.logit, terms.sum() + letters.sum(), atol=1e-5)


def test_the_picture_shows_pairs_and_letters(found, tmp_path):
    path = tmp_path / "sites.png"
    figure = attributions([("let-7", found)] * 3, path, title="three sites")
    maps = [axes for axes in figure.get_axes() if axes.images]
    assert len(maps) == 3
    np.testing.assert_allclose(maps[0].images[0].get_array(), found.pairs)
    assert [tick.get_text() for tick in maps[0].get_xticklabels()] == list(TARGET)
    assert [tick.get_text() for tick in maps[0].get_yticklabels()] == list(MIRNA)
    titles = [axes.get_title(loc="left") for axes in figure.get_axes()]
    assert f"let-7, logit {found.logit:.2f}" in titles
    assert matplotlib.image.imread(path).std() > 0.01


def test_nothing_to_draw_is_an_error(tmp_path):
    with pytest.raises(ValueError, match=r"sites\.png: there is no site"):
        attributions([], tmp_path / "sites.png")
