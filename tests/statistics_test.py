"""Tests of the statistics of scores against the values that blastn prints."""

import dataclasses
import re
import subprocess

import numpy as np
import pytest

from mirjax.blast.settings import BlastSettings
from mirjax.blast.statistics import (
    DatabaseSize,
    evalue,
    least_score,
    length_adjustment,
    search_space,
)

LENGTHS = (12, 18, 22, 25, 33, 60, 130, 400, 1500)
# E-value → the last digit that blastn prints of those below.
PRINTED = {9e-4: 0, 0.1: 0.001, 1: 0.01, 10: 0.1, float("inf"): 1}
NAMES = ("reward", "penalty", "gapopen", "gapextend")
SIZES = {"small": (40, 30), "large": (22, 4000)}
COSTS = [
    (1, -2, 5, 2),  # beyond the table: parameters without gaps
    (1, -2, 1, 1),
    (1, -2, 0, 0),  # megablast's own cost of gaps
    (1, -1, 5, 2),
    (1, -1, 2, 1),
    (1, -3, 2, 2),
    (1, -4, 0, 2),
    (1, -5, 3, 3),
    (2, -3, 6, 4),
    (2, -3, 5, 2),
    (2, -5, 2, 4),
    (2, -7, 0, 0),
    (2, -4, 6, 2),  # multiples of 1/-2 and of 2/-3
    (4, -6, 12, 8),
    (6, -9, 18, 12),
    (3, -2, 5, 5),
    (3, -4, 6, 2),
    (4, -5, 6, 5),
    (5, -4, 25, 10),
]


def settings_of(reward, penalty, gapopen, gapextend, **others):
    task = "blastn" if gapopen or gapextend else "megablast"
    return BlastSettings(
        task=task,
        reward=reward,
        penalty=penalty,
        gapopen=gapopen,
        gapextend=gapextend,
        **others,
    )


def random_sequence(rng, length):
    return "".join(rng.choice(list("ACGU"), length))


def write_fasta(path, sequences):
    path.write_text("".join(f">s{n}\n{s}\n" for n, s in enumerate(sequences)))
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("statistics")
    rng = np.random.default_rng(0)
    write_fasta(folder / "q.fa", [random_sequence(rng, n) for n in LENGTHS])
    for name, (length, number) in SIZES.items():
        write_fasta(
            folder / name, [random_sequence(rng, length) for _ in range(number)]
        )
        subprocess.run(
            ["makeblastdb", "-in", folder / name, "-dbtype", "nucl"],
            check=True,
            capture_output=True,
        )
    return folder


def blastn(folder, database, settings, *options):
    """Run blastn with settings, then options that override them."""
    words = [*settings.arguments(), *options]
    values = dict(zip(words[::2], words[1::2], strict=True))
    arguments = [word for option in values.items() for word in option]
    run = subprocess.run(
        ["blastn", "-query", "q.fa", "-db", database, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
    )
    return run.stdout, run.stderr


@pytest.mark.parametrize("costs", COSTS, ids=str)
def test_parameters_and_search_space_are_blastn_s(folder, costs):
    settings = settings_of(*costs, evalue=1e-180, word_size=28)
    statistics = settings.statistics
    for name, (length, number) in SIZES.items():
        output, _ = blastn(folder, name, settings, "-outfmt", "5")
        printed = {
            tag: [float(x) for x in re.findall(f"<Statistics_{tag}>(.*?)<", output)]
            for tag in ("kappa", "lambda", "hsp-len", "eff-space")
        }
        assert len(printed["kappa"]) == len(LENGTHS)
        assert statistics.scale == pytest.approx(printed["kappa"][0], rel=1e-6)
        assert statistics.decay == pytest.approx(printed["lambda"][0], rel=1e-9)
        size = DatabaseSize(length * number, number)
        assert printed["hsp-len"] == [
            length_adjustment(statistics, n, size) for n in LENGTHS
        ]
        assert printed["eff-space"] == [
            search_space(statistics, n, size) for n in LENGTHS
        ]


@pytest.mark.slow
@pytest.mark.parametrize("costs", COSTS, ids=str)
def test_evalues_and_the_least_score_are_blastn_s(folder, costs):
    """Every row's E-value follows from its score; those at most E are rows."""
    settings = settings_of(*costs, evalue=1e3, word_size=7, max_target_seqs=5000)
    statistics = settings.statistics
    length, number = SIZES["large"]
    output, _ = blastn(folder, "large", settings, "-outfmt", "6 qlen score evalue")
    rows = {tuple(map(float, line.split())) for line in output.splitlines()}
    assert len({row[1] for row in rows}) > 4
    size = DatabaseSize(length * number, number)
    for query_length, score, expected in rows:
        space = search_space(statistics, int(query_length), size)
        # blastn prints fewer digits the higher an E-value is.
        step = next(s for e, s in PRINTED.items() if expected < e)
        ours = evalue(statistics, int(score), space)
        assert ours == pytest.approx(expected, rel=0.006, abs=0.51 * step)

    scores = sorted({int(row[1]) for row in rows if row[0] == LENGTHS[4]})
    limit = scores[len(scores) // 2]
    space = search_space(statistics, LENGTHS[4], size)
    highest = evalue(statistics, limit, space)
    assert least_score(statistics, highest * 1.0001, space) <= limit
    strict = dataclasses.replace(settings, evalue=highest * 1.0001)
    output, _ = blastn(folder, "large", strict, "-outfmt", "6 qlen score")
    left = [int(s) for n, s in map(str.split, output.splitlines()) if int(n) == 33]
    least = least_score(statistics, strict.evalue, space)
    assert min(left) >= least
    assert evalue(statistics, least, space) <= strict.evalue
    below = least - (2 if statistics.even_scores else 1)
    assert below < 1 or evalue(statistics, below, space) > strict.evalue


@pytest.mark.parametrize(
    "costs",
    [(1, -2, 1, 7), (1, -2, 0, 1), (2, -3, 1, 1), (1, -1, 0, 0), (7, -3, 9, 9)],
    ids=str,
)
def test_what_blastn_refuses_is_refused(folder, costs):
    task = "blastn" if any(costs[2:]) else "megablast"
    options = ["-task", task]
    for name, cost in zip(NAMES, costs, strict=True):
        options += [f"-{name}", str(cost)]
    _, error = blastn(folder, "small", BlastSettings(), *options)
    assert "not supported" in error
    with pytest.raises(ValueError, match=r"--(gapopen|reward)=\d .*choose") as info:
        settings_of(*costs)
    # The remedy works: blastn accepts every gap cost that the message offers.
    for gapopen, gapextend in re.findall(r"\b(\d+)/(\d+)\b", str(info.value)):
        offered = settings_of(*costs[:2], int(gapopen), int(gapextend))
        assert blastn(folder, "small", offered)[1] == ""


def test_gaps_without_cost_need_megablast(folder):
    options = ["-task", "blastn", "-gapopen", "0", "-gapextend", "0"]
    _, error = blastn(folder, "small", BlastSettings(), *options)
    assert "Greedy extension" in error
    with pytest.raises(ValueError, match="--gapopen=0"):
        BlastSettings(task="blastn", gapopen=0, gapextend=0)
