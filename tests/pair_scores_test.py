"""Tests that alignment scores bound what blastn reports, against real programs."""

import numpy as np
import pytest
from Bio import Align
from blast_tools import make_database, plain_lines
from mutations import edited, random_sequence

from mirjax.alignment.smith_waterman import score_pairs
from mirjax.blast import pair_scores, words
from mirjax.blast.pair_scores import Candidates, have_high_scores, pair_scoring
from mirjax.blast.requirements import find_requirements, required_score
from mirjax.blast.settings import BlastSettings
from mirjax.blast.statistics import DatabaseSize
from mirjax.sequences import alphabet, pairing
from mirjax.sequences.fasta import write_fasta
from mirjax.sequences.records import SequenceRecord

# Affine gaps, greedy and not; gaps that cost half points; linear gaps; even scores.
COSTS = [
    ("megablast", 1, -2, 5, 2),
    ("megablast", 1, -2, 0, 0),
    ("megablast", 2, -5, 0, 0),
    ("blastn", 1, -1, 2, 1),
    ("blastn", 2, -3, 0, 4),
]


def records(sequences):
    return [SequenceRecord(f"{n}", s) for n, s in enumerate(sequences)]


@pytest.fixture(scope="module")
def subjects():
    rng = np.random.default_rng(0)
    return [random_sequence(rng, int(n)) for n in rng.integers(16, 36, 120)]


@pytest.fixture(scope="module")
def queries(subjects):
    """Return queries that differ from a subject by many gaps and mismatches."""
    rng = np.random.default_rng(1)
    made = [edited(rng, s, int(rng.integers(7)))[:36] for s in subjects * 2]
    made += [pairing.reverse_complement(s) for s in made[:60]]
    made += [random_sequence(rng, int(n)) for n in rng.integers(16, 30, 60)]
    return list(dict.fromkeys(made))


@pytest.fixture(scope="module")
def folder(tmp_path_factory, subjects, queries):
    folder = tmp_path_factory.mktemp("pairs")
    write_fasta(folder / "db.fa", records(subjects))
    write_fasta(folder / "q.fa", records(queries))
    make_database(folder)
    return folder


def settings_of(costs, **changed):
    task, reward, penalty, gapopen, gapextend = costs
    return BlastSettings(
        task=task,
        reward=reward,
        penalty=penalty,
        gapopen=gapopen,
        gapextend=gapextend,
        **{"word_size": 5, "strand": "both", "dust": False} | changed,
    )


@pytest.mark.slow
@pytest.mark.parametrize("costs", COSTS, ids=str)
def test_no_reported_alignment_has_a_higher_score(folder, queries, subjects, costs):
    settings = settings_of(costs, evalue=100.0)
    columns = "6 qseqid sseqid sstrand gaps score"
    rows = [
        line.decode().split("\t")
        for line in plain_lines(folder, settings.arguments(), columns)
    ]
    with_gaps = sum(int(row[3]) > 0 for row in rows)
    assert len(rows) > 300
    assert with_gaps > 10
    scoring, factor = pair_scoring(settings)
    turned = [pairing.reverse_complement(query) for query in queries]
    pairs = [
        (int(query) + len(queries) * (strand == "minus"), int(subject))
        for query, subject, strand, *_ in rows
    ]
    best = score_pairs(queries + turned, subjects, scoring, pairs=np.array(pairs))
    reported = np.array([int(row[4]) for row in rows])
    # Greedy alignments without gap costs may have been rounded up by half a point.
    allowed = factor == 2
    assert (factor * (reported - allowed) <= best).all()
    # The bound is no looser than it need be.
    assert (best <= factor * reported).mean() > 0.7


def best_score(aligner, query, subjects, word):
    """Return the best score with a subject that shares a word, 0 without one."""
    own = {query[n : n + word] for n in range(len(query) - word + 1)}
    return max(
        (
            aligner.score(query, subject)
            for subject in subjects
            if any(text in subject for text in own)
        ),
        default=0,
    )


@pytest.mark.parametrize("costs", COSTS[:2], ids=str)
@pytest.mark.parametrize("strand", ["plus", "both"])
def test_queries_are_kept_by_their_best_score(queries, subjects, costs, strand):
    settings = settings_of(costs, strand=strand, evalue=0.01)
    size = DatabaseSize(sum(map(len, subjects)), len(subjects))
    _, reward, penalty, gapopen, gapextend = costs
    gaps = (gapopen + gapextend, gapextend)
    if not any(gaps):
        gaps = (reward / 2 - penalty,) * 2
    aligner = Align.PairwiseAligner(
        mode="local",
        match_score=reward,
        mismatch_score=penalty,
        open_gap_score=-gaps[0],
        extend_gap_score=-gaps[1],
    )
    by_length = [[q for q in queries if len(q) == n] for n in (18, 22, 23)]
    candidates, expected = [], []
    for found in by_length:
        length = len(found[0])
        score = required_score(settings, length, size)
        word = min(r.word for r in find_requirements(settings, length, size))
        candidates.append(Candidates(alphabet.encode(found, length), word, score))
        for query in found:
            both = [query, pairing.reverse_complement(query)]
            searched = both if strand == "both" else both[:1]
            best = max(best_score(aligner, s, subjects, word) for s in searched)
            expected.append(best >= score)
    index = words.build_index(words.join_letters(subjects))
    kept, counts = have_high_scores(index, candidates, settings)
    assert list(map(len, kept)) == list(map(len, by_length))
    assert np.concatenate(kept).tolist() == expected
    assert 3 < sum(expected) < len(expected) - 3
    assert counts.dropped == counts.scored - sum(expected) or counts.dropped > 0


def test_pairs_with_long_sequences_are_kept_without_a_score(monkeypatch, subjects):
    query = "GGGCCCGGGAUAUAUA"
    texts = [*subjects, query[:7] + subjects[0]]
    index = words.build_index(words.join_letters(texts))
    found = Candidates(alphabet.encode([query], len(query)), 7, 16)
    settings = BlastSettings()
    kept, counts = have_high_scores(index, [found], settings)
    assert not kept[0].any()
    assert counts.scored == counts.dropped > 0
    monkeypatch.setattr(pair_scores, "LONGEST_SUBJECT", 15)
    kept, counts = have_high_scores(index, [found], settings)
    assert kept[0].all()
    assert counts.scored == 0


def test_pairs_are_scored_in_parts(monkeypatch, queries, subjects):
    index = words.build_index(words.join_letters(subjects))
    tokens = alphabet.encode([q for q in queries if len(q) == 22], 22)
    candidates = [Candidates(tokens, 5, 12)]
    whole, _ = have_high_scores(index, candidates, BlastSettings())
    monkeypatch.setattr(pair_scores, "_PAIRS", 10)
    monkeypatch.setattr(pair_scores, "_QUERIES", 5)
    parts, _ = have_high_scores(index, candidates, BlastSettings())
    assert parts[0].tolist() == whole[0].tolist()
