"""Tests that the prefilter loses no hit, against real blastn and plain loops."""

import subprocess

import numpy as np
import pytest
from mutations import edited, random_sequence

from mirjax.blast import requirements, words
from mirjax.blast.requirements import (
    Requirement,
    best_segments,
    find_requirements,
    satisfies,
)
from mirjax.blast.settings import BlastSettings
from mirjax.blast.statistics import DatabaseSize
from mirjax.sequences import alphabet, pairing

COSTS = [
    (1, -2, 5, 2),
    (1, -2, 0, 0),
    (1, -2, 1, 1),
    (1, -1, 2, 1),
    (1, -3, 2, 2),
    (2, -3, 5, 2),
    (2, -3, 0, 4),
    (2, -5, 0, 0),
    (3, -4, 6, 2),
    (4, -5, 3, 5),
    (5, -4, 8, 6),
]


@pytest.fixture(scope="module")
def subjects():
    rng = np.random.default_rng(0)
    some = [random_sequence(rng, int(n)) for n in rng.integers(15, 60, 300)]
    return [*some, random_sequence(rng, 1500), "AC" * 15, "A" * 30]


@pytest.fixture(scope="module")
def queries(subjects):
    """Return distinct queries from nearly equal to subjects to unrelated to them."""
    rng = np.random.default_rng(1)
    made = [
        edited(rng, subjects[int(rng.integers(len(subjects) - 3))], int(edits))
        for edits in rng.integers(0, 9, 400)
    ]
    made += [pairing.reverse_complement(s) for s in made[:100]]
    made += [random_sequence(rng, int(n)) for n in rng.integers(12, 40, 200)]
    made += ["AC" * 11, "A" * 25, subjects[3] + subjects[4] + random_sequence(rng, 200)]
    return list(dict.fromkeys(made))


@pytest.fixture(scope="module")
def folder(tmp_path_factory, subjects, queries):
    folder = tmp_path_factory.mktemp("prefilter")
    for name, sequences in (("db", subjects), ("q.fa", queries)):
        (folder / name).write_text(
            "".join(f">{n}\n{s}\n" for n, s in enumerate(sequences))
        )
    subprocess.run(
        ["makeblastdb", "-in", folder / "db", "-dbtype", "nucl"],
        check=True,
        capture_output=True,
    )
    return folder


@pytest.fixture(scope="module")
def index(subjects):
    return words.build_index(words.join_letters(subjects))


def passing(index, sequences, subjects, settings):
    size = DatabaseSize(sum(map(len, subjects)), len(subjects))
    found = set()
    for length in set(map(len, sequences)):
        numbers = [n for n, s in enumerate(sequences) if len(s) == length]
        of_length = find_requirements(settings, length, size)
        tokens = alphabet.encode([sequences[n] for n in numbers], length)
        passes = satisfies(index, tokens, of_length, settings).satisfied
        found |= {n for n, is_found in zip(numbers, passes, strict=True) if is_found}
    return found


@pytest.mark.slow
@pytest.mark.parametrize("costs", COSTS, ids=str)
def test_no_query_with_a_hit_is_lost(folder, index, queries, subjects, costs):
    rng = np.random.default_rng(abs(hash(costs)) % 1000)
    reward, penalty, gapopen, gapextend = costs
    total = dropped = 0
    for evalue in (1e-6, 1e-3, 0.1, 3.0):
        is_greedy = gapopen == gapextend == 0 or rng.integers(2)
        settings = BlastSettings(
            task="megablast" if is_greedy else "blastn",
            word_size=int(rng.choice([4, 5, 6, 7, 8, 11, 13, 18])),
            reward=reward,
            penalty=penalty,
            gapopen=gapopen,
            gapextend=gapextend,
            strand=str(rng.choice(["plus", "both"])),
            evalue=evalue,
            dust=bool(rng.integers(2)),
        )
        command = ["blastn", "-query", "q.fa", "-db", "db", "-outfmt", "6 qseqid"]
        output = subprocess.run(
            command + settings.arguments(),
            cwd=folder,
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        found = set(map(int, output.split()))
        remaining = passing(index, queries, subjects, settings)
        assert found <= remaining, settings
        total += len(found)
        dropped += len(queries) - len(remaining)
    assert total > 200
    assert dropped > 200


def test_few_unrelated_queries_pass(index, subjects):
    rng = np.random.default_rng(5)
    unrelated = [random_sequence(rng, 22) for _ in range(400)]
    settings = BlastSettings(evalue=1e-4)
    assert len(passing(index, unrelated, subjects, settings)) < 8


def enumerated_requirements(score, reward, penalty, gap, length):
    """Return the least longest run over all alignments, without and with gaps."""
    runs = {False: [], True: []}
    for matches in range(1, length + 1):
        for mismatches in range(length - matches + 1):
            for gaps in range(length):
                if reward * matches - penalty * mismatches - gap * gaps < score:
                    break
                pieces = mismatches + gaps + 1
                runs[gaps > 0].append(-(-matches // pieces))
    return [min(found, default=None) for found in (runs[False], runs[True])]


@pytest.mark.parametrize("costs", [(1, -2, 5, 2), (1, -1, 2, 1), (2, -3, 5, 2)])
@pytest.mark.parametrize("length", [15, 18, 22, 26, 34])
def test_requirements_are_the_least_of_all_alignments(monkeypatch, costs, length):
    reward, penalty, gapopen, gapextend = costs
    settings = BlastSettings("megablast", 4, *costs)
    for score in range(8, reward * length + 3):
        monkeypatch.setattr(requirements, "least_score", lambda *_, score=score: score)
        found = find_requirements(settings, length, DatabaseSize(10**6, 10**4))
        gapless, gapped = enumerated_requirements(
            score, reward, -penalty, gapopen + gapextend, length
        )
        expected = []
        if gapless is not None:
            seed = Requirement(4, reward * 4)
            expected.append(Requirement(gapless, score) if gapless >= 4 else seed)
        if gapped is not None:
            expected.append(Requirement(max(gapped, 4), reward * max(gapped, 4)))
        assert list(found) == list(dict.fromkeys(expected))


def test_best_segments_equal_a_plain_loop(index, subjects):
    rng = np.random.default_rng(6)
    settings = BlastSettings(reward=2, penalty=-3)
    queries = [edited(rng, s[:20].ljust(20, "G"), 2)[:16] for s in subjects[:25]]
    queries = [query.ljust(16, "U") for query in queries]
    word = 5
    best, occurrences = best_segments(
        index, alphabet.encode(queries, 16), word, settings
    )
    assert occurrences > 40
    for query, ours in zip(queries, best, strict=True):
        expected = 0
        for subject in subjects:
            for shift in range(-len(query), len(subject)):
                pairs = [
                    query[i] == subject[i + shift]
                    for i in range(len(query))
                    if 0 <= i + shift < len(subject)
                ]
                if "1" * word not in "".join("01"[same] for same in pairs):
                    continue
                score = 0
                for same in pairs:
                    score = max(0, score + (2 if same else -3))
                    expected = max(expected, score)
        # A word cut short by a sequence's end may add diagonals, never take any.
        assert ours >= expected
        assert ours == expected or ours < 2 * word
