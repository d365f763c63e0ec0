"""Tests of mirjax.alignment.pallas_sweep, run by Pallas's interpreter."""

import functools
import time

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from Bio import Align
from plain_alignment import plain_end_scores

from mirjax.alignment import complementarity, kernels, recurrence, scoring
from mirjax.alignment.kernels import Kernels
from mirjax.alignment.pallas_sweep import pallas_sweep
from mirjax.alignment.smith_waterman import score_all, score_pairs
from mirjax.sequences import alphabet

NUCLEOTIDE = scoring.nucleotide(1, -3, 5, 2)


@pytest.fixture
def pallas(monkeypatch):
    """Score everything by the Pallas kernel, and count its blocks."""
    blocks = []
    score = Kernels.score

    def count(self, queries, subjects, longest, kernel):
        blocks.append(kernel)
        return score(self, queries, subjects, longest, kernel)

    monkeypatch.setattr(Kernels, "choose", lambda *sizes: "pallas")
    monkeypatch.setattr(Kernels, "score", count)
    yield
    assert blocks and set(blocks) == {"pallas"}


def random_sequences(seed, count, shortest, longest):
    rng = np.random.default_rng(seed)
    lengths = rng.integers(shortest, longest + 1, count)
    return ["".join(rng.choice(list(alphabet.LETTERS), n)) for n in lengths]


@pytest.mark.parametrize("devices", [1, 3])
def test_scores_are_biopythons(pallas, devices):
    queries = random_sequences(0, 7, 1, 26)
    subjects = random_sequences(1, 5, 1, 40) + [q[2:9] + "A" + q[9:] for q in queries]
    aligner = Align.PairwiseAligner(mode="local", match_score=1, mismatch_score=-3)
    aligner.open_gap_score, aligner.extend_gap_score = -7, -2
    expected = [[aligner.score(q, s) for s in subjects] for q in queries]
    found = score_all(queries, subjects, NUCLEOTIDE, devices=jax.devices()[:devices])
    assert found.tolist() == expected


def test_scores_with_weights_are_those_of_a_plain_alignment(pallas):
    mirnas = random_sequences(2, 6, 15, 26)
    targets = random_sequences(3, 6, 10, 53)
    rules = complementarity.seed_weighted()
    found = score_pairs(mirnas, targets, rules)
    expected = [
        plain_end_scores(mirna, target, rules).max()
        for mirna, target in zip(mirnas, targets, strict=True)
    ]
    assert found.tolist() == expected


@pytest.mark.slow
@pytest.mark.parametrize("anchored", [False, True])
@pytest.mark.parametrize("lanes", [1, 130])
def test_the_kernel_scores_what_the_sweep_scores(lanes, anchored):
    """With padding, unknown letters, one query for all, and any width of integers."""
    rules = complementarity.seed_weighted(anchored=anchored)
    rng = np.random.default_rng(4)
    queries = jnp.asarray(rng.integers(0, 5, (24, 1), np.uint8))
    subjects = jnp.asarray(rng.integers(0, 5, (19, lanes), np.uint8))
    sizes = jnp.int32(24 + 19 - 1)
    expected = recurrence.sweep(
        queries, subjects, sizes, scoring=rules, dtype=np.dtype("int32")
    )
    for dtype in map(np.dtype, ("int16", "int32")):
        found = pallas_sweep(
            queries,
            subjects,
            jnp.int32(24),
            scoring=rules,
            dtype=dtype,
            interpret=True,
        )
        assert found.dtype == dtype
        np.testing.assert_array_equal(found, expected)


@pytest.mark.slow
def test_rows_without_letters_are_left_out():
    """Steps are those of the longest query, not of the array."""
    rules, dtype = scoring.nucleotide(), np.dtype("int32")
    queries = np.zeros((40, 3), np.uint8)
    queries[:5] = subjects = np.array([[1, 2, 3, 4, 1]], np.uint8).T.repeat(3, axis=1)
    for steps, score in ((5, 5), (3, 3)):
        found = pallas_sweep(
            jnp.asarray(queries),
            jnp.asarray(subjects),
            jnp.int32(steps),
            scoring=rules,
            dtype=dtype,
            interpret=True,
        )
        assert found.tolist() == [score] * 3


@pytest.mark.parametrize("faster", ["sweep", "pallas"])
def test_on_a_gpu_the_faster_kernel_is_taken(monkeypatch, faster):
    monkeypatch.setattr(kernels, "_TIMED_LANES", 256)
    delays = {"sweep": 0.5, "pallas": 0.5} | {faster: 0.0}
    score = Kernels.score

    def delayed(self, queries, subjects, longest, kernel):
        time.sleep(delays[kernel])
        return score(self, queries, subjects, longest, "sweep")

    monkeypatch.setattr(Kernels, "score", delayed)
    kernels.fastest.cache_clear()
    assert kernels.fastest(jax.devices()[0]) == faster
    kernels.fastest.cache_clear()


def test_a_kernel_that_cannot_be_compiled_is_not_taken(monkeypatch, caplog):
    monkeypatch.setattr(kernels, "_TIMED_LANES", 256)

    def refuse(*arguments):
        raise NotImplementedError("no Triton here")

    monkeypatch.setattr(kernels, "compiled_pallas", refuse)
    kernels.fastest.cache_clear()
    with caplog.at_level("WARNING"):
        assert kernels.fastest(jax.devices()[0]) == "sweep"
    assert "no kernel pallas for alignments: no Triton here" in caplog.text
    kernels.fastest.cache_clear()


def test_only_large_tables_of_a_gpu_are_worth_the_choice(monkeypatch):
    monkeypatch.setattr(kernels, "fastest", lambda device: "pallas")
    of_gpu = Kernels(scoring.nucleotide(), 2**26, jax.devices()[:1])
    assert of_gpu.choose(300, 300, 2**30) == "sweep"  # a CPU
    monkeypatch.setattr(of_gpu, "_platform", "gpu")
    assert of_gpu.choose(300, 300, 2**30) == "pallas"
    assert of_gpu.choose(300, 300, 2**10) == "sweep"


@pytest.mark.parametrize("dtype", ["int8", "int16", "int32"])
def test_the_kernel_is_compiled_by_triton_on_a_gpu(dtype):
    """Up to Triton's own program, which needs no GPU to be made."""
    shapes = [jax.ShapeDtypeStruct((length, 300), jnp.uint8) for length in (53, 26)]
    steps = jax.ShapeDtypeStruct((), jnp.int32)
    run = functools.partial(
        pallas_sweep,
        scoring=complementarity.seed_weighted(anchored=True),
        dtype=np.dtype(dtype),
    )
    traced = jax.jit(run).trace(*shapes, steps)
    text = traced.lower(lowering_platforms=("cuda",)).as_text()
    assert "triton" in text and "_score_block" in text
