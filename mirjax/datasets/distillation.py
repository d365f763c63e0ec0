"""Pairs for a teacher to label: windows of 3'UTRs, and sites of chimera sets.

There are four kinds of pairs:

  random    any miRNA, any window, as most windows of a transcript are
  seeds     a window with a site of 6 or 7 letters of the seed
  duplexes  of several windows, the one of the best complementarity
  sites     a site of a training positive, moved in its window, with its own miRNA or
            another one

Hard negatives are windows, some of them shuffled, to which the teacher gives a high
score. Every pair passes the leakage guard. The result is a pure function of the
options.
"""

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np
from absl import logging
from jaxtyping import Float

from mirjax.alignment import complementarity
from mirjax.datasets.joining import join_pairs
from mirjax.datasets.leakage import Guard
from mirjax.datasets.negatives import shuffle_dinucleotides
from mirjax.datasets.pool_drawing import WINDOW, Drawing, PoolOptions, make_drawing
from mirjax.datasets.sources import Sources
from mirjax.sequences.pairing import SEED, SEED_6MER, seed_site
from mirjax.sequences.records import Pairs

_LONGEST_SHIFT = 20  # letters that a site is moved by
_TRIES = 200  # transcripts searched for one seed site

Score = Callable[[Pairs], Float[np.ndarray, " rows"]]
"""Returns the logit of each pair."""


def make_pool(options: PoolOptions, sources: Sources) -> Pairs:
    """Draw the pairs that a teacher labels.

    Args:
      options: the number of each kind.
      sources: the training positives, and the guard.

    Returns:
      Distinct pairs without labels. Leaking pairs are left out, so that there are
        somewhat fewer than in the options.

    Raises:
      ValueError: if a file cannot be read, has no window or no miRNA, or all numbers of
        pairs are 0.
    """
    positives = _positives(sources)
    drawing = make_drawing(options, positives, 0, sources.families)
    pairs: list[tuple[str, str]] = []
    for stream, (draw, count) in enumerate(
        (
            (_random, options.random),
            (_with_seed, options.seeds),
            (_duplexes(options.candidates), options.duplexes),
            (_sites(positives), options.sites),
        )
    ):
        if count:
            rng = np.random.default_rng([options.seed, stream])
            pairs += draw(drawing._replace(rng=rng), count)
    if not pairs:
        raise ValueError(
            "config.pool: a teacher is named, but no pairs for it; set random, seeds, "
            "duplexes or sites"
        )
    pool = _guarded(pairs, sources.guard, "the pool")
    counts = (options.random, options.seeds, options.duplexes, options.sites)
    logging.info("the pool: %d distinct pairs of %d requested", len(pool), sum(counts))
    return pool


def mine(options: PoolOptions, sources: Sources, score: Score) -> Pairs:
    """Draw hard negatives: windows to which a model gives a high score.

    A window of a 3'UTR with a high score may be a real site; a shuffled one is not.

    Args:
      options: the number of hard negatives, and of candidates for each.
      sources: the training positives, and the guard.
      score: the model.

    Returns:
      The candidates of the highest logits, labelled 0, in the order of drawing.
    """
    drawing = make_drawing(options, _positives(sources), 4, sources.families)
    mirnas, windows = [], []
    part = options.hard_shuffled
    for number in range(options.hard_negatives * options.hard_candidates):
        drawn = [drawing.window() for _ in range(options.hard_windows)]
        if int((number + 1) * part) > int(number * part):
            drawn = [shuffle_dinucleotides(window, drawing.rng) for window in drawn]
        mirnas.append(drawing.mirna())
        windows.append(drawn)
    pairs = _best_duplexes(mirnas, windows)
    candidates = _guarded(pairs, sources.guard, "candidates of hard negatives")
    best = np.argsort(-score(candidates), kind="stable")[: options.hard_negatives]
    chosen = candidates.take(np.sort(best))
    return dataclasses.replace(chosen, labels=np.zeros(len(chosen), np.uint8))


def _positives(sources: Sources) -> Pairs:
    positives = Pairs([], [])
    for source in sources.trained:
        positives = join_pairs(positives, source.positives)
    return positives


def _guarded(pairs: Sequence[tuple[str, str]], guard: Guard, name: str) -> Pairs:
    """Return distinct pairs of known letters that do not leak."""
    distinct = [pair for pair in dict.fromkeys(pairs) if set(pair[1]) <= set("AUCG")]
    found = Pairs([mirna for mirna, _ in distinct], [target for _, target in distinct])
    return found.take(np.flatnonzero(~guard.leaks(found, name)))


def _random(drawing: Drawing, count: int) -> list[tuple[str, str]]:
    return [(drawing.mirna(), drawing.window()) for _ in range(count)]


def _with_seed(drawing: Drawing, count: int) -> list[tuple[str, str]]:
    """Draw windows with a site of 6 or 7 letters of the seed, anywhere in them."""
    made = []
    for number in range(count):
        mirna = drawing.mirna()
        site = seed_site(mirna, SEED if number % 2 else SEED_6MER)
        for _ in range(_TRIES):
            transcript = drawing.transcript()
            first = int(drawing.rng.integers(len(transcript)))
            found = transcript.find(site, first)
            if found < 0:
                found = transcript.find(site)
            if found >= 0:
                made.append((mirna, _around(transcript, found, len(site), drawing)))
                break
    return made


def _around(transcript: str, site: int, length: int, drawing: Drawing) -> str:
    """Return a window that holds a site, at a random position."""
    lowest = max(0, site + length - WINDOW)
    highest = min(site, len(transcript) - WINDOW)
    start = int(drawing.rng.integers(lowest, highest + 1))
    return transcript[start : start + WINDOW]


def _duplexes(candidates: int) -> Callable[[Drawing, int], list[tuple[str, str]]]:
    """Return a function that draws windows and keeps the most complementary ones."""

    def draw(drawing: Drawing, count: int) -> list[tuple[str, str]]:
        mirnas = [drawing.mirna() for _ in range(count)]
        windows = [[drawing.window() for _ in range(candidates)] for _ in range(count)]
        return _best_duplexes(mirnas, windows)

    return draw


def _best_duplexes(
    mirnas: Sequence[str], windows: Sequence[Sequence[str]]
) -> list[tuple[str, str]]:
    """Return each miRNA with the most complementary of its windows."""
    candidates = len(windows[0])
    scores = complementarity.score_pairs(
        [mirna for mirna in mirnas for _ in range(candidates)],
        [window for row in windows for window in row],
    )
    best = scores.reshape(-1, candidates).argmax(axis=1)
    return [
        (mirna, row[number])
        for mirna, row, number in zip(mirnas, windows, best, strict=True)
    ]


def _sites(positives: Pairs) -> Callable[[Drawing, int], list[tuple[str, str]]]:
    """Return a function that moves sites of positives within their windows.

    Letters that are not known are taken from a random window.
    """

    def draw(drawing: Drawing, count: int) -> list[tuple[str, str]]:
        made = []
        for number in range(count):
            row = int(drawing.rng.integers(len(positives)))
            site = positives.targets[row]
            moved = int(drawing.rng.integers(-_LONGEST_SHIFT, _LONGEST_SHIFT + 1))
            other = drawing.window()
            if moved >= 0:
                target = (other[:moved] + site)[: len(site)]
            else:
                target = (site + other[:-moved])[-len(site) :]
            own = number % 2 == 0
            mirna = positives.mirnas[row]
            if not own:
                mirna = drawing.observed[
                    int(drawing.rng.integers(len(drawing.observed)))
                ]
            made.append((mirna, target))
        return made

    return draw
