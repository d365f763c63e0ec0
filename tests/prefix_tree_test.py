"""Tests of mirjax.sequences.prefix_tree against the beginnings of each miRNA."""

import equations
import numpy as np
import pytest

from mirjax.sequences import alphabet
from mirjax.sequences.prefix_tree import plan_trees

_RNG = np.random.default_rng(4)
MIRNAS = [
    family + rest
    for family in equations.random_letters(_RNG, 5, 5, 9)
    for rest in ["", *equations.random_letters(_RNG, 5, 1, 18)]
]
SYMBOLS = dict(enumerate("-AUCG^$"))


def spelled(tree):
    """The letters of each node, by its parents."""
    nodes = []
    for depth, level in enumerate(tree.levels):
        before = nodes[-1] if depth else [""]
        nodes.append(
            [
                before[parent] + SYMBOLS[token]
                for token, parent in zip(level.tokens, level.parents, strict=True)
            ]
        )
    return [node for level in nodes for node in level]


@pytest.mark.parametrize("size", [1, 7, 30, 64])
def test_paths_spell_the_mirnas_and_what_follows(size):
    plan = plan_trees(MIRNAS, size)
    found = []
    for tree in plan.trees:
        letters = spelled(tree)
        for path, following in zip(tree.paths, tree.following, strict=True):
            mirna = alphabet.decode(following[None])[0]
            found.append(mirna)
            if not (following == alphabet.EOS).any():  # a tree that was filled up
                assert not following.any()
                continue
            assert following[len(mirna)] == alphabet.EOS
            for depth in range(len(mirna) + 1):
                assert letters[path[depth]] == "^" + mirna[:depth]
                assert tree.depths[path[depth]] == depth
    assert [found[place] for place in plan.places] == MIRNAS
    shapes = {tuple(len(level.tokens) for level in tree.levels) for tree in plan.trees}
    assert len(shapes) == 1


def test_each_beginning_is_one_node_of_a_tree():
    (tree,) = plan_trees(MIRNAS, len(MIRNAS)).trees
    beginnings = {mirna[:depth] for mirna in MIRNAS for depth in range(len(mirna) + 1)}
    assert sorted(spelled(tree)) == sorted("^" + beginning for beginning in beginnings)
    flat = tree.paths.reshape(-1)
    np.testing.assert_array_equal(flat[tree.places], np.arange(len(beginnings)))


@pytest.mark.parametrize(
    ("mirnas", "message"),
    [
        ([], "no miRNAs to rank"),
        (["AU", ""], "or an empty one"),
        (["AU", "A", "AU"], "given twice"),
    ],
)
def test_lists_that_are_no_lists_of_mirnas_are_refused(mirnas, message):
    with pytest.raises(ValueError, match=message):
        plan_trees(mirnas, 4)
